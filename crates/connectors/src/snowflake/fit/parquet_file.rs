//! One Parquet file, written to memory batch by batch.

use std::fmt;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::{DataType, SchemaRef};
use bytes::Bytes;
use model::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

/// The size of a row group before compression of its last pages. Snowflake's scanner reads row groups side by side, and
/// this is what the encoder holds besides the finished part of the file.
const ROW_GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Values looked at to see whether a column of texts repeats itself.
const SAMPLE_ROWS_MAX: usize = 1_024;
/// A dictionary pays where at most one in this many sampled texts is new.
const REPETITION_MIN: usize = 4;

/// A file takes a little more than is asked of it, since rows come many at once. Room that is not written to is no
/// memory.
const ROOM_PERCENT: u64 = 125;

/// A Parquet file in the making. Its columns are those of [`super::Mapping::file_schema`].
pub struct ParquetFile {
    schema: SchemaRef,
    bytes_expected: u64,
    /// Made with the first rows, which show which columns repeat themselves.
    writer: Option<ArrowWriter<Vec<u8>>>,
    row_count: u64,
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedFile {
    pub bytes: Bytes,
    pub row_count: u64,
}

impl ParquetFile {
    /// An empty file of these columns.
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, bytes_expected: 0, writer: None, row_count: 0 }
    }

    /// Gives the file its room from the start: a buffer that grows is copied each time, and for that moment there are
    /// two of it.
    pub fn expecting(self, bytes_expected: u64) -> Self {
        Self { bytes_expected, ..self }
    }

    /// Encodes and compresses rows of the file's schema.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let room = usize::try_from(self.bytes_expected * ROOM_PERCENT / 100).unwrap_or_default();
                self.writer.insert(writer_for(&self.schema, Some(rows), Vec::with_capacity(room))?)
            }
        };
        writer.write(rows).map_err(failed)?;
        if writer.in_progress_size() >= ROW_GROUP_BYTES_MAX {
            writer.flush().map_err(failed)?;
        }
        self.row_count += rows.num_rows() as u64;
        Ok(())
    }

    /// Bytes of the file so far, those of the current row group as far as they are encoded.
    pub fn byte_count(&self) -> u64 {
        let bytes = self.writer.as_ref().map(|writer| writer.bytes_written() + writer.in_progress_size());
        bytes.unwrap_or_default() as u64
    }

    /// Rows of the file so far.
    pub fn row_count(&self) -> u64 {
        self.row_count
    }

    /// Writes the file's end.
    pub fn finish(self) -> Result<EncodedFile> {
        let writer = match self.writer {
            Some(writer) => writer,
            None => writer_for(&self.schema, None, Vec::new())?,
        };
        let bytes = writer.into_inner().map_err(failed)?;
        Ok(EncodedFile { bytes: bytes.into(), row_count: self.row_count })
    }
}

impl fmt::Debug for ParquetFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetFile")
            .field("byte_count", &self.byte_count())
            .field("row_count", &self.row_count)
            .finish_non_exhaustive()
    }
}

/// Nobody filters these files, so they carry no statistics; and no Arrow schema, which only Arrow reads.
fn writer_for(
    schema: &SchemaRef,
    sample: Option<&RecordBatch>,
    buffer: Vec<u8>,
) -> Result<ArrowWriter<Vec<u8>>> {
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false);
    for (index, field) in schema.fields().iter().enumerate() {
        if sample.is_some_and(|rows| repeats_itself(rows.column(index))) {
            properties =
                properties.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), true);
        }
    }
    let options =
        ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(buffer, Arc::clone(schema), options).map_err(failed)
}

/// Whether a column of texts has few different ones among its first.
fn repeats_itself(column: &dyn Array) -> bool {
    if *column.data_type() != DataType::Utf8 {
        return false;
    }
    let Some(texts) = column.as_any().downcast_ref::<StringArray>() else { return false };
    let sample: Vec<&str> = texts.iter().take(SAMPLE_ROWS_MAX).flatten().collect();
    let distinct: std::collections::HashSet<&&str> = sample.iter().collect();
    distinct.len() * REPETITION_MIN <= sample.len() && !sample.is_empty()
}

fn failed(error: parquet::errors::ParquetError) -> Error {
    Error::internal("rows could not be written as Parquet").with_source(error)
}
