//! Claims about destinations. Each takes a fresh, empty destination inside a fixture and panics where it is not kept.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_cast::cast;
use arrow_schema::DataType;
use model::{
    Batch, Checkpoint, Committed, Cursor, DELETED_AT, DeletePolicy, Destination, ErrorKind, NullCursor,
    Progress, ReadSpec, StreamPlan, StreamSchema, StreamSpec, TableName,
};

pub use super::buckets::{
    a_row_of_a_bucket_is_changed_by_its_key, a_run_that_came_between_keeps_buckets_from_being_replaced,
    buckets_that_are_not_committed_stay_as_they_were,
    the_rows_of_a_bucket_are_replaced_and_the_checkpoint_stays,
    without_a_key_the_rows_of_a_bucket_are_replaced_too,
};
use super::rows::{every_type, in_any_order, people, people_schema, people_spec};

/// A destination under test and the two things a claim does to it from outside.
pub struct Fixture {
    /// Opens the same destination again, as a new process would after the old one was killed.
    pub reopen: Box<dyn Fn() -> Arc<dyn Destination> + Send + Sync>,
    /// The rows that a reader of the target sees; `None` where there is no such table.
    pub rows: ReadRows,
}

/// Reads a target from outside.
pub type ReadRows = Box<dyn Fn(&TableName) -> Option<RecordBatch> + Send + Sync>;

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").finish_non_exhaustive()
    }
}

impl Fixture {
    pub(super) fn seen(&self, plan: &StreamPlan) -> Option<Vec<Vec<u8>>> {
        let rows = (self.rows)(&plan.target)?;
        let schema = plan.column_schema();
        let columns = schema.fields().iter().map(|field| {
            let column =
                rows.column_by_name(field.name()).unwrap_or_else(|| panic!("no column {}", field.name()));
            as_planned(column, field.data_type())
        });
        let rows =
            RecordBatch::try_new(plan.column_schema(), columns.collect()).expect("the columns are planned");
        Some(in_any_order(&rows))
    }
}

/// Every claim, by name, for a connector's tests to iterate over.
#[macro_export]
macro_rules! destination_claims {
    ($fixture:path) => {
        $crate::destination_claims!(@each $fixture,
            rows_and_checkpoint_appear_together,
            staged_rows_are_invisible,
            flushed_rows_survive_a_crash_and_others_are_forgotten,
            rows_after_the_last_position_wait_for_the_next,
            discarded_rows_never_appear,
            a_merge_replaces_rows_with_the_same_key,
            a_row_that_comes_again_unchanged_is_not_counted,
            deleted_rows_are_removed_marked_or_kept,
            rows_with_a_null_in_their_key_are_merged_too,
            without_a_key_what_is_read_again_is_replaced,
            without_a_key_identical_rows_are_as_many_as_at_the_source,
            without_a_key_rows_without_a_cursor_value_follow_the_policy,
            without_a_key_every_cursor_type_is_bounded_exactly,
            a_stale_epoch_can_neither_stage_nor_commit,
            rows_on_their_way_at_a_takeover_are_refused,
            a_repeated_key_is_refused_and_nothing_changes,
            a_table_that_would_shrink_is_left_alone,
            a_target_belongs_to_one_stream,
            every_type_comes_back_as_it_was,
            the_rows_of_a_bucket_are_replaced_and_the_checkpoint_stays,
            without_a_key_the_rows_of_a_bucket_are_replaced_too,
            a_row_of_a_bucket_is_changed_by_its_key,
            buckets_that_are_not_committed_stay_as_they_were,
            a_run_that_came_between_keeps_buckets_from_being_replaced,
        );
    };
    (@each $fixture:path, $($claim:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $claim() {
                $crate::conformance::destination::$claim(&$fixture()).await;
            }
        )+
    };
}

/// A stored column in its planned type; an instant may have been stored without its zone mark.
fn as_planned(column: &ArrayRef, planned: &DataType) -> ArrayRef {
    let is_instant = matches!(planned, DataType::Timestamp(_, Some(_)));
    let numbers = if is_instant { cast(column, &DataType::Int64).unwrap() } else { Arc::clone(column) };
    cast(&numbers, planned).expect("stored values have the planned type")
}

pub(super) async fn plan(
    destination: &dyn Destination,
    spec: &StreamSpec,
    schema: &StreamSchema,
) -> StreamPlan {
    let progress = destination.progress(&spec.stream, &spec.target).await.unwrap();
    StreamPlan::build(spec, schema, &progress).unwrap()
}

pub(super) fn checkpoint(position: &str, row_count: u64) -> Checkpoint {
    Checkpoint { cursor: Cursor::from_stored(position), row_count }
}

pub(super) fn batch(rows: &RecordBatch, position: &str) -> Batch {
    Batch::new(rows.clone(), Some(Cursor::from_stored(position)))
}

/// Plans, stages and commits `rows` as one run would.
pub(super) async fn load(
    destination: &dyn Destination,
    spec: &StreamSpec,
    rows: &RecordBatch,
    position: &str,
) -> StreamPlan {
    let plan = plan(destination, spec, &people_schema()).await;
    destination.prepare(&plan).await.unwrap();
    destination.discard_staged(&plan).await.unwrap();
    destination.stage(&plan, batch(rows, "staged")).await.unwrap();
    destination.commit(&plan, checkpoint(position, rows.num_rows() as u64)).await.unwrap();
    plan
}

pub async fn rows_and_checkpoint_appear_together(fixture: &Fixture) {
    let rows = people(&[(Some(1), Some("Ada"), Some(1)), (Some(2), None, None)]);
    let plan = load(&*(fixture.reopen)(), &people_spec(true), &rows, "after Ada").await;
    let progress = (fixture.reopen)().progress(&plan.stream, &plan.target).await.unwrap();
    assert_eq!(progress.committed, Some(checkpoint("after Ada", 2)));
    assert_eq!(progress.staged, None);
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&rows)));
}

pub async fn staged_rows_are_invisible(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let rows = people(&[(Some(1), Some("Ada"), Some(1))]);
    let plan = load(&*destination, &people_spec(true), &rows, "first").await;
    let next = self::plan(&*destination, &people_spec(true), &people_schema()).await;
    destination.prepare(&next).await.unwrap();
    destination.stage(&next, batch(&people(&[(Some(2), None, Some(2))]), "second")).await.unwrap();
    destination.flush(&next).await.unwrap();
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&rows)));
}

pub async fn flushed_rows_survive_a_crash_and_others_are_forgotten(fixture: &Fixture) {
    let flushed = people(&[(Some(1), Some("Ada"), Some(1))]);
    let lost = people(&[(Some(2), Some("Bob"), Some(2))]);
    {
        let destination = (fixture.reopen)();
        let plan = plan(&*destination, &people_spec(true), &people_schema()).await;
        destination.prepare(&plan).await.unwrap();
        destination.stage(&plan, batch(&flushed, "after Ada")).await.unwrap();
        assert_eq!(destination.flush(&plan).await.unwrap().durable_row_count, 1);
        destination.stage(&plan, batch(&lost, "after Bob")).await.unwrap();
    }
    let destination = (fixture.reopen)();
    let plan = plan(&*destination, &people_spec(true), &people_schema()).await;
    assert_eq!(plan.staged, Some(Cursor::from_stored("after Ada")));
    assert_eq!(destination.prepare(&plan).await.unwrap().staged.durable_row_count, 1);
    destination.commit(&plan, checkpoint("end", 1)).await.unwrap();
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&flushed)));
}

pub async fn rows_after_the_last_position_wait_for_the_next(fixture: &Fixture) {
    let first = people(&[(Some(1), Some("Ada"), Some(1))]);
    let (middle, last) = (people(&[(Some(2), Some("Bob"), Some(2))]), people(&[(Some(3), None, Some(3))]));
    {
        let destination = (fixture.reopen)();
        let plan = plan(&*destination, &people_spec(true), &people_schema()).await;
        destination.prepare(&plan).await.unwrap();
        destination.stage(&plan, batch(&first, "after Ada")).await.unwrap();
        destination.stage(&plan, Batch::new(middle.clone(), None)).await.unwrap();
        assert_eq!(destination.flush(&plan).await.unwrap().durable_row_count, 1);
    }
    let destination = (fixture.reopen)();
    let plan = plan(&*destination, &people_spec(true), &people_schema()).await;
    assert_eq!(plan.staged, Some(Cursor::from_stored("after Ada")));
    assert_eq!(destination.prepare(&plan).await.unwrap().staged.durable_row_count, 1);
    destination.stage(&plan, Batch::new(middle, None)).await.unwrap();
    destination.stage(&plan, batch(&last, "after all")).await.unwrap();
    assert_eq!(destination.flush(&plan).await.unwrap().durable_row_count, 3);
    destination.commit(&plan, checkpoint("end", 3)).await.unwrap();
    let all =
        people(&[(Some(1), Some("Ada"), Some(1)), (Some(2), Some("Bob"), Some(2)), (Some(3), None, Some(3))]);
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&all)));
}

pub async fn discarded_rows_never_appear(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let plan = plan(&*destination, &people_spec(true), &people_schema()).await;
    destination.prepare(&plan).await.unwrap();
    destination.stage(&plan, batch(&people(&[(Some(1), Some("Ada"), Some(1))]), "after Ada")).await.unwrap();
    destination.flush(&plan).await.unwrap();
    destination.discard_staged(&plan).await.unwrap();
    let progress = destination.progress(&plan.stream, &plan.target).await.unwrap();
    assert_eq!(progress, Progress { epoch: Some(plan.epoch), ..Progress::default() });
    destination.commit(&plan, checkpoint("end", 0)).await.unwrap();
    assert_eq!(fixture.seen(&plan), Some(vec![]));
}

pub async fn a_merge_replaces_rows_with_the_same_key(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let before = people(&[(Some(1), Some("Ada"), Some(1)), (Some(2), Some("Bob"), Some(2))]);
    load(&*destination, &people_spec(true), &before, "first").await;
    let change = people(&[(Some(2), None, Some(3)), (Some(3), Some(""), Some(4))]);
    let plan = load(&*destination, &people_spec(true), &change, "second").await;
    let after =
        people(&[(Some(1), Some("Ada"), Some(1)), (Some(2), None, Some(3)), (Some(3), Some(""), Some(4))]);
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&after)));
}

pub async fn deleted_rows_are_removed_marked_or_kept(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let before = people(&[(Some(1), Some("Ada"), None), (Some(2), Some("Bob"), None)]);
    let change = people(&[(Some(1), Some("Ada"), None), (Some(3), Some("Cy"), None)]);
    for (policy, name, left, counts) in [
        (DeletePolicy::Delete, "removed", vec!["Bob", "Cy"], (1, 0)),
        (DeletePolicy::Mark, "marked", vec!["Ada", "Bob", "Cy"], (0, 1)),
        (DeletePolicy::Keep, "kept", vec!["Ada", "Bob", "Cy"], (0, 0)),
    ] {
        let mut spec = people_spec(true);
        spec.target.table = name.to_owned();
        spec.read = ReadSpec::Changes;
        spec.deletes.policy = policy;
        load(&*destination, &spec, &before, "first").await;
        let plan = plan(&*destination, &spec, &people_schema()).await;
        destination.prepare(&plan).await.unwrap();
        let rows = if plan.carries_delete_flag() { flagged(&plan, &change, 1) } else { change.slice(1, 1) };
        let row_count = rows.num_rows() as u64;
        destination.stage(&plan, batch(&rows, "staged")).await.unwrap();
        let committed = destination.commit(&plan, checkpoint("second", row_count)).await.unwrap();
        assert_eq!((committed.inserted, committed.updated), (1, 0), "{policy:?}");
        assert_eq!((committed.deleted, committed.marked), counts, "{policy:?}");
        let rows = (fixture.rows)(&plan.target).unwrap();
        let mut names: Vec<&str> =
            rows.column_by_name("NAME").unwrap().as_string::<i32>().iter().flatten().collect();
        names.sort_unstable();
        assert_eq!(names, left, "{policy:?}");
        let marks = rows.column_by_name(DELETED_AT).map(|marks| marks.len() - marks.null_count());
        assert_eq!(marks, (policy == DeletePolicy::Mark).then_some(1), "{policy:?}");
    }
}

/// The same rows, of which the first ones are flagged as deleted.
fn flagged(plan: &StreamPlan, rows: &RecordBatch, deleted_count: usize) -> RecordBatch {
    let flags: BooleanArray = (0..rows.num_rows()).map(|row| Some(row < deleted_count)).collect();
    let columns = rows.columns().iter().cloned().chain([Arc::new(flags) as ArrayRef]);
    RecordBatch::try_new(plan.arrow_schema(), columns.collect()).expect("the columns are planned")
}

pub async fn a_row_that_comes_again_unchanged_is_not_counted(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let rows = people(&[(Some(1), Some("Ada"), Some(1)), (Some(2), None, None)]);
    load(&*destination, &people_spec(true), &rows, "first").await;
    let plan = plan(&*destination, &people_spec(true), &people_schema()).await;
    destination.prepare(&plan).await.unwrap();
    let again = people(&[(Some(1), Some("Ada"), Some(1)), (Some(2), None, None), (Some(3), None, Some(3))]);
    destination.stage(&plan, batch(&again, "again")).await.unwrap();
    let committed = destination.commit(&plan, checkpoint("second", 3)).await.unwrap();
    assert_eq!((committed.inserted, committed.updated, committed.total), (1, 0, Some(3)));
}

pub async fn rows_with_a_null_in_their_key_are_merged_too(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    load(&*destination, &people_spec(true), &people(&[(None, Some("nobody"), Some(1))]), "first").await;
    let change = people(&[(None, Some("still nobody"), Some(2))]);
    let plan = load(&*destination, &people_spec(true), &change, "second").await;
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&change)));
}

/// Loads `rows` as a run does that reads from `from` on.
async fn replace(
    destination: &dyn Destination,
    (spec, schema): (&StreamSpec, &StreamSchema),
    from: Option<&str>,
    rows: &RecordBatch,
) -> (StreamPlan, Committed) {
    let plan = plan(destination, spec, schema).await.reading_from(from.map(str::to_owned));
    destination.prepare(&plan).await.unwrap();
    destination.discard_staged(&plan).await.unwrap();
    destination.stage(&plan, batch(rows, "staged")).await.unwrap();
    let committed = destination.commit(&plan, checkpoint("end", rows.num_rows() as u64)).await.unwrap();
    (plan, committed)
}

fn keyless_people(null_cursor: NullCursor) -> StreamSpec {
    let mut spec = people_spec(true);
    spec.key.clear();
    if let ReadSpec::Incremental { null_cursor: policy, .. } = &mut spec.read {
        *policy = null_cursor;
    }
    spec
}

pub async fn without_a_key_what_is_read_again_is_replaced(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let (spec, schema) = (keyless_people(NullCursor::Include), people_schema());
    let before = people(&[(Some(1), None, Some(1)), (Some(2), None, Some(20)), (Some(3), None, Some(30))]);
    replace(&*destination, (&spec, &schema), None, &before).await;
    let again = people(&[(Some(3), None, Some(30)), (Some(4), Some("Eve"), Some(40))]);
    let from = Some("1970-01-01 00:00:00.000000020");
    let (plan, committed) = replace(&*destination, (&spec, &schema), from, &again).await;
    assert_eq!((committed.inserted, committed.deleted, committed.total), (1, 1, Some(3)));
    let after =
        people(&[(Some(1), None, Some(1)), (Some(3), None, Some(30)), (Some(4), Some("Eve"), Some(40))]);
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&after)));
}

pub async fn without_a_key_identical_rows_are_as_many_as_at_the_source(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let (spec, schema) = (keyless_people(NullCursor::Include), people_schema());
    let ada = (Some(1), Some("Ada"), Some(10));
    let null = (None, None, Some(10));
    replace(&*destination, (&spec, &schema), None, &people(&[ada, ada, null])).await;
    let from = Some("1970-01-01 00:00:00.000000010");
    let now = people(&[ada, ada, ada, null, null]);
    let (plan, committed) = replace(&*destination, (&spec, &schema), from, &now).await;
    assert_eq!((committed.inserted, committed.deleted, committed.total), (2, 0, Some(5)));
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&now)));
    let (_, committed) = replace(&*destination, (&spec, &schema), from, &now).await;
    assert_eq!((committed.inserted, committed.deleted, committed.total), (0, 0, Some(5)));
}

pub async fn without_a_key_rows_without_a_cursor_value_follow_the_policy(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let schema = people_schema();
    let from = Some("1970-01-01 00:00:00.000000010");
    let (ada, bob) = ((Some(1), None, Some(5)), (Some(2), None, None));
    let spec = keyless_people(NullCursor::Include);
    replace(&*destination, (&spec, &schema), None, &people(&[ada, bob])).await;
    let (plan, _) = replace(&*destination, (&spec, &schema), from, &people(&[bob, bob])).await;
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&people(&[ada, bob, bob]))));
    let spec = keyless_people(NullCursor::Exclude);
    let (plan, _) = replace(&*destination, (&spec, &schema), from, &people(&[])).await;
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&people(&[ada, bob, bob]))));
    let (plan, _) = replace(&*destination, (&spec, &schema), None, &people(&[])).await;
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&people(&[bob, bob]))));
}

pub async fn without_a_key_every_cursor_type_is_bounded_exactly(fixture: &Fixture) {
    let (schema, spec, rows) = every_type();
    for (column, below, at) in [
        ("DECIMAL", "-99999999999999999999999999999.999999998", "-99999999999999999999999999999.999999999"),
        ("TEXT", "a", ""),
        ("BINARY", "00", ""),
        ("DATE", "0001-01-02", "0001-01-01"),
        ("NTZ_US", "0001-01-01 00:00:00.000001", "0001-01-01 00:00:00.000000"),
        ("UTC_US", "0001-01-01 00:00:00.000001", "0001-01-01 00:00:00.000000"),
    ] {
        let destination = (fixture.reopen)();
        let mut spec = spec.clone();
        spec.target.table = format!("by_{}", column.to_lowercase());
        spec.key.clear();
        spec.read = ReadSpec::Incremental {
            cursor_column: column.to_owned(),
            lookback: std::time::Duration::ZERO,
            null_cursor: NullCursor::Exclude,
        };
        replace(&*destination, (&spec, &schema), None, &rows).await;
        // Two of the three rows have a value. From above the lower one on there is one of them, from it on there are two.
        let none = rows.slice(0, 0);
        let (_, committed) = replace(&*destination, (&spec, &schema), Some(below), &none).await;
        assert_eq!((committed.deleted, committed.total), (1, Some(2)), "{column} above its lowest value");
        let (_, committed) = replace(&*destination, (&spec, &schema), Some(at), &none).await;
        assert_eq!((committed.deleted, committed.total), (1, Some(1)), "{column} from its lowest value on");
    }
}

pub async fn a_stale_epoch_can_neither_stage_nor_commit(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let stale = plan(&*destination, &people_spec(true), &people_schema()).await;
    destination.prepare(&stale).await.unwrap();
    let current = plan(&*destination, &people_spec(true), &people_schema()).await;
    destination.prepare(&current).await.unwrap();
    let rows = people(&[(Some(1), None, Some(1))]);
    let staged = async {
        destination.stage(&stale, batch(&rows, "late")).await?;
        destination.flush(&stale).await
    };
    assert_eq!(staged.await.unwrap_err().kind(), ErrorKind::Conflict);
    let committed = destination.commit(&stale, checkpoint("late", 0)).await;
    assert_eq!(committed.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(destination.prepare(&stale).await.unwrap_err().kind(), ErrorKind::Conflict);
}

pub async fn rows_on_their_way_at_a_takeover_are_refused(fixture: &Fixture) {
    let (destination, other) = ((fixture.reopen)(), (fixture.reopen)());
    let stale = plan(&*destination, &people_spec(true), &people_schema()).await;
    destination.prepare(&stale).await.unwrap();
    destination.stage(&stale, batch(&people(&[(Some(1), None, Some(1))]), "late")).await.unwrap();
    let current = plan(&*other, &people_spec(true), &people_schema()).await;
    other.prepare(&current).await.unwrap();
    assert_eq!(destination.flush(&stale).await.unwrap_err().kind(), ErrorKind::Conflict);
    other.commit(&current, checkpoint("end", 0)).await.unwrap();
    assert_eq!(fixture.seen(&current), Some(vec![]));
}

pub async fn a_repeated_key_is_refused_and_nothing_changes(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let rows = people(&[(Some(1), Some("Ada"), Some(1))]);
    load(&*destination, &people_spec(true), &rows, "first").await;
    let plan = plan(&*destination, &people_spec(true), &people_schema()).await;
    destination.prepare(&plan).await.unwrap();
    let twice = people(&[(Some(2), Some("Bob"), Some(2)), (Some(2), Some("Bea"), Some(2))]);
    destination.stage(&plan, batch(&twice, "twice")).await.unwrap();
    let error = destination.commit(&plan, checkpoint("second", 2)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Data, "key_not_unique"));
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&rows)));
    let progress = destination.progress(&plan.stream, &plan.target).await.unwrap();
    assert_eq!(progress.committed, Some(checkpoint("first", 1)));
}

pub async fn a_table_that_would_shrink_is_left_alone(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let rows = people(&[(Some(1), None, None), (Some(2), None, None), (Some(3), None, None)]);
    load(&*destination, &people_spec(false), &rows, "first").await;
    let plan = plan(&*destination, &people_spec(false), &people_schema()).await;
    destination.prepare(&plan).await.unwrap();
    let error = destination.commit(&plan, checkpoint("empty", 0)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Data, "target_would_shrink"));
    assert_eq!(fixture.seen(&plan), Some(in_any_order(&rows)));
}

pub async fn a_target_belongs_to_one_stream(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let plan = load(&*destination, &people_spec(true), &people(&[(Some(1), None, None)]), "first").await;
    let (other, _, _) = every_type();
    let error = destination.progress(&other.stream, &plan.target).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "target_taken"));
}

pub async fn every_type_comes_back_as_it_was(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let (schema, spec, rows) = every_type();
    let plan = plan(&*destination, &spec, &schema).await;
    destination.prepare(&plan).await.unwrap();
    destination.stage(&plan, batch(&rows, "all")).await.unwrap();
    destination.commit(&plan, checkpoint("end", rows.num_rows() as u64)).await.unwrap();
    let seen = (fixture.rows)(&plan.target).expect("the table is there");
    for field in plan.arrow_schema().fields() {
        let stored =
            seen.column_by_name(field.name()).unwrap_or_else(|| panic!("no column {}", field.name()));
        let stored = as_planned(stored, field.data_type());
        let expected = rows.column_by_name(field.name()).unwrap();
        assert_eq!(&stored, expected, "column {}", field.name());
    }
}
