//! Several pushes into one table at the same time, and processes that come too late.

use std::sync::Arc;

use connectors::memory::MemoryJournal;
use connectors::snowflake::push::PushSettings;
use model::{Destination, ErrorKind, WriteSpec};

use super::account::Account;
use super::deliveries::COLUMNS;
use super::vendor::{Vendor, actions_into, push_into};

#[tokio::test(flavor = "multi_thread")]
async fn pushes_of_several_tenants_into_one_table_do_not_disturb_each_other() {
    let account = Arc::new(Account::start().await);
    let target = account.table("T", COLUMNS, "INSERT, UPDATE, DELETE");
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..4_i64 {
        let (account, target) = (Arc::clone(&account), target.clone());
        runs.spawn(async move {
            let vendor = Vendor::with_actions(number * 1000..(number + 1) * 1000);
            let write =
                if number % 2 == 0 { WriteSpec::Append } else { WriteSpec::Upsert { delete_flag: None } };
            vendor.push(&account, &actions_into(&target, write), PushSettings::default()).await.unwrap()
        });
    }
    while let Some(report) = runs.join_next().await {
        assert_eq!(report.unwrap().inserted, 1000);
    }
    assert_eq!(account.ids(&target).await, (0..4000).collect::<Vec<_>>());
    assert_eq!(account.staged().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn rewrites_at_the_same_time_leave_the_rows_of_one_of_them() {
    let account = Arc::new(Account::start().await);
    let target = account.table("T", COLUMNS, "INSERT, DELETE");
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..3_i64 {
        let (account, target) = (Arc::clone(&account), target.clone());
        runs.spawn(async move {
            let vendor = Vendor::with_actions(number * 1000..(number + 1) * 1000);
            let spec = actions_into(&target, WriteSpec::Rewrite);
            vendor.push(&account, &spec, PushSettings::default()).await.unwrap()
        });
    }
    while let Some(report) = runs.join_next().await {
        assert_eq!(report.unwrap().inserted, 1000);
    }
    let ids = account.ids(&target).await;
    assert_eq!(ids.len(), 1000);
    assert_eq!(ids[999] - ids[0], 999);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_one_sync_deliver_each_row_once() {
    let account = Arc::new(Account::start().await);
    let target = account.table("T", COLUMNS, "INSERT");
    let vendor = Vendor::with_actions(0..1000);
    let spec = actions_into(&target, WriteSpec::Append);
    let (first, second) = tokio::join!(
        vendor.push(&account, &spec, PushSettings::default()),
        vendor.push(&account, &spec, PushSettings::default()),
    );
    // The one that was overtaken says so, or has seen that there was nothing left to do.
    for outcome in [&first, &second] {
        if let Err(error) = outcome {
            assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unavailable), "{error}");
        }
    }
    assert!(first.is_ok() || second.is_ok());
    vendor.push(&account, &spec, PushSettings::default()).await.unwrap();
    assert_eq!(account.ids(&target).await, (0..1000).collect::<Vec<_>>());
    assert_eq!(account.staged().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_epoch_is_over_does_not_publish() {
    let account = Account::start().await;
    let target = account.table("T", COLUMNS, "INSERT");
    let vendor = Vendor::with_actions(0..10);
    let spec = actions_into(&target, WriteSpec::Append);
    let journal = MemoryJournal::default();
    let paused = account.destination(Arc::new(journal.clone()), PushSettings::default());
    let database = vendor.database();
    let source = connectors::duckdb::DuckDbSource::new(database.clone());
    let schema = model::Source::describe(&source, &spec.stream).await.unwrap();
    let progress = paused.progress(&spec.stream, &spec.target).await.unwrap();
    let plan = model::StreamPlan::build(&spec, &schema, &progress).unwrap();
    paused.prepare(&plan).await.unwrap();

    let other = Arc::new(account.destination(Arc::new(journal), PushSettings::default()));
    push_into(database, other, &spec, 1).await.unwrap();
    assert_eq!(account.ids(&target).await.len(), 10);

    let mut read = model::Source::read(&source, &plan).await.unwrap();
    let mut outcome = Ok(());
    while let Some(event) = futures_util::StreamExt::next(&mut read.events).await {
        match event.unwrap() {
            model::ReadEvent::Batch(batch) => outcome = paused.stage(&plan, batch).await.map(drop),
            model::ReadEvent::End(end) if outcome.is_ok() => {
                let checkpoint = model::Checkpoint { cursor: end.cursor, row_count: 10 };
                outcome = paused.commit(&plan, checkpoint).await.map(drop);
            }
            model::ReadEvent::End(_) => {}
        }
        if outcome.is_err() {
            break;
        }
    }
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Conflict);
    paused.close().await;
    assert_eq!(account.ids(&target).await.len(), 10);
    assert_eq!(account.staged().await, Vec::<String>::new());
}
