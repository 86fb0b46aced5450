//! From DuckDB's Arrow batches to the canonical ones.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Int16Type, Int64Type, TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, PrimitiveArray, RecordBatch, StringArray, StructArray,
    Time64NanosecondArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, SchemaRef, TimeUnit};

use super::error::internal;
use crate::outcome::{Column, Rows, SnowType, SqlError};

const SECOND_NS: i64 = 1_000_000_000;

/// Turns the batches of one statement into canonical ones.
pub(crate) struct Converter {
    columns: Vec<Column>,
    schema: SchemaRef,
}

impl Converter {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        let schema = Rows::schema(&columns);
        Self { columns, schema }
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(crate) fn convert(&self, batch: &StructArray) -> Result<RecordBatch, SqlError> {
        let arrays =
            self.columns.iter().zip(batch.columns()).map(|(column, array)| canonical(&column.ty, array));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(internal)
    }
}

fn canonical(ty: &SnowType, array: &ArrayRef) -> Result<ArrayRef, SqlError> {
    let wanted = ty.canonical();
    match ty {
        SnowType::TimestampNtz { .. } | SnowType::TimestampLtz { .. } => {
            let parts = Parts::of(array)?;
            Ok(Arc::new(parts.into_struct(&wanted, None, array.nulls().cloned())?))
        }
        SnowType::TimestampTz { .. } => with_offset(&wanted, array),
        SnowType::Time { .. } => {
            let nanoseconds = array.as_primitive_opt::<Int64Type>().ok_or_else(|| unexpected(ty, array))?;
            Ok(Arc::new(Time64NanosecondArray::new(
                nanoseconds.values().clone(),
                nanoseconds.nulls().cloned(),
            )))
        }
        SnowType::Variant | SnowType::Object | SnowType::Array | SnowType::Map => pretty(array),
        SnowType::Geography | SnowType::Geometry => pretty(array),
        SnowType::Fixed { scale, .. } => match array.data_type() {
            DataType::Decimal128(_, found) if found == scale => {
                Ok(Arc::new(array.as_primitive::<Decimal128Type>().clone().with_data_type(wanted)))
            }
            _ => arrow_cast::cast(array, &wanted).map_err(internal),
        },
        _ if *array.data_type() == wanted => Ok(Arc::clone(array)),
        SnowType::Vector { .. } => Ok(arrow_array::make_array(
            array.to_data().into_builder().data_type(wanted).build().map_err(internal)?,
        )),
        _ => arrow_cast::cast(array, &wanted).map_err(|_| unexpected(ty, array)),
    }
}

fn unexpected(ty: &SnowType, array: &ArrayRef) -> SqlError {
    internal(format!("a column of type {ty:?} came as {:?}", array.data_type()))
}

/// Timestamps as whole seconds, rounded down, and nanoseconds.
struct Parts {
    epoch: Vec<i64>,
    fraction: Vec<i32>,
}

impl Parts {
    fn of(array: &ArrayRef) -> Result<Self, SqlError> {
        let (values, per_second) = match array.data_type() {
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                (array.as_primitive::<TimestampNanosecondType>().values(), SECOND_NS)
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                (array.as_primitive::<TimestampMicrosecondType>().values(), 1_000_000)
            }
            other => return Err(internal(format!("a timestamp came as {other:?}"))),
        };
        let unit = SECOND_NS / per_second;
        let fraction = |value: &i64| i32::try_from(value.rem_euclid(per_second) * unit).unwrap_or(0);
        Ok(Self {
            epoch: values.iter().map(|value| value.div_euclid(per_second)).collect(),
            fraction: values.iter().map(fraction).collect(),
        })
    }

    fn into_struct(
        self,
        wanted: &DataType,
        offsets: Option<Int32Array>,
        nulls: Option<NullBuffer>,
    ) -> Result<StructArray, SqlError> {
        let DataType::Struct(fields) = wanted else { return Err(internal("a timestamp that is no struct")) };
        let mut children: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(self.epoch)), Arc::new(Int32Array::from(self.fraction))];
        children.extend(offsets.map(|offsets| Arc::new(offsets) as ArrayRef));
        StructArray::try_new(fields.clone(), children, nulls).map_err(internal)
    }
}

fn with_offset(wanted: &DataType, array: &ArrayRef) -> Result<ArrayRef, SqlError> {
    let parts =
        array.as_struct_opt().ok_or_else(|| internal("a timestamp with an offset that is no struct"))?;
    let [instant, offsets] = parts.columns() else {
        return Err(internal("a timestamp with an offset of another shape"));
    };
    let offsets =
        offsets.as_primitive_opt::<Int16Type>().ok_or_else(|| internal("an offset of another type"))?;
    let offsets: PrimitiveArray<_> = offsets.values().iter().map(|minutes| i32::from(*minutes)).collect();
    // A NULL may have come as a struct of NULLs.
    let nulls = NullBuffer::union(parts.nulls(), instant.nulls());
    Ok(Arc::new(Parts::of(instant)?.into_struct(wanted, Some(offsets), nulls)?))
}

/// Semi-structured values go out indented, as Snowflake sends them.
fn pretty(array: &ArrayRef) -> Result<ArrayRef, SqlError> {
    let texts = array.as_string_opt::<i32>().ok_or_else(|| internal("JSON that came as another type"))?;
    let indented = texts.iter().map(|text| text.map(indent));
    Ok(Arc::new(indented.collect::<StringArray>()))
}

/// JSON with two spaces per level and a line per element; texts inside stay untouched.
pub(crate) fn indent(json: &str) -> String {
    let is_nested = json.starts_with(['{', '[']);
    if !is_nested {
        return json.to_owned();
    }
    let mut text = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut in_text = false;
    let mut escaped = false;
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if in_text {
            text.push(letter);
            in_text = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => {
                in_text = true;
                text.push(letter);
            }
            '{' | '[' => {
                text.push(letter);
                if let Some(closing) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    text.push(closing);
                } else {
                    depth += 1;
                    new_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            letter if letter.is_ascii_whitespace() => {}
            letter => text.push(letter),
        }
    }
    text
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::indent;

    #[test]
    fn json_is_indented_as_snowflake_does() {
        let text = indent(r#"{"a":[1,"x,\"{y",[]],"b":{}}"#);
        assert_eq!(text, "{\n  \"a\": [\n    1,\n    \"x,\\\"{y\",\n    []\n  ],\n  \"b\": {}\n}");
    }
}
