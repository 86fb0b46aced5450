//! Large results of repeated identical SELECTs, reused while nothing has changed, as Snowflake does.

use std::collections::HashMap;
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

/// What makes two SELECTs the same, in one session or in two.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CacheKey {
    pub viewpoint: String,
    pub text: String,
    pub layout: Layout,
}

#[derive(Default)]
pub(crate) struct ResultCache {
    /// Each with how often anything had changed by then.
    results: Mutex<HashMap<CacheKey, (u64, Arc<EncodedResult>)>>,
}

impl ResultCache {
    /// The result of the same SELECT, where nothing has changed since.
    pub(super) fn get(&self, key: &CacheKey, change_count: u64) -> Option<Arc<EncodedResult>> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept_at, encoded) = results.get(key)?;
        (*kept_at == change_count).then(|| Arc::clone(encoded))
    }

    /// Keeps a result that was read while this often had anything changed.
    pub(super) fn insert(&self, key: CacheKey, change_count: u64, encoded: &Arc<EncodedResult>) {
        if encoded.chunks.is_empty() {
            return;
        }
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.retain(|_, (kept_at, _)| *kept_at == change_count);
        if results.len() < RESULTS_MAX {
            results.insert(key, (change_count, Arc::clone(encoded)));
        }
    }
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
}
