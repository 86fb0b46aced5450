//! First reads that are divided into ranges: what they find while others write, and how they go on after a failure.

use std::collections::BTreeSet;
use std::time::Duration;

use emulator::{Action, FaultRule, LoggedRequest, Route};
use model::{NullCursor, RangeCount, RangeSpec, StreamSpec};
use serde_json::Value;

use crate::account::Account;
use crate::pull::{Pull, by_cursor, reading, whole};

/// A table of this many rows, with the time in the order of the ids, which come in chunks of three.
async fn with_rows(count: u32, retention_days: u32) -> Account {
    let account = Account::start().await;
    account.sql(&[
        &format!(
            "CREATE TABLE CRM.PUBLIC.EVENTS (ID NUMBER(18,0) NOT NULL, AT TIMESTAMP_NTZ(9), NOTE VARCHAR) \
             DATA_RETENTION_TIME_IN_DAYS = {retention_days}"
        ),
        &format!(
            "INSERT INTO CRM.PUBLIC.EVENTS SELECT SEQ8(), DATEADD('second', SEQ8(), '2026-01-01'::TIMESTAMP_NTZ), 'old' \
             FROM TABLE(GENERATOR(ROWCOUNT => {count}))"
        ),
    ]);
    account
}

fn in_ranges(spec: StreamSpec, count: u64) -> StreamSpec {
    StreamSpec { ranges: RangeSpec::Count(RangeCount::new(count).unwrap()), ..spec }
}

fn by_at(count: u64) -> StreamSpec {
    in_ranges(by_cursor("EVENTS", "AT", &["ID"]), count)
}

/// Runs while the statements of all ranges but the first, which is read by then, wait until `act` is done.
async fn run_beside(account: &Account, pull: &Pull<'_>, condition: &str, act: impl FnOnce()) {
    let hold = Action::Hold { gate: "range".into() };
    account.emulator.faults().add(FaultRule::on(Route::Query, hold).statement(condition).forever());
    let write = async {
        account.emulator.faults().reached("range", 3).await;
        while !has_answered(account) {
            tokio::task::yield_now().await;
        }
        act();
        account.emulator.faults().clear();
    };
    let (report, ()) = tokio::join!(pull.run(), write);
    report.unwrap();
}

/// A run that breaks off after so many chunks.
async fn break_off(account: &Account, pull: &Pull<'_>, chunks: u32) {
    let refused = Action::Status { status: 403, retry_after_s: None };
    account.emulator.faults().add(FaultRule::on(Route::Chunk, refused).skip(chunks).forever());
    pull.run_once().await.unwrap_err();
    account.emulator.faults().clear();
}

/// Statements that read a range.
fn range_reads(account: &Account) -> Vec<String> {
    account.reads().into_iter().filter(|sql| reads_range(sql)).collect()
}

fn reads_range(sql: &str) -> bool {
    sql.starts_with("SELECT \"") && sql.contains("WHERE") && !sql.contains("OR")
}

/// Whether the statement of a range was answered: that of the first one, while the others are held.
fn has_answered(account: &Account) -> bool {
    let is_answered = |request: &LoggedRequest| {
        request.status == Some(200) && request.statement.as_deref().is_some_and(reads_range)
    };
    account.emulator.requests().iter().any(is_answered)
}

/// The queries of ranges that are durable as a whole.
fn finished(pull: &Pull<'_>) -> BTreeSet<String> {
    if !pull.file().path().exists() {
        return BTreeSet::new();
    }
    let staged =
        connectors::duckdb::progress(&pull.file(), &pull.spec.stream, &pull.spec.target).unwrap().staged;
    let Some(staged) = staged else { return BTreeSet::new() };
    let position: Value = staged.cursor.position().unwrap();
    let parts = position["ranges"]["parts"].as_array().cloned().unwrap_or_default();
    let done = parts.iter().filter(|part| part["is_done"] == true);
    done.map(|part| part["query_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_between_the_statements_of_ranges_do_not_tear_the_snapshot() {
    let account = with_rows(60, 1).await;
    let pull = Pull::new(&account, in_ranges(StreamSpec { key: vec!["ID".into()], ..whole("EVENTS") }, 4));
    run_beside(&account, &pull, "\"ID\" >= ", || {
        account.sql(&[
            "INSERT INTO CRM.PUBLIC.EVENTS VALUES (7, SYSDATE(), 'new'), (1000, SYSDATE(), 'new')",
            "UPDATE CRM.PUBLIC.EVENTS SET NOTE = 'changed' WHERE ID IN (1, 59)",
            "DELETE FROM CRM.PUBLIC.EVENTS WHERE ID IN (2, 58)",
            "UPDATE CRM.PUBLIC.EVENTS SET ID = 58 WHERE ID = 3",
        ]);
    })
    .await;
    let landed =
        pull.rows("SELECT count(*), count(DISTINCT \"ID\"), sum(\"ID\"), max(\"NOTE\") FROM crm.rows");
    assert_eq!(landed, ["60 | 60 | 1770 | old"]);
    assert_eq!(range_reads(&account).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_ranges_of_a_snapshot_are_read_comes_with_the_next_run() {
    let account = with_rows(60, 1).await;
    let pull = Pull::new(&account, by_at(4));
    run_beside(&account, &pull, "\"AT\" >= ", || {
        account.sql(&["UPDATE CRM.PUBLIC.EVENTS SET NOTE = 'changed', AT = SYSDATE() WHERE ID IN (1, 59)"]);
    })
    .await;
    assert_eq!(pull.rows("SELECT max(\"NOTE\") FROM crm.rows"), ["old"]);
    pull.run().await.unwrap();
    let changed = pull.rows("SELECT \"ID\" FROM crm.rows WHERE \"NOTE\" = 'changed' ORDER BY 1");
    assert_eq!(changed, ["1", "59"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_snapshot_the_next_run_goes_back_to_before_the_first_range() {
    let account = with_rows(60, 0).await;
    let pull = Pull::new(&account, by_at(4));
    // The first range is read already. What the last one gives lies after what the first one has missed.
    run_beside(&account, &pull, "\"ID\" >= ", || {
        account.sql(&[
            "UPDATE CRM.PUBLIC.EVENTS SET NOTE = 'missed', AT = SYSDATE() WHERE ID = 1",
            "INSERT INTO CRM.PUBLIC.EVENTS VALUES (-1, SYSDATE(), 'missed')",
            "UPDATE CRM.PUBLIC.EVENTS SET NOTE = 'seen', AT = SYSDATE() WHERE ID = 59",
        ]);
    })
    .await;
    let notes = "SELECT \"ID\", \"NOTE\" FROM crm.rows WHERE \"NOTE\" <> 'old' ORDER BY 1";
    assert_eq!(pull.rows(notes), ["59 | seen"]);
    assert!(range_reads(&account).iter().all(|sql| !sql.contains("AT(")));
    pull.run().await.unwrap();
    assert_eq!(pull.rows(notes), ["-1 | missed", "1 | missed", "59 | seen"]);
    assert_eq!(pull.count(), "61");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_in_ranges_that_breaks_off_again_and_again_reads_no_finished_range_twice() {
    for seed in 0..4_u32 {
        let account = with_rows(80, 1).await;
        let pull = Pull::new(&account, by_at(6));
        let mut failures = 0;
        for round in 0..4_u32 {
            let refused = Action::Status { status: 403, retry_after_s: None };
            let skipped = 3 + (seed * 7 + round * 5) % 11;
            account.emulator.faults().add(FaultRule::on(Route::Chunk, refused).skip(skipped).forever());
            let before = finished(&pull);
            let requests = account.emulator.requests().len();
            failures += u32::from(pull.run_once().await.is_err());
            account.emulator.faults().clear();
            let again = account.emulator.requests().into_iter().skip(requests);
            let again: Vec<_> =
                again.filter(|request| before.iter().any(|query| request.path.contains(query))).collect();
            assert!(again.is_empty(), "seed {seed}, round {round}: {again:?}");
        }
        let (before, sent) = (finished(&pull), range_reads(&account).len());
        pull.run().await.unwrap();
        assert!(failures > 1, "seed {seed}: {failures} failures");
        assert!(range_reads(&account).len() - sent <= 7 - before.len(), "seed {seed}");
        let landed = pull.rows("SELECT count(*), count(DISTINCT \"ID\"), sum(\"ID\") FROM crm.rows");
        assert_eq!(landed, ["80 | 80 | 3160"], "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_whose_result_is_lost_is_read_again_as_it_was_and_its_rows_come_once() {
    let account = with_rows(80, 30).await;
    let pull = Pull::new(&account, by_at(4));
    break_off(&account, &pull, 17).await;
    let done = finished(&pull);
    // Four ranges of times, and one of none.
    assert!(!done.is_empty() && done.len() < 5, "it broke off in the middle: {done:?}");
    // Every result is gone by now, and the rows are others.
    account.emulator.clock().advance(Duration::from_secs(25 * 3600));
    account.sql(&["UPDATE CRM.PUBLIC.EVENTS SET NOTE = 'later', AT = SYSDATE()"]);
    // In the middle of the same range once more.
    break_off(&account, &pull, 3).await;
    assert_eq!(finished(&pull), done);
    account.emulator.clock().advance(Duration::from_secs(25 * 3600));
    let sent = range_reads(&account).len();
    let report = pull.run_once().await.unwrap();
    assert!(report.resumed > 0 && report.started_over.is_none(), "{report:?}");
    assert_eq!(range_reads(&account).len() - sent, 5 - done.len(), "only what was not finished");
    let landed =
        pull.rows("SELECT count(*), count(DISTINCT \"ID\"), sum(\"ID\"), min(\"NOTE\") FROM crm.rows");
    assert_eq!(landed, ["80 | 80 | 3160 | later"], "the run after it brought what changed since");
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_whose_moment_is_not_kept_any_more_are_read_anew_and_told_of() {
    let account = with_rows(80, 1).await;
    let pull = Pull::new(&account, by_at(4));
    break_off(&account, &pull, 17).await;
    account.emulator.clock().advance(Duration::from_secs(25 * 3600));
    account.sql(&["DELETE FROM CRM.PUBLIC.EVENTS WHERE ID < 40"]);
    let report = pull.run_once().await.unwrap();
    assert!(report.started_over.is_some(), "{report:?}");
    assert_eq!(pull.rows("SELECT count(*), min(\"ID\") FROM crm.rows"), ["40 | 40"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_made_anew_between_its_ranges_is_read_anew_at_once() {
    let account = with_rows(80, 1).await;
    let pull = Pull::new(&account, by_at(8));
    break_off(&account, &pull, 4).await;
    assert!(
        range_reads(&account).len() < 8,
        "the results of some ranges are kept, and others were never asked for"
    );
    account.sql(&[
        "CREATE OR REPLACE TABLE CRM.PUBLIC.EVENTS AS SELECT SEQ8()::NUMBER(18,0) AS ID, \
         DATEADD('second', SEQ8(), '2026-01-01'::TIMESTAMP_NTZ(9))::TIMESTAMP_NTZ(9) AS AT, 'new'::VARCHAR AS NOTE \
         FROM TABLE(GENERATOR(ROWCOUNT => 50))",
    ]);
    let report = pull.run_once().await.unwrap();
    assert!(report.started_over.is_some() && report.resumed == 0, "{report:?}");
    assert_eq!(pull.rows("SELECT count(*), min(\"NOTE\") FROM crm.rows"), ["50 | new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_of_another_statement_are_not_gone_on_with() {
    let account = with_rows(80, 1).await;
    account.sql(&["UPDATE CRM.PUBLIC.EVENTS SET AT = NULL WHERE MOD(ID, 16) = 0"]);
    let mut pull = Pull::new(&account, by_at(4));
    // Rows without a time are staged by then.
    break_off(&account, &pull, 25).await;
    assert_eq!(finished(&pull).len(), 4);
    pull.spec = reading(pull.spec, NullCursor::Exclude, 0);
    let report = pull.run_once().await.unwrap();
    assert_eq!((report.resumed, report.read), (0, 75));
    assert_eq!(pull.rows("SELECT count(*), count(\"AT\") FROM crm.rows"), ["75 | 75"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_time_and_rows_of_the_future_are_counted_across_ranges() {
    let account = with_rows(80, 1).await;
    account.sql(&[
        "UPDATE CRM.PUBLIC.EVENTS SET AT = NULL WHERE MOD(ID, 16) = 0",
        "UPDATE CRM.PUBLIC.EVENTS SET AT = '2199-12-31' WHERE ID IN (3, 79)",
    ]);
    for (policy, ranges, rows) in [(NullCursor::Include, 5, 80), (NullCursor::Exclude, 4, 75)] {
        let pull = Pull::new(&account, reading(by_at(4), policy, 0));
        let sent = range_reads(&account).len();
        let report = pull.run_once().await.unwrap();
        assert_eq!((report.null_cursor_count, report.future_cursor_count), (Some(5), Some(2)));
        assert_eq!((report.read, range_reads(&account).len() - sent), (rows, ranges));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_statements_run_at_once_and_no_more() {
    let account = with_rows(80, 1).await;
    let pull = Pull::new(&account, by_at(8));
    let hold = FaultRule::on(Route::Query, Action::Hold { gate: "four".into() });
    account.emulator.faults().add(hold.statement("AT(TIMESTAMP").times(4));
    let look = async {
        account.emulator.faults().reached("four", 4).await;
        // A fifth that was sent with them would be there by now.
        account.sql(&["SELECT 1"; 20]);
        let sent = range_reads(&account).len();
        account.emulator.faults().clear();
        sent
    };
    let (report, sent) = tokio::join!(pull.run_once(), look);
    report.unwrap();
    assert_eq!((sent, pull.count().as_str()), (4, "80"));
}

/// Columns of every type that can be divided, as SQL, with an expression of `N` that gives their values.
const TYPES: &[(&str, &str)] = &[
    ("TIMESTAMP_NTZ(9)", "DATEADD('nanosecond', N, '2026-01-01'::TIMESTAMP_NTZ(9))"),
    ("TIMESTAMP_NTZ(0)", "DATEADD('second', N, '2026-01-01'::TIMESTAMP_NTZ(0))"),
    ("TIMESTAMP_LTZ(3)", "DATEADD('millisecond', N, '2026-01-01'::TIMESTAMP_LTZ(3))"),
    ("TIMESTAMP_TZ(9)", "DATEADD('second', N, '2026-01-01 05:00:00 +05:30'::TIMESTAMP_TZ(9))"),
    ("DATE", "DATEADD('day', N, '2026-01-01'::DATE)"),
    ("NUMBER(18,0)", "N - 5"),
    ("NUMBER(38,0)", "N * 1000000000000000000000000000000"),
    ("NUMBER(20,4)", "(N - 5) / 8"),
    ("VARCHAR", "'it''s \\\\ ' || N"),
    ("BINARY", "TO_BINARY(LPAD(N, 4, '0'), 'HEX')"),
];

/// Reads a table of 60 rows that has `distinct` values of such a column, and NULL in every fifth row.
async fn every_row_comes_once(ty: &str, expression: &str, distinct: u32, count: u64) -> usize {
    let account = Account::start().await;
    account.sql(&[
        &format!("CREATE TABLE CRM.PUBLIC.T (K {ty}, ID NUMBER(18,0))"),
        &format!(
            "INSERT INTO CRM.PUBLIC.T SELECT IFF(MOD(ID, 5) = 0, NULL, {expression}), ID FROM \
             (SELECT SEQ8() AS ID, MOD(SEQ8(), {distinct}) AS N FROM TABLE(GENERATOR(ROWCOUNT => 60)))"
        ),
    ]);
    let pull = Pull::new(&account, in_ranges(by_cursor("T", "K", &["K", "ID"]), count));
    let report = pull.run().await.unwrap();
    let landed = pull.rows("SELECT count(*), sum(\"ID\"), count(*) - count(\"K\") FROM crm.rows");
    assert_eq!(landed, ["60 | 1770 | 12"], "{ty}");
    assert_eq!(report.null_cursor_count, Some(12), "{ty}");
    let again = pull.run().await.unwrap();
    assert!(again.is_unchanged || again.inserted + again.updated == 0, "{ty}: {again:?}");
    range_reads(&account).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_with_an_order_is_divided_with_its_ties_and_without_its_nulls() {
    for (ty, expression) in TYPES {
        // Three ranges of values, and one of none.
        assert_eq!(every_row_comes_once(ty, expression, 11, 3).await, 4, "{ty}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_ranges_than_values_are_as_many_as_values() {
    assert_eq!(every_row_comes_once("NUMBER(18,0)", "N", 2, 16).await, 3, "two values and none");
    assert_eq!(every_row_comes_once("NUMBER(18,0)", "N", 1, 16).await, 0, "one statement");
    assert_eq!(every_row_comes_once("NUMBER(18,0)", "IFF(N > 3, 1000000000 + N, 3)", 60, 4).await, 5, "skew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_rows_or_values_is_read_in_one_statement() {
    let account = with_rows(0, 1).await;
    let pull = Pull::new(&account, by_at(8));
    pull.run().await.unwrap();
    assert_eq!((pull.count().as_str(), range_reads(&account).len()), ("0", 0));
    account.sql(&["INSERT INTO CRM.PUBLIC.EVENTS VALUES (1, NULL, 'a'), (2, NULL, 'b')"]);
    let again = Pull::new(&account, by_at(8));
    again.run().await.unwrap();
    assert_eq!((again.count().as_str(), range_reads(&account).len()), ("2", 0));
}
