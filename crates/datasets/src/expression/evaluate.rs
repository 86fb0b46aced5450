//! Evaluates compiled expressions, a batch at a time.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch, StringArray, new_null_array};
use arrow_select::zip::zip;
use jiff::tz::TimeZone;
use model::{Error, LogicalType, Result};

use super::{Constant, Failures, JsonPath, Values};
use crate::cells::Cells;
use crate::contract::TIMESTAMP;
use crate::mapping::Reason;
use crate::moment::{MICROS_PER_DAY, MomentReader};
use crate::normal::text::trimmed;
use crate::number::{self, NUMBER, NumberFormat, ONE, SCALE};

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Column {
        index: usize,
        logical_type: LogicalType,
        zone: TimeZone,
    },
    Constant(Constant),
    /// The first with a value; a failure counts only where there is none.
    Coalesce(Vec<Node>),
    Lower(Box<Node>),
    Trim(Box<Node>),
    Concat {
        parts: Vec<Node>,
        separator: String,
    },
    Text(Box<Node>),
    Moment {
        of: Box<Node>,
        reader: MomentReader,
    },
    Day(Box<Node>),
    Number {
        of: Box<Node>,
        format: NumberFormat,
    },
    Whole(Box<Node>),
    Bool(Box<Node>),
    JsonPath {
        of: Box<Node>,
        path: JsonPath,
    },
    Map {
        of: Box<Node>,
        to: MapTo,
    },
}

/// What texts are mapped to, in one type.
#[derive(Clone, Debug)]
pub(crate) struct MapTo {
    pub(super) values: HashMap<String, Constant>,
    /// What others are mapped to; without it they cannot be taken.
    pub(super) otherwise: Option<Constant>,
    pub(super) logical_type: LogicalType,
}

impl Constant {
    pub(super) fn as_text(&self) -> Option<String> {
        match self {
            Constant::Null => None,
            Constant::Bool(value) => Some(value.to_string()),
            Constant::Text(text) => Some(text.clone()),
            Constant::Number(unscaled) => {
                let array: ArrayRef = Arc::new(numbers([Some(*unscaled)]));
                let mut text = Vec::new();
                Cells::of_values(&array, &NUMBER).write_text(0, &mut text);
                String::from_utf8(text).ok()
            }
        }
    }
}

fn numbers(values: impl IntoIterator<Item = Option<i128>>) -> PrimitiveArray<Decimal128Type> {
    values.into_iter().collect::<PrimitiveArray<Decimal128Type>>().with_data_type(NUMBER.arrow_type())
}

impl Node {
    pub(crate) fn logical_type(&self) -> LogicalType {
        match self {
            Node::Column { logical_type, .. } => logical_type.clone(),
            Node::Constant(Constant::Bool(_)) | Node::Bool(_) => LogicalType::Bool,
            Node::Constant(Constant::Number(_)) | Node::Number { .. } => NUMBER,
            Node::Coalesce(parts) => {
                parts.iter().find(|part| !part.is_null()).map_or(LogicalType::Text, Node::logical_type)
            }
            Node::Constant(_)
            | Node::Lower(_)
            | Node::Trim(_)
            | Node::Concat { .. }
            | Node::Text(_)
            | Node::JsonPath { .. } => LogicalType::Text,
            Node::Moment { .. } => TIMESTAMP,
            Node::Day(_) => LogicalType::Date,
            Node::Whole(_) => LogicalType::Int64,
            Node::Map { to, .. } => to.logical_type.clone(),
        }
    }

    /// Whether it has no value in any row.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Node::Constant(Constant::Null))
    }

    /// The values in these rows.
    pub(crate) fn evaluate(&self, rows: &RecordBatch) -> Result<Values> {
        let row_count = rows.num_rows();
        Ok(match self {
            Node::Column { index, .. } => Values::fine(Arc::clone(rows.column(*index))),
            Node::Constant(constant) => Values::fine(repeated(constant, row_count)),
            Node::Coalesce(parts) => coalesce(&self.logical_type(), parts, rows)?,
            Node::Lower(of) => of.evaluate(rows)?.map_text(|text| Ok(text.to_lowercase())),
            Node::Trim(of) => of.evaluate(rows)?.map_text(|text| Ok(trimmed(text).to_owned())),
            Node::Concat { parts, separator } => concat(parts, separator, rows)?,
            Node::Text(of) => of.evaluate_as_text(rows)?,
            Node::Moment { of, reader } => of.evaluate_as_moment(reader, rows)?,
            Node::Day(of) => {
                let values = of.evaluate(rows)?;
                let moments = values.array.as_primitive::<TimestampMicrosecondType>();
                let days = moments.unary_opt::<_, Date32Type>(|micros| {
                    i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok()
                });
                Values { array: Arc::new(days), ..values }
            }
            Node::Number { of, format } => of.evaluate_as_number(format, rows)?,
            Node::Whole(of) => {
                let values = of.evaluate(rows)?;
                let numbers = values.array.as_primitive::<Decimal128Type>().clone();
                values.map::<_, Int64Type>(&numbers, |unscaled| match unscaled % ONE {
                    0 => i64::try_from(unscaled / ONE).map_err(|_| Reason::NumberOutOfRange),
                    _ => Err(Reason::NumberNotWhole),
                })
            }
            Node::Bool(of) => of.evaluate(rows)?.map_bool(),
            Node::JsonPath { of, path } => {
                of.evaluate(rows)?.map_optional_text(|document| match path.find(document) {
                    Ok(found) => Ok(found.map(std::borrow::Cow::into_owned)),
                    Err(_) => Err(Reason::JsonUnreadable),
                })
            }
            Node::Map { of, to } => to.evaluate(&of.evaluate(rows)?),
        })
    }

    fn evaluate_as_text(&self, rows: &RecordBatch) -> Result<Values> {
        let cells = match self {
            Node::Column { index, logical_type, zone } => Cells::of(rows, *index, logical_type, zone),
            other => {
                let values = other.evaluate(rows)?;
                let cells = Cells::of_values(&values.array, &other.logical_type());
                return Ok(Values { array: texts(&cells, rows.num_rows())?, failures: values.failures });
            }
        };
        Ok(Values::fine(texts(&cells, rows.num_rows())?))
    }

    fn evaluate_as_moment(&self, reader: &MomentReader, rows: &RecordBatch) -> Result<Values> {
        let values = self.evaluate(rows)?;
        let array = Arc::clone(&values.array);
        Ok(match self.logical_type() {
            LogicalType::Text => values.map_text_into::<Int64Type>(|text| reader.read(text)),
            LogicalType::Date => {
                let days = array.as_primitive::<Date32Type>();
                values.map::<_, Int64Type>(days, |days| {
                    let micros = i64::from(days).checked_mul(MICROS_PER_DAY);
                    micros.and_then(|micros| reader.local_micros(micros)).ok_or(Reason::DateUnreadable)
                })
            }
            logical_type => {
                let is_local = matches!(logical_type, LogicalType::Timestamp { .. });
                let is_read = is_local && matches!(self, Node::Column { .. });
                let micros = micros(&array);
                if is_read && reader.zone != TimeZone::UTC {
                    values.map::<_, Int64Type>(&micros, |micros| {
                        reader.local_micros(micros).ok_or(Reason::DateUnreadable)
                    })
                } else {
                    Values {
                        array: Arc::new(micros.reinterpret_cast::<TimestampMicrosecondType>()),
                        ..values
                    }
                }
            }
        }
        .into_moments())
    }

    fn evaluate_as_number(&self, format: &NumberFormat, rows: &RecordBatch) -> Result<Values> {
        let values = self.evaluate(rows)?;
        let array = Arc::clone(&values.array);
        let mapped = match self.logical_type() {
            LogicalType::Int64 => values
                .map::<_, Decimal128Type>(array.as_primitive::<Int64Type>(), |value| {
                    Ok(i128::from(value) * ONE)
                }),
            LogicalType::Decimal { scale, .. } => values
                .map::<_, Decimal128Type>(array.as_primitive::<Decimal128Type>(), |value| {
                    number::rescaled(value, i32::from(scale))
                }),
            LogicalType::Float64 => {
                values.map::<_, Decimal128Type>(array.as_primitive::<Float64Type>(), number::of_float)
            }
            _ => values.map_text_into::<Decimal128Type>(|text| format.read(text)),
        };
        let array = mapped.array.as_primitive::<Decimal128Type>().clone();
        debug_assert_eq!(SCALE, 9, "the type says nine");
        Ok(Values { array: Arc::new(array.with_data_type(NUMBER.arrow_type())), ..mapped })
    }
}

/// Microseconds since 1970 of any timestamp; what lies below is cut off.
fn micros(array: &ArrayRef) -> PrimitiveArray<Int64Type> {
    use arrow_array::types::TimestampNanosecondType;
    use arrow_schema::{DataType, TimeUnit};
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => array
            .as_primitive::<TimestampNanosecondType>()
            .reinterpret_cast::<Int64Type>()
            .unary(|nanos: i64| nanos.div_euclid(1_000)),
        _ => array.as_primitive::<TimestampMicrosecondType>().reinterpret_cast(),
    }
}

fn texts(cells: &Cells, row_count: usize) -> Result<ArrayRef> {
    let mut builder = StringBuilder::with_capacity(row_count, row_count * 16);
    let mut text = Vec::new();
    for row in 0..row_count {
        if cells.is_null(row) {
            builder.append_null();
            continue;
        }
        text.clear();
        cells.write_text(row, &mut text);
        builder.append_value(std::str::from_utf8(&text).map_err(|error| {
            Error::internal("a value was written as something that is no text").with_source(error)
        })?);
    }
    Ok(Arc::new(builder.finish()))
}

fn repeated(constant: &Constant, row_count: usize) -> ArrayRef {
    match constant {
        Constant::Null => new_null_array(&LogicalType::Text.arrow_type(), row_count),
        Constant::Bool(value) => Arc::new(arrow_array::BooleanArray::from(vec![*value; row_count])),
        Constant::Number(value) => Arc::new(numbers(std::iter::repeat_n(Some(*value), row_count))),
        Constant::Text(text) => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, row_count))),
    }
}

fn coalesce(logical_type: &LogicalType, parts: &[Node], rows: &RecordBatch) -> Result<Values> {
    let row_count = rows.num_rows();
    let mut joined: Option<Values> = None;
    for part in parts.iter().filter(|part| !part.is_null()) {
        let next = part.evaluate(rows)?;
        let Some(before) = joined else {
            joined = Some(next);
            continue;
        };
        let has_value = arrow_array::BooleanArray::new(
            before.array.logical_nulls().map_or_else(
                || arrow_buffer::BooleanBuffer::new_set(row_count),
                |nulls| nulls.inner().clone(),
            ),
            None,
        );
        let array = zip(&has_value, &before.array, &next.array)
            .map_err(|error| Error::internal("two columns could not be joined").with_source(error))?;
        let mut failures = Failures::default();
        for (row, reason) in before.failures.iter().chain(next.failures.iter()) {
            if array.is_null(row) && failures.at(row).is_none() {
                failures.set(row, row_count, reason);
            }
        }
        joined = Some(Values { array, failures });
    }
    Ok(joined.unwrap_or_else(|| Values::fine(new_null_array(&logical_type.arrow_type(), row_count))))
}

fn concat(parts: &[Node], separator: &str, rows: &RecordBatch) -> Result<Values> {
    let row_count = rows.num_rows();
    let values: Vec<Values> = parts.iter().map(|part| part.evaluate(rows)).collect::<Result<_>>()?;
    let mut failures = Failures::default();
    let mut builder = StringBuilder::with_capacity(row_count, row_count * 16);
    let mut text = String::new();
    for row in 0..row_count {
        text.clear();
        let mut has_value = false;
        for part in &values {
            if let Some(reason) = part.failures.at(row) {
                failures.set(row, row_count, reason);
            }
            if part.array.is_valid(row) {
                if has_value {
                    text.push_str(separator);
                }
                text.push_str(part.array.as_string::<i32>().value(row));
                has_value = true;
            }
        }
        builder.append_option(has_value.then_some(&text));
    }
    Ok(Values { array: Arc::new(builder.finish()), failures })
}

impl MapTo {
    fn evaluate(&self, of: &Values) -> Values {
        let texts = of.array.as_string::<i32>();
        let row_count = texts.len();
        let mut failures = of.failures.clone();
        let mut found = |row: usize| {
            let text = texts.is_valid(row).then(|| texts.value(row))?;
            let constant = self.values.get(text).or(self.otherwise.as_ref());
            if constant.is_none() {
                failures.set(row, row_count, Reason::ValueUnmapped);
            }
            constant
        };
        let array: ArrayRef = match self.logical_type {
            LogicalType::Bool => {
                let mut builder = BooleanBuilder::with_capacity(row_count);
                (0..row_count).for_each(|row| match found(row) {
                    Some(Constant::Bool(value)) => builder.append_value(*value),
                    _ => builder.append_null(),
                });
                Arc::new(builder.finish())
            }
            LogicalType::Text => {
                Arc::new(StringArray::from_iter((0..row_count).map(|row| match found(row) {
                    Some(Constant::Text(text)) => Some(text.as_str()),
                    _ => None,
                })))
            }
            _ => Arc::new(numbers((0..row_count).map(|row| match found(row) {
                Some(Constant::Number(value)) => Some(*value),
                _ => None,
            }))),
        };
        Values { array, failures }
    }
}
