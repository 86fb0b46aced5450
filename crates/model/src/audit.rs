//! The comparing seam: both sides of a sync sum up their rows by buckets, so that a difference is found without moving
//! rows.

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::{Cursor, LogicalType, NullCursor, PlannedColumn, Publish, ReadPlan, Result, StreamPlan};

/// The code of the error that says that a source cannot show the snapshot its last read was of.
pub const SNAPSHOT_UNAVAILABLE: &str = "snapshot_unavailable";

/// The code of the error that says that the changes since the last read are not to be had, so that what the destination
/// has must be compared with what the source has.
pub const CHANGES_LOST: &str = "changes_lost";

/// Sums up and marks the rows of one side.
///
/// Both sides write every value as the same canonical text, and hash that. So rows are equal if and only if their
/// hashes are, but for a chance of one in 2⁶⁴, and no value leaves its system.
#[async_trait]
pub trait Audit: Debug + Send + Sync {
    /// Sums up each bucket that has rows, in one statement.
    async fn summarize(&self, plan: &AuditPlan) -> Result<Audited<Vec<BucketSummary>>>;

    /// Marks every row of these buckets.
    async fn mark_rows(&self, plan: &AuditPlan, buckets: &[u32]) -> Result<Audited<Vec<RowMark>>>;
}

#[async_trait]
impl<T: Audit + ?Sized> Audit for Arc<T> {
    async fn summarize(&self, plan: &AuditPlan) -> Result<Audited<Vec<BucketSummary>>> {
        (**self).summarize(plan).await
    }

    async fn mark_rows(&self, plan: &AuditPlan, buckets: &[u32]) -> Result<Audited<Vec<RowMark>>> {
        (**self).mark_rows(plan, buckets).await
    }
}

/// Which rows are compared, and in how many buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPlan {
    /// Columns, key, target and epoch, as the next run would have them.
    pub stream: StreamPlan,
    /// The position that the destination is known to have reached.
    pub committed: Cursor,
    pub bucket_count: NonZeroU32,
    /// Whether keys alone are compared: enough to find rows that are gone.
    pub is_keys_only: bool,
    pub moment: Moment,
}

/// As of when the source is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The snapshot that the destination shows. A source that cannot give it answers [`SNAPSHOT_UNAVAILABLE`].
    Checkpoint,
    /// Now.
    Now,
}

/// Some of a stream's rows: those whose key falls into one of these buckets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BucketFilter {
    pub bucket_count: NonZeroU32,
    pub buckets: Vec<u32>,
    pub moment: Moment,
}

/// What one bucket holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketSummary {
    pub bucket: u32,
    pub row_count: u64,
    /// The sum of the rows' hashes: a missing, an additional and a doubled row change it.
    pub checksum: u128,
    /// One for each of [`AuditPlan::summarized_columns`].
    pub columns: Vec<ColumnSummary>,
}

/// What one bucket holds in one column. Values are hashed here too; a sum is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnSummary {
    /// Rows in which it is not NULL.
    pub value_count: u64,
    pub lowest: Option<u64>,
    pub highest: Option<u64>,
    pub sum: Option<String>,
}

/// One row, known by hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowMark {
    pub bucket: u32,
    /// The MD5 of the key, or of the whole row where there is no key.
    pub key: u128,
    /// 64 bits of the MD5 of the whole row.
    pub row: u64,
}

/// What was found, and what it took.
#[derive(Clone, Debug)]
pub struct Audited<T> {
    pub found: T,
    pub cost: AuditCost,
}

/// What was asked of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditCost {
    pub statements: u64,
    /// Rows that came back.
    pub row_count: u64,
    /// Bytes that came back, in memory.
    pub bytes: u64,
    /// Bytes that the statements read, where the system says so.
    pub bytes_scanned: Option<u64>,
    /// The virtual warehouse that the statements ran on, where the system says so.
    pub virtual_warehouse: Option<String>,
}

impl AuditCost {
    /// Adds what another statement took.
    pub fn add(&mut self, other: Self) {
        self.statements += other.statements;
        self.row_count += other.row_count;
        self.bytes += other.bytes;
        self.bytes_scanned = match (self.bytes_scanned, other.bytes_scanned) {
            (Some(left), Some(right)) => Some(left + right),
            (left, right) => left.or(right),
        };
        self.virtual_warehouse = self.virtual_warehouse.take().or(other.virtual_warehouse);
    }
}

impl LogicalType {
    /// Whether values have a canonical text that every system writes alike. Of other types NULLs alone are compared.
    pub fn has_canonical_text(&self) -> bool {
        !matches!(
            self,
            LogicalType::Decfloat
                | LogicalType::Vector { .. }
                | LogicalType::IntervalMonths
                | LogicalType::IntervalNanoseconds
        )
    }

    /// Whether the sum of many values is exact in every system, and fits.
    pub fn has_exact_sum(&self) -> bool {
        match self {
            LogicalType::Bool | LogicalType::Int64 => true,
            LogicalType::Decimal { precision, .. } => *precision <= SUMMED_DIGITS_MAX,
            _ => false,
        }
    }

    /// Whether the lowest and highest value are the same ones in every system.
    pub fn has_portable_order(&self) -> bool {
        self.has_canonical_text()
            && !matches!(self, LogicalType::Binary | LogicalType::Json | LogicalType::Geo)
    }
}

/// Sums have 38 digits, so ten thousand million values of so many cannot exceed them.
const SUMMED_DIGITS_MAX: u8 = 28;

impl PlannedColumn {
    /// Whether each of its values takes part in the comparison: there is a canonical text, and nothing was changed to
    /// fit on the way.
    pub fn is_compared(&self) -> bool {
        !self.is_lossy && self.logical_type.has_canonical_text()
    }
}

impl StreamPlan {
    /// The columns whose values make up a row's hash.
    pub fn compared_columns(&self) -> impl Iterator<Item = &PlannedColumn> {
        self.columns.iter().filter(|column| column.is_compared())
    }

    /// The key's columns, by which rows are put into buckets. Empty where there is no key, or where its values cannot be
    /// compared: then the whole row decides.
    pub fn bucket_key(&self) -> Vec<&PlannedColumn> {
        let find = |name: &String| {
            self.columns.iter().find(|column| &column.target == name).filter(|column| column.is_compared())
        };
        self.key().iter().map(find).collect::<Option<_>>().unwrap_or_default()
    }
}

impl StreamPlan {
    /// Whether there is a bucket to be read.
    pub fn reads_buckets(&self) -> bool {
        matches!(&self.read, ReadPlan::Buckets { filter, .. } if !filter.buckets.is_empty())
    }

    /// Publishes no row and another position.
    pub fn moving_on(&self) -> StreamPlan {
        let filter =
            BucketFilter { bucket_count: NonZeroU32::MIN, buckets: Vec::new(), moment: Moment::Checkpoint };
        StreamPlan {
            read: ReadPlan::Buckets { filter: filter.clone(), required_column: None },
            publish: Publish::ReplaceBuckets { key: self.key().to_vec(), filter, moves_checkpoint: true },
            staged: None,
            ..self.clone()
        }
    }
}

impl AuditPlan {
    /// The columns that are summed up by themselves too, also those that are not part of a row's hash.
    pub fn summarized_columns(&self) -> &[PlannedColumn] {
        if self.is_keys_only { &[] } else { &self.stream.columns }
    }

    /// The column, by its name at the source, without a value in which a row is not part of the stream.
    pub fn required_column(&self) -> Option<&str> {
        self.stream.read.required_column()
    }

    /// A read of these buckets alone, whose rows take the place of those that the destination has in them. Its epoch is
    /// the one after the comparison's, so that it is refused where a run has come between.
    pub fn healing(&self, buckets: Vec<u32>) -> StreamPlan {
        let filter = BucketFilter { bucket_count: self.bucket_count, buckets, moment: self.moment };
        StreamPlan {
            read: ReadPlan::Buckets {
                filter: filter.clone(),
                required_column: self.required_column().map(str::to_owned),
            },
            publish: Publish::ReplaceBuckets {
                key: self.stream.key().to_vec(),
                filter,
                moves_checkpoint: false,
            },
            since: Some(self.committed.clone()),
            staged: None,
            ..self.stream.clone()
        }
    }

    /// The same where the comparison was made at a position that nothing has led to yet: with these buckets, the
    /// destination is there.
    pub fn reaching(&self, buckets: Vec<u32>) -> StreamPlan {
        let mut plan = self.healing(buckets);
        if let Publish::ReplaceBuckets { moves_checkpoint, .. } = &mut plan.publish {
            *moves_checkpoint = true;
        }
        plan
    }

    /// Removes the rows whose keys have these MD5s, under the epoch after the comparison's.
    pub fn removing(&self, gone: Vec<u128>, max_shrink_percent: u8) -> StreamPlan {
        let key = self.stream.key().to_vec();
        StreamPlan {
            publish: Publish::RemoveRows { key, gone, max_shrink_percent },
            since: Some(self.committed.clone()),
            staged: None,
            ..self.stream.clone()
        }
    }
}

impl ReadPlan {
    /// The column, by its name at the source, without a value in which a row is not read.
    pub fn required_column(&self) -> Option<&str> {
        match self {
            ReadPlan::ByCursor { cursor_column, null_cursor: NullCursor::Exclude, .. } => Some(cursor_column),
            ReadPlan::Buckets { required_column, .. } => required_column.as_deref(),
            ReadPlan::Whole | ReadPlan::ByCursor { .. } | ReadPlan::Changes => None,
        }
    }
}
