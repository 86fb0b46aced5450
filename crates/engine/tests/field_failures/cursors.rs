//! Rows that were lost, or read for ever, because of how a cursor column was followed.

use std::sync::Arc;

use model::{ErrorKind, NullCursor};

use crate::account::{Account, HOSTILE};
use crate::pull::{Pull, by_cursor, reading, whole};

/// A table with an id, a text and a cursor column of this type.
fn events(account: &Account, cursor_type: &str) {
    account
        .sql(&[&format!("CREATE TABLE CRM.PUBLIC.EVENTS (ID NUMBER(18,0), NAME VARCHAR, AT {cursor_type})")]);
}

fn insert(account: &Account, rows: &[(i64, &str)]) {
    let values: Vec<String> = rows.iter().map(|(id, at)| format!("({id}, 'row {id}', {at})")).collect();
    let sql = format!("INSERT INTO CRM.PUBLIC.EVENTS SELECT * FROM VALUES {}", values.join(", "));
    account.sql(&[&sql]);
}

fn by_at() -> model::StreamSpec {
    by_cursor("EVENTS", "AT", &["ID"])
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_84400_checkpoint_is_never_rounded_past_a_real_value() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    let pull = Pull::new(&account, by_at());
    insert(&account, &[(1, "'2026-01-01 00:00:00.000000100'"), (2, "'2026-01-01 00:00:00.000000101'")]);
    pull.run().await.unwrap();
    // Within the same microsecond, above the highest value so far by one nanosecond.
    insert(&account, &[(3, "'2026-01-01 00:00:00.000000102'")]);
    pull.run().await.unwrap();
    assert_eq!(pull.landed("ID"), ["1", "2", "3"]);
    assert_eq!(pull.landed("AT")[2], "2026-01-01T00:00:00.000000102");
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_82705_rows_at_the_maximum_are_read() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    let at = "'2026-01-01 00:00:00.123456789'";
    let pull = Pull::new(&account, by_at());
    // One bulk insert gives all its rows one value, below the microsecond.
    insert(&account, &(1..=7).map(|id| (id, at)).collect::<Vec<_>>());
    assert_eq!(pull.run().await.unwrap().read, 7);
    insert(&account, &(8..=9).map(|id| (id, at)).collect::<Vec<_>>());
    pull.run().await.unwrap();
    assert_eq!(pull.count(), "9");
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_83778_rows_are_read_whatever_the_account_calls_its_time_zone() {
    for zone in ["America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati", "UTC"] {
        let account = Account::with_parameters(&[("TIMEZONE", zone)]).await;
        for cursor_type in ["TIMESTAMP_NTZ(9)", "TIMESTAMP_LTZ(9)", "TIMESTAMP_TZ(9)"] {
            account.sql(&["DROP TABLE IF EXISTS CRM.PUBLIC.EVENTS"]);
            events(&account, cursor_type);
            let at = |minute: u8| format!("'2026-01-01 12:{minute:02}:00 +00:00'::{cursor_type}");
            let pull = Pull::new(&account, by_at());
            insert(&account, &[(1, &at(0)), (2, &at(1))]);
            pull.run().await.unwrap();
            insert(&account, &[(3, &at(2)), (4, &at(1))]);
            let report = pull.run().await.unwrap();
            assert_eq!(pull.landed("ID"), ["1", "2", "3", "4"], "{zone}, {cursor_type}");
            assert_eq!(report.read, 3, "{zone}, {cursor_type}: and no more than from the bound on");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_70257_rows_at_the_stored_cursor_are_read() {
    let account = Account::start().await;
    events(&account, "NUMBER(38,0)");
    let pull = Pull::new(&account, by_at());
    insert(&account, &[(1, "41"), (2, "42")]);
    pull.run().await.unwrap();
    insert(&account, &[(3, "42")]);
    pull.run().await.unwrap();
    assert_eq!(pull.landed("ID"), ["1", "2", "3"]);
}

/// Runs once while rows are committed, after the account has taken the snapshot of the read, and then once more.
async fn committed_while_reading(during: &'static str) -> Vec<String> {
    let account = Arc::new(Account::start().await);
    events(&account, "TIMESTAMP_NTZ(9)");
    let rows: Vec<_> = (1..=9).map(|id| (id, "'2026-01-01 00:00:09'")).collect();
    insert(&account, &rows);
    let pull = Pull::new(&account, by_at());
    let writer = Arc::clone(&account);
    pull.run_while(move || writer.sql(&[during])).await.unwrap();
    assert_eq!(pull.count(), "9", "one statement is one snapshot");
    assert_eq!(account.reads().len(), 1);
    pull.run().await.unwrap();
    assert!(account.statements().iter().all(|sql| !sql.to_uppercase().contains("MAX(")));
    pull.rows("SELECT \"ID\", \"NAME\" FROM crm.rows WHERE \"NAME\" <> 'row ' || \"ID\" ORDER BY 1")
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_85918_rows_committed_while_reading_come_with_the_next_run() {
    let seen = committed_while_reading(
        "INSERT INTO CRM.PUBLIC.EVENTS VALUES (10, 'a', '2026-01-01 00:00:10'), (11, 'b', '2026-01-01 00:00:11')",
    )
    .await;
    assert_eq!(seen, ["10 | a", "11 | b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_21500_rows_modified_during_a_read_are_not_missed() {
    let seen = committed_while_reading(
        "UPDATE CRM.PUBLIC.EVENTS SET NAME = 'changed', AT = '2026-01-01 00:00:10' WHERE ID IN (1, 9)",
    )
    .await;
    assert_eq!(seen, ["1 | changed", "9 | changed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_14732_rows_with_the_boundary_timestamp_that_arrive_meanwhile_are_read() {
    let seen =
        committed_while_reading("INSERT INTO CRM.PUBLIC.EVENTS VALUES (10, 'a', '2026-01-01 00:00:09')")
            .await;
    assert_eq!(seen, ["10 | a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn posthog_64417_a_lookback_finds_rows_that_were_committed_late() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    insert(&account, &[(1, "'2026-01-01 12:00:00'")]);
    let pull = Pull::new(&account, reading(by_at(), NullCursor::Include, 2));
    let without = Pull::new(&account, by_at());
    pull.run().await.unwrap();
    without.run().await.unwrap();
    // Its transaction had taken the time two hours before it was committed.
    insert(&account, &[(2, "'2026-01-01 10:00:00'")]);
    pull.run().await.unwrap();
    without.run().await.unwrap();
    assert_eq!(pull.landed("ID"), ["1", "2"]);
    assert_eq!(without.landed("ID"), ["1"], "a lookback is what promises this");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_later_than_the_lookback_is_found_by_a_full_refresh() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    insert(&account, &[(1, "'2026-01-01 12:00:00'")]);
    let mut pull = Pull::new(&account, reading(by_at(), NullCursor::Include, 1));
    pull.run().await.unwrap();
    insert(&account, &[(2, "'2026-01-01 10:59:59.999999999'")]);
    pull.run().await.unwrap();
    assert_eq!(pull.landed("ID"), ["1"]);
    pull.spec = whole("EVENTS");
    pull.run().await.unwrap();
    assert_eq!(pull.landed("ID"), ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn drt_759_a_lookback_repeats_no_row_without_a_key() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    insert(
        &account,
        &[(1, "'2026-01-01 12:00:00'"), (1, "'2026-01-01 12:00:00'"), (2, "'2026-01-01 12:30:00'")],
    );
    let mut spec = reading(by_at(), NullCursor::Include, 2);
    spec.key.clear();
    let pull = Pull::new(&account, spec);
    pull.run().await.unwrap();
    insert(&account, &[(2, "'2026-01-01 12:30:00'"), (3, "'2026-01-01 11:00:00'")]);
    let report = pull.run().await.unwrap();
    assert_eq!(pull.landed("ID"), ["1", "1", "2", "2", "3"], "identical rows are as many as at the source");
    assert_eq!((report.inserted, report.deleted), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn dlt_1935_rows_without_a_cursor_value_are_read_by_later_runs_too() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    insert(&account, &[(1, "'2026-01-01 12:00:00'"), (2, "NULL")]);
    let pull = Pull::new(&account, by_at());
    assert_eq!(pull.run().await.unwrap().null_cursor_count, Some(1));
    insert(&account, &[(3, "NULL")]);
    assert_eq!(pull.run().await.unwrap().null_cursor_count, Some(2));
    assert_eq!(pull.landed("ID"), ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn posthog_76090_rows_that_are_left_out_are_counted_in_every_run() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    insert(&account, &[(1, "'2026-01-01 12:00:00'"), (2, "NULL"), (3, "NULL")]);
    let pull = Pull::new(&account, reading(by_at(), NullCursor::Exclude, 0));
    assert_eq!(pull.run().await.unwrap().null_cursor_count, Some(2));
    insert(&account, &[(4, "NULL"), (5, "'2026-01-01 12:00:01'")]);
    assert_eq!(pull.run().await.unwrap().null_cursor_count, Some(3));
    assert_eq!(pull.landed("ID"), ["1", "5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_16567_a_null_cursor_neither_stops_the_sync_nor_is_lost() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    insert(&account, &[(1, "NULL"), (2, "NULL")]);
    let pull = Pull::new(&account, by_at());
    pull.run().await.unwrap();
    insert(&account, &[(3, "'2026-01-01 12:00:00'")]);
    account.sql(&["UPDATE CRM.PUBLIC.EVENTS SET AT = '2026-01-01 13:00:00', NAME = 'dated' WHERE ID = 1"]);
    pull.run().await.unwrap();
    assert_eq!(pull.landed("NAME"), ["dated", "row 2", "row 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_9915_a_fraction_of_a_second_is_never_rounded_up() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(3)");
    insert(&account, &[(1, "'2026-01-01 12:00:00.613'"), (2, "'2026-01-01 12:00:00.614'")]);
    let pull = Pull::new(&account, by_at());
    pull.run().await.unwrap();
    insert(&account, &[(3, "'2026-01-01 12:00:00.615'")]);
    assert_eq!(pull.run().await.unwrap().read, 2, "the row at the bound and the one after it");
    assert_eq!(pull.landed("ID"), ["1", "2", "3"]);
    assert!(account.reads()[1].contains("'2026-01-01 12:00:00.614000000'"), "{}", account.reads()[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_55813_an_idle_run_reads_nothing_and_says_so() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    insert(&account, &[(1, "'2026-01-01 12:00:00'")]);
    let pull = Pull::new(&account, by_at());
    assert!(!pull.run().await.unwrap().is_unchanged);
    let before = account.reads().len();
    let report = pull.run().await.unwrap();
    assert!(report.is_unchanged && report.read == 0, "{report:?}");
    assert_eq!(account.reads().len(), before);
    insert(&account, &[(2, "'2026-01-01 12:00:01'")]);
    let report = pull.run().await.unwrap();
    assert_eq!((report.is_unchanged, report.read, report.inserted), (false, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_run_needs_no_virtual_warehouse_and_a_view_is_always_read() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    account.sql(&["CREATE VIEW CRM.PUBLIC.SEEN AS SELECT * FROM CRM.PUBLIC.EVENTS"]);
    insert(&account, &[(1, "'2026-01-01 12:00:00'"), (2, "NULL")]);
    for key in [&["ID"][..], &[]] {
        let mut pull = Pull::new(&account, by_cursor("EVENTS", "AT", key));
        pull.run().await.unwrap();
        let before = account.in_virtual_warehouse().await;
        assert_eq!(before.iter().filter(|sql| sql.starts_with("SELECT \"ID\"")).count(), before.len());
        for _ in 0..3 {
            assert!(pull.run().await.unwrap().is_unchanged);
        }
        assert_eq!(account.in_virtual_warehouse().await, before);
        assert_eq!(pull.landed("ID"), ["1", "2"]);
        // A sync that asks for more reads, though nothing has changed.
        pull.spec = reading(pull.spec.clone(), NullCursor::Include, 1);
        assert!(!pull.run().await.unwrap().is_unchanged);
    }
    let view = Pull::new(&account, by_cursor("SEEN", "AT", &["ID"]));
    for _ in 0..2 {
        assert!(!view.run().await.unwrap().is_unchanged);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn posthog_28212_the_watermark_does_not_depend_on_the_order_of_rows() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    let at = |second: i64| format!("'2026-01-01 12:00:{second:02}'");
    let descending: Vec<(i64, String)> = (0..20).rev().map(|id| (id, at(id))).collect();
    insert(&account, &descending.iter().map(|(id, at)| (*id, at.as_str())).collect::<Vec<_>>());
    let pull = Pull::new(&account, by_at());
    pull.run().await.unwrap();
    insert(&account, &[(20, &at(20)), (21, &at(19))]);
    assert_eq!(
        pull.run().await.unwrap().read,
        3,
        "those from the highest value on, wherever it came in the result"
    );
    assert_eq!(pull.count(), "22");
}

#[tokio::test(flavor = "multi_thread")]
async fn multiwoven_8c78a572_any_number_of_rows_may_share_a_cursor_value() {
    let account = Account::with_large_chunks().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    let fill = |from: u32| {
        format!(
            "INSERT INTO CRM.PUBLIC.EVENTS SELECT {from} + SEQ8(), 'x', '2026-01-01 12:00:00' \
             FROM TABLE(GENERATOR(ROWCOUNT => 12000))"
        )
    };
    account.sql(&[&fill(0)]);
    let pull = Pull::new(&account, by_at());
    pull.run().await.unwrap();
    account.sql(&[&fill(12_000)]);
    assert_eq!(pull.run().await.unwrap().inserted, 12_000);
    assert_eq!(pull.count(), "24000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_the_future_is_read_and_never_moves_the_watermark_past_the_clock() {
    let account = Account::start().await;
    for cursor_type in ["TIMESTAMP_NTZ(9)", "TIMESTAMP_LTZ(3)", "TIMESTAMP_TZ(0)", "DATE"] {
        account.sql(&["DROP TABLE IF EXISTS CRM.PUBLIC.EVENTS"]);
        events(&account, cursor_type);
        insert(&account, &[(1, "'2020-01-01'"), (2, "'2199-12-31'"), (3, "'2199-12-31'")]);
        let pull = Pull::new(&account, by_at());
        let report = pull.run().await.unwrap();
        assert_eq!((report.read, report.future_cursor_count), (3, Some(2)), "{cursor_type}");
        insert(&account, &[(4, "'2021-06-01'")]);
        let report = pull.run().await.unwrap();
        assert_eq!((report.future_cursor_count, report.inserted), (Some(2), 1), "{cursor_type}");
        assert_eq!(pull.landed("ID"), ["1", "2", "3", "4"], "{cursor_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_usable_type_is_followed_exactly_under_hostile_parameters() {
    let account = Account::with_parameters(HOSTILE).await;
    for (cursor_type, values) in [
        (
            "NUMBER(38,0)",
            ["-5", "99999999999999999999999999999999999998", "99999999999999999999999999999999999999"],
        ),
        ("NUMBER(12,4)", ["-0.0001", "1.2500", "1.2501"]),
        ("VARCHAR", ["'Z'", "'it''s \\\\ a'", "'it''s \\\\ b'"]),
        ("BINARY", ["TO_BINARY('00', 'HEX')", "TO_BINARY('FF00', 'HEX')", "TO_BINARY('FF01', 'HEX')"]),
        ("DATE", ["'1969-12-31'::DATE", "'2026-01-01'::DATE", "'2026-01-02'::DATE"]),
    ] {
        account.sql(&["DROP TABLE IF EXISTS CRM.PUBLIC.EVENTS"]);
        events(&account, cursor_type);
        for key in [&["ID"][..], &[]] {
            let pull = Pull::new(&account, by_cursor("EVENTS", "AT", key));
            account.sql(&["TRUNCATE TABLE CRM.PUBLIC.EVENTS"]);
            let [low, middle, high] = values.map(|value| value.replace("::DATE", ""));
            let cast = |value: &str| match cursor_type {
                "DATE" => format!("TO_DATE({value}, 'YYYY-MM-DD')"),
                _ => value.to_owned(),
            };
            insert(&account, &[(1, &cast(&low)), (2, &cast(&middle))]);
            pull.run().await.unwrap();
            insert(&account, &[(3, &cast(&middle)), (4, &cast(&high))]);
            let report = pull.run().await.unwrap();
            assert_eq!(pull.landed("ID"), ["1", "2", "3", "4"], "{cursor_type}");
            assert_eq!(report.read, 3, "{cursor_type}: from the bound on");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_column_that_was_dropped_or_renamed_stops_the_sync_with_a_remedy() {
    let account = Account::start().await;
    for change in [
        "ALTER TABLE CRM.PUBLIC.EVENTS DROP COLUMN AT",
        "ALTER TABLE CRM.PUBLIC.EVENTS RENAME COLUMN AT TO CHANGED_AT",
    ] {
        account.sql(&["DROP TABLE IF EXISTS CRM.PUBLIC.EVENTS"]);
        events(&account, "TIMESTAMP_NTZ(9)");
        insert(&account, &[(1, "'2026-01-01 12:00:00'")]);
        let pull = Pull::new(&account, by_at());
        pull.run().await.unwrap();
        account.sql(&[change]);
        let error = pull.run().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::SchemaChanged, "cursor_column_gone"),
            "{change}"
        );
        assert!(error.remedy().is_some_and(|remedy| remedy.contains("--full-refresh")), "{change}");
        assert_eq!(pull.landed("ID"), ["1"], "{change}: what was there stays");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_column_with_another_type_is_not_compared_with_a_value_of_the_old_one() {
    let account = Account::start().await;
    for (cursor_type, value) in [("TIMESTAMP_TZ(9)", "'2020-01-01 00:00:00 +00:00'"), ("VARCHAR", "'1'")] {
        account.sql(&["DROP TABLE IF EXISTS CRM.PUBLIC.EVENTS"]);
        events(&account, "TIMESTAMP_NTZ(9)");
        insert(&account, &[(1, "'2026-01-01 12:00:00'")]);
        let pull = Pull::new(&account, by_at());
        pull.run().await.unwrap();
        account.sql(&["DROP TABLE CRM.PUBLIC.EVENTS"]);
        events(&account, cursor_type);
        insert(&account, &[(2, value)]);
        let report = pull.run().await.unwrap();
        assert!(report.is_backfill && !report.column_changes.is_empty(), "{report:?}");
        assert_eq!(pull.landed("ID"), ["2"], "{cursor_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_of_a_table_without_a_key_repeats_no_row() {
    let account = Account::start().await;
    events(&account, "TIMESTAMP_NTZ(9)");
    insert(&account, &[(1, "'2026-01-01 12:00:00'"), (2, "'2026-01-01 13:00:00'")]);
    let mut spec = by_at();
    spec.key.clear();
    let pull = Pull::new(&account, spec);
    pull.run().await.unwrap();
    account.sql(&[
        "ALTER TABLE CRM.PUBLIC.EVENTS ADD COLUMN NOTE VARCHAR",
        "UPDATE CRM.PUBLIC.EVENTS SET NOTE = 'filled'",
    ]);
    pull.run().await.unwrap();
    assert_eq!(pull.rows("SELECT \"ID\", \"NOTE\" FROM crm.rows ORDER BY 1"), ["1 | filled", "2 | filled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_names_another_cursor_column_does_not_go_on_from_the_first_ones_value() {
    let account = Account::start().await;
    account.sql(&[
        "CREATE TABLE CRM.PUBLIC.EVENTS (ID NUMBER(18,0), AT TIMESTAMP_NTZ(9), CREATED_AT TIMESTAMP_NTZ(9))",
        "INSERT INTO CRM.PUBLIC.EVENTS VALUES (1, '2026-01-02', '2026-01-01')",
    ]);
    let mut pull = Pull::new(&account, by_at());
    pull.run().await.unwrap();
    pull.spec = by_cursor("EVENTS", "CREATED_AT", &["ID"]);
    let error = pull.run().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "cursor_changed"));
}
