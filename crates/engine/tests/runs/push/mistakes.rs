//! Bad input: one clear line each, the target as it was, and no file left behind.

use connectors::duckdb::{DuckDbJournal, DuckDbSource};
use connectors::faulty::{Fault, Faulty};
use connectors::snowflake::push::{MisfitPolicy, PushSettings};
use model::{Error, StreamSpec, TableName, WriteSpec};
use std::sync::Arc;

use super::account::Account;
use super::deliveries::COLUMNS;
use super::vendor::{Vendor, actions_into, chosen};

async fn refused(account: &Account, vendor: &Vendor, spec: &StreamSpec) -> Error {
    let error = vendor.push(account, spec, PushSettings::default()).await.unwrap_err();
    println!("{}: {}; {}", error.code(), error.message(), error.remedy().unwrap_or_default());
    assert!(!error.message().contains('\n'), "{error}");
    assert_eq!(account.staged().await, Vec::<String>::new(), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_does_not_exist() {
    let account = Account::start().await;
    let vendor = Vendor::with_actions(0..10);
    let spec = actions_into(&TableName::in_snowflake("CRM", "OUT", "NOWHERE"), WriteSpec::Append);
    let error = refused(&account, &vendor, &spec).await;
    assert_eq!(error.code(), "target_not_found");
    assert!(error.remedy().unwrap().contains("create_table"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_read() {
    let account = Account::start().await;
    let target = account.table("T", COLUMNS, "SELECT");
    let vendor = Vendor::with_actions(0..10);
    let error = refused(&account, &vendor, &actions_into(&target, WriteSpec::Append)).await;
    assert_eq!(error.code(), "grant_missing");
    assert!(error.remedy().unwrap().contains("GRANT INSERT ON TABLE"), "{:?}", error.remedy());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_value_in_many_that_is_too_long() {
    let account = Account::start().await;
    let target =
        account.table("T", "ID NUMBER(38,0), HAPPENED_AT TIMESTAMP_NTZ(9), NAME VARCHAR(20)", "INSERT");
    let vendor = Vendor::with_actions(0..50_000);
    vendor.change("UPDATE app.actions SET name = 'the secret of a very long name' WHERE id = 49999");
    let spec = actions_into(&target, WriteSpec::Append);
    let error = refused(&account, &vendor, &spec).await;
    assert_eq!(error.code(), "rows_rejected");
    assert_eq!(
        error.message(),
        "values do not fit CRM.OUT.T: column NAME: 1 row break text_too_long (keys: 49999)"
    );
    assert_eq!(account.ids(&target).await, Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_no_column_takes() {
    let account = Account::start().await;
    let target =
        account.table("T", "ID NUMBER(38,0), DOCUMENT VARIANT, NOTE VARCHAR, NUMBER NUMBER(3,0)", "INSERT");
    for (values, column, rule) in [
        ("'{\"a\":', NULL, NULL", "DOCUMENT", "invalid_json"),
        ("NULL, 'nul: ' || chr(0), NULL", "NOTE", "nul_byte"),
        ("NULL, repeat('x', 17 * 1024 * 1024), NULL", "NOTE", "text_too_"),
        ("NULL, NULL, 1000", "NUMBER", "number_out_of_range"),
    ] {
        let vendor = Vendor::with(&format!(
            "CREATE SCHEMA app; CREATE TABLE app.actions (id BIGINT, happened_at TIMESTAMP, document VARCHAR, note VARCHAR, number INTEGER); \
             INSERT INTO app.actions SELECT 7, TIMESTAMP '2026-01-01', {values}"
        ));
        let spec = StreamSpec {
            columns: chosen(&["id", "document", "note", "number"]),
            ..actions_into(&target, WriteSpec::Upsert { delete_flag: None })
        };
        let error = refused(&account, &vendor, &spec).await;
        assert_eq!(error.code(), "rows_rejected", "{error}");
        assert!(error.message().contains(column) && error.message().contains(rule), "{error}");
        assert!(error.message().len() < 300, "{error}");
        assert_eq!(account.ids(&target).await, Vec::<i64>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_repeat_in_an_upsert() {
    let account = Account::start().await;
    let target = account.table("T", COLUMNS, "INSERT, UPDATE");
    let vendor = Vendor::with_actions(0..10);
    vendor.change("UPDATE app.actions SET id = 3 WHERE id IN (4, 5)");
    let error =
        refused(&account, &vendor, &actions_into(&target, WriteSpec::Upsert { delete_flag: None })).await;
    assert_eq!(error.code(), "key_not_unique");
    assert!(error.message().starts_with("2 rows"), "{error}");
    assert_eq!(account.ids(&target).await, Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_are_taken_as_they_are() {
    let account = Account::start().await;
    for table in ["\"select\"", "\"say \"\"hi\"\"\"", "\"lower case\"", "\"it's\""] {
        account.admin(&[
            &format!("CREATE TABLE CRM.OUT.{table} (ID NUMBER(38,0), \"order\" TIMESTAMP_NTZ(9), \"a \"\"b\"\" c'd\" VARCHAR)"),
            &format!("GRANT INSERT, UPDATE, DELETE ON TABLE CRM.OUT.{table} TO ROLE PUSHING"),
        ]);
        let name = table[1..table.len() - 1].replace("\"\"", "\"");
        let target = TableName::in_snowflake("CRM", "OUT", name);
        for write in [WriteSpec::Append, WriteSpec::Rewrite, WriteSpec::Upsert { delete_flag: None }] {
            let vendor = Vendor::with(
                "CREATE SCHEMA app; CREATE TABLE app.actions (id BIGINT, \"order\" TIMESTAMP, \"a \"\"b\"\" c'd\" VARCHAR); \
                 INSERT INTO app.actions VALUES (1, TIMESTAMP '2026-01-01', 'x')",
            );
            let mut spec = actions_into(&target, write);
            if let model::ReadSpec::Incremental { cursor_column, .. } = &mut spec.read {
                *cursor_column = "order".into();
            }
            vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
        }
        let rows = account.rows(&format!("SELECT * FROM CRM.OUT.{table}")).await;
        assert_eq!(rows.len(), 1, "{table}");
        assert_eq!(rows[0][2], "x");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_off_leaves_nothing_behind() {
    let account = Account::start().await;
    let target = account.table("T", COLUMNS, "INSERT");
    let vendor = Vendor::with_actions(0..200_000);
    let database = vendor.database();
    let journal = Arc::new(DuckDbJournal::new(database.clone()));
    let destination = Arc::new(account.destination(journal, PushSettings::default()));
    // Describing and reading pass, the first events too, then one is lost: again and again.
    let script = std::iter::repeat_n([Fault::Pass, Fault::Pass, Fault::Pass, Fault::Reject], 8).flatten();
    let source = Faulty::new(DuckDbSource::new(database), script);
    let sync = engine::Sync {
        source: Arc::new(source),
        destination: Arc::clone(&destination) as Arc<dyn model::Destination>,
        spec: actions_into(&target, WriteSpec::Append),
    };
    let retry = model::RetryPolicy { attempts_max: 2, ..model::RetryPolicy::default() };
    let options = engine::RunOptions { retry, ..engine::RunOptions::default() };
    let (progress, _watched) = tokio::sync::watch::channel(engine::RunProgress::default());
    let cancel = tokio_util::sync::CancellationToken::new();
    engine::run(&sync, &options, &progress, &cancel).await.unwrap_err();
    assert_eq!(account.ids(&target).await, Vec::<i64>::new());
    assert_eq!(account.staged().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_fit_are_left_out_or_kept_aside_where_that_is_allowed() {
    let account = Account::start().await;
    for (name, policy) in [("T", MisfitPolicy::RejectRows), ("Q", MisfitPolicy::Quarantine)] {
        let target =
            account.table(name, "ID NUMBER(38,0), HAPPENED_AT TIMESTAMP_NTZ(9), NAME VARCHAR(20)", "INSERT");
        let vendor = Vendor::with_actions(0..1000);
        vendor.change("UPDATE app.actions SET name = 'far too long a name for it' WHERE id % 100 = 7");
        let settings = PushSettings { on_misfit: policy, ..PushSettings::default() };
        let report =
            vendor.push(&account, &actions_into(&target, WriteSpec::Append), settings).await.unwrap();
        assert_eq!(report.inserted, 990, "{name}");
        let rejected = &report.rejected[0];
        assert_eq!(
            (rejected.column.as_str(), rejected.rule.as_str(), rejected.row_count),
            ("NAME", "text_too_long", 10)
        );
        assert_eq!(rejected.sample_keys.len(), 10);
        assert_eq!(account.ids(&target).await.len(), 990);
        let kept = vendor.rows("SELECT rule, key_json FROM _snowferry.rejects ORDER BY key_json");
        assert_eq!(kept.len(), if policy == MisfitPolicy::Quarantine { 10 } else { 0 }, "{name}");
        assert_eq!(account.staged().await, Vec::<String>::new());
    }
}
