//! From canonical rows to what goes over the wire: the reply's own rows and chunks, in Arrow or in JSON.

mod arrow;
pub(crate) mod chunk;
mod cut;
mod json;
mod rowtype;
#[cfg(test)]
mod tests;

use arrow_array::RecordBatch;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::value::RawValue;

use self::cut::{Cutter, Piece};
pub(crate) use self::rowtype::rowtype;
use crate::outcome::{Column, Rows, SnowType, SqlError};

/// Canonical rows are kept beside the encoded ones up to this size, for `RESULT_SCAN`.
const CANONICAL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The two encodings of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Arrow,
    Json,
}

/// How one result is to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    pub format: Format,
    pub inline_rows_max: usize,
    pub inline_bytes_max: usize,
    pub chunk_rows_max: usize,
    pub chunk_bytes_max: usize,
    /// Clients that do not know DECFLOAT get it as text.
    pub knows_decfloat: bool,
}

/// A result as it is served.
#[derive(Debug)]
pub(crate) struct EncodedResult {
    pub columns: Vec<Column>,
    pub format: Format,
    pub inline: Inline,
    pub chunks: Vec<Chunk>,
    pub total: u64,
    /// The rows as they came, where they are few.
    pub canonical: Option<Vec<RecordBatch>>,
}

/// The rows inside the reply.
#[derive(Debug)]
pub(crate) enum Inline {
    /// Base64 of one Arrow stream; empty without rows.
    Arrow(String),
    Json(Box<RawValue>),
}

/// One part of a result, compressed.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub body: Bytes,
    pub rows: u64,
    pub uncompressed_bytes: u64,
}

impl EncodedResult {
    /// Bytes that keeping this result costs.
    pub(crate) fn kept_bytes(&self) -> usize {
        let inline = match &self.inline {
            Inline::Arrow(text) => text.len(),
            Inline::Json(text) => text.get().len(),
        };
        let canonical =
            self.canonical.iter().flatten().map(RecordBatch::get_array_memory_size).sum::<usize>();
        inline + canonical + self.chunks.iter().map(|chunk| chunk.body.len()).sum::<usize>()
    }
}

/// Encodes a result piece by piece; between pieces it asks whether to go on.
pub(crate) fn encode(
    rows: Rows,
    layout: &Layout,
    go_on: impl Fn() -> Result<(), SqlError>,
) -> Result<EncodedResult, SqlError> {
    let columns = shown_columns(rows.columns, layout);
    let mut cutter = Cutter::new(rows.batches);
    let first = cutter.next_piece(layout.inline_rows_max, layout.inline_bytes_max)?;
    let mut canonical = Canonical::default();
    canonical.add(&first);
    let mut total = first.rows as u64;
    let mut chunks = Vec::new();
    loop {
        go_on()?;
        let piece = cutter.next_piece(layout.chunk_rows_max, layout.chunk_bytes_max)?;
        if piece.rows == 0 {
            break;
        }
        canonical.add(&piece);
        total += piece.rows as u64;
        chunks.push(chunk::encode(&columns, &piece, layout.format)?);
    }
    let inline = encode_inline(&columns, &first, layout.format)?;
    Ok(EncodedResult { columns, format: layout.format, inline, chunks, total, canonical: canonical.batches })
}

/// The columns as this client may see them.
pub(crate) fn shown_columns(mut columns: Vec<Column>, layout: &Layout) -> Vec<Column> {
    for column in &mut columns {
        if column.ty == SnowType::Decfloat && !layout.knows_decfloat {
            column.ty = SnowType::Text { length: rowtype::TEXT_LENGTH_DEFAULT };
        }
    }
    columns
}

fn encode_inline(columns: &[Column], piece: &Piece, format: Format) -> Result<Inline, SqlError> {
    match format {
        Format::Arrow if piece.rows == 0 => Ok(Inline::Arrow(String::new())),
        Format::Arrow => {
            let mut stream = Vec::new();
            arrow::write(columns, piece, &mut stream)?;
            Ok(Inline::Arrow(STANDARD.encode(stream)))
        }
        Format::Json => {
            let mut text = String::from("[");
            json::write(columns, piece, &mut text)?;
            text.push(']');
            RawValue::from_string(text).map(Inline::Json).map_err(|error| internal(&error.to_string()))
        }
    }
}

/// Canonical batches, until they are too many to keep.
struct Canonical {
    batches: Option<Vec<RecordBatch>>,
    bytes: usize,
}

impl Default for Canonical {
    fn default() -> Self {
        Self { batches: Some(Vec::new()), bytes: 0 }
    }
}

impl Canonical {
    fn add(&mut self, piece: &Piece) {
        self.bytes = self.bytes.saturating_add(piece.bytes);
        if self.bytes > CANONICAL_BYTES_MAX {
            self.batches = None;
        }
        if let Some(batches) = &mut self.batches {
            batches.extend(piece.batches.iter().cloned());
        }
    }
}

/// Rows that are not in their canonical types: a mistake of the emulator itself.
pub(crate) fn internal(message: &str) -> SqlError {
    SqlError {
        code: "000603",
        sql_state: "XX000",
        message: format!("SQL execution internal error: {message}"),
        position: None,
    }
}
