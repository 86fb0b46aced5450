//! The vendor's model pushed into a customer's tables: everything first, then what changed.

use std::path::PathBuf;

use serde_json::Value;

use crate::imports::{run, sync_called};
use crate::world::{PASSWORD, World};

const CRM: &[&str] = &[
    "CREATE DATABASE ANALYTICS",
    "CREATE SCHEMA ANALYTICS.VENDOR",
    "CREATE TABLE CRM.SALES.OPPS (ID VARCHAR NOT NULL, CONTACT_EMAIL VARCHAR, AMOUNT NUMBER(12,2), CURRENCY VARCHAR, CLOSE_DATE DATE, \
     STAGE VARCHAR, UPDATED_AT TIMESTAMP_NTZ(6))",
    "INSERT INTO CRM.SALES.OPPS VALUES \
     ('o1', 'jo@acme.com', 1000, 'EUR', '2026-03-31', 'Won', '2026-04-01 00:00:00'), \
     ('o2', 'al@globex.com', 300, 'EUR', '2026-03-31', 'Won', '2026-04-01 00:00:00'), \
     ('o3', 'x@initech.com', 70, 'EUR', NULL, 'Proposal', '2026-04-01 00:00:00')",
    "CREATE TABLE CRM.SALES.ACTIVITY (ID NUMBER(9,0) NOT NULL, EMAIL VARCHAR, KIND VARCHAR, DATE TIMESTAMP_NTZ(6), SUBJECT VARCHAR, \
     UPDATED_AT TIMESTAMP_NTZ(6))",
    "INSERT INTO CRM.SALES.ACTIVITY VALUES \
     (1, 'jo@acme.com', 'Meeting', '2026-03-05 10:00:00.123456', 'offer', '2026-04-01 00:00:00'), \
     (2, 'al@globex.com', 'Form', '2026-03-06 10:00:00', NULL, '2026-04-01 00:00:00'), \
     (3, 'al@globex.com', 'Form', '2026-03-01 10:00:00', NULL, '2026-04-01 00:00:00')",
];

const DEALS: &str = "
stream: CRM.SALES.OPPS
read: { incremental: { cursor: UPDATED_AT }, key: [ID] }
dataset: { objects: { type: deal } }
match: { won: [Won] }
";

const ACTIVITY: &str = "
stream: CRM.SALES.ACTIVITY
read: { incremental: { cursor: UPDATED_AT }, key: [ID] }
dataset: { custom_actions: { action_name: KIND } }
";

/// A customer whose deals and activity have been pulled.
pub(crate) struct Customer {
    pub(crate) world: World,
    pub(crate) deals: PathBuf,
    pub(crate) activity: PathBuf,
}

impl Customer {
    pub(crate) async fn new() -> Self {
        let world = World::start().await;
        world.sql(CRM);
        let (deals, activity) =
            (sync_called(&world, "opps", DEALS), sync_called(&world, "activity", ACTIVITY));
        let customer = Self { world, deals, activity };
        customer.pull().await;
        customer
    }

    pub(crate) async fn pull(&self) {
        run(&self.world, &self.deals).await;
        run(&self.world, &self.activity).await;
    }

    /// Writes the sync file of a push into a table that it makes.
    pub(crate) fn push(&self, name: &str, rest: &str) -> PathBuf {
        push(&self.world, name, rest)
    }

    /// The rows of a table of the customer's, columns with bars between them.
    async fn there(&self, sql: &str) -> Vec<String> {
        self.world.ask(sql).await.iter().map(|row| row.join(" | ")).collect()
    }
}

fn push(world: &World, name: &str, rest: &str) -> PathBuf {
    std::fs::write(world.folder().join("password"), PASSWORD).unwrap();
    let path = world.folder().join(format!("{name}-out.yaml"));
    let text = format!(
        "tenant: acme
source: {{ duckdb: {{ path: data }} }}
destination:
{}target: ANALYTICS.VENDOR.{}
create_table: true
{rest}",
        world.snowflake_side("acme-prod", "ACCOUNTADMIN"),
        name.to_uppercase()
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn inserted(done: &Value) -> u64 {
    done["report"]["inserted"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_actions_arrive_once_and_then_only_what_imports_have_added() {
    let customer = Customer::new().await;
    let file = customer.push("raw_actions", "dataset: raw_actions\nwrite: append\n");
    assert_eq!(inserted(&run(&customer.world, &file).await), 3);
    let shown = customer
        .there(
            "SELECT IDENTITY, COMPANY_ID, ACTION_NAME, ACTION_DATE::VARCHAR, ACTION_PROPERTIES:subject::VARCHAR, INTEGRATION, \
             BROWSER IS NULL, USER_ID_HASHED > 0 FROM ANALYTICS.VENDOR.RAW_ACTIONS WHERE ACTION_NAME = 'Meeting'",
        )
        .await;
    assert_eq!(
        shown,
        [
            "jo@acme.com | acme.com | Meeting | 2026-03-05 10:00:00.123456000 | offer | snowflake | true | true"
        ]
    );
    assert_eq!(inserted(&run(&customer.world, &file).await), 0);
    customer.world.sql(&[
        "INSERT INTO CRM.SALES.ACTIVITY VALUES (4, 'x@initech.com', 'Call', '2026-03-09', NULL, '2026-04-02 00:00:00')",
    ]);
    customer.pull().await;
    assert_eq!(inserted(&run(&customer.world, &file).await), 1);
    let counted = "SELECT COUNT(*), COUNT(DISTINCT ACTION_ID) FROM ANALYTICS.VENDOR.RAW_ACTIONS";
    assert_eq!(customer.there(counted).await, ["4 | 4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_chosen_and_renamed() {
    let customer = Customer::new().await;
    let file = customer.push(
        "actions",
        "dataset: raw_actions\nwrite: upsert\ncolumns: { action_id: ID, identity: WHO, action_date: OCCURRED, etl_modified_at: LOADED }\n",
    );
    run(&customer.world, &file).await;
    let columns = customer
        .there("SELECT COLUMN_NAME FROM ANALYTICS.INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'ACTIONS' ORDER BY COLUMN_NAME")
        .await;
    assert_eq!(columns, ["ID", "LOADED", "OCCURRED", "WHO"]);
    customer.world.sql(&[
        "UPDATE CRM.SALES.ACTIVITY SET EMAIL = 'jo.doe@acme.com', UPDATED_AT = '2026-04-02 00:00:00' WHERE ID = 1",
    ]);
    customer.pull().await;
    run(&customer.world, &file).await;
    let who = customer.there("SELECT WHO FROM ANALYTICS.VENDOR.ACTIONS ORDER BY OCCURRED DESC").await;
    assert_eq!(
        who,
        ["al@globex.com", "jo.doe@acme.com", "al@globex.com"],
        "a corrected action takes its own place"
    );
}

const STAGES: &str = "
dataset:
  stage_data:
    stages:
      - { name: Lead, kind: person, actions: [form] }
      - { name: Engaged, kind: company, actions: [Form, Meeting] }
      - { name: Pipeline, kind: outcome, property: stage, values: [Proposal] }
      - { name: Closed Won, kind: outcome, property: stage, values: [Won], at: close_date }
write: { upsert: { delete_flag: is_gone } }
";

#[tokio::test(flavor = "multi_thread")]
async fn stages_are_entered_once_and_left_when_their_goal_is_not_reached_any_more() {
    let customer = Customer::new().await;
    let file = customer.push("stage_data", STAGES);
    run(&customer.world, &file).await;
    let stages = "SELECT STAGE_NAME, STAGE_KIND, COALESCE(DEAL_ID, IDENTITY, COMPANY_DOMAIN), ENTERED_AT::VARCHAR, \
                  COALESCE(DEAL_AMOUNT::NUMBER(9,0)::VARCHAR, '') FROM ANALYTICS.VENDOR.STAGE_DATA ORDER BY ALL";
    let stages = stages.replace("ORDER BY ALL", "ORDER BY 1, 3");
    let expected = [
        "Closed Won | outcome | o1 | 2026-03-31 00:00:00.000000000 | 1000",
        "Closed Won | outcome | o2 | 2026-03-31 00:00:00.000000000 | 300",
        "Engaged | company | acme.com | 2026-03-05 10:00:00.123456000 | ",
        "Engaged | company | globex.com | 2026-03-01 10:00:00.000000000 | ",
        "Lead | person | al@globex.com | 2026-03-01 10:00:00.000000000 | ",
        "Pipeline | outcome | o3 | 2026-04-01 00:00:00.000000000 | 70",
    ];
    assert_eq!(customer.there(&stages).await, expected);

    customer.world.sql(&[
        "UPDATE CRM.SALES.OPPS SET STAGE = 'Lost', UPDATED_AT = '2026-04-02 00:00:00' WHERE ID = 'o2'",
        "UPDATE CRM.SALES.OPPS SET AMOUNT = 75, UPDATED_AT = '2026-04-03 00:00:00' WHERE ID = 'o3'",
    ]);
    customer.pull().await;
    let done = run(&customer.world, &file).await;
    assert_eq!(
        (&done["report"]["updated"], &done["report"]["deleted"]),
        (&Value::from(1), &Value::from(1)),
        "{done}"
    );
    let now = customer.there(&stages).await;
    assert_eq!(now.len(), 5);
    assert_eq!(
        now[4], "Pipeline | outcome | o3 | 2026-04-01 00:00:00.000000000 | 75",
        "it was entered when it was seen first"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_that_changes_later_changes_at_the_customers_too() {
    let customer = Customer::new().await;
    let file = customer
        .push("revenue", "dataset: opportunity_revenue\nwrite: { upsert: { delete_flag: is_gone } }\n");
    run(&customer.world, &file).await;
    let revenue = "SELECT DEAL_ID, AMOUNT::NUMBER(9,0), MATCH_RULE FROM ANALYTICS.VENDOR.REVENUE ORDER BY 1";
    assert_eq!(customer.there(revenue).await, ["o1 | 1000 | email", "o2 | 300 | email"]);
    customer.world.sql(&[
        "UPDATE CRM.SALES.OPPS SET AMOUNT = 900, UPDATED_AT = '2026-04-02 00:00:00' WHERE ID = 'o1'",
        "UPDATE CRM.SALES.OPPS SET STAGE = 'Lost', UPDATED_AT = '2026-04-02 00:00:00' WHERE ID = 'o2'",
    ]);
    customer.pull().await;
    run(&customer.world, &file).await;
    assert_eq!(customer.there(revenue).await, ["o1 | 900 | email"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_have_a_column_for_each_property_that_is_asked_for() {
    let customer = Customer::new().await;
    let file = customer.push(
        "deals",
        "dataset: { objects: { type: deal, properties: { amount: number, stage: text, close_date: date } } }\nwrite: rewrite\n",
    );
    run(&customer.world, &file).await;
    let deals = "SELECT OBJECT_ID, COMPANY_DOMAIN, AMOUNT::NUMBER(9,2), STAGE, CLOSE_DATE FROM ANALYTICS.VENDOR.DEALS ORDER BY 1";
    assert_eq!(
        customer.there(deals).await,
        [
            "o1 | acme.com | 1000.00 | Won | 2026-03-31",
            "o2 | globex.com | 300.00 | Won | 2026-03-31",
            "o3 | initech.com | 70.00 | Proposal | "
        ]
    );
    let file = customer.push("all_deals", "dataset: { objects: { type: deal } }\nwrite: upsert\n");
    run(&customer.world, &file).await;
    let stage = "SELECT PROPERTIES:stage::VARCHAR FROM ANALYTICS.VENDOR.ALL_DEALS ORDER BY OBJECT_ID";
    assert_eq!(customer.there(stage).await, ["Won", "Won", "Proposal"]);
    let again = run(&customer.world, &file).await;
    assert_eq!(again["report"]["updated"], 0, "the row at the watermark is compared, JSON and all: {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_arrive_by_day_and_a_day_that_comes_again_replaces_itself() {
    let customer = Customer::new().await;
    customer.world.sql(&[
        "CREATE TABLE CRM.SALES.ADS (DATE DATE, CAMPAIGN_NAME VARCHAR, SPEND NUMBER(12,2), UPDATED_AT TIMESTAMP_NTZ(6))",
        "INSERT INTO CRM.SALES.ADS VALUES ('2026-03-01', 'spring', 10, '2026-03-01'), ('2026-03-02', 'spring', 20, '2026-03-02')",
    ]);
    let ads = sync_called(
        &customer.world,
        "ads",
        "stream: CRM.SALES.ADS\nread: { incremental: { cursor: UPDATED_AT }, key: [DATE, CAMPAIGN_NAME] }\ndataset: metrics\n",
    );
    run(&customer.world, &ads).await;
    let file = customer.push("metrics", "dataset: metrics\nwrite: upsert\n");
    run(&customer.world, &file).await;
    customer
        .world
        .sql(&["UPDATE CRM.SALES.ADS SET SPEND = 25, UPDATED_AT = '2026-03-03' WHERE DATE = '2026-03-02'"]);
    run(&customer.world, &ads).await;
    run(&customer.world, &file).await;
    let spend = "SELECT DATE, SPEND::NUMBER(9,0) FROM ANALYTICS.VENDOR.METRICS ORDER BY 1";
    assert_eq!(customer.there(spend).await, ["2026-03-01 | 10", "2026-03-02 | 25"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_cannot_work_is_told_before_anything_is_sent() {
    let world = World::start().await;
    let nothing = push(&world, "raw_actions", "dataset: raw_actions\nwrite: append\n");
    let ended = world.program(&["run", "-f", nothing.to_str().unwrap()]).await;
    assert!(ended.stderr.contains("database_missing"), "{}", ended.stderr);
    for (rest, expected) in [
        ("dataset: opportunity_revenue\nwrite: append\n", "change later"),
        ("dataset: raw_actions\nstream: model.actions\nwrite: append\n", "keep one of them"),
        ("write: append\n", "a `stream` or a `dataset`"),
        ("dataset: query\nwrite: rewrite\n", "a `stream` or a `dataset`"),
        ("dataset: raw_action\nwrite: append\n", "raw_actions"),
        ("dataset: objects\nwrite: upsert\n", "needs a type"),
        ("dataset: { stage_data: { stages: [] } }\nwrite: upsert\n", "names no stage"),
        ("dataset: { stage_data: { stages: [{ name: A, kind: person }] } }\nwrite: upsert\n", "needs a goal"),
        ("dataset: raw_actions\nmatch: {}\nwrite: append\n", "belongs to pulls of deals"),
    ] {
        let file = push(&world, "mistake", rest);
        let ended = world.program(&["run", "-f", file.to_str().unwrap()]).await;
        assert_eq!(ended.code, Some(3), "{rest}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{rest}: {}", ended.stderr);
    }
    world.set_deals(&[]);
    let plain = sync_called(&world, "plain", "stream: CRM.SALES.DEALS\n");
    run(&world, &plain).await;
    let ended = world.program(&["run", "-f", nothing.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(6), "{}", ended.stderr);
    assert!(ended.stderr.contains("model_missing"), "{}", ended.stderr);
}

const ALL_ACTIVITY: &str = "
stream: CRM.SALES.ACTIVITY
read: { full_refresh: { max_shrink_percent: 100 }, key: [ID] }
dataset: { custom_actions: { action_name: KIND } }
";

#[tokio::test(flavor = "multi_thread")]
async fn an_append_behind_a_full_refresh_adds_what_is_new_and_repeats_nothing() {
    let customer = Customer::new().await;
    let file = customer.push("raw_actions", "dataset: raw_actions\nwrite: append\n");
    assert_eq!(inserted(&run(&customer.world, &file).await), 3);
    let anew = ["run", "-f", customer.activity.to_str().unwrap(), "--full-refresh"];
    customer.world.program(&anew).await.succeeded();
    assert_eq!(inserted(&run(&customer.world, &file).await), 0);
    customer.world.sql(&[
        "UPDATE CRM.SALES.ACTIVITY SET KIND = 'Call' WHERE ID = 2",
        "INSERT INTO CRM.SALES.ACTIVITY VALUES (4, 'x@initech.com', 'Call', '2026-03-09', NULL, '2026-04-02 00:00:00')",
    ]);
    customer.world.program(&anew).await.succeeded();
    assert_eq!(
        inserted(&run(&customer.world, &file).await),
        2,
        "the new one, and the one that was corrected"
    );
    let counted = "SELECT COUNT(*), COUNT(DISTINCT ACTION_ID) FROM ANALYTICS.VENDOR.RAW_ACTIONS";
    assert_eq!(customer.there(counted).await, ["5 | 4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_deleted_at_the_source_is_removed_at_the_customers_too() {
    let customer = Customer::new().await;
    let activity = sync_called(&customer.world, "activity", ALL_ACTIVITY);
    run(&customer.world, &activity).await;
    let file =
        customer.push("raw_actions", "dataset: raw_actions\nwrite: { upsert: { delete_flag: is_gone } }\n");
    assert_eq!(inserted(&run(&customer.world, &file).await), 3);
    customer.world.sql(&["DELETE FROM CRM.SALES.ACTIVITY WHERE ID = 1"]);
    run(&customer.world, &activity).await;
    let done = run(&customer.world, &file).await;
    assert_eq!(done["report"]["deleted"], 1, "{done}");
    let names = "SELECT ACTION_NAME FROM ANALYTICS.VENDOR.RAW_ACTIONS";
    assert_eq!(customer.there(names).await, ["Form", "Form"]);
    customer.world.sql(&[
        "INSERT INTO CRM.SALES.ACTIVITY VALUES (1, 'jo@acme.com', 'Meeting', '2026-03-05', NULL, '2026-04-03 00:00:00')",
    ]);
    run(&customer.world, &activity).await;
    run(&customer.world, &file).await;
    assert_eq!(customer.there(&format!("{names} ORDER BY 1")).await, ["Form", "Form", "Meeting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_given_types_exactly_or_not_at_all() {
    let customer = Customer::new().await;
    let file = customer.push(
        "typed",
        "dataset: raw_actions\ncolumns: [action_id, action_name, action_properties, etl_modified_at]\ntypes: { action_properties: text }\nwrite: upsert\n",
    );
    run(&customer.world, &file).await;
    let shown = customer
        .there("SELECT ACTION_PROPERTIES || '' FROM ANALYTICS.VENDOR.TYPED WHERE ACTION_NAME = 'Meeting'")
        .await;
    assert!(shown[0].starts_with('{') && shown[0].contains("\"subject\":\"offer\""), "{shown:?}");
    let deals = |types: &str| {
        customer.push("deals", &format!("dataset: {{ objects: {{ type: deal, properties: {{ amount: number }} }} }}\ntypes: {types}\nwrite: rewrite\n"))
    };
    run(&customer.world, &deals("{ amount: 'number(9,2)' }")).await;
    let amounts = "SELECT AMOUNT::VARCHAR FROM ANALYTICS.VENDOR.DEALS ORDER BY AMOUNT";
    assert_eq!(customer.there(amounts).await, ["70.00", "300.00", "1000.00"]);
    customer.world.sql(&[
        "UPDATE CRM.SALES.OPPS SET AMOUNT = 70.25, UPDATED_AT = '2026-04-04 00:00:00' WHERE ID = 'o3'",
    ]);
    customer.pull().await;
    for (types, code) in
        [("{ amount: 'number(9,1)' }", 7), ("{ amount: money }", 3), ("{ nothing: text }", 3)]
    {
        let ended = customer.world.program(&["run", "-f", deals(types).to_str().unwrap()]).await;
        assert_eq!(ended.code, Some(code), "{types}: {}", ended.stderr);
    }
    let narrow =
        customer.world.program(&["run", "-f", deals("{ amount: 'number(9,1)' }").to_str().unwrap()]).await;
    for said in
        ["error[value_not_of_type]", "column amount has a value that is no decimal(9,1)", "under `types`"]
    {
        assert!(narrow.stderr.contains(said), "{said}: {}", narrow.stderr);
    }
    assert_eq!(customer.there(amounts).await, ["70.00", "300.00", "1000.00"], "nothing was delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_an_earlier_version_is_brought_forward_and_one_of_a_later_version_refused() {
    let customer = Customer::new().await;
    let vendor = |sql: &str| customer.world.vendor(sql);
    // What the first version did not have.
    vendor(
        "DROP TABLE _snowferry.model; DROP TABLE _snowferry.own_actions; DROP TABLE _snowferry.export_keys;
         CREATE OR REPLACE VIEW model.actions AS SELECT _row_id AS action_id FROM imports.activity;",
    );
    let file = customer.push("raw_actions", "dataset: raw_actions\nwrite: append\n");
    let planned = customer.world.program(&["plan", "-f", file.to_str().unwrap()]).await;
    assert_eq!(planned.code, Some(3), "{}", planned.stderr);
    assert!(planned.stderr.contains("model_outdated"), "{}", planned.stderr);
    assert_eq!(inserted(&run(&customer.world, &file).await), 3);
    let plan =
        async || customer.world.program(&["plan", "-f", file.to_str().unwrap()]).await.succeeded().stdout;
    assert!(!plan().await.contains("earlier version"));
    vendor("UPDATE _snowferry.model SET version = 1");
    assert!(plan().await.contains("earlier version"), "views that will do are planned over");
    vendor("UPDATE _snowferry.model SET version = 99");
    for path in [&file, &customer.activity] {
        let ended = customer.world.program(&["run", "-f", path.to_str().unwrap()]).await;
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains("model_newer"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_actions_that_cannot_be_told_apart_are_refused_and_ids_of_people_may_be_numbers() {
    let customer = Customer::new().await;
    customer.world.vendor(
        "CREATE SCHEMA own;
         CREATE TABLE own.actions (action_id BIGINT, identity BIGINT, action_name VARCHAR, action_date TIMESTAMP);
         INSERT INTO own.actions VALUES (1, 4711, 'Visit', '2026-03-01')",
    );
    customer.pull().await;
    let file = customer.push("raw_actions", "dataset: raw_actions\nwrite: append\n");
    for (change, said) in [
        ("INSERT INTO own.actions VALUES (NULL, 4712, 'Visit', '2026-03-02')", "without an action_id"),
        ("UPDATE own.actions SET action_id = 1", "with one action_id"),
    ] {
        customer.world.vendor(change);
        let ended = customer.world.program(&["run", "-f", file.to_str().unwrap()]).await;
        assert_eq!(ended.code, Some(3), "{change}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("error[own_actions_unfit]") && ended.stderr.contains(said),
            "{change}: {}",
            ended.stderr
        );
    }
    customer.world.vendor("UPDATE own.actions SET action_id = 2 WHERE identity = 4712");
    assert_eq!(inserted(&run(&customer.world, &file).await), 5);
    let own = "SELECT IDENTITY FROM ANALYTICS.VENDOR.RAW_ACTIONS WHERE ACTION_NAME = 'Visit' ORDER BY 1";
    assert_eq!(customer.there(own).await, ["4711", "4712"]);
}
