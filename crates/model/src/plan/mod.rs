//! What one run will do to one stream, decided before anything is read or written.

use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{Schema, SchemaRef};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    BucketFilter, Column, Cursor, Epoch, Error, ErrorKind, LogicalType, Progress, Result, StreamName,
    StreamSchema, TableName,
};

mod deletes;
mod drift;
mod publish;
mod ranges;

pub use deletes::{DELETE_FLAG, DELETED_AT, DeleteColumn, DeletePlan, DeletePolicy, DeletesSpec};
use drift::Drift;
pub use drift::{Change, ColumnChange, DriftPolicy, DriftSpec, Effect, KnownColumn, KnownColumns};
use publish::plan_publish;
pub use publish::{Publish, WriteSpec};
pub use ranges::{RangeCount, RangeSpec};

/// A full refresh that takes away more than half of what is there is more likely a mistake than a clearing out.
const MAX_SHRINK_PERCENT: u8 = 50;

/// What a sync asks for, before the stream has been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    pub stream: StreamName,
    pub read: ReadSpec,
    /// The columns that identify a row, by their names at the source.
    pub key: Vec<String>,
    /// Columns to move; all of them where empty.
    pub columns: Vec<ChosenColumn>,
    /// Columns of which a loss was expressly allowed.
    pub lossy_columns: Vec<String>,
    pub target: TableName,
    pub write: WriteSpec,
    /// A full refresh that would remove more than this share of the target's rows is refused; 0 to 100.
    pub max_shrink_percent: u8,
    /// What to do when the stream's columns are not those of the last run.
    pub drift: DriftSpec,
    /// Into how many statements a first read may be divided.
    pub ranges: RangeSpec,
    /// Whether a cursor or key is taken that looks unsafe.
    pub is_unsafe_allowed: bool,
    /// What to do with rows that are deleted at the source.
    pub deletes: DeletesSpec,
    /// Columns of the target that tell when and by which run a row was written. A row that differs in nothing else from
    /// the one that is there is left alone.
    pub stamps: Vec<String>,
    /// Columns of the target whose JSON objects gain what a row comes with, and lose nothing.
    pub merged: Vec<MergedColumn>,
    /// The lease under which the run writes, where it has one: a destination that has seen a later one refuses.
    pub lease: Option<Epoch>,
    /// The moment from which on a run that follows a cursor column reads at least, however far it has got.
    pub from: Option<Timestamp>,
}

/// A column of JSON objects of which a member stays where a row comes without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MergedColumn {
    pub name: String,
    /// Columns that say what the object is of: where they are others than before, it is another object.
    pub of: Vec<String>,
}

/// A column that a sync names to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenColumn {
    /// The name at the source.
    pub source: String,
    /// Another name at the destination, where the sync gives one.
    pub target: Option<String>,
}

/// How a sync asks for rows to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadSpec {
    FullRefresh,
    Incremental {
        cursor_column: String,
        lookback: Duration,
        null_cursor: NullCursor,
    },
    /// By what the source itself has tracked of inserts, updates and deletes since the last run.
    Changes,
}

/// What to do with rows whose cursor column is NULL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NullCursor {
    /// Read them every time; the merge by key makes that harmless.
    #[default]
    Include,
    /// Leave them out.
    Exclude,
}

/// Everything source and destination need to know for one run of one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamPlan {
    pub stream: StreamName,
    pub columns: Vec<PlannedColumn>,
    pub read: ReadPlan,
    pub publish: Publish,
    pub target: TableName,
    /// The committed position to read on from; absent for a first or a full read.
    pub since: Option<Cursor>,
    /// The position up to which an interrupted run has staged rows already.
    pub staged: Option<Cursor>,
    pub epoch: Epoch,
    /// Columns that are not as the last run found them, with what this one does about it.
    pub changes: Vec<ColumnChange>,
    /// What the destination is to know of its columns once this run is committed.
    pub known: KnownColumns,
    /// Into how many statements the sync lets a first read be divided.
    pub ranges: RangeSpec,
    /// What becomes of rows that are deleted at the source.
    pub deletes: DeletePlan,
    /// Columns of the target that tell when and by which run a row was written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stamps: Vec<String>,
    /// Columns of the target whose JSON objects gain what a row comes with, and lose nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<MergedColumn>,
}

/// A column on its way from source to destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedColumn {
    /// The name at the source.
    pub source: String,
    /// The name at the destination; differs where the sync renames, or where it could not tell two columns apart.
    pub target: String,
    #[serde(rename = "type")]
    pub logical_type: LogicalType,
    pub is_nullable: bool,
    /// Whether values may be changed to fit; each changed value is counted.
    pub is_lossy: bool,
}

/// Which rows a run reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadPlan {
    /// All rows.
    Whole,
    /// All rows, or those since the committed position, following a cursor column.
    ByCursor {
        cursor_column: String,
        cursor_type: LogicalType,
        #[serde(rename = "lookback_seconds", serialize_with = "whole_seconds")]
        lookback: Duration,
        /// The moment from which on is read at least.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<Timestamp>,
        null_cursor: NullCursor,
    },
    /// All rows as of a moment, or what changed from the committed position's moment to another.
    Changes,
    /// The rows of some buckets, which a comparison has found to differ.
    Buckets {
        filter: BucketFilter,
        /// Rows without a value in this column, by its name at the source, are not part of the stream.
        required_column: Option<String>,
    },
}

fn whole_seconds<S: serde::Serializer>(
    duration: &Duration,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

impl StreamSpec {
    /// Mirrors all of `stream`, read anew each time; whatever a sync says beyond that is set on top.
    pub fn new(stream: StreamName, target: TableName) -> Self {
        Self {
            stream,
            read: ReadSpec::FullRefresh,
            key: Vec::new(),
            columns: Vec::new(),
            lossy_columns: Vec::new(),
            target,
            write: WriteSpec::Mirror,
            max_shrink_percent: MAX_SHRINK_PERCENT,
            drift: DriftSpec::default(),
            ranges: RangeSpec::default(),
            is_unsafe_allowed: false,
            deletes: DeletesSpec::default(),
            stamps: Vec::new(),
            merged: Vec::new(),
            lease: None,
            from: None,
        }
    }

    /// Refuses what cannot work whatever the stream looks like, so that it is known before anything is asked.
    pub fn check(&self) -> Result<()> {
        deletes::refuse_contradictions(self)?;
        publish::refuse_contradictions(self)
    }
}

impl StreamPlan {
    /// Decides what a run does, from what was asked for, what the source has and how far the destination got.
    pub fn build(spec: &StreamSpec, schema: &StreamSchema, progress: &Progress) -> Result<Self> {
        spec.check()?;
        deletes::refuse_view(spec, schema)?;
        let mut columns = plan_columns(spec, schema)?;
        let mut drift = Drift::of(spec, schema, &mut columns, progress.columns.as_ref())?;
        let key = key_targets(spec, &columns)?;
        refuse_lost_cursor(spec, schema, progress)?;
        let read = plan_read(spec, schema, &columns)?;
        // Without a key, older rows that come once more for a new column would come twice.
        let fills_keyless = key.is_empty() && drift.changes.iter().any(|c| c.effect == Effect::Added);
        let has_position = !matches!(read, ReadPlan::Whole);
        let goes_on = has_position && !drift.is_read_anew() && !fills_keyless;
        let committed = progress.committed.as_ref().filter(|_| goes_on);
        if committed.is_none() {
            drift.start_anew(&columns);
        }
        drift.known.marks_deleted = spec.deletes.policy == DeletePolicy::Mark;
        let publish = plan_publish(spec, &columns, key, committed)?;
        Ok(Self {
            stream: spec.stream.clone(),
            columns,
            read,
            publish,
            target: spec.target.clone(),
            since: committed.map(|checkpoint| checkpoint.cursor.clone()),
            staged: progress.staged.as_ref().map(|checkpoint| checkpoint.cursor.clone()),
            epoch: next_epoch(spec, progress)?,
            changes: drift.changes,
            known: drift.known,
            ranges: spec.ranges,
            deletes: DeletePlan::of(spec, schema, progress.columns.as_ref())?,
            stamps: spec.stamps.clone(),
            merged: spec.merged.clone(),
        })
    }

    /// The Arrow schema of this plan's batches, under the names at the destination.
    pub fn arrow_schema(&self) -> SchemaRef {
        let columns = self.column_schema();
        let Some(flag) = self.delete_flag_field() else { return columns };
        let flag = Arc::new(flag);
        Arc::new(Schema::new(columns.fields().iter().cloned().chain([flag]).collect::<Vec<_>>()))
    }

    /// The same without the column that no target has.
    pub fn column_schema(&self) -> SchemaRef {
        let fields: Vec<_> =
            self.columns.iter().flat_map(|c| c.logical_type.arrow_fields(&c.target, c.is_nullable)).collect();
        Arc::new(Schema::new(fields))
    }

    /// The key's columns at the destination.
    pub fn key(&self) -> &[String] {
        self.publish.key()
    }

    /// Sets where the read begins, as only its source can say, for a destination that replaces rows from there on.
    #[must_use]
    pub fn reading_from(mut self, lower_bound: Option<String>) -> Self {
        if let Publish::ReplaceFrom { from, .. } = &mut self.publish {
            *from = lower_bound;
        }
        self
    }

    /// Whether this run reads the stream as a whole.
    pub fn is_backfill(&self) -> bool {
        self.since.is_none()
    }

    /// Columns, by their names at the source, that older rows of the target lack: a read that goes on brings every row
    /// with a value in one of them.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        let added = self.changes.iter().filter(|change| change.effect == Effect::Added);
        added.map(|change| change.column.as_str())
    }

    /// The planned column with this name at the source.
    pub fn column(&self, source: &str) -> Option<&PlannedColumn> {
        self.columns.iter().find(|column| column.source == source)
    }
}

/// Under which epoch this attempt writes.
fn next_epoch(spec: &StreamSpec, progress: &Progress) -> Result<Epoch> {
    let Some(lease) = spec.lease else { return Ok(progress.epoch.map_or(Epoch(1), Epoch::next)) };
    Epoch::under_lease(lease, progress.epoch).ok_or_else(|| {
        let seen = progress.epoch.map_or(0, |seen| seen.lease().0);
        let message =
            format!("{} was written under lease {seen}, and this is lease {}", spec.stream, lease.0);
        Error::new(ErrorKind::Conflict, "stale_epoch", message).with_remedy(format!(
            "nothing where another worker went on with it; after a restore of the state database, \
             `snowferry resume SYNC --epoch {seen}`"
        ))
    })
}

fn plan_columns(spec: &StreamSpec, schema: &StreamSchema) -> Result<Vec<PlannedColumn>> {
    let chosen: Vec<(&Column, &str)> = if spec.columns.is_empty() {
        schema.columns.iter().map(|column| (column, column.name.as_str())).collect()
    } else {
        spec.columns.iter().map(|chosen| find_chosen(schema, chosen)).collect::<Result<_>>()?
    };
    for name in &spec.lossy_columns {
        find_column(schema, name, "lossy")?;
    }
    let mut taken = spec.deletes.reserved_names();
    let planned = chosen.into_iter().map(|(column, target)| {
        let is_lossy = spec.lossy_columns.contains(&column.name);
        let target = free_name(target, &mut taken);
        let logical_type = if is_lossy { widened(&column.logical_type) } else { column.logical_type.clone() };
        if matches!(logical_type, LogicalType::TimestampOffset { .. }) {
            taken.push(crate::offset_column_name(&target).to_lowercase());
        }
        PlannedColumn {
            source: column.name.clone(),
            target,
            logical_type,
            is_nullable: column.is_nullable,
            is_lossy,
        }
    });
    let planned: Vec<_> = planned.collect();
    if planned.is_empty() {
        return Err(Error::config("no_columns", format!("{} has no columns to move", spec.stream)));
    }
    Ok(planned)
}

/// The column that a sync names, and the name it is to have at the destination.
fn find_chosen<'a>(schema: &'a StreamSchema, chosen: &'a ChosenColumn) -> Result<(&'a Column, &'a str)> {
    let column = find_column(schema, &chosen.source, "columns")?;
    Ok((column, chosen.target.as_deref().unwrap_or(&column.name)))
}

/// The timestamps of a lossy column hold all years and give up what lies below the microsecond.
fn widened(logical_type: &LogicalType) -> LogicalType {
    match *logical_type {
        LogicalType::Timestamp { scale, .. } => LogicalType::Timestamp { scale, is_wide: true },
        LogicalType::TimestampUtc { scale, .. } => LogicalType::TimestampUtc { scale, is_wide: true },
        LogicalType::TimestampOffset { scale, .. } => LogicalType::TimestampOffset { scale, is_wide: true },
        ref other => other.clone(),
    }
}

/// Databases of ours fold case, Snowflake tells `id` from `ID`: the second of two gets a number.
fn free_name(name: &str, taken: &mut Vec<String>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while taken.contains(&candidate.to_lowercase()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    taken.push(candidate.to_lowercase());
    candidate
}

fn key_targets(spec: &StreamSpec, columns: &[PlannedColumn]) -> Result<Vec<String>> {
    spec.key.iter().map(|name| Ok(find_planned(spec, columns, name, "key")?.target.clone())).collect()
}

/// The column with this name among those that are moved.
fn find_planned<'a>(
    spec: &StreamSpec,
    columns: &'a [PlannedColumn],
    name: &str,
    used_as: &str,
) -> Result<&'a PlannedColumn> {
    columns.iter().find(|column| column.source == name).ok_or_else(|| {
        unknown_column(&spec.stream, name, used_as, columns.iter().map(|column| column.source.as_str()))
    })
}

fn plan_read(spec: &StreamSpec, schema: &StreamSchema, columns: &[PlannedColumn]) -> Result<ReadPlan> {
    let (cursor_column, lookback, null_cursor) = match &spec.read {
        ReadSpec::FullRefresh => return Ok(ReadPlan::Whole),
        ReadSpec::Changes => return Ok(ReadPlan::Changes),
        ReadSpec::Incremental { cursor_column, lookback, null_cursor } => {
            (cursor_column, lookback, null_cursor)
        }
    };
    let column = find_column(schema, cursor_column, "cursor")?;
    if let Some(reason) = column.logical_type.why_no_cursor() {
        let message = format!(
            "column {} of {} is {}, which a cursor cannot follow: {reason}",
            column.name, spec.stream, column.source_type
        );
        return Err(Error::config("cursor_not_ordered", message).with_remedy(
            "choose a timestamp, date, number, text or binary column that grows with every change",
        ));
    }
    if !lookback.is_zero() && !column.logical_type.is_time() {
        let message =
            format!("a lookback needs a date or timestamp; column {} is {}", column.name, column.source_type);
        return Err(Error::config("lookback_without_time", message).with_remedy("remove `lookback`"));
    }
    if spec.from.is_some() && !column.logical_type.is_time() {
        let message = format!(
            "only a date or timestamp is read from a moment on; column {} is {}",
            column.name, column.source_type
        );
        return Err(Error::config("lookback_without_time", message)
            .with_remedy("leave `--from` out, or ask for --full-refresh, which reads all of it"));
    }
    if !columns.iter().any(|planned| &planned.source == cursor_column) {
        return Err(Error::config(
            "cursor_not_selected",
            format!("column {cursor_column} is not among `columns`"),
        )
        .with_remedy("add the cursor column to `columns`"));
    }
    Ok(ReadPlan::ByCursor {
        cursor_column: cursor_column.clone(),
        cursor_type: column.logical_type.clone(),
        lookback: *lookback,
        from: spec.from,
        null_cursor: *null_cursor,
    })
}

/// A cursor column that an earlier run has followed is part of its position; without it there is no going on.
fn refuse_lost_cursor(spec: &StreamSpec, schema: &StreamSchema, progress: &Progress) -> Result<()> {
    let ReadSpec::Incremental { cursor_column, .. } = &spec.read else { return Ok(()) };
    if progress.committed.is_none() || schema.column(cursor_column).is_some() {
        return Ok(());
    }
    let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    let message = format!(
        "{} has no column {cursor_column} any more, which earlier runs have followed; its columns are {}",
        spec.stream,
        names.join(", ")
    );
    Err(Error::new(ErrorKind::SchemaChanged, "cursor_column_gone", message).with_remedy(
        "name the column that took its place under `read.incremental.cursor`, and run once with --full-refresh",
    ))
}

fn find_column<'a>(schema: &'a StreamSchema, name: &str, used_as: &str) -> Result<&'a Column> {
    schema.column(name).ok_or_else(|| {
        unknown_column(
            &schema.stream,
            name,
            used_as,
            schema.columns.iter().map(|column| column.name.as_str()),
        )
    })
}

fn unknown_column<'a>(
    stream: &StreamName,
    name: &str,
    used_as: &str,
    existing: impl Iterator<Item = &'a str>,
) -> Error {
    let existing: Vec<&str> = existing.collect();
    let folded = existing.iter().find(|candidate| candidate.eq_ignore_ascii_case(name));
    let remedy = match folded {
        Some(candidate) => format!("its exact name is {candidate}"),
        None => format!("its columns are {}", existing.join(", ")),
    };
    Error::config("unknown_column", format!("{stream} has no column {name} (named under `{used_as}`)"))
        .with_remedy(remedy)
}

#[cfg(test)]
mod tests;
