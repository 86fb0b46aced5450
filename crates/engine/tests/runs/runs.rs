//! Runs in which nothing fails.

use engine::RunOptions;
use model::ErrorKind;
use tokio_util::sync::CancellationToken;

use crate::world::{Person, World, expected};

const ADA: Person = (Some(1), Some("Ada"), Some(10));
const BOB: Person = (Some(2), Some("Bob"), Some(20));
const EVE: Person = (Some(3), None, None);

#[tokio::test]
async fn a_backfill_brings_every_row_and_an_increment_only_the_changes() {
    let world = World::new(true);
    world.set(&[ADA, BOB, EVE]);
    let report = world.run().await.unwrap();
    assert!(report.is_backfill);
    assert_eq!((report.read, report.inserted, report.null_cursor_count), (3, 3, Some(1)));

    let (ann, new): (Person, Person) = ((Some(1), Some("Ann"), Some(30)), (Some(4), Some(""), Some(20)));
    world.set(&[ann, BOB, EVE, new]);
    let report = world.run().await.unwrap();
    assert!(!report.is_backfill);
    assert_eq!((report.inserted, report.updated, report.total), (1, 1, Some(4)));
    assert_eq!(world.landed(), expected(&[ann, BOB, EVE, new]));
}

#[tokio::test]
async fn a_row_with_the_very_value_of_the_watermark_is_read() {
    let world = World::new(true);
    world.set(&[ADA]);
    world.run().await.unwrap();
    let tied: Person = (Some(2), Some("tied"), Some(10));
    world.set(&[ADA, tied]);
    world.run().await.unwrap();
    assert_eq!(world.landed(), expected(&[ADA, tied]));
}

#[tokio::test]
async fn a_full_refresh_follows_deletes() {
    let world = World::new(false);
    world.set(&[ADA, BOB, EVE]);
    world.run().await.unwrap();
    world.set(&[BOB, EVE]);
    world.run().await.unwrap();
    assert_eq!(world.landed(), expected(&[BOB, EVE]));
}

#[tokio::test]
async fn a_fresh_start_reads_everything_again() {
    let world = World::new(true);
    world.set(&[ADA, BOB]);
    world.run().await.unwrap();
    world.set(&[ADA]);
    let options = RunOptions { is_fresh_start: true, ..RunOptions::default() };
    let report = world.run_with(&options, &CancellationToken::new(), []).await.unwrap();
    assert!(report.is_backfill);
    assert_eq!(world.landed(), expected(&[ADA]));
}

#[tokio::test]
async fn a_run_that_is_cancelled_says_so_and_is_not_tried_again() {
    let world = World::new(true);
    world.set(&[ADA]);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = world.run_with(&RunOptions::default(), &cancel, []).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}
