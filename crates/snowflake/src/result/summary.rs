//! What reading a result took, to be reported and compared.

use std::sync::{Arc, Mutex, PoisonError};

/// Counts of a stream, final once it has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResultSummary {
    /// Rows delivered.
    pub rows: u64,
    /// Chunks delivered, without the rows that came with the reply.
    pub chunks: u64,
    /// Bytes of the chunks as they were sent.
    pub compressed_bytes: u64,
    /// Bytes of all parts after decompression.
    pub decoded_bytes: u64,
    /// Requests for chunks that had to be repeated.
    pub retries: u64,
    /// How often the links to the chunks had expired and were asked for again.
    pub refreshed_links: u64,
    /// For each column of the result, the values that lost digits because the options allowed it.
    pub truncated_values: Vec<u64>,
}

/// The counts of a stream while several tasks add to them.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedSummary(Arc<Mutex<ResultSummary>>);

impl SharedSummary {
    pub(super) fn update(&self, change: impl FnOnce(&mut ResultSummary)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn snapshot(&self) -> ResultSummary {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
