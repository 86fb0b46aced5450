//! Which cursor, look-back and key are best, and why.

use std::cmp::Reverse;
use std::time::Duration;

use serde::Serialize;

use super::words::{Meaning, is_key, is_sequence, meaning};
use super::{ColumnProfile, Extent, Profile, TimePrecision, exceeds, percent};
use crate::{LogicalType, NullCursor};

/// A row that is committed late carries the time at which its transaction wrote it; transactions of an hour are rare.
const LATE_COMMIT: Duration = Duration::from_secs(3_600);
/// Clocks on the wall show an hour twice when summer time ends.
const REPEATED_HOUR: Duration = Duration::from_secs(3_600);
/// Rows of a day may be written on the next one, and days begin elsewhere at another time.
const LATE_DAY: Duration = Duration::from_secs(24 * 3_600);
/// Rows without a value are read by every run.
const NULL_MAX_PERCENT: u64 = 20;
/// A column that nothing was written into for so long has perhaps been given up.
const STALE_SECONDS: i64 = 30 * 24 * 3_600;

/// What a sync of a stream would best say under `read`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// The column to follow; absent where none is safe.
    pub cursor: Option<CursorAdvice>,
    pub key: Option<KeyAdvice>,
    /// What to do where no column is safe to follow.
    pub instead: Option<Instead>,
    /// What speaks for or against each column as cursor, the best first.
    pub verdicts: Vec<Verdict>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CursorAdvice {
    pub column: String,
    #[serde(rename = "lookback_seconds", serialize_with = "whole_seconds")]
    pub lookback: Duration,
    pub reasons: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyAdvice {
    pub column: String,
    pub reason: String,
}

/// How a stream without a safe cursor is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Instead {
    /// By the changes that the table keeps track of.
    Changes,
    /// As a whole each time.
    FullRefresh,
}

/// A column as cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub column: String,
    pub is_safe: bool,
    pub reasons: Vec<String>,
}

fn whole_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

impl Advice {
    /// What the profile of a stream's candidates advises.
    pub fn of(profile: &Profile) -> Self {
        let key = KeyAdvice::of(profile);
        let mut candidates: Vec<&ColumnProfile> =
            profile.columns.iter().filter(|column| column.may_be_followed()).collect();
        candidates.sort_by_key(|column| column.rank());
        let verdicts: Vec<Verdict> = candidates.iter().map(|column| column.verdict()).collect();
        let best = candidates.iter().zip(&verdicts).find(|(_, verdict)| verdict.is_safe);
        let cursor = best.map(|(column, verdict)| CursorAdvice {
            column: column.column.name.clone(),
            lookback: column.lookback(),
            reasons: verdict.reasons.iter().cloned().chain(column.why_lookback()).collect(),
        });
        let tracked = profile.tracks_changes == Some(true) && key.is_some();
        let instead = if tracked { Instead::Changes } else { Instead::FullRefresh };
        Self { instead: cursor.is_none().then_some(instead), cursor, key, verdicts }
    }
}

impl ColumnProfile {
    /// Keys that are no sequences are looked at as keys alone.
    fn may_be_followed(&self) -> bool {
        let logical_type = &self.column.logical_type;
        logical_type.why_no_cursor().is_none()
            && (logical_type.is_time() || is_sequence(&self.column.name) || !is_key(&self.column.name))
    }

    /// Safe columns first, then by what the name says, then finer times, those with a zone, fewer NULLs and newer values.
    fn rank(&self) -> impl Ord + use<> {
        let name = &self.column.name;
        let meaning = if is_sequence(name) { Meaning::Unknown } else { meaning(name) };
        let is_coarse = self.precision == Some(TimePrecision::Days);
        let has_no_zone = matches!(self.column.logical_type, LogicalType::Timestamp { .. });
        let age = self.newest_age_seconds.unwrap_or(i64::MAX);
        let is_unsafe = !self.objections().is_empty();
        (is_unsafe, meaning, is_coarse, has_no_zone, self.null_count, age, Reverse(self.distinct_count))
    }

    fn verdict(&self) -> Verdict {
        let objections = self.objections();
        let is_safe = objections.is_empty();
        let reasons = if is_safe { self.merits() } else { objections };
        Verdict { column: self.column.name.clone(), is_safe, reasons }
    }

    /// Why this column is not recommended. That is stricter than what is refused.
    fn objections(&self) -> Vec<String> {
        let name = &self.column.name;
        let mut objections: Vec<String> =
            self.dangers(NullCursor::Include).into_iter().map(|danger| danger.reason).collect();
        if exceeds(self.null_count, self.row_count, NULL_MAX_PERCENT) {
            let share = percent(self.null_count, self.row_count);
            objections
                .push(format!("{name} is NULL in {share:.0} % of the rows, which every run would read"));
        }
        if self.row_count > 0 && self.null_count == self.row_count {
            objections.push(format!("{name} has no value in any row"));
        }
        if self.column.logical_type.is_time() && meaning(name) == Meaning::Business {
            objections.push(format!(
                "by its name {name} belongs to what the row tells of, not to when it was written"
            ));
        }
        if matches!(self.column.logical_type, LogicalType::Text | LogicalType::Binary) {
            objections.push(format!("nothing tells whether {name} grows with every change"));
        }
        objections
    }

    fn merits(&self) -> Vec<String> {
        let name = &self.column.name;
        let mut merits = vec![match meaning(name) {
            Meaning::Change => format!("by its name {name} says when a row was last written"),
            Meaning::Creation => format!(
                "{name} is set when a row is made: right for tables that only grow, and changes of older rows are not seen"
            ),
            _ if is_sequence(&self.column.name) => {
                format!("by its name {name} counts changes; that each change raises it, only its owner knows")
            }
            _ => format!("{name} is a time; that each change raises it, only its owner knows"),
        }];
        if self.row_count == 0 {
            merits.push("there are no rows to judge by".to_owned());
        }
        if self.null_count > 0 {
            merits.push(format!(
                "{} rows without a value are read by every run (`null_cursor: include`)",
                self.null_count
            ));
        }
        if self.future_count > 0 {
            merits.push(format!(
                "{} rows are ahead of the account's clock and read by every run",
                self.future_count
            ));
        }
        if self.newest_age_seconds.is_some_and(|age| age > STALE_SECONDS) {
            merits.push("its newest value is more than 30 days old: is it still written?".to_owned());
        }
        merits
    }

    fn lookback(&self) -> Duration {
        match self.column.logical_type {
            _ if self.precision == Some(TimePrecision::Days) => LATE_DAY,
            LogicalType::Date => LATE_DAY,
            LogicalType::Timestamp { .. } => LATE_COMMIT + REPEATED_HOUR,
            LogicalType::TimestampUtc { .. } | LogicalType::TimestampOffset { .. } => LATE_COMMIT,
            _ => Duration::ZERO,
        }
    }

    fn why_lookback(&self) -> Option<String> {
        let lookback = self.lookback();
        Some(match lookback {
            Duration::ZERO => return None,
            LATE_DAY => "its values are whole days, and rows of a day may be written on the next".to_owned(),
            LATE_COMMIT => "rows that are committed late have an earlier time".to_owned(),
            _ => "rows that are committed late have an earlier time, and a clock without a zone shows an hour twice when \
                  summer time ends"
                .to_owned(),
        })
    }
}

impl KeyAdvice {
    /// The best of the columns that tell all rows apart: by name, then numbers before texts.
    fn of(profile: &Profile) -> Option<Self> {
        let is_usable = |column: &&ColumnProfile| {
            let is_empty = column.row_count == 0;
            is_key(&column.column.name)
                && !column.column.logical_type.is_time()
                && (is_empty || column.is_unique())
        };
        let rank = |column: &&ColumnProfile| {
            let name = column.column.name.to_uppercase();
            let is_text = matches!(column.column.logical_type, LogicalType::Text | LogicalType::Binary);
            (name != "ID", is_text, name.len())
        };
        let best = profile.columns.iter().filter(is_usable).min_by_key(rank)?;
        let name = &best.column.name;
        let reason = match profile.extent {
            _ if best.row_count == 0 => format!("by its name alone: there are no rows to judge {name} by"),
            Extent::Whole => format!("{name} tells all {} rows apart", best.row_count),
            _ => format!(
                "{name} repeats in none of the {} rows looked at; a run refuses rows that repeat a key",
                best.row_count
            ),
        };
        Some(Self { column: name.clone(), reason })
    }
}
