//! Runs in which calls fail before or after they did their work, and processes die.

use connectors::faulty::Fault;
use engine::RunOptions;
use model::RetryPolicy;
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::world::{Person, World, expected};

const ADA: Person = (Some(1), Some("Ada"), Some(10));
const BOB: Person = (Some(2), Some("Bob"), Some(20));
const EVE: Person = (Some(3), Some("Eve"), Some(30));
const DAN: Person = (Some(4), Some("Dan"), None);
const FAY: Person = (Some(5), Some("Fay"), Some(30));

/// Enough attempts to use up any script of these tests.
pub(crate) fn patient() -> RunOptions {
    RunOptions { retry: RetryPolicy { attempts_max: 200, ..RetryPolicy::default() }, ..RunOptions::default() }
}

/// A run that dies at the first fault, as a killed process does.
pub(crate) fn mortal() -> RunOptions {
    RunOptions { retry: RetryPolicy { attempts_max: 1, ..RetryPolicy::default() }, ..RunOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_reply_is_lost_is_not_repeated() {
    let world = World::new(true);
    world.set(&[ADA]);
    // Destination calls of a first run: progress, prepare, discard, stage, commit.
    let lost_reply = [Fault::Pass, Fault::Pass, Fault::Pass, Fault::Pass, Fault::FailAfterWrite];
    let script = std::iter::repeat_n(Fault::Pass, 5).chain(lost_reply);
    let report = world.run_with(&patient(), &CancellationToken::new(), script).await.unwrap();
    assert_eq!(report.attempts, 2);
    assert!(!report.is_backfill, "the second attempt starts from what the first had committed");
    assert_eq!(world.landed(), expected(&[ADA]));
}

#[tokio::test(start_paused = true)]
async fn rows_that_arrived_before_a_failure_are_not_read_again() {
    let world = World::new(true);
    world.set(&[ADA, BOB, EVE, DAN, FAY]);
    // Source calls: describe, read, then one for each event; the third chunk is lost.
    let source = [Fault::Pass, Fault::Pass, Fault::Pass, Fault::Pass, Fault::Reject];
    let script = source.into_iter().chain(std::iter::repeat_n(Fault::Pass, 5));
    let report = world.run_with(&patient(), &CancellationToken::new(), script).await.unwrap();
    assert_eq!((report.attempts, report.resumed, report.read), (2, 4, 1));
    assert_eq!(world.landed(), expected(&[ADA, BOB, EVE, DAN, FAY]));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_start_stays_one_when_its_first_attempt_fails() {
    let world = World::new(true);
    world.set(&[ADA, BOB, EVE]);
    world.run().await.unwrap();
    world.set(&[ADA, EVE]);
    let source = [Fault::Pass, Fault::Pass, Fault::Reject];
    let script = source.into_iter().chain(std::iter::repeat_n(Fault::Pass, 3));
    let options = RunOptions { is_fresh_start: true, ..patient() };
    let report = world.run_with(&options, &CancellationToken::new(), script).await.unwrap();
    assert_eq!((report.attempts, report.is_backfill), (2, true));
    assert_eq!(world.landed(), expected(&[ADA, EVE]));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_finishes_an_earlier_read_also_reads_what_changed_since() {
    let world = World::new(true);
    world.set(&[ADA, BOB, EVE]);
    let source = [Fault::Pass, Fault::Pass, Fault::Pass, Fault::Reject];
    let script = source.into_iter().chain(std::iter::repeat_n(Fault::Pass, 4));
    world.run_with(&mortal(), &CancellationToken::new(), script).await.unwrap_err();
    world.set(&[ADA, BOB, EVE, FAY]);
    let report = world.run().await.unwrap();
    assert!(report.resumed > 0 && report.is_backfill, "{report:?}");
    assert_eq!(world.landed(), expected(&[ADA, BOB, EVE, FAY]));
}

#[tokio::test(start_paused = true)]
async fn a_full_refresh_goes_on_with_nothing_that_an_earlier_run_has_read() {
    let world = World::new(false);
    world.set(&[ADA, BOB, EVE]);
    let source = [Fault::Pass, Fault::Pass, Fault::Pass, Fault::Reject];
    let script = source.into_iter().chain(std::iter::repeat_n(Fault::Pass, 4));
    world.run_with(&mortal(), &CancellationToken::new(), script).await.unwrap_err();
    world.set(&[BOB, EVE, FAY]);
    let report = world.run().await.unwrap();
    assert_eq!((report.resumed, report.read), (0, 3));
    assert_eq!(world.landed(), expected(&[BOB, EVE, FAY]));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_gone_is_asked_for_again_from_the_beginning() {
    let world = World::new(true);
    world.set(&[ADA, BOB, EVE]);
    let source = [Fault::Pass, Fault::Pass, Fault::Pass, Fault::Reject];
    let script = source.into_iter().chain(std::iter::repeat_n(Fault::Pass, 4));
    world.run_with(&mortal(), &CancellationToken::new(), script).await.unwrap_err();
    world.source.forget_results();
    world.set(&[BOB, EVE, DAN]);
    let report = world.run().await.unwrap();
    assert_eq!((report.resumed, report.read), (0, 3));
    assert_eq!(world.landed(), expected(&[BOB, EVE, DAN]));
}

pub(crate) fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![6 => Just(Fault::Pass), 1 => Just(Fault::Reject), 1 => Just(Fault::FailAfterWrite)]
}

/// Successive states of the source: rows change, come late with an old value, tie, and go without a cursor value.
fn histories() -> impl Strategy<Value = Vec<Vec<Person>>> {
    let name = prop_oneof![Just(None), Just(Some("")), Just(Some("Ada")), Just(Some("Bob"))];
    let change = (0..6_i64, name, any::<bool>());
    prop::collection::vec(prop::collection::vec(change, 0..6), 1..4).prop_map(|steps| {
        let mut rows: Vec<Person> = Vec::new();
        let mut clock = 0;
        steps
            .into_iter()
            .map(|changes| {
                for (id, name, has_cursor) in changes {
                    // Two changes in a row may share a cursor value.
                    clock += i64::from(id % 2 == 0);
                    rows.retain(|(existing, _, _)| *existing != Some(id));
                    rows.push((Some(id), name, has_cursor.then_some(clock)));
                }
                rows.clone()
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_and_dies_the_destination_ends_up_with_exactly_the_rows_of_the_source(
        history in histories(),
        scripts in prop::collection::vec((prop::collection::vec(any_fault(), 0..24), any::<bool>(), any::<bool>()), 0..6),
        is_incremental: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::new(is_incremental);
            for rows in &history {
                world.set(rows);
                for (script, is_killed, is_forgotten) in &scripts {
                    let options = if *is_killed { mortal() } else { patient() };
                    let _may_fail = world.run_with(&options, &CancellationToken::new(), script.clone()).await;
                    if *is_killed {
                        world.destination.crash();
                    }
                    if *is_forgotten {
                        world.source.forget_results();
                    }
                }
            }
            let last = history.last().unwrap();
            // A full refresh may refuse to shrink; that is a claim of its own. Here nothing shrinks.
            world.run().await.unwrap();
            assert_eq!(world.landed(), expected(last));
        });
    }
}
