//! What makes a choice of cursor or key unsafe: rows that are lost, or read again by every run.

use serde::Serialize;

use super::{ColumnProfile, Extent, KeyProfile, Profile, exceeds, percent};
use crate::{Error, NullCursor, ReadSpec, Result, StreamSpec, WriteSpec};

/// Rows that are left out for want of a cursor value. A few are drafts and tests; more of them are data.
const LEFT_OUT_MAX_PERCENT: u64 = 10;
/// Rows that share the highest value are read by every run until a higher one comes.
const NEWEST_TIE_MAX_PERCENT: u64 = 50;
/// Rows ahead of the clock are read by every run. Where there are many, the column says when something is planned.
const FUTURE_MAX_PERCENT: u64 = 5;

/// Why a choice is refused unless the sync says `unsafe: allow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Danger {
    pub reason: String,
    pub remedy: &'static str,
    /// Whether it is the key's and not the cursor's.
    pub is_of_key: bool,
}

impl Profile {
    /// Refuses what `spec` has chosen where it is unsafe, unless it says that it may be.
    pub fn refuse_unsafe(&self, spec: &StreamSpec) -> Result<()> {
        refuse(spec, &self.dangers(spec))
    }

    /// What is unsafe about the cursor and the key that `spec` has chosen.
    pub fn dangers(&self, spec: &StreamSpec) -> Vec<Danger> {
        let ReadSpec::Incremental { cursor_column, null_cursor, .. } = &spec.read else { return Vec::new() };
        let cursor =
            self.column(cursor_column).map(|column| column.dangers(*null_cursor)).unwrap_or_default();
        let key = self.key.iter().flat_map(|key| key.dangers(self.extent));
        cursor.into_iter().chain(key).collect()
    }
}

/// What a first read has counted of its rows on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadCounts {
    /// Rows that were read.
    pub row_count: u64,
    /// Rows without a cursor value, whether they were read or left out.
    pub null_cursor_count: u64,
    pub future_cursor_count: u64,
}

impl StreamSpec {
    /// Refuses the cursor of a mirror of which a read has shown that it is unsafe. Nothing is asked for it.
    pub fn refuse_unsafe_read(&self, counts: ReadCounts) -> Result<()> {
        let ReadSpec::Incremental { cursor_column, null_cursor, .. } = &self.read else { return Ok(()) };
        if self.write != WriteSpec::Mirror {
            return Ok(());
        }
        let ReadCounts { row_count, null_cursor_count, future_cursor_count } = counts;
        let row_count = match null_cursor {
            NullCursor::Include => row_count,
            NullCursor::Exclude => row_count + null_cursor_count,
        };
        let left_out = left_out(cursor_column, *null_cursor, null_cursor_count, row_count);
        let dangers: Vec<Danger> =
            left_out.into_iter().chain(ahead(cursor_column, future_cursor_count, row_count)).collect();
        refuse(self, &dangers)
    }
}

impl ColumnProfile {
    /// What is unsafe about following this column.
    pub fn dangers(&self, null_cursor: NullCursor) -> Vec<Danger> {
        let name = &self.column.name;
        let dangers = [
            left_out(name, null_cursor, self.null_count, self.row_count),
            ahead(name, self.future_count, self.row_count),
            self.tie(),
            self.unequal_lengths(),
        ];
        dangers.into_iter().flatten().collect()
    }

    /// Only the tie at the top matters: rows that share an older value are read once.
    fn tie(&self) -> Option<Danger> {
        exceeds(self.newest_tie, self.row_count, NEWEST_TIE_MAX_PERCENT).then(|| Danger {
            reason: format!(
                "{:.0} % of the rows share the highest value of {}, and every run would read them again",
                percent(self.newest_tie, self.row_count),
                self.column.name
            ),
            remedy: "follow a column that grows with every change",
            is_of_key: false,
        })
    }

    /// Bytes are compared from the left: texts grow with what they stand for only where all are of one length.
    fn unequal_lengths(&self) -> Option<Danger> {
        let (shortest, longest) = self.lengths.filter(|(shortest, longest)| shortest != longest)?;
        Some(Danger {
            reason: format!(
                "{} is {} of {shortest} to {longest} characters, and compared from the left '10' comes before '9'",
                self.column.name, self.column.logical_type
            ),
            remedy: "follow a timestamp, date or number, or texts of one length",
            is_of_key: false,
        })
    }
}

fn left_out(column: &str, null_cursor: NullCursor, null_count: u64, row_count: u64) -> Option<Danger> {
    let is_unsafe =
        null_cursor == NullCursor::Exclude && exceeds(null_count, row_count, LEFT_OUT_MAX_PERCENT);
    is_unsafe.then(|| Danger {
        reason: format!(
            "{column} is NULL in {:.0} % of the rows, and `null_cursor: exclude` leaves them out",
            percent(null_count, row_count)
        ),
        remedy: "say `null_cursor: include`, or follow another column",
        is_of_key: false,
    })
}

fn ahead(column: &str, future_count: u64, row_count: u64) -> Option<Danger> {
    exceeds(future_count, row_count, FUTURE_MAX_PERCENT).then(|| Danger {
        reason: format!(
            "{:.0} % of the rows have a {column} ahead of the account's clock, so it does not say when a row was changed",
            percent(future_count, row_count)
        ),
        remedy: "follow the time at which rows are written",
        is_of_key: false,
    })
}

impl KeyProfile {
    /// NULL is a value of a key as any other; rows that share it are told apart no more than others.
    fn dangers(&self, extent: Extent) -> Option<Danger> {
        let repeated = self.row_count.saturating_sub(self.distinct_count);
        let place = if extent == Extent::Whole { "" } else { " of the sample" };
        let nulls = match self.null_count {
            0 => String::new(),
            count => format!(", and is NULL in {count}"),
        };
        (repeated > 0).then(|| Danger {
            reason: format!("the key {} repeats in {repeated} rows{place}{nulls}", self.columns.join(", ")),
            remedy: "name columns under `read.key` that together tell all rows apart",
            is_of_key: true,
        })
    }
}

fn refuse(spec: &StreamSpec, dangers: &[Danger]) -> Result<()> {
    let Some(first) = dangers.first().filter(|_| !spec.is_unsafe_allowed) else { return Ok(()) };
    let reasons: Vec<&str> = dangers.iter().map(|danger| danger.reason.as_str()).collect();
    let message = format!("{}: {}", spec.stream, reasons.join("; "));
    let error = match first.is_of_key {
        true => Error::config("key_unsafe", message),
        false => Error::config("cursor_unsafe", message),
    };
    Err(error.with_remedy(format!(
        "{}; `snowferry discover --profile` recommends columns, and `unsafe: allow` under `read.incremental` takes it as it is",
        first.remedy
    )))
}
