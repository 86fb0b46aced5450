//! Rows as a table on the terminal.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, make_array};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use model::{Error, Result};

/// Cells wider than this are cut for the eye; `--json` shows them whole.
const CELL_CHARACTERS_MAX: usize = 60;

/// A table of text.
pub(crate) fn text_table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    for row in rows {
        table.add_row(row.iter().map(|cell| cut(cell)));
    }
    table.to_string()
}

/// The rows of Arrow batches; NULL is empty and marked.
pub(crate) fn table(batches: &[RecordBatch]) -> Result<String> {
    let Some(first) = batches.first() else { return Ok(String::new()) };
    let schema = first.schema();
    let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut rows = Vec::new();
    for batch in batches {
        rows.extend(cells(batch)?);
    }
    Ok(text_table(&header, rows))
}

fn cells(batch: &RecordBatch) -> Result<Vec<Vec<String>>> {
    let options = FormatOptions::new().with_null("NULL").with_display_error(true);
    let columns: Vec<ArrayRef> = batch.columns().iter().map(with_plain_offset).collect::<Result<_>>()?;
    let formatters: Vec<ArrayFormatter<'_>> = columns
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options))
        .collect::<Result<_, _>>()
        .map_err(|error| Error::internal("a column cannot be shown").with_source(error))?;
    Ok((0..batch.num_rows())
        .map(|row| formatters.iter().map(|formatter| formatter.value(row).to_string()).collect())
        .collect())
}

/// Instants are shown in UTC; the formatter knows offsets but no zone names.
fn with_plain_offset(column: &ArrayRef) -> Result<ArrayRef> {
    let DataType::Timestamp(unit, Some(_)) = column.data_type() else { return Ok(Arc::clone(column)) };
    let in_utc = DataType::Timestamp(*unit, Some("+00:00".into()));
    let retyped = column.to_data().into_builder().data_type(in_utc).build();
    retyped.map(make_array).map_err(|error| Error::internal("an instant cannot be shown").with_source(error))
}

fn cut(cell: &str) -> String {
    let one_line = cell.replace(['\n', '\r', '\t'], " ");
    match one_line.char_indices().nth(CELL_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}
