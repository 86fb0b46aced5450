//! Healing in memory, where calls fail before or after they did their work: readers see the old rows or the right ones.

use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use connectors::conformance::{in_any_order, people};
use connectors::faulty::{Fault, Faulty};
use engine::{RunOptions, Sync, VerifyOptions, VerifyReport, VerifySync, reconcile_deletes, verify};
use model::{Destination, ErrorKind, Result};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::faults::{any_fault, mortal, patient};
use crate::world::{Person, World, expected};

/// What happens to one row of the destination behind everybody's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    None,
    Lost,
    Changed,
    Doubled,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        5 => Just(Damage::None),
        1 => Just(Damage::Lost),
        1 => Just(Damage::Changed),
        1 => Just(Damage::Doubled),
    ]
}

fn everybody(count: i64) -> Vec<Person> {
    (0..count).map(|id| (Some(id), (id % 3 != 0).then_some("Ada"), (id % 5 != 0).then_some(id))).collect()
}

fn damaged(rows: &RecordBatch, damages: &[Damage]) -> RecordBatch {
    let keep = damages.iter().map(|damage| Some(!matches!(damage, Damage::Lost | Damage::Changed)));
    let kept = filter_record_batch(rows, &BooleanArray::from_iter(keep)).unwrap();
    let doubled = damages.iter().map(|damage| Some(*damage == Damage::Doubled));
    let doubled = filter_record_batch(rows, &BooleanArray::from_iter(doubled)).unwrap();
    let others: Vec<Person> = (damages.iter().zip(0_i64..))
        .filter(|(damage, _)| **damage == Damage::Changed)
        .map(|(_, id)| (Some(id), Some("somebody else"), None))
        .collect();
    concat_batches(&rows.schema(), [&kept, &doubled, &people(&others)]).unwrap()
}

async fn verify_with(
    world: &World,
    is_healing: bool,
    run: RunOptions,
    script: &[Fault],
) -> Result<VerifyReport> {
    let (for_source, for_destination) = script.split_at(script.len() / 2);
    let source = Arc::new(Faulty::new(world.source.clone(), for_source.to_vec()));
    let destination = Arc::new(Faulty::new(world.destination.clone(), for_destination.to_vec()));
    let sync = Sync {
        source: Arc::<Faulty<_>>::clone(&source),
        destination: Arc::<Faulty<_>>::clone(&destination),
        spec: world.spec(),
    };
    let options = VerifyOptions { is_healing, run, ..VerifyOptions::default() };
    verify(&VerifySync { sync, source, destination }, &options, &CancellationToken::new()).await
}

fn landed(world: &World) -> RecordBatch {
    world.destination.rows(&world.spec().target).unwrap()
}

#[tokio::test]
async fn a_difference_is_counted_exactly_and_healed() {
    let world = World::new(true);
    world.set(&everybody(50));
    world.run().await.unwrap();
    let mut damages = [Damage::None; 50];
    (damages[3], damages[7], damages[8], damages[20]) =
        (Damage::Lost, Damage::Changed, Damage::Changed, Damage::Doubled);
    world.destination.tamper(&world.spec().target, |_| damaged(&people(&everybody(50)), &damages));

    let report = verify_with(&world, false, RunOptions::default(), &[]).await.unwrap();
    let difference = &report.difference;
    assert_eq!((difference.missing, difference.extra, difference.different), (1, 1, 2));
    assert!(report.healed.is_none() && !report.is_equal());

    let before = world.destination.progress(&world.spec().stream, &world.spec().target).await.unwrap();
    let report = verify_with(&world, true, RunOptions::default(), &[]).await.unwrap();
    assert!(report.is_equal(), "{report:?}");
    assert_eq!(world.landed(), expected(&everybody(50)));
    let after = world.destination.progress(&world.spec().stream, &world.spec().target).await.unwrap();
    assert_eq!(after.committed.unwrap().cursor, before.committed.unwrap().cursor);
    assert_eq!(after.staged, None);
}

#[tokio::test]
async fn rows_that_are_gone_at_the_source_are_removed_and_no_others() {
    let world = World::new(true);
    world.set(&everybody(60));
    world.run().await.unwrap();
    // Rows 0 to 9 are gone; a row that is there twice is not, and neither is one that is new.
    world.set(&everybody(70)[10..]);
    let doubled = people(&everybody(60)[20..21]);
    world
        .destination
        .tamper(&world.spec().target, |rows| concat_batches(&rows.schema(), [&rows, &doubled]).unwrap());
    let (source, destination) = (Arc::new(world.source.clone()), Arc::new(world.destination.clone()));
    let sync = Sync {
        source: Arc::<_>::clone(&source) as _,
        destination: Arc::<_>::clone(&destination) as _,
        spec: world.spec(),
    };
    let sync = VerifySync { sync, source, destination };
    let options = VerifyOptions::default();
    let reconciled = reconcile_deletes(&sync, &options, &CancellationToken::new()).await.unwrap();
    assert_eq!(reconciled.removed, 10);
    assert_eq!(world.landed().iter().collect::<std::collections::BTreeSet<_>>().len(), 60);
    let again = reconcile_deletes(&sync, &options, &CancellationToken::new()).await.unwrap();
    assert_eq!(again.removed, 0);

    world.set(&everybody(70)[60..]);
    let error = reconcile_deletes(&sync, &options, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.code(), "target_would_shrink");
}

#[tokio::test]
async fn what_was_never_read_cannot_be_compared() {
    let world = World::new(true);
    world.set(&everybody(3));
    let error = verify_with(&world, false, RunOptions::default(), &[]).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, "nothing_to_verify"));
}

#[tokio::test]
async fn what_is_too_much_is_counted_from_below_and_not_healed() {
    let world = World::new(false);
    world.set(&everybody(40));
    world.run().await.unwrap();
    world.destination.tamper(&world.spec().target, |rows| rows.slice(0, 30));
    let (source, destination) = (Arc::new(world.source.clone()), Arc::new(world.destination.clone()));
    let sync = Sync {
        source: Arc::<_>::clone(&source) as _,
        destination: Arc::<_>::clone(&destination) as _,
        spec: world.spec(),
    };
    let sync = VerifySync { sync, source, destination };
    let options = VerifyOptions { marked_rows_max: 5, ..VerifyOptions::default() };
    let report = verify(&sync, &options, &CancellationToken::new()).await.unwrap();
    assert_eq!((report.difference.missing, report.difference.is_lower_bound), (10, true));
    let options = VerifyOptions { is_healing: true, ..options };
    let error = verify(&sync, &options, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.code(), "too_much_to_heal");
    assert_eq!(landed(&world).num_rows(), 30, "nothing was changed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_and_dies_readers_see_what_was_there_or_what_is_right(
        damages in prop::collection::vec(damage(), 30),
        scripts in prop::collection::vec((prop::collection::vec(any_fault(), 0..20), any::<bool>()), 0..4),
        is_incremental: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::new(is_incremental);
            world.set(&everybody(30));
            world.run().await.unwrap();
            let target = world.spec().target;
            world.destination.tamper(&target, |_| damaged(&people(&everybody(30)), &damages));
            let wrong = in_any_order(&landed(&world));
            let right = expected(&everybody(30));
            for (script, is_killed) in &scripts {
                let run = if *is_killed { mortal() } else { patient() };
                let _may_fail = verify_with(&world, true, run, script).await;
                if *is_killed {
                    world.destination.crash();
                }
                let seen = world.landed();
                assert!(is_incremental || seen == wrong || seen == right, "neither old nor new");
            }
            let report = verify_with(&world, true, RunOptions::default(), &[]).await.unwrap();
            assert!(report.is_equal());
            assert_eq!(world.landed(), right);
        });
    }
}
