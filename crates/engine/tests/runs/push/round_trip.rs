//! There and back: what leaves a tenant's file for Snowflake comes back as it was, in every type and at every extreme.

use std::sync::Arc;

use connectors::duckdb::DuckDbDestination;
use connectors::snowflake::SnowflakeSource;
use connectors::snowflake::push::PushSettings;
use engine::{RunOptions, RunProgress, Sync, run};
use model::{StreamName, StreamSpec, TableName, WriteSpec};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::account::Account;
use super::vendor::{Vendor, actions_into};

/// One column of each DuckDB type, with its least and its greatest value and something odd.
const COLUMNS: &[(&str, &str, &[&str])] = &[
    ("b", "BOOLEAN", &["true", "false"]),
    ("i1", "TINYINT", &["-128", "127"]),
    ("i4", "INTEGER", &["-2147483648", "2147483647"]),
    ("i8", "BIGINT", &["-9223372036854775808", "9223372036854775807"]),
    ("u8", "UBIGINT", &["0", "18446744073709551615"]),
    (
        "huge",
        "HUGEINT",
        &["-99999999999999999999999999999999999999", "99999999999999999999999999999999999999"],
    ),
    ("dec", "DECIMAL(38,9)", &["-99999999999999999999999999999.999999999", "0.000000001"]),
    ("small", "DECIMAL(4,2)", &["-99.99", "0.01"]),
    ("f8", "DOUBLE", &["'nan'", "'-inf'", "1.7976931348623157e308", "5e-324", "0.1"]),
    ("f4", "FLOAT", &["3.4028235e38", "1.5"]),
    (
        "t",
        "VARCHAR",
        &[
            "''",
            "'\\N'",
            "'NULL'",
            "'ünï \u{1F980} '' \" \\ ' || chr(10) || chr(9) || '  '",
            "repeat('x', 100000)",
        ],
    ),
    ("bin", "BLOB", &["''", "'\\x00\\xFF\\x0A'"]),
    ("d", "DATE", &["'0001-01-01'", "'9999-12-31'", "'1969-12-31'"]),
    ("tm", "TIME", &["'00:00:00'", "'23:59:59.999999'"]),
    (
        "ts",
        "TIMESTAMP",
        &["'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.5'"],
    ),
    ("tns", "TIMESTAMP_NS", &["'1677-09-22 00:00:00.000000001'", "'2262-04-11 00:00:00.999999999'"]),
    ("tz", "TIMESTAMPTZ", &["'0001-01-02 00:00:00+00'", "'9999-12-30 23:59:59.999999+00'"]),
    ("js", "JSON", &["'null'", "'{\"a\":[1,true,\"x\"]}'", "'[]'", "'\"text\"'"]),
];

/// A table of all of them: a row for each value, with NULL in all other columns, and a row of NULLs.
fn everything() -> String {
    let definitions: Vec<String> = COLUMNS.iter().map(|(name, ty, _)| format!("{name} {ty}")).collect();
    let mut sql = format!(
        "CREATE SCHEMA app; CREATE TABLE app.actions (id BIGINT, happened_at TIMESTAMP, {});",
        definitions.join(", ")
    );
    let mut id = 0;
    for (name, ty, values) in COLUMNS {
        for value in *values {
            id += 1;
            sql.push_str(&format!(
                "INSERT INTO app.actions (id, happened_at, {name}) VALUES ({id}, TIMESTAMP '2026-01-01' + INTERVAL {id} SECOND, ({value})::{ty});"
            ));
        }
    }
    sql.push_str("INSERT INTO app.actions (id, happened_at) VALUES (0, TIMESTAMP '2026-01-01')");
    sql
}

/// Pulls a table of the account into the tenant's file.
async fn pull(account: &Account, vendor: &Vendor, from: &TableName, into: &TableName) {
    account.admin(&[&format!("GRANT SELECT ON TABLE {from} TO ROLE PUSHING")]);
    let source = Arc::new(SnowflakeSource::new(account.config()));
    let destination = DuckDbDestination::on(vendor.database()).unwrap();
    let spec = StreamSpec {
        key: vec!["ID".into()],
        max_shrink_percent: 100,
        ..StreamSpec::new(StreamName::Table(from.clone()), into.clone())
    };
    let sync =
        Sync { source: Arc::<SnowflakeSource>::clone(&source), destination: Arc::new(destination), spec };
    let (progress, _watched) = watch::channel(RunProgress::default());
    run(&sync, &RunOptions::default(), &progress, &CancellationToken::new()).await.unwrap();
    source.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_comes_back_as_it_left_through_every_mode() {
    let account = Account::start().await;
    account.admin(&["GRANT CREATE TABLE ON SCHEMA CRM.OUT TO ROLE PUSHING"]);
    for (name, write) in
        [("A", WriteSpec::Append), ("R", WriteSpec::Rewrite), ("U", WriteSpec::Upsert { delete_flag: None })]
    {
        let vendor = Vendor::with(&everything());
        let target = TableName::in_snowflake("CRM", "OUT", name);
        let settings = PushSettings { create_table: true, ..PushSettings::default() };
        vendor.push(&account, &actions_into(&target, write.clone()), settings).await.unwrap();
        if name == "U" {
            // Once more, over rows that are all there already.
            let report =
                vendor.push(&account, &actions_into(&target, write), PushSettings::default()).await.unwrap();
            assert_eq!(report.inserted, 0);
        }
        let back = TableName::in_vendor_database("back", name.to_lowercase());
        pull(&account, &vendor, &target, &back).await;
        for (column, ty, values) in COLUMNS {
            let text = |table: &str| {
                let value = match *ty {
                    "BLOB" => format!("hex({column})"),
                    // Snowflake sets a document its own way.
                    "JSON" => format!("json({column}::JSON)::VARCHAR"),
                    ty => format!("{column}::{ty}::VARCHAR"),
                };
                vendor
                    .rows(&format!("SELECT id, {value} FROM {table} WHERE {column} IS NOT NULL ORDER BY id"))
            };
            let (there, here) = (text(&format!("back.{}", name.to_lowercase())), text("app.actions"));
            assert_eq!(here.len(), values.len(), "{column}");
            assert_eq!(there, here, "{name}: {column} {ty}");
        }
        assert_eq!(account.staged().await, Vec::<String>::new());
    }
}
