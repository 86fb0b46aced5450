//! Reading for a table that rows are only ever added to: what was delivered at the watermark is not delivered again.
//!
//! The bound of a read is inclusive, since a row may still come with the very value of the watermark. So a position also
//! names, by hashes of their keys, the rows with that value that have been delivered, and they are left out.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use model::{Error, ErrorKind, Publish, ReadPlan, Result, StreamPlan};

use super::key_hash::{KeyHash, key_hash};
use super::position::{Delivered, Position};
use crate::watermark::{CursorValue, rows_at};

/// Rows with one cursor value that a position can tell apart: a cursor then takes 3 MiB in the journal. Tables that are
/// loaded in bulk have many rows of one moment; more than this is a cursor that does not tell moments apart.
const DELIVERED_MAX: usize = 100_000;

/// What one read for an append has found out.
#[derive(Debug)]
pub(super) struct Appending {
    cursor_index: usize,
    key_indices: Vec<usize>,
    key: Vec<String>,
    /// The watermark that this read started from, with the rows that were delivered at it.
    before: Option<(CursorValue, BTreeSet<KeyHash>)>,
    /// The highest cursor value so far, with the rows that are delivered at it.
    now: Option<(CursorValue, BTreeSet<KeyHash>)>,
}

impl Appending {
    /// What to follow in a read of `plan` from `committed` on; nothing where the plan does not append.
    pub(super) fn new(plan: &StreamPlan, committed: &Position) -> Result<Option<Self>> {
        let (Publish::Append { key }, ReadPlan::ByCursor { cursor_column, cursor_type, .. }) =
            (&plan.publish, &plan.read)
        else {
            return Ok(None);
        };
        let schema = plan.arrow_schema();
        let index_of = |name: &str| {
            schema.index_of(name).map_err(|_| Error::internal("a column is missing from the plan"))
        };
        let key_indices: Vec<usize> = key.iter().map(|name| index_of(name)).collect::<Result<_>>()?;
        let planned = key.iter().filter_map(|name| plan.columns.iter().find(|column| &column.target == name));
        let key: Vec<String> =
            planned.map(|column| format!("{} {}", column.source, column.logical_type)).collect();
        let before = match (&committed.watermark, &committed.delivered) {
            (None, _) => None,
            (Some(_), None) => return Err(not_an_append()),
            (Some(watermark), Some(delivered)) => {
                let hashes = known_hashes(delivered, &key)?;
                Some((CursorValue::parse(cursor_type, watermark)?, hashes))
            }
        };
        let cursor = plan.column(cursor_column).map(|column| column.target.as_str()).unwrap_or_default();
        Ok(Some(Self { cursor_index: index_of(cursor)?, key_indices, key, now: before.clone(), before }))
    }

    /// The rows that have not been delivered yet.
    pub(super) fn undelivered(&self, rows: RecordBatch) -> Result<RecordBatch> {
        let Some((watermark, delivered)) = &self.before else { return Ok(rows) };
        let Some((lowest, tied)) = rows_at(rows.column(self.cursor_index), Ordering::Less)? else {
            return Ok(rows);
        };
        match lowest.compare(watermark) {
            Ordering::Greater => return Ok(rows),
            Ordering::Equal => {}
            Ordering::Less => return Err(Error::internal("a row lies below the bound of the read")),
        }
        let key = self.key_of(&rows);
        let mut keep = vec![true; rows.num_rows()];
        for row in tied {
            keep[row] = !delivered.contains(&key_hash(&key, row)?);
        }
        filter_record_batch(&rows, &BooleanArray::from(keep))
            .map_err(|error| Error::internal("rows could not be filtered").with_source(error))
    }

    /// Takes rows that are delivered now into account.
    pub(super) fn observe(&mut self, rows: &RecordBatch) -> Result<()> {
        let Some((highest, tied)) = rows_at(rows.column(self.cursor_index), Ordering::Greater)? else {
            return Ok(());
        };
        let order = self.now.as_ref().map_or(Ordering::Greater, |(now, _)| highest.compare(now));
        if order == Ordering::Less {
            return Ok(());
        }
        if order == Ordering::Greater {
            self.now = Some((highest, BTreeSet::new()));
        }
        let key = self.key_of(rows);
        let Some((_, delivered)) = &mut self.now else { return Ok(()) };
        for row in tied {
            // One more than can be kept is enough to know it; the value may not be the highest for long.
            if delivered.len() > DELIVERED_MAX {
                break;
            }
            delivered.insert(key_hash(&key, row)?);
        }
        Ok(())
    }

    /// The rows delivered at the watermark, for the next read to leave out.
    pub(super) fn delivered(&self, plan: &StreamPlan) -> Result<Delivered> {
        let hashes = self.now.as_ref().map(|(_, hashes)| hashes);
        if hashes.is_some_and(|hashes| hashes.len() > DELIVERED_MAX) {
            return Err(too_many_ties(plan));
        }
        let hashes = hashes.into_iter().flatten().map(|hash| format!("{hash:032x}")).collect();
        Ok(Delivered { key: self.key.clone(), hashes })
    }

    fn key_of(&self, rows: &RecordBatch) -> Vec<ArrayRef> {
        self.key_indices.iter().map(|index| ArrayRef::clone(rows.column(*index))).collect()
    }
}

fn known_hashes(delivered: &Delivered, key: &[String]) -> Result<BTreeSet<KeyHash>> {
    if delivered.key != key {
        let message = format!(
            "the key was ({}) when rows were last appended and is ({}) now",
            delivered.key.join(", "),
            key.join(", ")
        );
        return Err(Error::new(ErrorKind::SchemaChanged, "append_key_changed", message).with_remedy(
            "go back to the former key; or empty the target and run with --full-refresh to append every row anew",
        ));
    }
    let digits = delivered.hashes.as_bytes().chunks(32);
    let hashes = digits
        .map(|hash| std::str::from_utf8(hash).ok().and_then(|hash| KeyHash::from_str_radix(hash, 16).ok()));
    hashes.collect::<Option<_>>().ok_or_else(|| {
        Error::config(
            "cursor_unreadable",
            "the stored cursor names delivered rows in a way that cannot be read",
        )
    })
}

fn not_an_append() -> Error {
    Error::config("cursor_not_of_append", "the stored position was reached by a sync that did not append")
        .with_remedy("choose another `target`, or empty this one and run with --full-refresh")
}

fn too_many_ties(plan: &StreamPlan) -> Error {
    let message = format!(
        "more than {DELIVERED_MAX} rows of {} share the highest value of the cursor column",
        plan.stream
    );
    Error::data("cursor_too_coarse", message)
        .with_remedy("follow a column that tells rows apart better, or choose `write: upsert`")
}
