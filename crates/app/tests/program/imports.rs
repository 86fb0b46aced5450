//! Pulls whose rows are mapped to a dataset: what lands, what is rejected, and what the model's views show.

use std::path::PathBuf;

use connectors::duckdb::query_json;
use serde_json::{Value, json};

use crate::interruptions::HeldRun;
use crate::pulls::last_event;
use crate::world::World;

/// Activity of a CRM; the second row is of nobody.
const ACTIVITY: &[&str] = &[
    "CREATE TABLE CRM.SALES.ACTIVITY (ID NUMBER(18,0) NOT NULL, CONTACT_EMAIL VARCHAR, HAPPENED VARCHAR, KIND VARCHAR, \
     COMPANY_SIZE NUMBER(10,0), AMOUNT NUMBER(12,2), UPDATED_AT TIMESTAMP_NTZ(9)) CHANGE_TRACKING = TRUE",
    "INSERT INTO CRM.SALES.ACTIVITY VALUES \
     (1, 'Jo@Acme.com', '01.03.2026', 'meeting', 250, 12.50, '2026-03-01 10:00:00'), \
     (2, 'nobody at all', '02.03.2026', 'call', NULL, NULL, '2026-03-02 10:00:00'), \
     (3, 'al@globex.com', 'soon', 'call', NULL, NULL, '2026-03-03 10:00:00'), \
     (4, 'al@gmail.com', '04.03.2026', 'call', NULL, 7, '2026-03-04 10:00:00')",
];

const IMPORT: &str = "
stream: CRM.SALES.ACTIVITY
read:
  incremental: { cursor: UPDATED_AT, lookback: 1h }
  key: [ID]
dataset:
  custom_actions:
    action_name: KIND
    date: { date: HAPPENED, format: '%d.%m.%Y', zone: Europe/Berlin }
";

/// The rows of a query of the vendor database.
pub(crate) fn rows(world: &World, sql: &str) -> Vec<Value> {
    let answer = query_json(&world.tenant_file(), sql, usize::MAX).unwrap();
    let text = |batch: &arrow_array::RecordBatch, row| {
        arrow_cast::display::array_value_to_string(batch.column(0), row).unwrap()
    };
    answer
        .batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(move |row| text(batch, row)))
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect()
}

/// Writes a sync file under a name of its own.
pub(crate) fn sync_called(world: &World, name: &str, rest: &str) -> PathBuf {
    let path = world.folder().join(format!("{name}.yaml"));
    std::fs::rename(world.sync(rest), &path).unwrap();
    path
}

pub(crate) async fn run(world: &World, file: &std::path::Path) -> Value {
    let ended = world.program(&["run", "-f", file.to_str().unwrap(), "--json"]).await.succeeded();
    last_event(&ended.stdout)
}

fn counts(done: &Value) -> [u64; 3] {
    ["inserted", "updated", "deleted"].map(|name| done["report"][name].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_become_actions_and_a_reject_arrives_once_it_is_corrected() {
    let world = World::start().await;
    world.sql(ACTIVITY);
    let file = sync_called(&world, "activity", IMPORT);
    let path = file.to_str().unwrap();
    let planned = world.program(&["plan", "-f", path]).await.succeeded().stdout;
    assert!(planned.contains("CONTACT_EMAIL") && planned.contains("an expression of HAPPENED"), "{planned}");
    assert!(planned.contains("company properties: company_size"), "{planned}");

    let told = world.program(&["run", "-f", path]).await.succeeded().stdout;
    for expected in ["2 rows left out", "identity_invalid", "date_unreadable", r#"{"ID":2}"#, "model.rejects"]
    {
        assert!(told.contains(expected), "no `{expected}` in {told}");
    }
    let actions = "SELECT email, company_id, action_name, action_date, action_properties, company_properties, sync_id \
                   FROM model.actions ORDER BY email";
    let landed = rows(&world, actions);
    assert_eq!(landed.len(), 2, "{landed:?}");
    assert_eq!(landed[1]["email"], "jo@acme.com");
    assert_eq!(landed[1]["company_id"], "acme.com");
    assert_eq!(landed[1]["action_name"], "meeting");
    assert_eq!(landed[1]["action_date"], "2026-02-28 23:00:00");
    assert_eq!(landed[1]["sync_id"], "activity");
    let properties: Value = serde_json::from_str(landed[1]["action_properties"].as_str().unwrap()).unwrap();
    assert_eq!(properties, json!({"id": 1, "amount": 12.5, "updated_at": "2026-03-01T10:00:00Z"}));
    assert_eq!(landed[1]["company_properties"], r#"{"company_size":250}"#);
    assert_eq!(landed[0]["company_id"], Value::Null, "a mailbox of everybody is no company");
    let rejects =
        rows(&world, "SELECT reason, field, source_key, dataset FROM model.rejects ORDER BY source_key");
    assert_eq!(
        rejects,
        [
            json!({"reason": "identity_invalid", "field": "identity", "source_key": "{\"ID\":2}", "dataset": "custom_actions"}),
            json!({"reason": "date_unreadable", "field": "date", "source_key": "{\"ID\":3}", "dataset": "custom_actions"}),
        ]
    );
    let before = rows(&world, "SELECT * FROM imports.activity ORDER BY _row_id");

    let again = run(&world, &file).await;
    assert_eq!(again["report"]["is_unchanged"], true);
    world.sql(&[
        "INSERT INTO CRM.SALES.ACTIVITY VALUES (5, 'x@acme.com', '05.03.2026', 'call', NULL, NULL, '2026-03-04 10:30:00')",
    ]);
    let more = run(&world, &file).await;
    assert_eq!(counts(&more), [1, 0, 0], "rows that are read again are left alone: {more}");
    assert_eq!(more["report"]["rejected"].as_array().unwrap().len(), 2);
    world.sql(&[
        "UPDATE CRM.SALES.ACTIVITY SET CONTACT_EMAIL = 'sam@acme.com', UPDATED_AT = '2026-03-05 10:00:00' WHERE ID = 2",
    ]);
    let corrected = run(&world, &file).await;
    assert_eq!(counts(&corrected), [0, 1, 0], "{corrected}");
    assert_eq!(rows(&world, "SELECT * FROM model.rejects").len(), 1);
    assert_eq!(rows(&world, "SELECT * FROM model.actions WHERE email = 'sam@acme.com'").len(), 1);
    for row in before {
        let id = row["_row_id"].as_str().unwrap();
        let now = &rows(&world, &format!("SELECT * FROM imports.activity WHERE _row_id = '{id}'"))[0];
        let is_corrected = row["_source_key"] == "{\"ID\":2}";
        assert_eq!(*now == row, !is_corrected, "a row that did not change keeps its stamps: {row} {now}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn timings_tell_what_the_mapping_of_rows_took() {
    let world = World::start().await;
    world.sql(ACTIVITY);
    let file = sync_called(&world, "activity", IMPORT);
    let ended =
        world.program(&["run", "-f", file.to_str().unwrap(), "--json", "--timings"]).await.succeeded();
    let told = last_event(&ended.stdout);
    let mapped = told["parts"].as_array().unwrap().iter().find(|part| part["part"] == "map").unwrap();
    assert!(mapped["times"].as_u64().unwrap() >= 1, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_imports_are_one_model() {
    let world = World::start().await;
    world.sql(ACTIVITY);
    world.sql(&[
        "CREATE TABLE CRM.SALES.ACCOUNTS (ID NUMBER(18,0), WEBSITE VARCHAR, SIZE NUMBER(9,0), LAST_MODIFIED_DATE TIMESTAMP_NTZ(6))",
        "INSERT INTO CRM.SALES.ACCOUNTS VALUES (10, 'https://www.ACME.com/', 250, '2026-03-01 00:00:00'), (11, 'Globex Inc', 3, NULL)",
        "CREATE TABLE CRM.SALES.OPPS (ID NUMBER(18,0) NOT NULL, CONTACT_EMAIL VARCHAR, STAGE VARCHAR) CHANGE_TRACKING = TRUE",
        "INSERT INTO CRM.SALES.OPPS VALUES (7, 'jo@acme.com', 'won'), (8, 'al@globex.com', 'lost'), (9, NULL, 'lost')",
        "CREATE TABLE CRM.SALES.VIEWS (WHO VARCHAR, AT TIMESTAMP_NTZ(6), URL VARCHAR, REFERRER VARCHAR)",
        "INSERT INTO CRM.SALES.VIEWS VALUES ('acme.com', '2026-03-01 09:00:00', 'https://acme.com/pricing?utm_source=mail', NULL), \
         ('jo@acme.com', '2026-03-02 09:00:00', 'https://acme.com/', ''), ('jo@acme.com', '2026-03-02 09:00:00', 'https://acme.com/', '')",
        "CREATE TABLE CRM.SALES.ADS (DAY VARCHAR, CAMPAIGN VARCHAR, COST NUMBER(12,2), CURRENCY VARCHAR, NOISE VARCHAR)",
        "INSERT INTO CRM.SALES.ADS VALUES ('2026-03-01', 'spring', 10, 'eur', 'x'), ('2026-03-02', 'spring', 20, 'EURO', 'x')",
        "CREATE TABLE CRM.SALES.LONG (ID VARCHAR, MAIL VARCHAR, NAME VARCHAR, VAL VARCHAR)",
        "INSERT INTO CRM.SALES.LONG VALUES ('u1', 'jo@acme.com', 'title', 'CTO'), ('u1', 'jo@acme.com', 'age', '40')",
    ]);
    for (name, rest) in [
        ("activity", IMPORT),
        (
            "accounts",
            "stream: CRM.SALES.ACCOUNTS\nread: { key: [ID] }\ndataset: { objects: { type: company } }",
        ),
        (
            "opps",
            "stream: CRM.SALES.OPPS\nread: { changes: true, key: [ID] }\ndataset: { objects: { type: deal } }",
        ),
        (
            "views",
            "stream: CRM.SALES.VIEWS\nread: { incremental: { cursor: AT } }\ndataset: { website_actions: { identity: WHO, date: AT } }",
        ),
        ("ads", "stream: CRM.SALES.ADS\ndataset: { metrics: { spend: COST } }"),
        (
            "long",
            "stream: CRM.SALES.LONG\ndataset: { objects: { type: user, id: ID, identity: MAIL, property_name: NAME, property_value: VAL } }",
        ),
    ] {
        run(&world, &sync_called(&world, name, rest)).await;
    }
    let count = |view: &str| {
        rows(&world, &format!("SELECT count(*) AS n FROM model.{view}"))[0]["n"].as_u64().unwrap()
    };
    assert_eq!(count("actions"), 4, "two of activity and two page views, of which one came twice");
    let companies =
        rows(&world, "SELECT company_domain, company_id, action_count, people_count FROM model.companies");
    assert_eq!(
        companies,
        [json!({"company_domain": "acme.com", "company_id": "10", "action_count": 3, "people_count": 1})]
    );
    let people = rows(
        &world,
        "SELECT user_id, properties, action_count FROM model.people WHERE email = 'jo@acme.com'",
    );
    assert_eq!(
        people,
        [json!({"user_id": "u1", "properties": "{\"age\":\"40\",\"title\":\"CTO\"}", "action_count": 2})]
    );
    let ads = rows(&world, "SELECT date, campaign_name, spend::DOUBLE AS spend, currency FROM model.metrics");
    assert_eq!(
        ads,
        [json!({"date": "2026-03-01", "campaign_name": "spring", "spend": 10.0, "currency": "EUR"})]
    );
    let reasons =
        rows(&world, "SELECT sync_id, reason FROM model.rejects WHERE sync_id <> 'activity' ORDER BY ALL");
    let reject = |sync: &str, reason: &str| json!({"sync_id": sync, "reason": reason});
    assert_eq!(
        reasons,
        [
            reject("accounts", "identity_missing"),
            reject("ads", "currency_unknown"),
            reject("opps", "identity_missing")
        ]
    );
    assert_eq!(count("deals"), 2);
    assert_eq!(count("timeline"), 5);
    assert!(count("identities") >= 2 && count("properties") >= 5);

    world.sql(&["DELETE FROM CRM.SALES.OPPS WHERE ID IN (8, 9)"]);
    let done = run(&world, &world.folder().join("opps.yaml")).await;
    assert_eq!(counts(&done), [0, 0, 2], "a deleted reject is gone too: {done}");
    assert_eq!((count("deals"), count("timeline")), (1, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_mapping_takes_a_full_refresh() {
    let world = World::start().await;
    world.sql(ACTIVITY);
    let file = sync_called(&world, "activity", IMPORT);
    run(&world, &file).await;
    world.sql(&["UPDATE CRM.SALES.ACTIVITY SET UPDATED_AT = '2026-03-06 10:00:00' WHERE ID = 2"]);
    let other = IMPORT.replace("action_name: KIND", "action_name: { lower: KIND }");
    let file = sync_called(&world, "activity", &other);
    let path = file.to_str().unwrap();
    let ended = world.program(&["run", "-f", path]).await;
    assert_eq!(ended.code, Some(8), "{}", ended.stderr);
    assert!(ended.stderr.contains("--full-refresh"), "{}", ended.stderr);
    world.program(&["run", "-f", path, "--full-refresh"]).await.succeeded();
    assert_eq!(rows(&world, "SELECT * FROM model.actions").len(), 2);
    let ended = world.program(&["verify", "-f", path]).await;
    assert!(ended.stderr.contains("are mapped, and cannot be compared"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_cannot_work_is_told_at_its_line_or_before_anything_is_written() {
    let world = World::start().await;
    world.sql(ACTIVITY);
    for (rest, expected) in [
        (
            "stream: CRM.SALES.ACTIVITY\ndataset: { custom_actions: { identit: CONTACT_EMAIL } }\n",
            "no field `identit`",
        ),
        ("stream: CRM.SALES.ACTIVITY\ndataset: custom_action\n", "custom_actions"),
        (
            "stream: CRM.SALES.ACTIVITY\ndataset: { custom_actions: { date: { lower: A, format: iso } } }\n",
            "no option of `lower`",
        ),
        ("stream: CRM.SALES.ACTIVITY\ndataset: metrics\ndrift: pause\n", "`drift` does not go with"),
        (
            "stream: CRM.SALES.ACTIVITY\ndataset: metrics\nverify: { every: 1h }\n",
            "`verify` does not go with",
        ),
        ("stream: CRM.SALES.ACTIVITY\ndataset: website_actions\n", "page_url"),
        ("stream: CRM.SALES.ACTIVITY\ndataset: { custom_actions: { date: ID } }\n", "no date"),
        ("stream: CRM.SALES.ACTIVITY\ndataset: { custom_actions: { date: NOBODY } }\n", "NOBODY"),
    ] {
        let file = world.sync(rest);
        let ended = world.program(&["run", "-f", file.to_str().unwrap()]).await;
        assert_eq!(ended.code, Some(3), "{rest}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(expected) && ended.stderr.contains("to do: "),
            "{rest}: {}",
            ended.stderr
        );
        let landed = query_json(&world.tenant_file(), "SELECT * FROM imports.deals", 1);
        assert!(landed.is_err(), "{rest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_first_import_goes_on_where_it_was_but_not_under_another_mapping() {
    let world = World::start().await;
    world.sql(&[
        "CREATE TABLE CRM.SALES.CALLS (ID NUMBER(18,0) NOT NULL, EMAIL VARCHAR, DATE TIMESTAMP_NTZ(6), UPDATED_AT TIMESTAMP_NTZ(6))",
        "INSERT INTO CRM.SALES.CALLS SELECT SEQ4(), 'p' || SEQ4() || IFF(MOD(SEQ4(), 10) = 0, '', '@acme.com') || IFF(MOD(SEQ4(), 10) = 0, ' x', ''), \
         '2026-03-01'::TIMESTAMP_NTZ, DATEADD('second', SEQ4(), '2026-03-01'::TIMESTAMP_NTZ) FROM TABLE(GENERATOR(ROWCOUNT => 1000))",
    ]);
    let rest = "stream: CRM.SALES.CALLS\nread: { incremental: { cursor: UPDATED_AT }, key: [ID] }\ndataset: custom_actions\n";
    let file = sync_called(&world, "calls", rest);
    let landed = || rows(&world, "SELECT count(*) AS n, count(_reject_reason) AS rejects FROM imports.calls");
    let mut held = HeldRun::start(&world, &file, 5, "first").await;
    held.has_more_rows_than(0).await;
    held.stop().await;
    let done = run(&world, &file).await;
    assert!(done["report"]["resumed"].as_u64().unwrap() > 0, "{done}");
    assert_eq!(landed(), [json!({"n": 1000, "rejects": 100})]);
    assert_eq!(rows(&world, "SELECT count(DISTINCT action_id) AS n FROM model.actions"), [json!({"n": 900})]);

    let file = sync_called(
        &world,
        "again",
        &rest.replace("custom_actions", "{ custom_actions: { action_name: { value: a } } }"),
    );
    let mut held = HeldRun::start(&world, &file, 5, "second").await;
    held.has_more_rows_than(0).await;
    held.stop().await;
    let file = sync_called(
        &world,
        "again",
        &rest.replace("custom_actions", "{ custom_actions: { action_name: { value: b } } }"),
    );
    let done = run(&world, &file).await;
    assert_eq!(done["report"]["resumed"], 0, "{done}");
    let names =
        rows(&world, "SELECT DISTINCT action_name AS name FROM imports.again WHERE _reject_reason IS NULL");
    assert_eq!(names, [json!({"name": "b"})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_row_that_is_to_be_marked_keeps_what_it_was_and_leaves_the_model() {
    let world = World::start().await;
    world.sql(&[
        "CREATE TABLE CRM.SALES.OPPS (ID NUMBER(18,0) NOT NULL, EMAIL VARCHAR, STAGE VARCHAR) CHANGE_TRACKING = TRUE",
        "INSERT INTO CRM.SALES.OPPS VALUES (7, 'jo@acme.com', 'won'), (8, 'al@globex.com', 'lost')",
    ]);
    let rest = "stream: CRM.SALES.OPPS\nread: { changes: true, key: [ID] }\ndeletes: { policy: mark }\ndataset: { objects: { type: deal } }\n";
    let file = sync_called(&world, "opps", rest);
    run(&world, &file).await;
    world.sql(&["DELETE FROM CRM.SALES.OPPS WHERE ID = 8"]);
    let done = run(&world, &file).await;
    assert_eq!(done["report"]["marked"], 1, "{done}");
    assert_eq!(rows(&world, "SELECT deal_id FROM model.deals"), [json!({"deal_id": "7"})]);
    let marked = rows(&world, "SELECT object_id, properties FROM imports.opps WHERE _deleted_at IS NOT NULL");
    assert_eq!(marked, [json!({"object_id": "8", "properties": "{\"stage\":\"lost\"}"})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_an_earlier_mapping_are_mapped_anew_and_those_of_a_later_one_refused() {
    let world = World::start().await;
    world.sql(ACTIVITY);
    let file = sync_called(&world, "activity", IMPORT);
    run(&world, &file).await;
    let noted_as = |version: u32| {
        world.vendor(
            &format!(
                "UPDATE _snowferry.streams SET committed_cursor = regexp_replace(regexp_replace(committed_cursor, \
                 '\"mapping\":\"[0-9a-f]*\"', '\"mapping\":\"0\"'), '\"version\":[0-9]*', '\"version\":{version}')"
            ),
        );
    };
    noted_as(1);
    world.vendor("UPDATE imports.activity SET action_name = 'as it was'");
    let done = run(&world, &file).await;
    assert_eq!(
        (&done["report"]["is_backfill"], &done["report"]["read"]),
        (&json!(true), &json!(4)),
        "{done}"
    );
    assert_eq!(rows(&world, "SELECT * FROM model.actions WHERE action_name = 'as it was'").len(), 0);
    noted_as(99);
    let ended = world.program(&["run", "-f", file.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("mapping_newer"), "{}", ended.stderr);
}
