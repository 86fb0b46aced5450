//! Rows of text files, put where DuckDB's Parquet reader finds them.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use duckdb::Connection;

use super::files::SourceFile;
use crate::outcome::SqlError;
use crate::sql::error::{from_duckdb, internal};
use crate::sql::names::literal;
use crate::sql::run::execute_all;

/// One row: its texts, its number in the file and its line.
pub(super) type TextRow = (Vec<Option<String>>, u64, u64);

/// Writes rows as a Parquet file of `width` texts and two numbers, and gives the file in place of the source.
pub(super) fn write(
    connection: &Connection,
    folder: &Path,
    file: &SourceFile,
    rows: &[TextRow],
    width: usize,
) -> Result<SourceFile, SqlError> {
    let failed = |failure: duckdb::Error| from_duckdb(&failure);
    let mut fields: Vec<Field> =
        (1..=width).map(|place| Field::new(format!("c{place}"), DataType::Utf8, true)).collect();
    let mut arrays: Vec<ArrayRef> = (0..width)
        .map(|place| {
            let texts = rows.iter().map(|(texts, ..)| texts.get(place).and_then(Option::as_deref));
            Arc::new(texts.collect::<StringArray>()) as ArrayRef
        })
        .collect();
    for (name, pick) in [("file_row", 0), ("file_line", 1)] {
        fields.push(Field::new(name, DataType::UInt64, true));
        let numbers = rows.iter().map(|(_, row, line)| if pick == 0 { *row } else { *line });
        arrays.push(Arc::new(numbers.collect::<UInt64Array>()));
    }
    let columns: Vec<String> = fields
        .iter()
        .map(|field| {
            let ty = if field.data_type() == &DataType::Utf8 { "VARCHAR" } else { "UBIGINT" };
            format!("{} {ty}", field.name())
        })
        .collect();
    execute_all(
        connection,
        &format!("CREATE OR REPLACE TEMPORARY TABLE staged_texts({})", columns.join(", ")),
    )?;
    if !rows.is_empty() {
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(internal)?;
        let mut appender = connection.appender("staged_texts").map_err(failed)?;
        appender.append_record_batch(batch).map_err(failed)?;
        appender.flush().map_err(failed)?;
    }
    let number = std::fs::read_dir(folder).map_err(internal)?.count();
    let path = folder.join(format!("{number}.parquet"));
    execute_all(
        connection,
        &format!(
            "COPY staged_texts TO {} (FORMAT PARQUET, COMPRESSION uncompressed); DROP TABLE staged_texts",
            literal(&path.to_string_lossy())
        ),
    )?;
    Ok(SourceFile { plaintext: path, ..file.clone() })
}
