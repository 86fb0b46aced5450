//! Claims about replacing the rows of some buckets, as healing does.

use std::num::NonZeroU32;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use model::{AuditPlan, Checkpoint, Destination, ErrorKind, Moment, StreamPlan, StreamSpec};

use super::destination::{Fixture, batch, checkpoint, load, plan};
use super::rows::{in_any_order, people, people_schema, people_spec};
use crate::audit::row_marks;

const BUCKETS: NonZeroU32 = NonZeroU32::new(4).expect("four is not zero");
/// The bucket that is healed.
const BUCKET: u32 = 1;

type Person<'a> = (Option<i64>, Option<&'a str>, Option<i64>);

/// The bucket of each row.
fn buckets(plan: &StreamPlan, rows: &RecordBatch) -> Vec<u32> {
    let marks = row_marks(plan, BUCKETS, false, rows, |column| &column.target).unwrap();
    marks.iter().map(|mark| mark.bucket).collect()
}

/// The rows that belong to the bucket, or all others.
fn split(plan: &StreamPlan, rows: &RecordBatch, is_inside: bool) -> RecordBatch {
    let chosen: Vec<bool> =
        buckets(plan, rows).iter().map(|bucket| (*bucket == BUCKET) == is_inside).collect();
    filter_record_batch(rows, &BooleanArray::from(chosen)).unwrap()
}

/// A read of the bucket alone, after the destination's last run.
async fn healing(destination: &dyn Destination, spec: &StreamSpec) -> StreamPlan {
    let stream = plan(destination, spec, &people_schema()).await;
    let committed = stream.since.clone().expect("a run came before");
    let audit = AuditPlan {
        stream,
        committed,
        bucket_count: BUCKETS,
        is_keys_only: false,
        moment: Moment::Checkpoint,
    };
    audit.healing(vec![BUCKET])
}

async fn stage(destination: &dyn Destination, healing: &StreamPlan, rows: &RecordBatch) {
    destination.prepare(healing).await.unwrap();
    destination.discard_staged(healing).await.unwrap();
    destination.stage(healing, batch(rows, "staged")).await.unwrap();
}

/// A position that must not be taken over.
fn not_kept(rows: &RecordBatch) -> Checkpoint {
    checkpoint("not this", rows.num_rows() as u64)
}

/// Many people, each with a name of its own.
fn crowd(names: &[String]) -> RecordBatch {
    let rows: Vec<Person<'_>> =
        names.iter().zip(1_i64..).map(|(name, id)| (Some(id), Some(name.as_str()), Some(id))).collect();
    people(&rows)
}

fn names(prefix: &str) -> Vec<String> {
    (1..=40).map(|number| format!("{prefix} {number}")).collect()
}

pub async fn the_rows_of_a_bucket_are_replaced_and_the_checkpoint_stays(fixture: &Fixture) {
    replaces_the_rows_of_a_bucket(fixture, people_spec(true)).await;
}

pub async fn without_a_key_the_rows_of_a_bucket_are_replaced_too(fixture: &Fixture) {
    replaces_the_rows_of_a_bucket(fixture, StreamSpec { key: Vec::new(), ..people_spec(true) }).await;
}

async fn replaces_the_rows_of_a_bucket(fixture: &Fixture, spec: StreamSpec) {
    let destination = (fixture.reopen)();
    let before = crowd(&names("before"));
    load(&*destination, &spec, &before, "end").await;
    let healing = healing(&*destination, &spec).await;
    let inside = split(&healing, &before, true);
    assert!((3..before.num_rows()).contains(&inside.num_rows()), "the bucket has some of the rows");
    // The first row is gone at the source, and the others are there as they were.
    let healed = inside.slice(1, inside.num_rows() - 1);
    stage(&*destination, &healing, &healed).await;
    let committed = destination.commit(&healing, not_kept(&healed)).await.unwrap();
    assert_eq!(committed.total, Some(before.num_rows() as u64 - 1));
    assert_eq!(fixture.seen(&healing), Some(in_any_order(&healed_rows(&healing, &before, &healed))));
    let progress = destination.progress(&spec.stream, &spec.target).await.unwrap();
    assert_eq!(progress.committed.unwrap().cursor, checkpoint("end", 0).cursor);
}

/// The rows of the other buckets as they were, with those of the healed one.
fn healed_rows(healing: &StreamPlan, before: &RecordBatch, healed: &RecordBatch) -> RecordBatch {
    concat_batches(&before.schema(), [&split(healing, before, false), healed]).unwrap()
}

pub async fn a_row_of_a_bucket_is_changed_by_its_key(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let spec = people_spec(true);
    let (before, after) = (crowd(&names("before")), crowd(&names("after")));
    load(&*destination, &spec, &before, "end").await;
    let healing = healing(&*destination, &spec).await;
    let healed = split(&healing, &after, true);
    stage(&*destination, &healing, &healed).await;
    destination.commit(&healing, not_kept(&healed)).await.unwrap();
    assert_eq!(fixture.seen(&healing), Some(in_any_order(&healed_rows(&healing, &before, &healed))));
}

pub async fn buckets_that_are_not_committed_stay_as_they_were(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let spec = people_spec(true);
    let before = crowd(&names("before"));
    load(&*destination, &spec, &before, "end").await;
    let healing = healing(&*destination, &spec).await;
    stage(&*destination, &healing, &split(&healing, &crowd(&names("after")), true)).await;
    drop(destination);
    (fixture.reopen)();
    assert_eq!(fixture.seen(&healing), Some(in_any_order(&before)));
}

pub async fn a_run_that_came_between_keeps_buckets_from_being_replaced(fixture: &Fixture) {
    let destination = (fixture.reopen)();
    let spec = people_spec(true);
    load(&*destination, &spec, &crowd(&names("before")), "end").await;
    let healing = healing(&*destination, &spec).await;
    load(&*destination, &spec, &crowd(&names("after")), "later").await;
    assert_eq!(destination.prepare(&healing).await.unwrap_err().kind(), ErrorKind::Conflict);
}
