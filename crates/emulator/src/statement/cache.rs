//! Large results of repeated identical SELECTs, reused while nothing has changed, as Snowflake does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::encode::{EncodedResult, Layout};

/// Results kept for reuse; more than a benchmark alternates between.
const RESULTS_MAX: usize = 16;
/// A SELECT with one of these in it may give other rows the next time.
const VOLATILE: [&str; 21] = [
    "account_usage",
    "at(",
    "at (",
    "before(",
    "before (",
    "changes",
    "current_",
    "getdate",
    "information_schema",
    "last_query",
    "localtime",
    "nextval",
    "now(",
    "query_history",
    "rand",
    "result_scan",
    "seq",
    "sysdate",
    "system$",
    "uniform",
    "uuid",
];

/// What makes two SELECTs the same. Sessions differ in context, temporary tables and open transactions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CacheKey {
    pub session_id: i64,
    pub text: String,
    pub parameters: String,
    pub layout: Layout,
}

#[derive(Default)]
pub(crate) struct ResultCache {
    /// Grows whenever a statement may change data or state, before it and after it.
    generation: AtomicU64,
    results: Mutex<HashMap<CacheKey, (u64, Arc<EncodedResult>)>>,
}

impl ResultCache {
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Something may have changed: no result so far is reused.
    pub(super) fn invalidate(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<EncodedResult>> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let (generation, encoded) = results.get(key)?;
        (*generation == self.generation()).then(|| Arc::clone(encoded))
    }

    /// Keeps a result that was read while the generation was this one.
    pub(super) fn insert(&self, key: CacheKey, generation: u64, encoded: &Arc<EncodedResult>) {
        if encoded.chunks.is_empty() || generation != self.generation() {
            return;
        }
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.retain(|_, (kept, _)| *kept == generation);
        if results.len() < RESULTS_MAX {
            results.insert(key, (generation, Arc::clone(encoded)));
        }
    }
}

/// True for a text that only reads; decided before it runs, so a doubtful one counts as a change.
pub(super) fn only_reads(text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    ["select", "with", "show", "describe", "desc ", "explain"].iter().any(|word| text.starts_with(word))
}

/// True for a SELECT whose rows depend on nothing but the data.
pub(super) fn is_reusable(text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    let is_select = text.starts_with("select") || text.starts_with("with");
    is_select && !VOLATILE.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_select_that_asks_the_time_is_not_reused() {
        assert!(is_reusable("SELECT * FROM orders"));
        assert!(!is_reusable("SELECT CURRENT_TIMESTAMP()"));
        assert!(!is_reusable("select * from orders at(offset => -60)"));
        assert!(!is_reusable("insert into orders select 1"));
    }

    #[test]
    fn a_change_is_told_from_a_read_by_its_first_word() {
        assert!(only_reads("  select 1"));
        assert!(only_reads("SHOW TABLES"));
        assert!(!only_reads("MERGE INTO t USING s"));
        assert!(!only_reads("alter session set timezone = 'UTC'"));
    }
}
