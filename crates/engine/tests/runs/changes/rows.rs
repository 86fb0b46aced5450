//! Inserts, updates and deletes arrive, each once, whatever happens in between.

use std::time::Duration;

use connectors::faulty::Fault;
use emulator::{Action, FaultRule, Route};
use model::{ChosenColumn, DeletePolicy, ErrorKind, StreamName, TableName};

use super::world::world;

const FIVE: &str = "(1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e')";

#[tokio::test(flavor = "multi_thread")]
async fn inserts_updates_and_deletes_arrive() {
    let world = world(FIVE, DeletePolicy::Delete).await;
    let report = world.run().await;
    assert_eq!((report.is_backfill, report.inserted), (true, 5));
    world.sql(&[
        "INSERT INTO CRM.PUBLIC.T VALUES (6, 'f')",
        "UPDATE CRM.PUBLIC.T SET NAME = 'B' WHERE ID = 2",
        "DELETE FROM CRM.PUBLIC.T WHERE ID = 3",
    ]);
    let report = world.run().await;
    assert!(!report.is_backfill && report.healed.is_none());
    assert_eq!((report.inserted, report.updated, report.deleted, report.read), (1, 1, 1, 3));
    assert_eq!(world.landed(), ["1 a", "2 B", "4 d", "5 e", "6 f"]);
    world.sql(&["TRUNCATE TABLE CRM.PUBLIC.T"]);
    assert_eq!(world.run().await.deleted, 5);
    assert_eq!(world.landed(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_beats_a_delete_of_the_same_key() {
    let world = world(FIVE, DeletePolicy::Delete).await;
    world.run().await;
    world.sql(&[
        "DELETE FROM CRM.PUBLIC.T WHERE ID = 1",
        "INSERT INTO CRM.PUBLIC.T VALUES (1, 'again')",
        "UPDATE CRM.PUBLIC.T SET ID = 9 WHERE ID = 2",
        // Two rows exchange their keys.
        "UPDATE CRM.PUBLIC.T SET ID = 7 - ID WHERE ID IN (3, 4)",
        // Nobody ever sees this one.
        "INSERT INTO CRM.PUBLIC.T VALUES (8, 'gone')",
        "DELETE FROM CRM.PUBLIC.T WHERE ID = 8",
    ]);
    let report = world.run().await;
    assert_eq!(world.landed(), ["1 again", "3 d", "4 c", "5 e", "9 b"]);
    assert_eq!((report.inserted, report.updated, report.deleted), (1, 3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_refused() {
    let world = world(FIVE, DeletePolicy::Delete).await;
    world.run().await;
    world.sql(&["INSERT INTO CRM.PUBLIC.T VALUES (6, 'one'), (6, 'other')"]);
    let error = world.run_with(1, []).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Data, "key_not_unique"));
    assert_eq!(world.landed().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_written_between_the_clock_and_the_statement_come_with_the_next_run() {
    let world = world(FIVE, DeletePolicy::Delete).await;
    // The backfill's statement waits while rows are written; its moment was asked for before.
    let held =
        FaultRule::on(Route::Query, Action::Hold { gate: "late".to_owned() }).statement("AT(TIMESTAMP");
    world.emulator().faults().add(held);
    let (report, ()) = tokio::join!(world.run(), async {
        world.emulator().faults().reached("late", 1).await;
        world.sql(&["INSERT INTO CRM.PUBLIC.T VALUES (6, 'late')"]);
        world.emulator().faults().release("late");
    });
    assert_eq!(report.inserted, 5);
    assert_eq!(world.run().await.inserted, 1);
    assert_eq!(world.landed().last().unwrap(), "6 late");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_read_and_a_later_one_go_on_with_the_kept_result() {
    let world = world(FIVE, DeletePolicy::Delete).await;
    // Describe, read, and one chunk: then the process ends.
    let first_chunk = [Fault::Pass, Fault::Pass, Fault::Pass, Fault::Pass, Fault::Reject];
    world.run_with(1, first_chunk).await.unwrap_err();
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID IN (1, 5)", "INSERT INTO CRM.PUBLIC.T VALUES (6, 'f')"]);
    let report = world.run().await;
    assert!(report.resumed > 0, "{report:?}");
    assert_eq!(world.landed(), ["2 b", "3 c", "4 d", "6 f"]);
    assert_eq!(world.reads().len(), 2, "{:?}", world.reads());

    world.sql(&["INSERT INTO CRM.PUBLIC.T SELECT SEQ4() + 10, 'n' FROM TABLE(GENERATOR(ROWCOUNT => 20))"]);
    let some_chunks = [Fault::Pass; 7].into_iter().chain([Fault::Reject]);
    world.run_with(1, some_chunks).await.unwrap_err();
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 10"]);
    let report = world.run().await;
    assert!(report.resumed > 0, "{report:?}");
    assert_eq!(world.landed().len(), 23);
    assert_eq!(world.reads().len(), 4, "{:?}", world.reads());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_is_filled_also_in_rows_that_did_not_change() {
    let world = world(FIVE, DeletePolicy::Delete).await;
    world.run().await;
    world.sql(&[
        "ALTER TABLE CRM.PUBLIC.T ADD COLUMN GRADE NUMBER(9,0) DEFAULT 7",
        "UPDATE CRM.PUBLIC.T SET GRADE = 9 WHERE ID = 2",
        "DELETE FROM CRM.PUBLIC.T WHERE ID = 3",
    ]);
    let report = world.run().await;
    assert_eq!(report.column_changes.len(), 1);
    assert_eq!(world.rows("SELECT \"ID\", \"GRADE\" FROM crm.t ORDER BY 1"), ["1 7", "2 9", "4 7", "5 7"]);
    world.sql(&["ALTER TABLE CRM.PUBLIC.T DROP COLUMN NAME", "DELETE FROM CRM.PUBLIC.T WHERE ID = 4"]);
    let report = world.run().await;
    assert_eq!((report.deleted, report.is_backfill), (1, false));
    assert_eq!(world.landed(), ["1 a", "2 b", "5 e"], "a column that is gone keeps what it holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_run_costs_nothing_and_keeps_up_with_time() {
    let world = world(FIVE, DeletePolicy::Delete).await;
    world.run().await;
    let before = world.in_virtual_warehouse().await;
    // Three days, each shorter than the retention of one.
    for _ in 0..9 {
        world.emulator().clock().advance(Duration::from_secs(8 * 3_600));
        assert!(world.run().await.is_unchanged);
    }
    assert_eq!(world.in_virtual_warehouse().await, before);
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID = 1"]);
    let report = world.run().await;
    assert_eq!((report.deleted, report.healed, report.read), (1, None, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_changes_to_follow_is_refused() {
    let mut world = world(FIVE, DeletePolicy::Delete).await;
    let refused = async |world: &super::world::World| {
        let error = world.run_with(1, []).await.unwrap_err();
        (error.code(), error.remedy().unwrap_or_default().to_owned())
    };
    world.sql(&["ALTER TABLE CRM.PUBLIC.T SET CHANGE_TRACKING = FALSE"]);
    let (code, remedy) = refused(&world).await;
    assert_eq!(code, "change_tracking_off");
    assert!(remedy.contains(r#"ALTER TABLE "CRM"."PUBLIC"."T" SET CHANGE_TRACKING = TRUE"#), "{remedy}");
    world.sql(&[
        "ALTER TABLE CRM.PUBLIC.T SET CHANGE_TRACKING = TRUE",
        "ALTER TABLE CRM.PUBLIC.T SET DATA_RETENTION_TIME_IN_DAYS = 0",
        "CREATE VIEW CRM.PUBLIC.V AS SELECT ID, NAME FROM CRM.PUBLIC.T",
    ]);
    assert_eq!(refused(&world).await.0, "changes_without_retention");
    let key = std::mem::take(&mut world.spec.key);
    assert_eq!(refused(&world).await.0, "key_missing");
    world.spec.key = key;
    world.spec.target.table = "other".to_owned();
    world.spec.stream = StreamName::Table(TableName::in_snowflake("CRM", "PUBLIC", "V"));
    assert_eq!(refused(&world).await.0, "changes_of_view");
    world.spec.stream =
        StreamName::Query { name: "q".to_owned(), sql: "SELECT * FROM CRM.PUBLIC.T".to_owned() };
    assert_eq!(refused(&world).await.0, "changes_of_query");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_are_named_are_enough() {
    let mut world = world(FIVE, DeletePolicy::Delete).await;
    world.spec.columns = vec![ChosenColumn { source: "ID".to_owned(), target: None }];
    world.run().await;
    world.sql(&["DELETE FROM CRM.PUBLIC.T WHERE ID < 3", "UPDATE CRM.PUBLIC.T SET NAME = 'x'"]);
    assert_eq!(world.run().await.deleted, 2);
    assert_eq!(world.rows("SELECT * FROM crm.t ORDER BY 1"), ["3", "4", "5"]);
}
