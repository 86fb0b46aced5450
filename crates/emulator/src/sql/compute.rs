//! Which virtual warehouse a statement runs on, and whether that one is awake.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::catalog::WarehouseEntry;

const SECOND_NS: i64 = 1_000_000_000;

/// A virtual warehouse that a statement used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedWarehouse {
    pub name: String,
    pub size: String,
}

/// When each virtual warehouse last had something to do.
#[derive(Debug, Default)]
pub(crate) struct Warehouses {
    used_at: Mutex<BTreeMap<String, i64>>,
}

impl Warehouses {
    /// True where the virtual warehouse was suspended, or suspended itself for want of work.
    pub(crate) fn is_suspended(&self, name: &str, entry: &WarehouseEntry, now: i64) -> bool {
        let used_at = self.used_at.lock().unwrap_or_else(PoisonError::into_inner);
        let since = used_at.get(name).copied().unwrap_or_default().max(entry.resumed_on);
        let patience = entry.auto_suspend.and_then(|seconds| i64::try_from(seconds).ok());
        entry.is_suspended || patience.is_some_and(|seconds| now - since > seconds.saturating_mul(SECOND_NS))
    }

    pub(crate) fn note_use(&self, name: &str, now: i64) {
        let mut used_at = self.used_at.lock().unwrap_or_else(PoisonError::into_inner);
        used_at.insert(name.to_owned(), now);
    }
}
