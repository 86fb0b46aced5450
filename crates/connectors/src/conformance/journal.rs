//! Claims about journals. Each takes a fresh, empty journal inside a fixture and panics where it is not kept.

use std::fmt;
use std::sync::Arc;

use model::{
    Checkpoint, Cursor, Epoch, ErrorKind, Journal, JournalEntry, JournalWrite, Progress, QuarantinedRow,
    StreamPlan, TableName,
};

use super::rows::{every_type, people_schema, people_spec};

/// A journal under test and the two things a claim does to it from outside.
pub struct Fixture {
    /// Opens the same journal again, as a new process would after the old one was killed.
    pub reopen: Box<dyn Fn() -> Arc<dyn Journal> + Send + Sync>,
    /// The rows that were left out on the way to a target.
    pub rejects: ReadRejects,
}

/// Reads the rejected rows of a target from outside.
pub type ReadRejects = Box<dyn Fn(&TableName) -> Vec<QuarantinedRow> + Send + Sync>;

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").finish_non_exhaustive()
    }
}

/// Every claim, by name, for a connector's tests to iterate over.
#[macro_export]
macro_rules! journal_claims {
    ($fixture:path) => {
        $crate::journal_claims!(@each $fixture,
            an_unknown_target_has_an_empty_entry,
            what_was_written_survives_a_crash,
            a_write_without_a_checkpoint_leaves_the_checkpoint_alone,
            notes_are_replaced_by_every_write,
            targets_of_the_same_name_in_two_databases_are_two,
            a_stale_epoch_can_not_write,
            an_epoch_is_taken_once,
            nobody_writes_before_taking_over,
            a_delivery_belongs_to_one_stream,
            rejected_rows_are_kept_and_forgotten_by_attempt,
            a_refused_write_keeps_nothing,
            concurrent_writers_of_two_targets_do_not_disturb_each_other,
        );
    };
    (@each $fixture:path, $($claim:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $claim() {
                $crate::conformance::journal::$claim(&$fixture()).await;
            }
        )+
    };
}

/// Plans a delivery of the people into a customer's table.
async fn plan_into(journal: &dyn Journal, database: &str) -> StreamPlan {
    let mut spec = people_spec(true);
    spec.target = TableName::in_snowflake(database, "PUBLIC", "PEOPLE");
    let entry = journal.entry(&spec.stream, &spec.target).await.unwrap();
    StreamPlan::build(&spec, &people_schema(), &entry.progress).unwrap()
}

/// The same, taken over.
async fn begin(journal: &dyn Journal) -> StreamPlan {
    let plan = plan_into(journal, "SHOP").await;
    journal.take_over(&plan).await.unwrap();
    plan
}

async fn write(journal: &dyn Journal, plan: &StreamPlan, write: JournalWrite) -> model::Result<()> {
    journal.write(&plan.stream, &plan.target, plan.epoch, write).await
}

async fn entry(journal: &dyn Journal, plan: &StreamPlan) -> JournalEntry {
    journal.entry(&plan.stream, &plan.target).await.unwrap()
}

fn checkpoint(position: &str, row_count: u64) -> Checkpoint {
    Checkpoint { cursor: Cursor::from_stored(position), row_count }
}

fn committed(position: &str) -> JournalWrite {
    JournalWrite { committed: Some(checkpoint(position, 7)), ..JournalWrite::default() }
}

fn noted(notes: &str) -> JournalWrite {
    JournalWrite { notes: Some(notes.to_owned()), ..JournalWrite::default() }
}

fn rejected(attempt: &str, row: &str) -> QuarantinedRow {
    QuarantinedRow {
        attempt: attempt.to_owned(),
        column: "NAME".to_owned(),
        rule: "text_too_long".to_owned(),
        key: Some("[1]".to_owned()),
        row: row.to_owned(),
    }
}

pub async fn an_unknown_target_has_an_empty_entry(fixture: &Fixture) {
    let spec = people_spec(true);
    let entry = (fixture.reopen)().entry(&spec.stream, &spec.target).await.unwrap();
    assert_eq!(entry, JournalEntry::default());
}

pub async fn what_was_written_survives_a_crash(fixture: &Fixture) {
    let plan = {
        let journal = (fixture.reopen)();
        let plan = begin(&*journal).await;
        let both = JournalWrite { notes: Some("'; --\n\u{1F980}".to_owned()), ..committed("after Ada") };
        write(&*journal, &plan, both).await.unwrap();
        plan
    };
    let expected = JournalEntry {
        progress: Progress {
            committed: Some(checkpoint("after Ada", 7)),
            epoch: Some(plan.epoch),
            ..Progress::default()
        },
        notes: Some("'; --\n\u{1F980}".to_owned()),
    };
    assert_eq!(entry(&*(fixture.reopen)(), &plan).await, expected);
}

pub async fn a_write_without_a_checkpoint_leaves_the_checkpoint_alone(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let plan = begin(&*journal).await;
    write(&*journal, &plan, committed("first")).await.unwrap();
    write(&*journal, &plan, noted("intent")).await.unwrap();
    let entry = entry(&*journal, &plan).await;
    assert_eq!(entry.progress.committed, Some(checkpoint("first", 7)));
    assert_eq!(entry.notes.as_deref(), Some("intent"));
}

pub async fn notes_are_replaced_by_every_write(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let plan = begin(&*journal).await;
    write(&*journal, &plan, noted("intent")).await.unwrap();
    write(&*journal, &plan, committed("done")).await.unwrap();
    assert_eq!(entry(&*journal, &plan).await.notes, None);
}

pub async fn targets_of_the_same_name_in_two_databases_are_two(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let plan = begin(&*journal).await;
    write(&*journal, &plan, committed("first")).await.unwrap();
    let other = plan_into(&*journal, "OTHER").await;
    assert_eq!(entry(&*journal, &other).await, JournalEntry::default());
}

pub async fn a_stale_epoch_can_not_write(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let stale = begin(&*journal).await;
    let current = begin(&*journal).await;
    let error = write(&*journal, &stale, noted("late")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "stale_epoch"));
    write(&*journal, &current, noted("in time")).await.unwrap();
    assert_eq!(entry(&*journal, &current).await.notes.as_deref(), Some("in time"));
}

pub async fn an_epoch_is_taken_once(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let plan = begin(&*journal).await;
    let error = journal.take_over(&plan).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "stale_epoch"));
}

pub async fn nobody_writes_before_taking_over(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let plan = plan_into(&*journal, "SHOP").await;
    let error = write(&*journal, &plan, noted("early")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "stale_epoch"));
}

pub async fn a_delivery_belongs_to_one_stream(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let plan = begin(&*journal).await;
    let (other, _, _) = every_type();
    let error = journal.entry(&other.stream, &plan.target).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "target_taken"));
    let usurper = StreamPlan { stream: other.stream.clone(), epoch: plan.epoch.next(), ..plan.clone() };
    assert_eq!(journal.take_over(&usurper).await.unwrap_err().code(), "target_taken");
    let written = journal.write(&other.stream, &plan.target, plan.epoch, noted("theirs")).await;
    assert_eq!(written.unwrap_err().code(), "stale_epoch");
}

pub async fn rejected_rows_are_kept_and_forgotten_by_attempt(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let plan = begin(&*journal).await;
    let rows =
        vec![rejected("first", "{\"NAME\":\"é'\"}"), QuarantinedRow { key: None, ..rejected("first", "{}") }];
    write(&*journal, &plan, JournalWrite { quarantine: rows.clone(), ..noted("intent") }).await.unwrap();
    assert_eq!((fixture.rejects)(&plan.target), rows);
    let again = JournalWrite {
        forgotten_attempt: Some("first".to_owned()),
        quarantine: vec![rejected("second", "{}")],
        ..JournalWrite::default()
    };
    write(&*journal, &plan, again).await.unwrap();
    assert_eq!((fixture.rejects)(&plan.target), vec![rejected("second", "{}")]);
}

pub async fn a_refused_write_keeps_nothing(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let stale = begin(&*journal).await;
    let current = begin(&*journal).await;
    let everything = JournalWrite { quarantine: vec![rejected("late", "{}")], ..committed("late") };
    write(&*journal, &stale, everything).await.unwrap_err();
    assert_eq!((fixture.rejects)(&current.target), vec![]);
    assert_eq!(entry(&*journal, &current).await.progress.committed, None);
}

pub async fn concurrent_writers_of_two_targets_do_not_disturb_each_other(fixture: &Fixture) {
    let journal = (fixture.reopen)();
    let work = async |database: &'static str| {
        let plan = plan_into(&*journal, database).await;
        journal.take_over(&plan).await.unwrap();
        for step in 0..20 {
            write(&*journal, &plan, noted(&step.to_string())).await.unwrap();
        }
        entry(&*journal, &plan).await
    };
    let (left, right) = tokio::join!(work("LEFT"), work("RIGHT"));
    assert_eq!((left.notes.as_deref(), right.notes.as_deref()), (Some("19"), Some("19")));
    assert_eq!((left.progress.epoch, right.progress.epoch), (Some(Epoch(1)), Some(Epoch(1))));
}
