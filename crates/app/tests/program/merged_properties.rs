//! Pulls with `merge: shallow`: properties that a row comes without stay, and nothing else does.

use std::path::Path;

use serde_json::{Value, json};

use crate::imports::{rows, run, sync_called};
use crate::world::World;

const DEALS: &[&str] = &[
    "CREATE TABLE CRM.SALES.OFFERS (ID NUMBER(18,0) NOT NULL, DEAL VARCHAR, MAIL VARCHAR, STAGE VARCHAR, AMOUNT NUMBER(38,20), \
     NOTE VARCHAR, UPDATED_AT TIMESTAMP_NTZ(9)) CHANGE_TRACKING = TRUE",
    "INSERT INTO CRM.SALES.OFFERS VALUES (1, 'd1', 'jo@acme.com', 'open', 1.00000000000000000001, 'first', '2026-03-01'), \
     (2, 'd2', 'al@acme.com', 'open', NULL, 'second', '2026-03-01')",
];

fn deals(read: &str, rest: &str) -> String {
    format!(
        "stream: CRM.SALES.OFFERS\nread: {{ {read}, key: [ID] }}\n{rest}dataset:\n  objects: {{ type: deal, id: DEAL, \
         identity: MAIL, skip: [ID, UPDATED_AT], merge: shallow }}\n"
    )
}

const BY_CURSOR: &str = "incremental: { cursor: UPDATED_AT, lookback: 1d }";

/// The properties of a deal as they are written.
fn properties(world: &World, deal: &str) -> String {
    let found = rows(world, &format!("SELECT properties FROM model.deals WHERE deal_id = '{deal}'"));
    found[0]["properties"].as_str().unwrap().to_owned()
}

fn counts(done: &Value) -> [u64; 3] {
    ["inserted", "updated", "deleted"].map(|name| done["report"][name].as_u64().unwrap())
}

async fn refreshed(world: &World, file: &Path) {
    world.program(&["run", "-f", file.to_str().unwrap(), "--full-refresh"]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_that_a_row_comes_without_keeps_its_former_value_in_all_its_digits() {
    let world = World::start().await;
    world.sql(DEALS);
    let file = sync_called(&world, "deals", &deals(BY_CURSOR, ""));
    run(&world, &file).await;
    world.sql(&[
        "UPDATE CRM.SALES.OFFERS SET STAGE = 'won', AMOUNT = NULL, UPDATED_AT = '2026-03-01 01:00:00' WHERE ID = 1",
        "UPDATE CRM.SALES.OFFERS SET NOTE = NULL, UPDATED_AT = '2026-03-01 01:00:00' WHERE ID = 2",
        "INSERT INTO CRM.SALES.OFFERS VALUES (3, 'd3', 'x@acme.com', NULL, NULL, 'third', '2026-03-01 01:00:00')",
    ]);
    let done = run(&world, &file).await;
    assert_eq!(counts(&done), [1, 2, 0], "{done}");
    let won = r#"{"stage":"won","amount":1.00000000000000000001,"note":"first"}"#;
    assert_eq!(properties(&world, "d1"), won);
    assert_eq!(properties(&world, "d2"), r#"{"stage":"open","note":"second"}"#);
    assert_eq!(properties(&world, "d3"), r#"{"note":"third"}"#);
    let after = rows(&world, "SELECT * FROM imports.deals ORDER BY object_id");

    // The look-back reads all of them once more.
    world.sql(&["UPDATE CRM.SALES.OFFERS SET UPDATED_AT = '2026-03-01 02:00:00' WHERE ID = 3"]);
    let again = run(&world, &file).await;
    assert_eq!(counts(&again)[..2], [0, 1], "its cursor alone is another one: {again}");
    assert_eq!(
        rows(&world, "SELECT * FROM imports.deals WHERE object_id <> 'd3' ORDER BY object_id"),
        after[..2]
    );

    world.sql(&["ALTER TABLE CRM.SALES.OFFERS DROP COLUMN NOTE"]);
    refreshed(&world, &file).await;
    assert_eq!(properties(&world, "d1"), won, "a full refresh keeps what the source has no more");
    assert_eq!(
        rows(&world, "SELECT * FROM imports.deals WHERE object_id = 'd2'"),
        after[1..2],
        "nothing became of it"
    );
    let without = deals(BY_CURSOR, "").replace(", merge: shallow", "");
    let file = sync_called(&world, "deals", &without);
    assert_eq!(run(&world, &file).await["report"]["is_unchanged"], true, "it is the same mapping");
    refreshed(&world, &file).await;
    assert_eq!(properties(&world, "d1"), r#"{"stage":"won"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_taken_for_a_while_keeps_its_properties_unless_it_becomes_another_record() {
    let world = World::start().await;
    world.sql(DEALS);
    let file = sync_called(&world, "deals", &deals(BY_CURSOR, ""));
    run(&world, &file).await;
    world.sql(&["UPDATE CRM.SALES.OFFERS SET MAIL = 'nobody at all', NOTE = NULL, UPDATED_AT = '2026-03-02' WHERE ID = 1"]);
    run(&world, &file).await;
    assert_eq!(rows(&world, "SELECT * FROM model.deals").len(), 1);
    world.sql(&["UPDATE CRM.SALES.OFFERS SET MAIL = 'jo@acme.com', UPDATED_AT = '2026-03-03' WHERE ID = 1"]);
    run(&world, &file).await;
    assert!(properties(&world, "d1").contains("first"), "{}", properties(&world, "d1"));
    world.sql(&["UPDATE CRM.SALES.OFFERS SET DEAL = 'd9', UPDATED_AT = '2026-03-04' WHERE ID = 1"]);
    run(&world, &file).await;
    assert_eq!(properties(&world, "d9"), r#"{"stage":"open","amount":1.00000000000000000001}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_comes_back_begins_anew_whether_it_was_removed_or_marked() {
    for policy in ["delete", "mark"] {
        let world = World::start().await;
        world.sql(DEALS);
        let rest = format!("deletes: {{ policy: {policy} }}\n");
        let file = sync_called(&world, "deals", &deals("changes: true", &rest));
        run(&world, &file).await;
        let before = rows(&world, "SELECT * FROM imports.deals ORDER BY object_id");
        world.sql(&["UPDATE CRM.SALES.OFFERS SET NOTE = NULL WHERE ID = 1"]);
        let done = run(&world, &file).await;
        assert_eq!(counts(&done), [0, 0, 0], "a row that comes with nothing new is left alone: {done}");
        assert_eq!(rows(&world, "SELECT * FROM imports.deals ORDER BY object_id"), before);
        world.sql(&["DELETE FROM CRM.SALES.OFFERS WHERE ID = 1"]);
        run(&world, &file).await;
        assert_eq!(rows(&world, "SELECT * FROM model.deals").len(), 1, "{policy}");
        world.sql(&[
            "INSERT INTO CRM.SALES.OFFERS VALUES (1, 'd1', 'jo@acme.com', 'open', NULL, NULL, '2026-03-05')",
        ]);
        run(&world, &file).await;
        assert_eq!(properties(&world, "d1"), r#"{"stage":"open"}"#, "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actions_company_properties_stay_as_long_as_it_is_of_that_company() {
    let world = World::start().await;
    world.sql(&[
        "CREATE TABLE CRM.SALES.CALLS (ID NUMBER(18,0) NOT NULL, EMAIL VARCHAR, DATE TIMESTAMP_NTZ(6), TOPIC VARCHAR, COMPANY_SIZE NUMBER(9,0), AT TIMESTAMP_NTZ(6))",
        "INSERT INTO CRM.SALES.CALLS VALUES (1, 'jo@acme.com', '2026-03-01', 'price', 250, '2026-03-01'), \
         (2, 'al@acme.com', '2026-03-01', 'price', 250, '2026-03-01')",
    ]);
    let file = sync_called(
        &world,
        "calls",
        "stream: CRM.SALES.CALLS\nread: { incremental: { cursor: AT }, key: [ID] }\n\
         dataset: { custom_actions: { merge: shallow, skip: [ID, AT] } }\n",
    );
    run(&world, &file).await;
    world.sql(&[
        "UPDATE CRM.SALES.CALLS SET TOPIC = NULL, COMPANY_SIZE = NULL, AT = '2026-03-02' WHERE ID = 1",
        "UPDATE CRM.SALES.CALLS SET EMAIL = 'al@globex.com', COMPANY_SIZE = NULL, AT = '2026-03-02' WHERE ID = 2",
    ]);
    run(&world, &file).await;
    let shown =
        "SELECT company_id, action_properties, company_properties FROM model.actions ORDER BY company_id";
    let topic = r#"{"topic":"price"}"#;
    assert_eq!(
        rows(&world, shown),
        [
            json!({"company_id": "acme.com", "action_properties": topic, "company_properties": r#"{"company_size":250}"#}),
            json!({"company_id": "globex.com", "action_properties": topic, "company_properties": "{}"}),
        ]
    );
}
