//! Hashes of rows, the same in every run and on every machine.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use jiff::tz::TimeZone;
use model::Result;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::columns::InputColumn;
use crate::cells::Cells;
use crate::pack::JsonColumn;

/// The ids of rows, by the values of these columns. Numbers count by their value, whatever their type, so that a column
/// that is widened changes no id. A column without a value says nothing, so that a new one changes none either.
pub(crate) fn row_ids<'a>(
    rows: &RecordBatch,
    columns: impl Iterator<Item = &'a InputColumn>,
    namespace: &str,
) -> Result<ArrayRef> {
    /// Hexadecimal digits of 128 bits.
    const ID_BYTES: usize = 32;
    let columns: Vec<(&str, Cells)> = columns
        .map(|column| {
            let cells = Cells::of(rows, column.index, &column.logical_type, &TimeZone::UTC);
            (column.name.as_str(), cells)
        })
        .collect();
    let row_count = rows.num_rows();
    let mut ids = JsonColumn::with_capacity(row_count, row_count * ID_BYTES);
    let mut row_bytes = namespace.as_bytes().to_vec();
    for row in 0..row_count {
        row_bytes.truncate(namespace.len());
        for (name, cells) in columns.iter().filter(|(_, cells)| !cells.is_null(row)) {
            end_part(name.as_bytes(), &mut row_bytes);
            row_bytes.push(cells.tag());
            let start = row_bytes.len();
            cells.write_text(row, &mut row_bytes);
            let length = row_bytes.len() - start;
            row_bytes.extend_from_slice(&length.to_le_bytes());
        }
        write_hex(xxh3_128(&row_bytes), &mut ids.bytes);
        ids.end_value()?;
    }
    ids.finish()
}

/// Hashes of what rows were mapped to, by which a row that changed is told from one that did not. Each column has its
/// place; those without any value may be left out.
pub(crate) fn content_hashes(columns: &[(u8, Cells)], row_count: usize) -> ArrayRef {
    let mut row_bytes = Vec::new();
    let hashes = (0..row_count).map(|row| {
        row_bytes.clear();
        for (place, cells) in columns {
            if cells.is_null(row) {
                continue;
            }
            let start = row_bytes.len();
            cells.write_raw(row, &mut row_bytes);
            let [a, b, c, d, ..] = (row_bytes.len() - start).to_le_bytes();
            row_bytes.extend_from_slice(&[*place, a, b, c, d]);
        }
        xxh3_64(&row_bytes).cast_signed()
    });
    Arc::new(Int64Array::from_iter_values(hashes))
}

fn end_part(part: &[u8], row_bytes: &mut Vec<u8>) {
    row_bytes.extend_from_slice(part);
    row_bytes.extend_from_slice(&part.len().to_le_bytes());
}

fn write_hex(hash: u128, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in hash.to_be_bytes() {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
