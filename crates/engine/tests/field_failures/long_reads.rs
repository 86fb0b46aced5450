//! Reads that broke off, hung, or started over, because they took long.

use std::sync::Arc;
use std::time::Duration;

use emulator::{Action, FaultRule, Route};
use model::{ErrorKind, StreamSpec};

use crate::account::Account;
use crate::pull::{Pull, by_cursor, whole};

/// A table of this many rows, which come in chunks of three.
async fn with_rows(count: u32) -> Arc<Account> {
    let account = Arc::new(Account::start().await);
    account.sql(&[
        "CREATE TABLE CRM.PUBLIC.EVENTS (ID NUMBER(18,0), AT TIMESTAMP_NTZ(9))",
        &format!(
            "INSERT INTO CRM.PUBLIC.EVENTS SELECT SEQ8(), '2026-01-01 12:00:00' FROM TABLE(GENERATOR(ROWCOUNT => {count}))"
        ),
    ]);
    account
}

fn by_at() -> StreamSpec {
    by_cursor("EVENTS", "AT", &["ID"])
}

fn fault(account: &Account, rule: FaultRule) {
    account.emulator.faults().add(rule);
}

/// How often each chunk was handed out.
fn chunks_given(account: &Account) -> Vec<usize> {
    let mut counts = std::collections::BTreeMap::new();
    for request in account.emulator.requests() {
        if request.route == Route::Chunk && request.status == Some(200) {
            *counts.entry(request.path).or_insert(0) += 1;
        }
    }
    counts.into_values().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_9469_links_that_expire_during_a_read_are_renewed() {
    let account = with_rows(30).await;
    let pull = Pull::new(&account, by_at());
    fault(&account, FaultRule::on(Route::Chunk, Action::ExpireChunkLinks).skip(3));
    pull.run().await.unwrap();
    assert_eq!(pull.count(), "30");
    assert_eq!(account.reads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_11194_a_read_goes_on_after_six_hours() {
    let account = with_rows(30).await;
    let pull = Pull::new(&account, by_at());
    let while_reading = Arc::clone(&account);
    // Every link, the session and its master token have expired by now; the result itself is kept for a day.
    pull.run_while(move || while_reading.emulator.clock().advance(Duration::from_secs(7 * 3600)))
        .await
        .unwrap();
    assert_eq!(pull.count(), "30");
    assert_eq!(account.reads().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn jdbc_2023_a_process_that_starts_again_after_the_links_expired_runs_no_second_statement() {
    let account = with_rows(30).await;
    let pull = Pull::new(&account, by_at());
    fault(
        &account,
        FaultRule::on(Route::Chunk, Action::Status { status: 403, retry_after_s: None }).skip(4).forever(),
    );
    pull.run_once().await.unwrap_err();
    account.emulator.faults().clear();
    account.emulator.clock().advance(Duration::from_secs(7 * 3600));
    let report = pull.run().await.unwrap();
    assert!(report.resumed > 0, "{report:?}");
    assert_eq!(pull.count(), "30");
    assert_eq!(account.reads().iter().filter(|sql| !sql.contains("WHERE")).count(), 1, "one backfill");
}

#[tokio::test(flavor = "multi_thread")]
async fn gosnowflake_160_a_master_token_that_dies_ends_no_read() {
    let account = with_rows(30).await;
    let pull = Pull::new(&account, by_at());
    fault(&account, FaultRule::on(Route::Chunk, Action::ExpireChunkLinks).skip(3));
    fault(&account, FaultRule::on(Route::Result, Action::ExpireMaster));
    let report = pull.run().await.unwrap();
    assert_eq!(pull.count(), "30");
    assert_eq!(account.reads().len(), 1, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn snowflake_rs_44_a_result_with_fewer_rows_than_announced_is_an_error() {
    for rule in [
        FaultRule::on(Route::Chunk, Action::KeepRows { rows: 1 }).skip(2).forever(),
        FaultRule::on(Route::Chunk, Action::Truncate { bytes: 40 }).skip(2).forever(),
    ] {
        let account = with_rows(30).await;
        let pull = Pull::new(&account, by_at());
        fault(&account, rule);
        let error = pull.run_once().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let tables = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'rows'";
        assert_eq!(pull.rows(tables), ["0"], "nothing of it is shown");
        account.emulator.faults().clear();
        pull.run().await.unwrap();
        assert_eq!(pull.count(), "30");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_15965_a_statement_that_takes_long_is_waited_for() {
    let account = with_rows(30).await;
    let pull = Pull::new(&account, by_at());
    let running = FaultRule::on(Route::Query, Action::StillRunning).statement("SELECT \"ID\"");
    fault(&account, running);
    fault(&account, FaultRule::on(Route::Result, Action::StillRunning).times(3));
    pull.run().await.unwrap();
    assert_eq!((pull.count().as_str(), account.reads().len()), ("30", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_20467_no_session_is_left_open() {
    let account = with_rows(30).await;
    let pull = Pull::new(&account, by_at());
    pull.run().await.unwrap();
    fault(
        &account,
        FaultRule::on(Route::Chunk, Action::Status { status: 403, retry_after_s: None }).forever(),
    );
    account.sql(&["INSERT INTO CRM.PUBLIC.EVENTS VALUES (99, '2026-01-01 12:00:01')"]);
    pull.run_once().await.unwrap_err();
    assert_eq!(account.emulator.session_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn posthog_103240_a_retry_does_not_start_from_row_zero() {
    let account = with_rows(60).await;
    let pull = Pull::new(&account, by_at());
    for skipped in [4, 3, 5] {
        fault(&account, FaultRule::on(Route::Chunk, Action::DropBefore).skip(skipped).forever());
        pull.run_once().await.unwrap_err();
        account.emulator.faults().clear();
    }
    let report = pull.run().await.unwrap();
    assert_eq!(pull.count(), "60");
    assert!(report.resumed > 0 && report.read < 60, "{report:?}");
    assert_eq!(account.reads().iter().filter(|sql| !sql.contains("WHERE")).count(), 1);
    assert!(account.statements().iter().all(|sql| !sql.to_uppercase().contains("COUNT(")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelinewise_231_a_full_refresh_goes_on_within_its_run() {
    let account = with_rows(60).await;
    let pull = Pull::new(&account, whole("EVENTS"));
    // Storage that refuses new links too: the attempt fails, and the run makes another one.
    let refused = Action::Status { status: 403, retry_after_s: None };
    fault(&account, FaultRule::on(Route::Chunk, refused).skip(8).forever());
    let recovers = async {
        // Each attempt describes the table anew.
        while account.statements().iter().filter(|sql| sql.starts_with("SELECT *")).count() < 2 {
            tokio::task::yield_now().await;
        }
        account.emulator.faults().clear();
    };
    let (report, ()) = tokio::join!(pull.run(), recovers);
    let report = report.unwrap();
    assert!(report.attempts > 1 && report.resumed > 0, "{report:?}");
    assert_eq!((pull.count().as_str(), account.reads().len()), ("60", 1));
    let most = chunks_given(&account).into_iter().max();
    assert!(most <= Some(report.attempts as usize), "{most:?}: none but those that were on their way");
}
