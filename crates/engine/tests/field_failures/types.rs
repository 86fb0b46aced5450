//! Values that arrived as other ones.

use crate::account::{Account, HOSTILE};
use crate::pull::{Pull, by_cursor, whole};

/// Lands one row of these values, whatever the account is set to, and gives them as the vendor's file shows them.
async fn landed(columns: &str, values: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for parameters in [&[][..], HOSTILE] {
        let account = Account::with_parameters(parameters).await;
        account.sql(&[
            &format!("CREATE TABLE CRM.PUBLIC.T ({columns})"),
            &format!("INSERT INTO CRM.PUBLIC.T SELECT {values}"),
        ]);
        let pull = Pull::new(&account, whole("T"));
        pull.run().await.unwrap();
        seen.push(pull.rows("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM crm.rows").concat());
        seen.push(pull.rows("SELECT string_agg(data_type, ' | ') FROM (SELECT data_type FROM duckdb_columns() WHERE table_name = 'rows' ORDER BY column_index)").concat());
    }
    assert_eq!(seen[..2], seen[2..], "the account's parameters change nothing");
    seen.truncate(2);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_31663_no_parameter_of_the_account_changes_a_value() {
    let seen = landed(
        "A DATE, B TIME(9), C TIMESTAMP_NTZ(9), D TIMESTAMP_LTZ(6), E BINARY",
        "TO_DATE('2026-03-01'), TO_TIME('23:59:59.123456789'), \
         TO_TIMESTAMP_NTZ('2026-03-01 12:00:00.123456789'), \
         TO_TIMESTAMP_LTZ('2026-03-01 12:00:00 +02:00', 'YYYY-MM-DD HH24:MI:SS TZH:TZM'), TO_BINARY('00FF', 'HEX')",
    )
    .await;
    let values = seen[0].split(" | ").collect::<Vec<_>>();
    assert_eq!(values[..3], ["2026-03-01", "23:59:59.123456789", "2026-03-01 12:00:00.123456789"]);
    assert!(values[3].starts_with("2026-03-01 10:00:00"), "{}", values[3]);
    assert_eq!(values[4], "\\x00\\xFF");
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_31568_a_timestamp_keeps_its_offset() {
    let seen = landed(
        "AT TIMESTAMP_TZ(9)",
        "TO_TIMESTAMP_TZ('2026-03-01 12:00:00.5 +05:30', 'YYYY-MM-DD HH24:MI:SS.FF TZH:TZM')",
    )
    .await;
    assert_eq!(seen, ["2026-03-01 06:30:00.5 | 330", "TIMESTAMP_NS | SMALLINT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_19776_a_whole_number_stays_one() {
    let seen = landed("N NUMBER(38,0), M NUMBER(18,0)", "1790, 1790").await;
    assert_eq!(seen, ["1790 | 1790", "DECIMAL(38,0) | BIGINT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_4316_38_digits_and_what_is_no_number_arrive() {
    let digits = "99999999999999999999999999999999999999";
    let values = format!("{digits}, 'NaN'::FLOAT, 'inf'::FLOAT, '-inf'::FLOAT");
    let seen = landed("N NUMBER(38,0), A FLOAT, B FLOAT, C FLOAT", &values).await;
    assert_eq!(seen[0], format!("{digits} | nan | inf | -inf"));
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_83713_a_decimal_is_no_floating_point_number() {
    let seen = landed("PRICE NUMBER(38,9)", "12345678901234567890123456789.123456789").await;
    assert_eq!(seen, ["12345678901234567890123456789.123456789", "DECIMAL(38,9)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn estuary_5114_a_number_beyond_64_bits_stops_nothing() {
    let seen = landed("N NUMBER(38,0)", "18446744073709551616").await;
    assert_eq!(seen[0], "18446744073709551616");
}

#[tokio::test(flavor = "multi_thread")]
async fn risingwave_24762_cents_are_kept() {
    let seen = landed("AMOUNT NUMBER(12,2)", "0.99").await;
    assert_eq!(seen, ["0.99", "DECIMAL(12,2)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dlt_4317_an_instant_lands_as_an_instant() {
    let seen = landed(
        "A TIMESTAMP_LTZ(6), B TIMESTAMP_NTZ(6)",
        "TO_TIMESTAMP_LTZ('2026-07-01 00:00:00 -02:30', 'YYYY-MM-DD HH24:MI:SS TZH:TZM'), '2026-07-01'::TIMESTAMP_NTZ",
    )
    .await;
    assert_eq!(seen[1], "TIMESTAMP WITH TIME ZONE | TIMESTAMP");
    assert!(seen[0].starts_with("2026-07-01 02:30:00+00 | 2026-07-01 00:00:00"), "{}", seen[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ingestr_938_a_run_without_rows_changes_nothing_and_fails_nothing() {
    let account = Account::start().await;
    account.sql(&["CREATE TABLE CRM.PUBLIC.T (ID NUMBER(18,0), PRICE NUMBER(20,2), AT TIMESTAMP_NTZ(9))"]);
    let pull = Pull::new(&account, by_cursor("T", "AT", &["ID"]));
    pull.run().await.unwrap();
    account.sql(&["INSERT INTO CRM.PUBLIC.T VALUES (1, 1.50, '2026-01-01')"]);
    pull.run().await.unwrap();
    account.sql(&["DELETE FROM CRM.PUBLIC.T"]);
    let report = pull.run().await.unwrap();
    assert_eq!((report.read, report.inserted, report.updated), (0, 0, 0));
    assert_eq!(pull.landed("PRICE"), ["1.50"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudquery_14097_a_bound_means_the_same_instant_in_every_time_zone() {
    for zone in ["America/Los_Angeles", "Asia/Tokyo"] {
        let account = Account::with_parameters(&[("TIMEZONE", zone)]).await;
        account.sql(&[
            "CREATE TABLE CRM.PUBLIC.T (ID NUMBER(18,0), AT TIMESTAMP_LTZ(9))",
            "INSERT INTO CRM.PUBLIC.T SELECT 1, TO_TIMESTAMP_LTZ('2026-03-01 00:00:00 +00:00', 'YYYY-MM-DD HH24:MI:SS TZH:TZM')",
        ]);
        let pull = Pull::new(&account, by_cursor("T", "AT", &["ID"]));
        pull.run().await.unwrap();
        account.sql(&[
            "INSERT INTO CRM.PUBLIC.T SELECT 2, TO_TIMESTAMP_LTZ('2026-03-01 02:00:01 +02:00', 'YYYY-MM-DD HH24:MI:SS TZH:TZM')",
        ]);
        assert_eq!(pull.run().await.unwrap().read, 2);
        assert_eq!(pull.landed("ID"), ["1", "2"], "{zone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_68031_a_trailing_backslash_is_a_value_like_any_other() {
    let seen = landed("A VARCHAR, B VARIANT", "'x\\\\', PARSE_JSON('{\"a\": \"\\\\\\\\\"}')").await;
    assert_eq!(seen[0].split(" | ").next(), Some("x\\"));
    assert!(seen[0].contains(r#""\\""#), "{}", seen[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn metabase_13505_a_geography_column_fails_no_table() {
    let seen = landed(
        "ID NUMBER(9,0), PLACE GEOGRAPHY",
        "1, TO_GEOGRAPHY('{\"type\":\"Point\",\"coordinates\":[7,46]}')",
    )
    .await;
    assert!(seen[0].contains("Point") && seen[1].ends_with("VARCHAR"), "{seen:?}");
}
