//! What becomes of rows that are deleted at the source, however a sync learns of them.

use model::{DeletePolicy, DeletesSpec};

use super::world::{by_cursor, world};

const THREE: &str = "(1, 'a'), (2, 'b'), (3, 'c')";

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_row_is_marked_until_its_key_comes_back() {
    let world = world(THREE, DeletePolicy::Mark).await;
    world.run().await;
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID < 3"]);
    let report = world.run().await;
    assert_eq!((report.marked, report.deleted, report.updated, report.inserted), (2, 0, 0, 0));
    assert_eq!(world.landed(), ["1 a†", "2 b†", "3 c"]);
    let age = "SELECT count(*) FROM crm.t WHERE _deleted_at > (now() AT TIME ZONE 'UTC') - INTERVAL 5 MINUTE";
    assert_eq!(world.rows(age), ["2"], "the time is in UTC");

    world.sql(&["INSERT INTO CRM.PUBLIC.T VALUES (1, 'A')"]);
    let report = world.run().await;
    assert_eq!((report.marked, report.updated, report.inserted), (0, 1, 0));
    assert_eq!(world.landed(), ["1 A", "2 b†", "3 c"]);
    let verified = world.verify(false).await;
    assert!(verified.is_equal(), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_row_is_kept() {
    let world = world(THREE, DeletePolicy::Keep).await;
    world.run().await;
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 1", "UPDATE CRM.PUBLIC.T SET ID = 4 WHERE ID = 2"]);
    let report = world.run().await;
    assert_eq!((report.deleted, report.marked, report.inserted, report.read), (0, 0, 1, 1));
    assert_eq!(world.landed(), ["1 a", "2 b", "3 c", "4 b"]);
    let verified = world.verify(true).await;
    assert!(verified.is_equal() && verified.healed.is_none(), "{verified:?}");
    assert_eq!(world.landed().len(), 4);
    assert_eq!((world.reconcile().await.kept, world.landed().len()), (2, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_heals_as_the_policy_says() {
    let mut world = world(THREE, DeletePolicy::Mark).await;
    world.run().await;
    // A sync by cursor sees no deletes; comparing does.
    world.spec = by_cursor(&world.spec, "ID");
    world.run().await;
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 1"]);
    world.run().await;
    assert_eq!(world.landed(), ["1 a", "2 b", "3 c"]);
    let verified = world.verify(true).await;
    assert!(verified.is_equal() && verified.healed.is_some(), "{verified:?}");
    assert_eq!(world.landed(), ["1 a†", "2 b", "3 c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_gone_are_marked_by_a_reconciliation() {
    let mut world = world(THREE, DeletePolicy::Mark).await;
    world.spec = by_cursor(&world.spec, "ID");
    world.run().await;
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 2"]);
    world.run().await;
    let reconciled = world.reconcile().await;
    assert_eq!((reconciled.marked, reconciled.removed), (1, 0));
    assert_eq!(world.landed(), ["1 a", "2 b†", "3 c"]);
    assert_eq!(world.reconcile().await.marked, 0, "it is marked already");
    assert!(world.verify(false).await.is_equal());
    world.sql(&["INSERT INTO CRM.PUBLIC.T VALUES (2, 'b')"]);
    world.run().await;
    assert!(!world.verify(false).await.is_equal(), "the key is back, and by cursor 2 is not seen");
    let verified = world.verify(true).await;
    assert!(verified.is_equal(), "{verified:?}");
    assert_eq!(world.landed(), ["1 a", "2 b", "3 c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_delete_column_decides_by_truth_or_by_presence() {
    for (column_type, gone) in [("BOOLEAN", "TRUE"), ("TIMESTAMP_NTZ", "'2026-01-01'::TIMESTAMP_NTZ")] {
        for policy in [DeletePolicy::Delete, DeletePolicy::Mark, DeletePolicy::Keep] {
            let mut world = world("", policy).await;
            world.sql(&[
                &format!("ALTER TABLE CRM.PUBLIC.T ADD COLUMN AT NUMBER(9,0), GONE {column_type}"),
                &format!("INSERT INTO CRM.PUBLIC.T SELECT 1, 'a', 1, {gone}"),
                "INSERT INTO CRM.PUBLIC.T VALUES (2, 'b', 1, NULL), (3, 'c', 1, NULL)",
            ]);
            world.spec = by_cursor(&world.spec, "AT");
            world.spec.deletes = DeletesSpec { policy, column: Some("GONE".to_owned()) };
            world.run().await;
            let first: &[&str] = match policy {
                DeletePolicy::Delete => &["2 b", "3 c"],
                DeletePolicy::Mark => &["1 a†", "2 b", "3 c"],
                DeletePolicy::Keep => &["1 a", "2 b", "3 c"],
            };
            assert_eq!(world.landed(), first, "{column_type} {policy:?}");
            world.sql(&[
                &format!("UPDATE CRM.PUBLIC.T SET GONE = {gone}, AT = 2, NAME = 'C' WHERE ID = 3"),
                "UPDATE CRM.PUBLIC.T SET GONE = NULL, AT = 2 WHERE ID = 1",
            ]);
            let report = world.run().await;
            let (second, counts): (&[&str], _) = match policy {
                DeletePolicy::Delete => (&["1 a", "2 b"], (1, 0)),
                DeletePolicy::Mark => (&["1 a", "2 b", "3 C†"], (0, 1)),
                DeletePolicy::Keep => (&["1 a", "2 b", "3 C"], (0, 0)),
            };
            assert_eq!(world.landed(), second, "{column_type} {policy:?}");
            assert_eq!((report.deleted, report.marked), counts, "{column_type} {policy:?}");
            let again = world.run().await;
            assert_eq!((again.deleted, again.marked, again.updated, again.inserted), (0, 0, 0, 0));
            assert!(world.verify(false).await.is_equal(), "{column_type} {policy:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_delete_column_and_changes_go_together() {
    let mut world = world("", DeletePolicy::Mark).await;
    world.sql(&[
        "ALTER TABLE CRM.PUBLIC.T ADD COLUMN GONE BOOLEAN",
        "INSERT INTO CRM.PUBLIC.T VALUES (1, 'a', FALSE), (2, 'b', TRUE), (3, 'c', FALSE)",
    ]);
    world.spec.deletes.column = Some("GONE".to_owned());
    world.run().await;
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 1", "UPDATE CRM.PUBLIC.T SET GONE = NOT GONE"]);
    world.run().await;
    assert_eq!(world.landed(), ["1 a†", "2 b", "3 c†"]);
    assert!(world.verify(false).await.is_equal());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_read_keeps_what_the_policy_keeps() {
    for (policy, expected) in [
        (DeletePolicy::Delete, vec!["3 c", "4 d"]),
        (DeletePolicy::Mark, vec!["1 a†", "2 b†", "3 c", "4 d"]),
        (DeletePolicy::Keep, vec!["1 a", "2 b", "3 c", "4 d"]),
    ] {
        let mut world = world(THREE, policy).await;
        world.run().await;
        world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 1"]);
        world.run().await;
        world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 2", "INSERT INTO CRM.PUBLIC.T VALUES (4, 'd')"]);
        world.spec.read = model::ReadSpec::FullRefresh;
        let report = world.run().await;
        assert_eq!(world.landed(), expected);
        assert_eq!(report.marked, u64::from(policy == DeletePolicy::Mark));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_policy_is_followed_from_the_next_run_on() {
    let mut world = world(THREE, DeletePolicy::Mark).await;
    world.run().await;
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 1"]);
    world.run().await;
    world.sql(&["UPDATE CRM.PUBLIC.T SET NAME = 'B' WHERE ID = 2"]);
    world.spec.deletes.policy = DeletePolicy::Delete;
    let report = world.run().await;
    assert_eq!((report.deleted, report.updated), (1, 1));
    assert_eq!(world.landed(), ["2 B", "3 c"]);
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 2"]);
    world.spec.deletes.policy = DeletePolicy::Mark;
    assert_eq!(world.run().await.marked, 1);
    assert_eq!(world.landed(), ["2 B†", "3 c"]);
}
