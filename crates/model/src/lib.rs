//! The pure core of Snowferry: what is moved, from where to where, how far it got and what went wrong.
//!
//! Nothing in this crate does IO, reads a clock or draws a random number. The seams of the system are defined here:
//! [`Source`], [`Destination`] and [`Audit`], and the [`Journal`] of deliveries into systems where nothing of ours may stay. The
//! code behind them lives in `connectors`, the code that joins them in `engine`.

mod audit;
mod batch;
mod checkpoint;
mod cursor;
mod destination;
mod error;
mod journal;
mod logical_type;
mod plan;
mod profile;
mod retry;
mod run_state;
mod schedule;
mod schema;
mod source;
mod stream;
mod usage;

pub use audit::{
    Audit, AuditCost, AuditPlan, Audited, BucketFilter, BucketSummary, CHANGES_LOST, ColumnSummary, Moment,
    RowMark, SNAPSHOT_UNAVAILABLE,
};
pub use batch::{Batch, BatchStream, EndOfRead, ReadEvent, StagedRange, Withdrawn};
pub use checkpoint::{Checkpoint, Epoch, Progress};
pub use cursor::Cursor;
pub use destination::{Committed, Destination, Prepared, Rejected, Staged};
pub use error::{Disposition, Error, ErrorKind, Owner, Result};
pub use journal::{Journal, JournalEntry, JournalWrite, QuarantinedRow};
pub use logical_type::{JSON_EXTENSION_NAME, LogicalType, OFFSET_AT_END, VectorElement, offset_column_name};
pub use plan::{
    Change, ChosenColumn, ColumnChange, DELETE_FLAG, DELETED_AT, DeleteColumn, DeletePlan, DeletePolicy,
    DeletesSpec, DriftPolicy, DriftSpec, Effect, KnownColumn, KnownColumns, MergedColumn, NullCursor,
    PlannedColumn, Publish, RangeCount, RangeSpec, ReadPlan, ReadSpec, StreamPlan, StreamSpec, WriteSpec,
};
pub use profile::{
    Advice, ColumnProfile, CursorAdvice, Danger, Extent, Instead, KeyAdvice, KeyProfile, Profile,
    ProfileBounds, ProfilePlan, ReadCounts, TimePrecision, Verdict, percent,
};
pub use retry::RetryPolicy;
pub use run_state::{RunEvent, RunState};
pub use schedule::{
    CatchUp, ClockChange, Decision, ExcludeWindow, Fire, Hold, Overlap, Passed, Schedule, ScheduleSpec,
    ScheduleState, WaitReason, Weekdays,
};
pub use schema::{Column, StreamKind, StreamSchema};
pub use source::Source;
pub use stream::{StreamFilter, StreamName, TableName};
pub use usage::{StatementUse, Usage, UsageTotals, WarehouseUse, credits_per_hour};
