//! Guards: each stops a run before any change, and is overridden by its own name.

use connectors::snowflake::push::{Guard, PushSettings};
use model::{StreamSpec, WriteSpec};

use super::account::Account;
use super::deliveries::COLUMNS;
use super::vendor::{Vendor, actions_into, chosen};

/// The guard stops the run and the target stays as it is; overridden, the run goes through.
async fn stops_and_is_overridden(
    account: &Account,
    vendor: &Vendor,
    spec: &StreamSpec,
    settings: PushSettings,
    guard: Guard,
) {
    let before = account.ids(&spec.target).await;
    let error = vendor.push(account, spec, settings.clone()).await.unwrap_err();
    assert_eq!(error.code(), guard.name(), "{error}");
    assert!(error.remedy().unwrap().contains(guard.name()));
    assert_eq!(account.ids(&spec.target).await, before, "{guard}");
    assert_eq!(account.staged().await, Vec::<String>::new(), "{guard}");
    let settings = PushSettings { overrides: vec![guard], ..settings };
    vendor.push(account, spec, settings).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_or_shrunken_source_does_not_empty_the_target() {
    let account = Account::start().await;
    let target = account.table("T", COLUMNS, "INSERT, DELETE");
    let vendor = Vendor::with_actions(0..100);
    let spec = actions_into(&target, WriteSpec::Rewrite);
    vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    vendor.change("DELETE FROM app.actions WHERE id >= 40");
    stops_and_is_overridden(&account, &vendor, &spec, PushSettings::default(), Guard::MaxShrink).await;
    assert_eq!(account.ids(&target).await.len(), 40);
    vendor.change("DELETE FROM app.actions");
    stops_and_is_overridden(&account, &vendor, &spec, PushSettings::default(), Guard::EmptySource).await;
    assert_eq!(account.ids(&target).await, Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_rows_than_expected_is_not_sent() {
    let account = Account::start().await;
    let target = account.table("T", COLUMNS, "INSERT");
    let vendor = Vendor::with_actions(0..100);
    let spec = actions_into(&target, WriteSpec::Append);
    let settings = PushSettings { expected_row_count: Some(99), ..PushSettings::default() };
    stops_and_is_overridden(&account, &vendor, &spec, settings, Guard::ExpectedRows).await;
    assert_eq!(account.ids(&target).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_table_of_the_same_name_is_noticed() {
    let account = Account::start().await;
    let target = account.table("T", COLUMNS, "INSERT");
    let vendor = Vendor::with_actions(0..10);
    let spec = actions_into(&target, WriteSpec::Append);
    vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    account.table("T", COLUMNS, "INSERT");
    vendor.add_actions(10..20);
    stops_and_is_overridden(&account, &vendor, &spec, PushSettings::default(), Guard::TargetRecreated).await;
    assert_eq!(account.ids(&target).await, (10..20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_was_filled_last_time_is_not_left_out_silently() {
    let account = Account::start().await;
    let target = account.table("T", COLUMNS, "INSERT");
    let vendor = Vendor::with_actions(0..10);
    let mut spec = actions_into(&target, WriteSpec::Append);
    vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    vendor.add_actions(10..20);
    spec.columns = chosen(&["id", "happened_at"]);
    stops_and_is_overridden(&account, &vendor, &spec, PushSettings::default(), Guard::MissingColumns).await;
    assert_eq!(account.ids(&target).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_not_a_table() {
    let account = Account::start().await;
    account.table("T", COLUMNS, "INSERT");
    account.admin(&[
        "CREATE VIEW CRM.OUT.V AS SELECT * FROM CRM.OUT.T",
        "GRANT SELECT ON VIEW CRM.OUT.V TO ROLE PUSHING",
    ]);
    let target = model::TableName::in_snowflake("CRM", "OUT", "V");
    let vendor = Vendor::with_actions(0..10);
    let spec = actions_into(&target, WriteSpec::Append);
    let error = vendor.push(&account, &spec, PushSettings::default()).await.unwrap_err();
    assert_eq!(error.code(), "target_kind");
    assert!(error.message().contains("a view"), "{error}");
}
