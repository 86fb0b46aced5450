//! Hashes of rows, the same in every run and on every machine.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use jiff::tz::TimeZone;
use model::Result;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::columns::InputColumn;
use crate::cells::Cells;
use crate::pack::JsonColumn;

/// Hexadecimal digits of 128 bits.
const ID_BYTES: usize = 32;

/// The ids of rows, by the values of these columns. Numbers count by their value, whatever their type, so that a column
/// that is widened changes no id. A column without a value says nothing, so that a new one changes none either.
pub(crate) fn row_ids<'a>(
    rows: &RecordBatch,
    columns: impl Iterator<Item = &'a InputColumn>,
    namespace: &str,
) -> Result<ArrayRef> {
    let columns: Vec<(Vec<u8>, Cells)> = columns
        .map(|column| {
            let cells = Cells::of(rows, column.index, &column.logical_type, &TimeZone::UTC);
            (column_prefix(&column.name, &cells), cells)
        })
        .collect();
    let row_count = rows.num_rows();
    let mut ids = JsonColumn::with_capacity(row_count, row_count * ID_BYTES);
    let mut row_bytes = namespace.as_bytes().to_vec();
    for row in 0..row_count {
        row_bytes.truncate(namespace.len());
        for (prefix, cells) in columns.iter().filter(|(_, cells)| !cells.is_null(row)) {
            row_bytes.extend_from_slice(prefix);
            let start = row_bytes.len();
            cells.write_text(row, &mut row_bytes);
            let length = row_bytes.len() - start;
            row_bytes.extend_from_slice(&length.to_le_bytes());
        }
        ids.bytes.extend_from_slice(&hex(xxh3_128(&row_bytes)));
        ids.end_value()?;
    }
    ids.finish()
}

/// Hashes of what rows were mapped to, by which a row that changed is told from one that did not. Each column has its
/// place; those without any value may be left out.
pub(crate) fn content_hashes(columns: &[(u8, Cells)], row_count: usize) -> ArrayRef {
    let columns: Vec<Hashed<'_>> = columns.iter().map(|(place, cells)| Hashed::of(*place, cells)).collect();
    let mut row_bytes = Vec::new();
    let hashes = (0..row_count).map(|row| {
        row_bytes.clear();
        for column in &columns {
            column.write(row, &mut row_bytes);
        }
        xxh3_64(&row_bytes).cast_signed()
    });
    Arc::new(Int64Array::from_iter_values(hashes))
}

/// A column on its way into the hash of a row: each value, then the column's place and the value's length.
struct Hashed<'a> {
    place: u8,
    cells: &'a Cells,
    /// Texts, where the column is one without NULL, as most are.
    texts: Option<&'a StringArray>,
    has_nulls: bool,
}

impl<'a> Hashed<'a> {
    fn of(place: u8, cells: &'a Cells) -> Self {
        let has_nulls = cells.has_nulls();
        let texts = match cells {
            Cells::Text(texts) | Cells::Json(texts) if !has_nulls => Some(texts),
            _ => None,
        };
        Self { place, cells, texts, has_nulls }
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) {
        let start = out.len();
        match self.texts {
            Some(texts) => out.extend_from_slice(texts.value(row).as_bytes()),
            None if self.has_nulls && self.cells.is_null(row) => return,
            None => self.cells.write_raw(row, out),
        }
        let [a, b, c, d, ..] = (out.len() - start).to_le_bytes();
        out.extend_from_slice(&[self.place, a, b, c, d]);
    }
}

/// What stands before a column's value: its name, the name's length, and the kind of the value.
fn column_prefix(name: &str, cells: &Cells) -> Vec<u8> {
    [name.as_bytes(), &name.len().to_le_bytes(), &[cells.tag()]].concat()
}

fn hex(hash: u128) -> [u8; ID_BYTES] {
    let mut digits = [0; ID_BYTES];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hash.to_be_bytes()) {
        pair.copy_from_slice(&HEX[usize::from(byte)]);
    }
    digits
}

/// The two hexadecimal digits of each byte.
const HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};
