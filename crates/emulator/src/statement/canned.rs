//! Results that a test prepared: any statement text, any rows, without DuckDB's limits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;

use crate::encode::{EncodedResult, Layout, encode};
use crate::outcome::{Column, DmlStats, Rows, SqlError};

/// What a prepared statement answers with.
#[derive(Clone, Debug)]
pub struct CannedResult {
    pub columns: Vec<Column>,
    pub batches: Vec<RecordBatch>,
    pub statement_type_id: u64,
    pub is_json_forced: bool,
    pub stats: Option<DmlStats>,
}

#[derive(Default)]
pub(crate) struct CannedResults {
    by_text: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    result: Arc<CannedResult>,
    /// Encoded once for each layout, so that a benchmark measures the client and not the encoder.
    encoded: HashMap<Layout, Arc<EncodedResult>>,
}

impl CannedResults {
    pub(crate) fn insert(&self, text: &str, result: CannedResult) {
        let entry = Entry { result: Arc::new(result), encoded: HashMap::new() };
        self.lock().insert(normal(text).to_owned(), entry);
    }

    pub(super) fn get(&self, text: &str) -> Option<Arc<CannedResult>> {
        self.lock().get(normal(text)).map(|entry| Arc::clone(&entry.result))
    }

    pub(super) fn encoded(
        &self,
        text: &str,
        result: &CannedResult,
        layout: &Layout,
        go_on: impl Fn() -> Result<(), SqlError>,
    ) -> Result<Arc<EncodedResult>, SqlError> {
        let known = self.lock().get(normal(text)).and_then(|entry| entry.encoded.get(layout).cloned());
        if let Some(encoded) = known {
            return Ok(encoded);
        }
        let batches = Box::new(result.batches.clone().into_iter().map(Ok));
        let rows = Rows { columns: result.columns.clone(), batches };
        let encoded = Arc::new(encode(rows, layout, go_on)?);
        if let Some(entry) = self.lock().get_mut(normal(text)) {
            entry.encoded.insert(*layout, Arc::clone(&encoded));
        }
        Ok(encoded)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.by_text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn normal(text: &str) -> &str {
    text.trim().trim_end_matches(';').trim_end()
}
