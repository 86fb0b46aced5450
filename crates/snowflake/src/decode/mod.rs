//! From the bytes of a result to Arrow batches in its logical types: the same schema for every chunk and both encodings.

mod body;
mod cells;
mod decimal_float;
mod frames;
mod gunzip;
mod instant;
mod ipc;
mod layout;
mod number;
mod options;
mod physical;
mod pool;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

pub use self::options::{DecodeOptions, WideTimestamps};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use self::body::BodyReader;
use self::cells::CellStream;
pub(crate) use self::frames::Frames;
use self::ipc::IpcStream;
use self::layout::Layout;
use crate::column::{Column, ColumnType};
use crate::error::{Error, ErrorKind, Result};

/// Rows of a batch at most: enough to fill every vectorised consumer, few enough to hand on early.
pub(crate) const BATCH_ROWS_MAX: usize = 64 * 1024;
/// Bytes of a batch after which it is closed. One row may be larger.
pub(crate) const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How the service encoded a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Arrow,
    Json,
}

/// Decodes every part of one result into one schema.
#[derive(Clone, Debug)]
pub(crate) struct Decoder {
    layout: Arc<Layout>,
    encoding: Encoding,
}

/// The rows of one part of a result.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) rows: u64,
    /// Bytes that came out of the body.
    pub(crate) bytes: u64,
    /// Values per column that lost digits with the caller's leave.
    pub(crate) lost: Vec<u64>,
}

impl Decoder {
    /// `version` is the service's version of the text forms.
    pub(crate) fn new(
        columns: &[Column],
        encoding: Encoding,
        version: i64,
        options: &DecodeOptions,
    ) -> Result<Self> {
        let is_zoned = |column: &&Column| matches!(column.ty, ColumnType::TimestampTz { .. });
        if let Some(column) = columns.iter().find(is_zoned)
            && encoding == Encoding::Json
            && version < 1
        {
            // The old text form packs the zone into the low bits of the number and looks like the new one.
            return Err(
                column.wire_error("the service sent the text form of version 0, which is not supported")
            );
        }
        Ok(Self { layout: Arc::new(Layout::new(columns, options)), encoding })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.layout.schema
    }

    /// What `rows` of `uncompressed_bytes` take in memory at most: their bytes, which text and binary values go on
    /// using, and the widest form of everything else.
    pub(crate) fn memory_bytes(&self, rows: u64, uncompressed_bytes: u64) -> u64 {
        uncompressed_bytes.saturating_add(rows.saturating_mul(self.layout.fixed_row_bytes()))
    }

    /// Decodes a whole part, compressed or not, that may have `bytes_max` bytes when decompressed.
    pub(crate) fn decode(&self, body: Frames, bytes_max: u64) -> Result<Decoded> {
        let _timed = tracing::trace_span!(target: "timings", "decode").entered();
        let body = BodyReader::new(body, bytes_max);
        match self.encoding {
            Encoding::Arrow => self.decode_arrow(body),
            Encoding::Json => self.decode_json(body),
        }
    }

    fn decode_arrow(&self, body: BodyReader) -> Result<Decoded> {
        let mut stream = IpcStream::new(body);
        let mut decoded = Decoded { lost: vec![0; self.layout.columns.len()], ..Decoded::default() };
        let mut is_checked = false;
        while let Some(batch) = stream.next_batch()? {
            if let Some(schema) = stream.schema().filter(|_| !is_checked) {
                physical::check_schema(&self.layout, schema)?;
                is_checked = true;
            }
            let bytes = usize::try_from(stream.bytes_read() - decoded.bytes).unwrap_or(usize::MAX);
            decoded.bytes = stream.bytes_read();
            decoded.rows += batch.num_rows() as u64;
            let _timed = tracing::trace_span!(target: "timings", "convert").entered();
            for part in bounded(&batch, bytes) {
                let logical = physical::to_logical(&self.layout, &part, &mut decoded.lost)?;
                decoded.batches.push(logical);
            }
        }
        if !is_checked && stream.schema().is_none() && stream.bytes_read() > 0 {
            return Err(Error::new(ErrorKind::Protocol, "the rows of a chunk are not an Arrow stream"));
        }
        decoded.bytes = stream.bytes_read();
        Ok(decoded)
    }

    fn decode_json(&self, mut body: BodyReader) -> Result<Decoded> {
        let mut stream = CellStream::new(&self.layout, &mut body);
        let mut decoded = Decoded::default();
        while let Some(batch) = stream.next_batch()? {
            decoded.rows += batch.num_rows() as u64;
            decoded.batches.push(batch);
        }
        decoded.lost = stream.lost();
        decoded.bytes = body.bytes_read();
        Ok(decoded)
    }
}

/// `batch` in parts of bounded rows and bytes, given that it was sent in `bytes`.
fn bounded(batch: &RecordBatch, bytes: usize) -> Vec<RecordBatch> {
    let rows = batch.num_rows();
    let parts_by_bytes = bytes.div_ceil(BATCH_BYTES_MAX).max(1);
    let rows_max = rows.div_ceil(parts_by_bytes).clamp(1, BATCH_ROWS_MAX);
    (0..rows).step_by(rows_max).map(|start| batch.slice(start, rows_max.min(rows - start))).collect()
}
