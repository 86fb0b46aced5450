//! Changes that are lost: noticed, told, and made good by reading no more than what differs.

use std::time::Duration;

use model::{DeletePolicy, ReadSpec};

use super::world::{World, by_cursor, world};

const DAY: Duration = Duration::from_secs(86_400);

/// A table of a thousand rows that has been followed for a while.
async fn followed(policy: DeletePolicy) -> World {
    let world = world("", policy).await;
    world.sql(&["INSERT INTO CRM.PUBLIC.T SELECT SEQ4(), 'n' FROM TABLE(GENERATOR(ROWCOUNT => 1000))"]);
    world.run().await;
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 0"]);
    world.run().await;
    world
}

/// Runs, and expects the reason, few rows read, and both sides equal; then that changes are followed again.
async fn heals(world: &World, reason: &str, is_tracked_again: bool) {
    let report = world.run().await;
    let healed = report.healed.clone().unwrap_or_else(|| panic!("nothing was healed: {report:?}"));
    assert!(healed.contains(reason), "{healed}");
    assert!(!report.is_backfill, "{report:?}");
    assert!(report.read < 500, "{} rows were read", report.read);
    assert!(world.verify(false).await.is_equal());
    world.sql(&["INSERT INTO CRM.PUBLIC.T (ID, NAME) VALUES (5000, 'after')"]);
    let report = world.run().await;
    assert_eq!(report.healed.is_none(), is_tracked_again, "{report:?}");
    assert_eq!(report.inserted, 1);
    assert!(world.run().await.is_unchanged);
    assert!(world.verify(false).await.is_equal());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_created_anew_is_compared() {
    let world = followed(DeletePolicy::Delete).await;
    world.sql(&[
        "CREATE OR REPLACE TABLE CRM.PUBLIC.T (ID NUMBER(18,0), NAME VARCHAR) CHANGE_TRACKING = TRUE",
        "INSERT INTO CRM.PUBLIC.T SELECT SEQ4() + 5, 'n' FROM TABLE(GENERATOR(ROWCOUNT => 1000))",
    ]);
    heals(&world, "was created anew", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_the_tracking_is_compared() {
    let world = followed(DeletePolicy::Delete).await;
    world.sql(&[
        "ALTER TABLE CRM.PUBLIC.T SET CHANGE_TRACKING = FALSE",
        "DELETE FROM CRM.PUBLIC.T WHERE ID = 7",
        "ALTER TABLE CRM.PUBLIC.T SET CHANGE_TRACKING = TRUE",
        "UPDATE CRM.PUBLIC.T SET NAME = 'x' WHERE ID = 8",
    ]);
    heals(&world, "were not tracked all the time", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tracking_is_off_rows_are_right_and_every_run_says_what_to_do() {
    let world = followed(DeletePolicy::Delete).await;
    world.sql(&[
        "ALTER TABLE CRM.PUBLIC.T SET CHANGE_TRACKING = FALSE",
        "DELETE FROM CRM.PUBLIC.T WHERE ID = 7",
    ]);
    heals(
        &world,
        "is off (let the customer run: ALTER TABLE \"CRM\".\"PUBLIC\".\"T\" SET CHANGE_TRACKING",
        false,
    )
    .await;
    world.sql(&[
        "ALTER TABLE CRM.PUBLIC.T SET CHANGE_TRACKING = TRUE",
        "DELETE FROM CRM.PUBLIC.T WHERE ID = 9",
    ]);
    heals_after_tracking(&world).await;
}

async fn heals_after_tracking(world: &World) {
    assert!(world.run().await.healed.is_some());
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 10"]);
    let report = world.run().await;
    assert_eq!((report.healed, report.deleted), (None, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_does_not_reach_back_is_compared() {
    let world = followed(DeletePolicy::Delete).await;
    world.emulator().clock().advance(DAY + DAY);
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 7", "INSERT INTO CRM.PUBLIC.T VALUES (2000, 'n')"]);
    heals(&world, "does not reach back", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_was_read_by_cursor_goes_over_to_changes() {
    let mut world = world("(1, 'a'), (2, 'b'), (3, 'c')", DeletePolicy::Delete).await;
    world.spec = by_cursor(&world.spec, "ID");
    world.run().await;
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 1"]);
    world.spec.read = ReadSpec::Changes;
    heals(&world, "was not read by its changes", true).await;
    assert_eq!(world.landed(), ["2 b", "3 c", "5000 after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_follows_the_policy_when_it_is_healed() {
    for (policy, counts, total) in
        [(DeletePolicy::Mark, (1, 0), "1001"), (DeletePolicy::Keep, (0, 0), "1002")]
    {
        let world = followed(policy).await;
        world.sql(&[
            "CREATE OR REPLACE TABLE CRM.PUBLIC.T (ID NUMBER(18,0), NAME VARCHAR) CHANGE_TRACKING = TRUE",
            "INSERT INTO CRM.PUBLIC.T SELECT SEQ4() + 2, 'n' FROM TABLE(GENERATOR(ROWCOUNT => 999))",
        ]);
        let report = world.run().await;
        assert!(report.healed.is_some());
        assert_eq!((report.marked, report.deleted, report.inserted), (counts.0, counts.1, 1));
        let verified = world.verify(false).await;
        assert!(verified.is_equal(), "{verified:?}");
        let _ = total;
        assert_eq!(world.rows("SELECT count(*) FROM crm.t"), ["1001"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_cannot_be_compared_are_read_as_a_whole_and_that_is_told() {
    let world = followed(DeletePolicy::Delete).await;
    world.sql(&[
        "CREATE OR REPLACE TABLE CRM.PUBLIC.T (ID NUMBER(18,0), NAME VARCHAR, GRADE NUMBER(9,0)) CHANGE_TRACKING = TRUE",
        "INSERT INTO CRM.PUBLIC.T VALUES (1, 'n', 1), (2, 'm', NULL)",
    ]);
    let report = world.run().await;
    let healed = report.healed.unwrap();
    assert!(healed.contains("was created anew") && healed.contains("as a whole"), "{healed}");
    assert!(report.is_backfill);
    assert_eq!(world.landed(), ["1 n", "2 m"]);
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 1"]);
    assert_eq!(world.run().await.deleted, 1);
}
