//! What ends up in the target: each mode, one run after the other.

use connectors::snowflake::push::{DeliveryStep, PushSettings};
use model::WriteSpec;

use super::account::Account;
use super::vendor::{Vendor, actions_into};

pub(crate) const COLUMNS: &str = "ID NUMBER(38,0), HAPPENED_AT TIMESTAMP_NTZ(9), NAME VARCHAR(100)";

#[tokio::test(flavor = "multi_thread")]
async fn appends_bring_everything_and_then_what_is_new() {
    let account = Account::start().await;
    let target = account.table("ACTIONS", COLUMNS, "INSERT");
    let vendor = Vendor::with_actions(0..1000);
    let spec = actions_into(&target, WriteSpec::Append);
    let report = vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    assert_eq!(report.inserted, 1000);
    assert_eq!(account.ids(&target).await, (0..1000).collect::<Vec<_>>());

    vendor.add_actions(1000..1010);
    let report = vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    assert_eq!(report.inserted, 10);
    assert_eq!(account.ids(&target).await, (0..1010).collect::<Vec<_>>());
    assert_eq!(account.staged().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_rows_wakes_no_virtual_warehouse() {
    let account = Account::start().await;
    let target = account.table("ACTIONS", COLUMNS, "INSERT");
    let vendor = Vendor::with_actions(0..10);
    let spec = actions_into(&target, WriteSpec::Append);
    vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    account.admin(&["REVOKE USAGE ON WAREHOUSE WH FROM ROLE PUSHING"]);
    account.admin(&["GRANT USAGE ON WAREHOUSE WH TO ROLE PUSHING"]);
    let before = account.emulator.requests().len();
    let report = vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    assert_eq!(report.inserted, 0);
    let requests = account.emulator.requests();
    let statements = requests[before..].iter().filter_map(|request| request.statement.as_deref());
    for statement in statements {
        assert!(statement.starts_with("SHOW "), "an empty push sent {statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewrite_replaces_every_row_and_keeps_the_table() {
    let account = Account::start().await;
    let target = account.table("SUMMARY", COLUMNS, "INSERT, DELETE");
    account.admin(&["INSERT INTO CRM.OUT.SUMMARY (ID) VALUES (-1), (-2), (-3)"]);
    let created = account.rows("SHOW TABLES LIKE 'SUMMARY' IN SCHEMA CRM.OUT").await.len();
    let vendor = Vendor::with_actions(0..100);
    let spec = actions_into(&target, WriteSpec::Rewrite);
    let report = vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    assert_eq!((report.inserted, report.deleted, report.total), (100, 3, Some(100)));
    assert_eq!(account.ids(&target).await, (0..100).collect::<Vec<_>>());
    vendor.change("DELETE FROM app.actions WHERE id >= 60");
    vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    assert_eq!(account.ids(&target).await, (0..60).collect::<Vec<_>>());
    assert_eq!(account.rows("SHOW TABLES LIKE 'SUMMARY' IN SCHEMA CRM.OUT").await.len(), created);
    assert_eq!(account.staged().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_adds_replaces_and_removes() {
    let account = Account::start().await;
    let target = account.table("DEALS", "ID NUMBER(38,0), NAME VARCHAR(100)", "INSERT, UPDATE, DELETE");
    account.admin(&["INSERT INTO CRM.OUT.DEALS VALUES (1, 'same'), (2, 'old'), (3, 'gone'), (9, 'theirs')"]);
    let vendor = Vendor::with(
        "CREATE SCHEMA app; CREATE TABLE app.actions (id BIGINT, name VARCHAR, is_gone BOOLEAN); \
         INSERT INTO app.actions VALUES (1, 'same', false), (2, 'new', NULL), (3, 'gone', true), \
         (4, 'added', false), (5, 'never there', true)",
    );
    let spec = actions_into(&target, WriteSpec::Upsert { delete_flag: Some("is_gone".into()) });
    let report = vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    assert_eq!((report.inserted, report.updated, report.deleted), (1, 1, 1));
    let rows = account.rows("SELECT ID, NAME FROM CRM.OUT.DEALS ORDER BY ID").await;
    assert_eq!(rows, [["1", "same"], ["2", "new"], ["4", "added"], ["9", "theirs"]]);
    let report = vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    assert_eq!((report.inserted, report.updated, report.deleted), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_and_changes_nothing() {
    let account = Account::start().await;
    for (name, write, privileges, expected) in [
        ("A", WriteSpec::Append, "INSERT", (100, 0, 0)),
        ("R", WriteSpec::Rewrite, "INSERT, DELETE", (100, 0, 2)),
        ("U", WriteSpec::Upsert { delete_flag: None }, "SELECT, INSERT, UPDATE", (99, 1, 0)),
    ] {
        let target = account.table(name, COLUMNS, privileges);
        account.admin(&[&format!("INSERT INTO CRM.OUT.{name} (ID) VALUES (-1), (5)")]);
        let vendor = Vendor::with_actions(0..100);
        let spec = actions_into(&target, write);
        let settings = PushSettings { is_dry_run: true, ..PushSettings::default() };
        let report = vendor.push(&account, &spec, settings).await.unwrap();
        assert_eq!((report.inserted, report.updated, report.deleted), expected, "{name}");
        assert_eq!(account.ids(&target).await, [-1, 5], "{name}");
        assert_eq!(vendor.rows("SELECT * FROM _snowferry.deliveries").len(), 0, "{name}");
        assert_eq!(account.staged().await, Vec::<String>::new(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_an_upsert_says_what_it_may_not_know() {
    let account = Account::start().await;
    let target = account.table("U", COLUMNS, "INSERT, UPDATE");
    let vendor = Vendor::with_actions(0..10);
    let settings = PushSettings { is_dry_run: true, ..PushSettings::default() };
    let database = vendor.database();
    let journal = std::sync::Arc::new(connectors::duckdb::DuckDbJournal::new(database.clone()));
    let destination = std::sync::Arc::new(account.destination(journal, settings));
    let watched = destination.delivery();
    let spec = actions_into(&target, WriteSpec::Upsert { delete_flag: None });
    super::vendor::push_into(database, destination, &spec, 1).await.unwrap();
    let progress = watched.borrow().clone();
    assert_eq!(progress.step, DeliveryStep::Done);
    assert_eq!((progress.encoded_rows, progress.files), (10, 1));
    let found = progress.dry_run.unwrap();
    assert_eq!((found.sent, found.added), (10, None));
    assert!(found.unknown_because.unwrap().contains("SELECT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_target_is_made_where_the_sync_says_so() {
    let account = Account::start().await;
    let target = model::TableName::in_snowflake("CRM", "OUT", "FRESH");
    let vendor = Vendor::with_actions(0..10);
    let spec = actions_into(&target, WriteSpec::Append);
    let settings = PushSettings { create_table: true, ..PushSettings::default() };
    let error = vendor.push(&account, &spec, settings.clone()).await.unwrap_err();
    assert_eq!(error.code(), "grant_missing");
    assert!(
        error.remedy().unwrap().contains(r#"GRANT CREATE TABLE ON SCHEMA "CRM"."OUT" TO ROLE "PUSHING";"#)
    );
    account.admin(&["GRANT CREATE TABLE ON SCHEMA CRM.OUT TO ROLE PUSHING"]);
    vendor.push(&account, &spec, settings).await.unwrap();
    let rows = account.rows(r#"SELECT * FROM CRM.OUT.FRESH ORDER BY 1"#).await;
    assert_eq!(rows.len(), 10);
    assert_eq!(account.staged().await, Vec::<String>::new());
}
