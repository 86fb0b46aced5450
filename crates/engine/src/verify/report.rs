//! What a comparison found, what was done about it, and what it took.

use model::{AuditCost, Moment};
use serde::Serialize;

use super::difference::Difference;

/// How both sides of a sync compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// As of when the source was looked at.
    pub moment: Moment,
    /// Why that was not the snapshot that the destination shows: rows that changed meanwhile may appear as differences.
    pub snapshot_missing_because: Option<String>,
    pub bucket_count: u32,
    pub rows_at_source: u64,
    pub rows_at_destination: u64,
    pub difference: Difference,
    /// Columns, by their names at the destination, of which only NULLs were compared.
    pub uncompared_columns: Vec<String>,
    /// What was done about the difference; absent where nothing was to be done or asked for.
    pub healed: Option<Healed>,
    pub cost: VerifyCost,
}

impl VerifyReport {
    /// Whether both sides are equal now, as far as they were compared.
    pub fn is_equal(&self) -> bool {
        match &self.healed {
            Some(healed) => healed.difference_left.is_none(),
            None => self.difference.is_none(),
        }
    }
}

/// Buckets that were read again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Healed {
    pub bucket_count: u64,
    /// Rows that were read again, and are in the destination in place of those that were there.
    pub row_count: u64,
    pub bytes: u64,
    /// The difference that a second comparison found.
    pub difference_left: Difference,
}

/// What a comparison took, on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyCost {
    pub source: AuditCost,
    pub destination: AuditCost,
}

impl VerifyCost {
    pub(super) fn add(&mut self, other: Self) {
        self.source.add(other.source);
        self.destination.add(other.destination);
    }
}
