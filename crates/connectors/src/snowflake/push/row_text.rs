//! Single rows as text: their keys for reports, and the whole row as JSON for the quarantine.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int16Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_cast::display::array_value_to_string;
use arrow_schema::DataType;
use model::{Error, Result};
use serde_json::{Map, Value};

/// A longer key is cut: it is there to be found again, not to be read.
const KEY_LENGTH_MAX: usize = 80;

/// Rows whose values can be written as text.
#[derive(Debug)]
pub(super) struct RowText {
    columns: Vec<(String, ArrayRef)>,
}

impl RowText {
    pub(super) fn new(rows: &RecordBatch) -> Result<Self> {
        let schema = rows.schema();
        let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| {
            let column = match column.data_type() {
                // The formatter knows offsets but no names of zones.
                DataType::Timestamp(unit, Some(_)) => {
                    cast(column, &DataType::Timestamp(*unit, Some("+00:00".into()))).map_err(|error| {
                        Error::internal("an instant could not be written as text").with_source(error)
                    })?
                }
                _ => Arc::clone(column),
            };
            Ok((field.name().clone(), column))
        });
        Ok(Self { columns: columns.collect::<Result<_>>()? })
    }

    /// The key of a row, or nothing where there is no key.
    pub(super) fn key(&self, key: &[String], row: usize) -> Option<String> {
        let values: Vec<String> =
            key.iter().filter_map(|name| Some(self.text(self.column(name)?, row))).collect();
        if values.is_empty() {
            return None;
        }
        let text = values.join(", ");
        Some(match text.char_indices().nth(KEY_LENGTH_MAX) {
            None => text,
            Some((end, _)) => format!("{}…", &text[..end]),
        })
    }

    fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, values)| values)
    }

    fn text(&self, column: &ArrayRef, row: usize) -> String {
        if column.is_null(row) {
            return "NULL".to_owned();
        }
        array_value_to_string(column, row).unwrap_or_default()
    }

    fn value(&self, column: &ArrayRef, row: usize) -> Value {
        if column.is_null(row) {
            return Value::Null;
        }
        match column.data_type() {
            DataType::Boolean => column.as_boolean().value(row).into(),
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
            DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
            DataType::Float64 if column.as_primitive::<Float64Type>().value(row).is_finite() => {
                column.as_primitive::<Float64Type>().value(row).into()
            }
            _ => self.text(column, row).into(),
        }
    }
}

/// The whole row as a JSON object. Numbers that JSON cannot hold exactly are text.
pub(super) fn row_json(rows: &RowText, row: usize) -> String {
    let values = rows.columns.iter().map(|(name, column)| (name.clone(), rows.value(column, row)));
    Value::Object(values.collect::<Map<_, _>>()).to_string()
}

/// The key of a row as a JSON object, or nothing where there is no key.
pub(super) fn key_json(rows: &RowText, key: &[String], row: usize) -> Option<String> {
    let values: Map<String, Value> =
        key.iter().filter_map(|name| Some((name.clone(), rows.value(rows.column(name)?, row)))).collect();
    (!values.is_empty()).then(|| Value::Object(values).to_string())
}
