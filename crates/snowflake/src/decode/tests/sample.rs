//! The service's side for tests: values written in each of the physical forms that it may send, and read back.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, FixedSizeListBuilder, Float32Builder, Int32Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow_buffer::NullBuffer;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use bytes::Bytes;

use crate::column::{Column, ColumnType, VectorElement};
use crate::decode::{DecodeOptions, Decoded, Decoder, Encoding};
use crate::error::Result;

/// One value, whatever it travels as.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    /// An integer, or the unscaled integer of a decimal.
    Int(i128),
    /// The bits of a double, so that NaN equals itself.
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    Days(i32),
    /// Nanoseconds of a day or since 1970.
    Nanos(i128),
    /// Nanoseconds since 1970 and minutes east of UTC.
    Zoned(i128, i16),
    Ints(Vec<i32>),
    Floats(Vec<f32>),
    /// Significand and exponent of a decimal float.
    Decimal(i128, i16),
}

/// A physical Arrow form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Physical {
    /// The one form of a type that has no choice.
    Plain,
    Int8,
    Int16,
    Int32,
    Int64,
    Decimal128,
    /// A struct of whole seconds and nanoseconds.
    Struct,
    /// A dictionary of the plain form.
    Dictionary,
}

impl Physical {
    /// The forms that the service may choose from for `ty`.
    pub(crate) fn all(ty: ColumnType) -> &'static [Self] {
        use Physical::*;
        match ty {
            ColumnType::Fixed { .. } | ColumnType::IntervalDayTime => {
                &[Int8, Int16, Int32, Int64, Decimal128]
            }
            ColumnType::IntervalYearMonth => &[Int32, Int64, Decimal128],
            ColumnType::Time { .. } => &[Int32, Int64],
            ColumnType::TimestampNtz { .. } | ColumnType::TimestampLtz { .. } => &[Int64, Struct],
            ColumnType::TimestampTz { .. } => &[Int64, Struct],
            ColumnType::Text { .. } => &[Plain, Dictionary],
            _ => &[Plain],
        }
    }
}

/// A field as the service describes it, with the scale in the metadata only.
fn field(column: &Column, array: &ArrayRef) -> Field {
    let scale = match column.ty {
        ColumnType::Fixed { scale, .. }
        | ColumnType::Time { scale }
        | ColumnType::TimestampNtz { scale }
        | ColumnType::TimestampLtz { scale }
        | ColumnType::TimestampTz { scale } => scale,
        _ => 0,
    };
    let metadata = HashMap::from([
        ("logicalType".to_owned(), "ANY".to_owned()),
        ("scale".to_owned(), scale.to_string()),
    ]);
    Field::new(&column.name, array.data_type().clone(), true).with_metadata(metadata)
}

/// One IPC stream with one batch for each element of `batches`.
pub(crate) fn ipc(columns: &[Column], batches: &[Vec<ArrayRef>]) -> Vec<u8> {
    let fields: Vec<_> =
        columns.iter().zip(&batches[0]).map(|(column, array)| field(column, array)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    for arrays in batches {
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), arrays.clone()).unwrap()).unwrap();
    }
    writer.into_inner().unwrap()
}

/// JSON rows without the outer brackets.
pub(crate) fn json(ty: ColumnType, values: &[Option<Value>]) -> Vec<u8> {
    let rows: Vec<_> = values
        .iter()
        .map(|value| [value.as_ref().map(|value| text(ty, value))])
        .map(|row| serde_json::to_string(&row).unwrap())
        .collect();
    rows.join(",").into_bytes()
}

pub(crate) fn decode(
    columns: &[Column],
    encoding: Encoding,
    body: Vec<u8>,
    options: &DecodeOptions,
) -> Result<Decoded> {
    let bytes_max = body.len() as u64;
    Decoder::new(columns, encoding, 1, options)?.decode(Bytes::from(body).into(), bytes_max)
}

/// Decodes one column of `values` sent in `physical`, or `None` where they do not fit that form.
pub(crate) fn through_arrow(
    ty: ColumnType,
    values: &[Option<Value>],
    physical: Physical,
    options: &DecodeOptions,
) -> Option<Result<Decoded>> {
    let columns = [Column::new("C", ty)];
    let array = arrow(ty, values, physical)?;
    Some(decode(&columns, Encoding::Arrow, ipc(&columns, &[vec![array]]), options))
}

pub(crate) fn through_json(
    ty: ColumnType,
    values: &[Option<Value>],
    options: &DecodeOptions,
) -> Result<Decoded> {
    decode(&[Column::new("C", ty)], Encoding::Json, json(ty, values), options)
}

/// `values` in the form `physical`, or `None` where they do not fit it.
pub(crate) fn arrow(ty: ColumnType, values: &[Option<Value>], physical: Physical) -> Option<ArrayRef> {
    match ty {
        ColumnType::Fixed { .. } | ColumnType::IntervalYearMonth | ColumnType::IntervalDayTime => {
            integers(values.iter().map(|value| value.as_ref().map(int)).collect(), physical)
        }
        ColumnType::Time { scale } => integers(scaled(values, scale), physical),
        ColumnType::TimestampNtz { scale } | ColumnType::TimestampLtz { scale } => match physical {
            Physical::Struct => Some(parts(values, None)),
            _ => integers(scaled(values, scale), physical),
        },
        ColumnType::TimestampTz { scale } => match physical {
            Physical::Struct => Some(parts(values, Some(zones(values)))),
            _ => {
                let epoch = integers(scaled(values, scale), Physical::Int64)?;
                Some(structure(values, vec![("epoch", epoch), ("timezone", zones(values))]))
            }
        },
        _ => Some(plain(ty, values, physical)),
    }
}

fn plain(ty: ColumnType, values: &[Option<Value>], physical: Physical) -> ArrayRef {
    let present = values.iter().map(Option::as_ref);
    match ty {
        ColumnType::Boolean => Arc::new(
            present.map(|value| value.map(|value| *value == Value::Bool(true))).collect::<BooleanArray>(),
        ),
        ColumnType::Float => Arc::new(present.map(|value| value.map(float)).collect::<Float64Array>()),
        ColumnType::Date => Arc::new(present.map(|value| value.map(days)).collect::<Date32Array>()),
        ColumnType::Binary { .. } => Arc::new(present.map(|value| value.map(bytes)).collect::<BinaryArray>()),
        ColumnType::Decfloat => decfloats(values),
        ColumnType::Vector { element: VectorElement::Int, dimension } => {
            let mut builder =
                FixedSizeListBuilder::new(Int32Builder::new(), i32::from(dimension.cast_signed()));
            for value in values {
                match value {
                    Some(Value::Ints(elements)) => builder.values().append_slice(elements),
                    _ => builder.values().append_nulls(usize::from(dimension)),
                }
                builder.append(value.is_some());
            }
            Arc::new(builder.finish())
        }
        ColumnType::Vector { element: VectorElement::Float, dimension } => {
            let mut builder =
                FixedSizeListBuilder::new(Float32Builder::new(), i32::from(dimension.cast_signed()));
            for value in values {
                match value {
                    Some(Value::Floats(elements)) => builder.values().append_slice(elements),
                    _ => builder.values().append_nulls(usize::from(dimension)),
                }
                builder.append(value.is_some());
            }
            Arc::new(builder.finish())
        }
        _ => {
            let texts = present.map(|value| value.map(|value| text(ty, value)));
            if physical == Physical::Dictionary {
                let texts: Vec<_> = texts.collect();
                let dictionary: arrow_array::DictionaryArray<Int32Type> =
                    texts.iter().map(Option::as_deref).collect();
                return Arc::new(dictionary);
            }
            Arc::new(texts.collect::<StringArray>())
        }
    }
}

fn integers(values: Vec<Option<i128>>, physical: Physical) -> Option<ArrayRef> {
    fn narrow<T: TryFrom<i128>>(values: &[Option<i128>]) -> Option<Vec<Option<T>>> {
        values
            .iter()
            .map(|value| value.map(|value| T::try_from(value).ok()).map_or(Some(None), |v| v.map(Some)))
            .collect()
    }
    Some(match physical {
        Physical::Int8 => Arc::new(Int8Array::from(narrow(&values)?)),
        Physical::Int16 => Arc::new(Int16Array::from(narrow(&values)?)),
        Physical::Int32 => Arc::new(Int32Array::from(narrow(&values)?)),
        Physical::Int64 => Arc::new(Int64Array::from(narrow(&values)?)),
        _ => Arc::new(Decimal128Array::from(values)),
    })
}

fn scaled(values: &[Option<Value>], scale: u8) -> Vec<Option<i128>> {
    let divisor = 10_i128.pow(9 - u32::from(scale));
    values.iter().map(|value| value.as_ref().map(|value| nanos(value) / divisor)).collect()
}

fn parts(values: &[Option<Value>], zones: Option<ArrayRef>) -> ArrayRef {
    let billion = 1_000_000_000;
    // Null structs carry nonsense, as the service's may.
    let epoch = values.iter().map(|value| {
        value.as_ref().map_or(i64::MAX, |value| i64::try_from(nanos(value).div_euclid(billion)).unwrap())
    });
    let fraction = values.iter().map(|value| {
        value.as_ref().map_or(-7, |value| i32::try_from(nanos(value).rem_euclid(billion)).unwrap())
    });
    let mut children: Vec<(_, ArrayRef)> = vec![
        ("epoch", Arc::new(epoch.collect::<Int64Array>())),
        ("fraction", Arc::new(fraction.collect::<Int32Array>())),
    ];
    children.extend(zones.map(|zones| ("timezone", zones)));
    structure(values, children)
}

fn zones(values: &[Option<Value>]) -> ArrayRef {
    let zone = |value: &Option<Value>| match value {
        Some(Value::Zoned(_, minutes)) => i32::from(*minutes) + 1440,
        _ => -1,
    };
    Arc::new(values.iter().map(zone).collect::<Int32Array>())
}

fn decfloats(values: &[Option<Value>]) -> ArrayRef {
    let number = |value: &Option<Value>| match value {
        Some(Value::Decimal(significand, exponent)) => (*significand, *exponent),
        _ => (0, 0),
    };
    let exponents: Int16Array = values.iter().map(|value| Some(number(value).1)).collect();
    let mut significands = BinaryBuilder::new();
    values.iter().for_each(|value| significands.append_value(number(value).0.to_be_bytes()));
    structure(
        values,
        vec![("exponent", Arc::new(exponents)), ("significand", Arc::new(significands.finish()))],
    )
}

fn structure(values: &[Option<Value>], children: Vec<(&str, ArrayRef)>) -> ArrayRef {
    let fields: Fields =
        children.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let nulls = NullBuffer::from_iter(values.iter().map(Option::is_some));
    Arc::new(StructArray::new(fields, children.into_iter().map(|(_, array)| array).collect(), Some(nulls)))
}

/// The text form of a value in a JSON cell.
pub(crate) fn text(ty: ColumnType, value: &Value) -> String {
    match (value, ty) {
        (Value::Bool(value), _) => u8::from(*value).to_string(),
        (Value::Int(value), ColumnType::Fixed { scale, .. }) => decimal(*value, scale),
        (Value::Int(value), _) => value.to_string(),
        (Value::Float(bits), _) => match f64::from_bits(*bits) {
            value if value.is_nan() => "NaN".to_owned(),
            value => format!("{value:e}"),
        },
        (Value::Text(text), _) => text.clone(),
        (Value::Bytes(bytes), _) => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        (Value::Days(days), _) => days.to_string(),
        (Value::Nanos(nanos), _) => decimal(*nanos, 9),
        (Value::Zoned(nanos, minutes), _) => format!("{} {}", decimal(*nanos, 9), minutes + 1440),
        (Value::Ints(elements), _) => format!("{elements:?}"),
        (Value::Floats(elements), _) => format!("{elements:?}"),
        (Value::Decimal(significand, exponent), _) => format!("{significand}e{exponent}"),
    }
}

fn decimal(value: i128, scale: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs().to_string();
    let digits = format!("{digits:0>width$}", width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

fn int(value: &Value) -> i128 {
    let Value::Int(value) = value else { panic!("not an integer") };
    *value
}

fn float(value: &Value) -> f64 {
    let Value::Float(bits) = value else { panic!("not a float") };
    f64::from_bits(*bits)
}

fn days(value: &Value) -> i32 {
    let Value::Days(days) = value else { panic!("not a date") };
    *days
}

fn bytes(value: &Value) -> &[u8] {
    let Value::Bytes(bytes) = value else { panic!("not bytes") };
    bytes
}

fn nanos(value: &Value) -> i128 {
    match value {
        Value::Nanos(nanos) | Value::Zoned(nanos, _) => *nanos,
        other => panic!("not a time: {other:?}"),
    }
}

/// The values of a decoded column that has one array, or two for `TIMESTAMP_TZ`.
pub(crate) fn read_back(decoded: &Decoded) -> Vec<Option<Value>> {
    decoded
        .batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(|row| value_at(batch.columns(), row)))
        .collect()
}

pub(crate) fn value_at(arrays: &[ArrayRef], row: usize) -> Option<Value> {
    let array = &arrays[0];
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row).into()),
        DataType::Decimal128(_, _) => Value::Int(array.as_primitive::<Decimal128Type>().value(row)),
        DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Binary => Value::Bytes(array.as_binary::<i32>().value(row).to_owned()),
        DataType::Date32 => Value::Days(array.as_primitive::<Date32Type>().value(row)),
        DataType::FixedSizeList(item, _) => {
            let elements = array.as_fixed_size_list().value(row);
            match item.data_type() {
                DataType::Int32 => Value::Ints(elements.as_primitive::<Int32Type>().values().to_vec()),
                _ => Value::Floats(elements.as_primitive::<Float32Type>().values().to_vec()),
            }
        }
        data_type => {
            let counts = arrow_cast::cast(array, &DataType::Int64).unwrap();
            let count = i128::from(counts.as_primitive::<Int64Type>().value(row));
            let is_nanos = matches!(
                data_type,
                DataType::Time64(TimeUnit::Nanosecond) | DataType::Timestamp(TimeUnit::Nanosecond, _)
            );
            let nanos = if is_nanos { count } else { count * 1000 };
            match arrays.get(1) {
                Some(offsets) => Value::Zoned(nanos, offsets.as_primitive::<Int16Type>().value(row)),
                None => Value::Nanos(nanos),
            }
        }
    })
}
