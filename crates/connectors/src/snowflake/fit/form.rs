//! The form in which values stand in the file.

use std::sync::Arc;

use arrow_array::types::{
    Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float64Array, Int64Array, PrimitiveArray, StringArray,
};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, TimeUnit};
use model::{Error, Result};

use super::offset_text::offset_texts;
use super::scan::{DecimalScan, decimal_to_float, float_to_decimal, rescaled, typed, unexpected};

/// How the values of one column are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As they come.
    AsIs,
    /// Whole numbers as doubles.
    WholeAsFloat,
    /// Decimals with fewer digits behind the point.
    DecimalRescaled(DecimalScan),
    DecimalAsFloat {
        scale: u8,
    },
    FloatAsNumber {
        precision: u8,
        scale: u8,
    },
    Moment(Moment),
    /// Date, time and offset as text.
    OffsetText {
        unit_digits: u8,
        scale: u8,
    },
    /// Vectors as JSON arrays.
    VectorAsJson,
}

/// Moments cut to the column's digits behind the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub unit_digits: u8,
    pub scale: u8,
    pub form_type: DataType,
}

impl Form {
    /// The type in the file of values of this type.
    pub(super) fn file_type(&self, source: &DataType) -> DataType {
        match self {
            Form::AsIs => source.clone(),
            Form::WholeAsFloat | Form::DecimalAsFloat { .. } => DataType::Float64,
            Form::DecimalRescaled(scan) => decimal_type(scan.precision, scan.scale),
            Form::FloatAsNumber { precision, scale } => decimal_type(*precision, *scale),
            Form::Moment(moment) => moment.form_type.clone(),
            Form::OffsetText { .. } | Form::VectorAsJson => DataType::Utf8,
        }
    }

    /// Brings values that fit into this form.
    pub(super) fn apply(&self, arrays: &[ArrayRef]) -> Result<ArrayRef> {
        let Some(values) = arrays.first() else { return Err(unexpected("nothing")) };
        Ok(match self {
            Form::AsIs => Arc::clone(values),
            Form::WholeAsFloat => {
                let numbers: &Int64Array = typed(values)?;
                Arc::new(numbers.unary::<_, Float64Type>(|value| value as f64))
            }
            Form::DecimalRescaled(scan) => {
                let divisor = 10_i128.pow(u32::from(scan.source_scale.saturating_sub(scan.scale)));
                let numbers: &PrimitiveArray<Decimal128Type> = typed(values)?;
                decimals(numbers.unary(|value| rescaled(value, divisor)), scan.precision, scan.scale)?
            }
            Form::DecimalAsFloat { scale } => {
                let numbers: &PrimitiveArray<Decimal128Type> = typed(values)?;
                Arc::new(numbers.unary::<_, Float64Type>(|value| decimal_to_float(value, *scale)))
            }
            Form::FloatAsNumber { precision, scale } => {
                let numbers: &Float64Array = typed(values)?;
                // What did not fit is not here any more, and what lies under a NULL does not matter.
                let unscaled = |value| float_to_decimal(value, *precision, *scale, true).unwrap_or(0);
                decimals(numbers.unary::<_, Decimal128Type>(unscaled), *precision, *scale)?
            }
            Form::Moment(moment) => moment.apply(values)?,
            Form::OffsetText { unit_digits, scale } => {
                let offsets = arrays.get(1).map(typed).transpose()?;
                Arc::new(offset_texts(&whole_numbers(values)?, offsets, *unit_digits, *scale))
            }
            Form::VectorAsJson => Arc::new(vectors_as_json(typed(values)?)?),
        })
    }
}

impl Moment {
    fn apply(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let mut numbers = whole_numbers(values)?;
        if self.scale < self.unit_digits {
            let step = 10_i64.pow(u32::from(self.unit_digits - self.scale));
            numbers = numbers.unary(|value| value.saturating_sub(value.rem_euclid(step)));
        }
        Ok(match &self.form_type {
            DataType::Time64(TimeUnit::Microsecond) => {
                Arc::new(numbers.reinterpret_cast::<Time64MicrosecondType>())
            }
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let moments = numbers.reinterpret_cast::<TimestampMicrosecondType>();
                Arc::new(moments.with_timezone_opt(zone.clone()))
            }
            _ => Arc::new(numbers),
        })
    }
}

/// The numbers behind moments; no value is touched.
pub(super) fn whole_numbers(moments: &ArrayRef) -> Result<Int64Array> {
    Ok(match moments.data_type() {
        DataType::Time64(TimeUnit::Microsecond) => {
            typed::<PrimitiveArray<Time64MicrosecondType>>(moments)?.reinterpret_cast::<Int64Type>()
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            typed::<PrimitiveArray<Time64NanosecondType>>(moments)?.reinterpret_cast::<Int64Type>()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            typed::<PrimitiveArray<TimestampMicrosecondType>>(moments)?.reinterpret_cast::<Int64Type>()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            typed::<PrimitiveArray<TimestampNanosecondType>>(moments)?.reinterpret_cast::<Int64Type>()
        }
        other => return Err(unexpected(&other.to_string())),
    })
}

fn decimal_type(precision: u8, scale: u8) -> DataType {
    DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(i8::MAX))
}

fn decimals(numbers: PrimitiveArray<Decimal128Type>, precision: u8, scale: u8) -> Result<ArrayRef> {
    let typed = numbers.with_data_type(decimal_type(precision, scale));
    Ok(Arc::new(typed))
}

/// `[1.5,-2]` for each vector. Elements never get an exponent, so Snowflake keeps them as exact decimals where it can.
fn vectors_as_json(vectors: &FixedSizeListArray) -> Result<StringArray> {
    let failed = |error| Error::internal("a vector could not be written as JSON").with_source(error);
    let elements = match vectors.value_type() {
        DataType::Float32 => Arc::clone(vectors.values()),
        _ => cast(vectors.values(), &DataType::Int64).map_err(failed)?,
    };
    let options = FormatOptions::default().with_null("null");
    let formatter = ArrayFormatter::try_new(&elements, &options).map_err(failed)?;
    let texts = (0..vectors.len()).map(|row| {
        vectors.is_valid(row).then(|| {
            let start = vectors.value_offset(row) as usize;
            let range = start..start + vectors.value_length() as usize;
            let elements: Vec<String> = range.map(|index| formatter.value(index).to_string()).collect();
            format!("[{}]", elements.join(","))
        })
    });
    Ok(texts.collect())
}
