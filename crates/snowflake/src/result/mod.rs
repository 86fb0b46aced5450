//! The result of a statement: what the service said about it, and its rows as a stream of Arrow batches.

mod access;
mod budget;
mod decoders;
mod fetch;
mod link_policy;
mod links;
mod manifest;
mod pipeline;
mod stream;
mod summary;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures_util::TryStreamExt;

pub(crate) use self::access::{ChunkAccess, chunk_http};
pub use self::budget::MemoryBudget;
pub use self::decoders::when_decoders_rest;
pub(crate) use self::link_policy::LinkPolicy;
pub use self::stream::{ResultBatch, ResultStream};
pub use self::summary::ResultSummary;

use self::manifest::Manifest;
use crate::column::Column;
use crate::decode::{DecodeOptions, Decoder};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::result::ResultData;

/// The result of one statement. Its rows are fetched when they are asked for, as often as they are asked for.
#[derive(Clone, Debug)]
pub struct QueryResult {
    manifest: Arc<Manifest>,
    access: ChunkAccess,
    schema: SchemaRef,
}

impl QueryResult {
    pub(crate) fn new(data: ResultData, access: ChunkAccess) -> Result<Self> {
        let manifest = Manifest::new(data)?;
        let decoder = manifest.decoder(&DecodeOptions::default())?;
        Ok(Self { schema: Arc::clone(decoder.schema()), manifest: Arc::new(manifest), access })
    }

    /// The id under which the service knows this query for a day.
    pub fn query_id(&self) -> &str {
        &self.manifest.query_id
    }

    /// The columns, by position.
    pub fn columns(&self) -> &[Column] {
        &self.manifest.columns
    }

    /// The Arrow schema of every batch under the default options. A `TIMESTAMP_TZ` column has two fields.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// How many rows the result has, in all its parts.
    pub fn total_rows(&self) -> u64 {
        self.manifest.total_rows()
    }

    /// Snowflake's number for the kind of statement, 0 where it did not say.
    pub fn statement_type(&self) -> i64 {
        self.manifest.statement_type
    }

    /// How many chunks there are besides the rows that came with the reply.
    pub fn chunk_count(&self) -> usize {
        self.manifest.chunk_rows.len()
    }

    /// How many rows a part has: 0 is the part that came with the reply, `n` the nth chunk.
    pub fn chunk_rows(&self, chunk: usize) -> Option<u64> {
        self.manifest.part_rows(chunk)
    }

    /// How many rows an INSERT, UPDATE, DELETE, MERGE or COPY changed, or `None` for other statements.
    pub fn affected_rows(&self) -> Option<u64> {
        self.manifest.affected_rows
    }

    /// All rows, in order. Fetching starts at once and runs ahead of the reader within the memory budget. Needs a
    /// tokio runtime.
    pub fn batches(&self, options: DecodeOptions) -> Result<ResultStream> {
        self.batches_from(0, options)
    }

    /// The rows from part `chunk` on: 0 is the part that came with the reply, `n` the nth chunk. So a reader that has
    /// committed chunk `n` goes on with `n + 1`, even after the last one.
    pub fn batches_from(&self, chunk: usize, options: DecodeOptions) -> Result<ResultStream> {
        if chunk > self.chunk_count() + 1 {
            let message = format!("there is no chunk {chunk}: the result has {}", self.chunk_count());
            return Err(Error::new(ErrorKind::Protocol, message).with_query_id(self.query_id()));
        }
        let decoder = self.manifest.decoder(&options)?;
        Ok(pipeline::start(Arc::clone(&self.manifest), self.access.clone(), decoder, chunk))
    }

    /// All rows in memory, outside the memory budget: for results that are known to be small.
    pub async fn collect(&self) -> Result<Vec<RecordBatch>> {
        self.batches(DecodeOptions::default())?.map_ok(ResultBatch::into_batch).try_collect().await
    }
}

/// What decodes the parts of the result that this reply describes.
pub(crate) fn decoder_of(data: ResultData, options: &DecodeOptions) -> Result<Decoder> {
    Manifest::new(data)?.decoder(options)
}

/// What is decoded: kept apart so that a decoder is made in one place.
impl Manifest {
    fn decoder(&self, options: &DecodeOptions) -> Result<Decoder> {
        Decoder::new(&self.columns, self.encoding, self.version, options)
            .map_err(|error| error.with_query_id(self.query_id.clone()))
    }
}
