//! One chunk: the rows of a piece, compressed while they are encoded.

use std::io::{Read, Write};

use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::cut::Piece;
use super::{Chunk, Format, arrow, internal, json};
use crate::outcome::{Column, SqlError};

/// Counts what passes through on its way to the compressor.
struct Counting<W> {
    inner: W,
    bytes: u64,
}

pub(super) fn encode(columns: &[Column], piece: &Piece, format: Format) -> Result<Chunk, SqlError> {
    let failed = |error: std::io::Error| internal(&error.to_string());
    let mut counting = Counting { inner: GzEncoder::new(Vec::new(), Compression::fast()), bytes: 0 };
    match format {
        Format::Arrow => arrow::write(columns, piece, &mut counting)?,
        Format::Json => {
            // Rows without the outer brackets.
            let mut text = String::new();
            json::write(columns, piece, &mut text)?;
            counting.write_all(text.as_bytes()).map_err(failed)?;
        }
    }
    let uncompressed_bytes = counting.bytes;
    let body = Bytes::from(counting.inner.finish().map_err(failed)?);
    Ok(Chunk { body, rows: piece.rows as u64, uncompressed_bytes })
}

/// The same chunk body with only its first rows: a fault that looks valid.
pub(crate) fn keep_rows(body: &[u8], rows: usize) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    GzDecoder::new(body).read_to_end(&mut plain)?;
    let kept = if plain.starts_with(b"[") {
        let all: Vec<serde_json::Value> = serde_json::from_slice(&[b"[", plain.as_slice(), b"]"].concat())?;
        let rows: Vec<String> = all.iter().take(rows).map(ToString::to_string).collect();
        rows.join(",").into_bytes()
    } else {
        keep_arrow_rows(&plain, rows)?
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&kept)?;
    encoder.finish()
}

/// The same Arrow stream with only its first rows.
pub(crate) fn keep_arrow_rows(stream: &[u8], rows: usize) -> std::io::Result<Vec<u8>> {
    let reader = StreamReader::try_new(stream, None).map_err(std::io::Error::other)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &reader.schema()).map_err(std::io::Error::other)?;
    let mut left = rows;
    for batch in reader {
        let batch = batch.map_err(std::io::Error::other)?;
        let kept = batch.num_rows().min(left);
        writer.write(&batch.slice(0, kept)).map_err(std::io::Error::other)?;
        left -= kept;
    }
    writer.into_inner().map_err(std::io::Error::other)
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
