//! Pulls by the changes that the account keeps track of, set up as a person would.

use std::path::Path;

use serde_json::Value;

use crate::pulls::last_event;
use crate::world::World;

/// A table of a thousand rows without a column that says when they were written.
const NOTES: &[&str] = &[
    "CREATE TABLE CRM.SALES.NOTES (ID NUMBER(18,0) NOT NULL, NOTE VARCHAR) CHANGE_TRACKING = TRUE",
    "INSERT INTO CRM.SALES.NOTES SELECT SEQ4(), 'note ' || SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 1000))",
];

/// What `discover --profile` prints behind "For the sync file", as a person would copy it.
async fn recommended(world: &World) -> String {
    let bare = world.sync("stream: CRM.SALES.NOTES\n");
    let arguments = ["discover", "-f", bare.to_str().unwrap(), "--profile", "CRM.SALES.NOTES"];
    let shown = world.program(&arguments).await.succeeded().stdout;
    assert!(shown.contains("read by the changes that the table keeps track of"), "{shown}");
    let (_, lines) = shown.split_once("For the sync file\n").unwrap_or_else(|| panic!("{shown}"));
    let (lines, _) = lines.split_once("\n\n").unwrap_or_else(|| panic!("{shown}"));
    lines.to_owned()
}

/// Runs, and compares both sides.
async fn run(world: &World, file: &Path) -> (Value, String) {
    let file = file.to_str().unwrap();
    let ended = world.program(&["run", "-f", file, "--json"]).await.succeeded();
    let verified = world.program(&["verify", "-f", file]).await.succeeded().stdout;
    assert!(verified.starts_with("equal "), "{verified}");
    (last_event(&ended.stdout)["report"].clone(), verified)
}

/// Statements so far that ask for what has changed.
fn asked_for_changes(world: &World) -> usize {
    world.statements_sent("CHANGES(INFORMATION => DEFAULT)")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recommended_follows_inserts_updates_deletes_and_a_table_that_is_made_anew() {
    let world = World::start().await;
    world.sql(NOTES);
    let lines = recommended(&world).await;
    assert_eq!(lines, "read:\n  changes: true\n  key: [ID]");
    let file = world.sync(&format!("stream: CRM.SALES.NOTES\n{lines}\n"));
    let planned = world.program(&["plan", "-f", file.to_str().unwrap()]).await.succeeded().stdout;
    assert!(planned.contains("AT(TIMESTAMP"), "{planned}");

    let (report, verified) = run(&world, &file).await;
    assert_eq!((&report["is_backfill"], &report["inserted"]), (&true.into(), &1_000.into()));
    assert!(verified.contains("1,000 rows here"), "{verified}");

    world.sql(&[
        "INSERT INTO CRM.SALES.NOTES VALUES (5000, 'new'), (5001, NULL)",
        "UPDATE CRM.SALES.NOTES SET NOTE = 'changed' WHERE ID IN (1, 2, 3)",
        "DELETE FROM CRM.SALES.NOTES WHERE ID IN (10, 11, 12, 13)",
    ]);
    let (report, verified) = run(&world, &file).await;
    let counts = ["read", "inserted", "updated", "deleted"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [9, 2, 3, 4], "{report}");
    assert!(verified.contains("998 rows here"), "{verified}");
    assert_eq!((asked_for_changes(&world), &report["healed"]), (1, &Value::Null));

    world.sql(&[
        "CREATE OR REPLACE TABLE CRM.SALES.NOTES (ID NUMBER(18,0) NOT NULL, NOTE VARCHAR) CHANGE_TRACKING = TRUE",
        "INSERT INTO CRM.SALES.NOTES SELECT SEQ4() + 5, 'note ' || (SEQ4() + 5) FROM TABLE(GENERATOR(ROWCOUNT => 990))",
    ]);
    let told = world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded().stdout;
    assert!(told.contains("healed: ") && told.contains("was created anew since the last read"), "{told}");
    world.sql(&["DELETE FROM CRM.SALES.NOTES WHERE ID = 5"]);
    let (report, verified) = run(&world, &file).await;
    assert_eq!(
        (&report["deleted"], &report["healed"]),
        (&1.into(), &Value::Null),
        "changes are followed again"
    );
    assert!(verified.contains("989 rows here"), "{verified}");
    assert_eq!(asked_for_changes(&world), 2);
}
