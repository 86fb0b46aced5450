//! What was found of the columns that a sync follows or could follow, and what that means for it.

mod advice;
mod danger;
mod plan;
mod words;

use serde::Serialize;

use crate::{AuditCost, Column, StreamName};

pub use advice::{Advice, CursorAdvice, Instead, KeyAdvice, Verdict};
pub use danger::{Danger, ReadCounts};
pub use plan::{Extent, ProfileBounds, ProfilePlan};

/// A share of fewer rows says little, and reading them again costs little.
const SHARE_ROWS_MIN: u64 = 1_000;

/// A stream's columns, looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profile {
    pub stream: StreamName,
    /// Which of the stream's rows were looked at.
    pub extent: Extent,
    pub columns: Vec<ColumnProfile>,
    /// The key that the sync names, as a whole; absent where there is none, or none that can be compared.
    pub key: Option<KeyProfile>,
    /// Whether the table keeps track of its changes; absent where the source does not say so, as for views.
    pub tracks_changes: Option<bool>,
    pub cost: AuditCost,
}

/// What was found of one column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnProfile {
    #[serde(flatten)]
    pub column: Column,
    pub row_count: u64,
    pub null_count: u64,
    /// How many different values there are.
    pub distinct_count: u64,
    /// Rows that share the most frequent value.
    pub largest_tie: u64,
    /// Rows that share the highest value, or the highest one that is not ahead of the account's clock.
    pub newest_tie: u64,
    /// Rows whose time is ahead of the account's clock.
    pub future_count: u64,
    /// The highest time that is not ahead of the account's clock.
    pub newest: Option<String>,
    /// How long before the account's clock that was.
    pub newest_age_seconds: Option<i64>,
    /// How fine the times are, whatever their type could hold.
    pub precision: Option<TimePrecision>,
    /// The shortest and the longest value of a text or binary column.
    pub lengths: Option<(u64, u64)>,
}

/// The coarsest step that all of a column's times are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimePrecision {
    Days,
    Seconds,
    Finer,
}

/// What was found of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyProfile {
    pub columns: Vec<String>,
    pub row_count: u64,
    /// Rows in which one of its columns is NULL.
    pub null_count: u64,
    /// How many different keys there are; NULL is a value as any other.
    pub distinct_count: u64,
}

impl Profile {
    /// The column called `name` at the source, where it was looked at.
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|profile| profile.column.name == name)
    }
}

impl ColumnProfile {
    /// Whether every row has a value, and no other row has it.
    pub fn is_unique(&self) -> bool {
        self.row_count > 0 && self.null_count == 0 && self.distinct_count == self.row_count
    }
}

/// A share in per cent.
pub fn percent(part: u64, whole: u64) -> f64 {
    // Rows beyond 2⁵³ would round; a share does not care.
    #[allow(clippy::cast_precision_loss, reason = "a share is an estimate")]
    let share = |part: u64, whole: u64| 100.0 * part as f64 / whole as f64;
    if whole == 0 { 0.0 } else { share(part, whole) }
}

/// Whether more than `bound` per cent of enough rows are part of it.
fn exceeds(part: u64, whole: u64, bound_percent: u64) -> bool {
    whole >= SHARE_ROWS_MIN && u128::from(part) * 100 > u128::from(whole) * u128::from(bound_percent)
}

#[cfg(test)]
mod tests;
