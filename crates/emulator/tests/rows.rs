//! Canonical rows for prepared results.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, StructArray, Time64NanosecondArray,
};
use arrow_schema::{DataType, Field, Fields};
use emulator::outcome::{Column, Rows, SnowType};

pub(crate) const TEXT: SnowType = SnowType::Text { length: 16_777_216 };
pub(crate) const INTEGER: SnowType = SnowType::Fixed { precision: 38, scale: 0 };

/// One result of one column.
pub(crate) fn one_column(ty: SnowType, array: ArrayRef) -> (Vec<Column>, Vec<RecordBatch>) {
    columns(vec![("C", ty, array)])
}

pub(crate) fn columns(parts: Vec<(&str, SnowType, ArrayRef)>) -> (Vec<Column>, Vec<RecordBatch>) {
    let (columns, arrays): (Vec<Column>, Vec<ArrayRef>) =
        parts.into_iter().map(|(name, ty, array)| (Column::new(name, ty), array)).unzip();
    let batch = RecordBatch::try_new(Rows::schema(&columns), arrays).unwrap();
    (columns, vec![batch])
}

pub(crate) fn integers(values: impl IntoIterator<Item = Option<i128>>) -> ArrayRef {
    decimals(values, 38, 0)
}

pub(crate) fn decimals(values: impl IntoIterator<Item = Option<i128>>, precision: u8, scale: i8) -> ArrayRef {
    let array: Decimal128Array = values.into_iter().collect();
    Arc::new(array.with_precision_and_scale(precision, scale).unwrap())
}

pub(crate) fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(crate) fn reals(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

pub(crate) fn booleans(values: &[Option<bool>]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

pub(crate) fn dates(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Date32Array::from(values.to_vec()))
}

pub(crate) fn times(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Time64NanosecondArray::from(values.to_vec()))
}

pub(crate) fn binaries(values: &[Option<&[u8]>]) -> ArrayRef {
    Arc::new(BinaryArray::from(values.to_vec()))
}

/// Seconds and nanoseconds; null structs have zeros inside.
pub(crate) fn instants(values: &[Option<(i64, i32)>]) -> ArrayRef {
    let epoch: Int64Array = values.iter().map(|value| Some(value.unwrap_or_default().0)).collect();
    let fraction: Int32Array = values.iter().map(|value| Some(value.unwrap_or_default().1)).collect();
    let fields = Fields::from(vec![
        Field::new("epoch", DataType::Int64, false),
        Field::new("fraction", DataType::Int32, false),
    ]);
    let nulls = values.iter().map(Option::is_some).collect::<Vec<_>>().into();
    Arc::new(StructArray::new(fields, vec![Arc::new(epoch), Arc::new(fraction)], Some(nulls)))
}

/// Seconds, nanoseconds and the zone's offset in minutes.
pub(crate) fn zoned_instants(values: &[Option<(i64, i32, i32)>]) -> ArrayRef {
    let epoch: Int64Array = values.iter().map(|value| Some(value.unwrap_or_default().0)).collect();
    let fraction: Int32Array = values.iter().map(|value| Some(value.unwrap_or_default().1)).collect();
    let offset: Int32Array = values.iter().map(|value| Some(value.unwrap_or_default().2)).collect();
    let fields = Fields::from(vec![
        Field::new("epoch", DataType::Int64, false),
        Field::new("fraction", DataType::Int32, false),
        Field::new("offset_minutes", DataType::Int32, false),
    ]);
    let nulls = values.iter().map(Option::is_some).collect::<Vec<_>>().into();
    let columns: Vec<ArrayRef> = vec![Arc::new(epoch), Arc::new(fraction), Arc::new(offset)];
    Arc::new(StructArray::new(fields, columns, Some(nulls)))
}
