//! Names that were folded, refused, or looked for at great cost.

use model::{ErrorKind, Source, StreamFilter, StreamSpec};

use crate::account::{Account, HOSTILE};
use crate::pull::{Pull, by_cursor};

/// A table with these names, as they are written in double quotes.
fn quoted_table(account: &Account, table: &str, cursor: &str) {
    account.sql(&[
        &format!("CREATE TABLE CRM.PUBLIC.\"{table}\" (\"id\" NUMBER(18,0), \"{cursor}\" TIMESTAMP_NTZ(9))"),
        &format!("INSERT INTO CRM.PUBLIC.\"{table}\" VALUES (1, '2026-01-01')"),
    ]);
}

async fn follows(account: &Account, spec: StreamSpec, table: &str) {
    let pull = Pull::new(account, spec);
    pull.run().await.unwrap();
    account.sql(&[&format!("INSERT INTO CRM.PUBLIC.\"{table}\" VALUES (2, '2026-01-02')")]);
    let report = pull.run().await.unwrap();
    assert_eq!((report.read, report.inserted), (2, 1));
    assert_eq!(pull.landed("id"), ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn posthog_60944_a_cursor_column_in_lower_case_is_followed() {
    let account = Account::start().await;
    quoted_table(&account, "Deals", "created_datetime");
    follows(&account, by_cursor("Deals", "created_datetime", &["id"]), "Deals").await;
    let pull = Pull::new(&account, by_cursor("Deals", "CREATED_DATETIME", &["id"]));
    let error = pull.run().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.remedy()),
        (ErrorKind::Config, Some("its exact name is created_datetime"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sling_85_a_lower_case_table_with_a_lower_case_cursor_is_followed_without_a_key() {
    let account = Account::start().await;
    quoted_table(&account, "deals", "updated_at");
    follows(&account, by_cursor("deals", "updated_at", &[]), "deals").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn target_snowflake_332_names_keep_their_case_whatever_the_account_says() {
    let account = Account::with_parameters(HOSTILE).await;
    account.sql(&[
        "CREATE TABLE CRM.PUBLIC.\"deals\" (\"id\" NUMBER(18,0), \"ID\" NUMBER(18,0), \"at\" TIMESTAMP_NTZ(9))",
        "CREATE TABLE CRM.PUBLIC.DEALS (\"id\" NUMBER(18,0))",
        "INSERT INTO CRM.PUBLIC.\"deals\" VALUES (1, -1, '2026-01-01')",
    ]);
    let pull = Pull::new(&account, by_cursor("deals", "at", &["id"]));
    pull.run().await.unwrap();
    assert_eq!(pull.rows("SELECT \"id\", \"ID_2\" FROM crm.rows"), ["1 | -1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_28638_reserved_words_spaces_quotes_and_255_characters_are_names() {
    let account = Account::start().await;
    let long = "ä".repeat(255);
    for (table, cursor) in
        [("select", "order"), ("two words", "a.b"), (long.as_str(), "it's"), ("$1", long.as_str())]
    {
        quoted_table(&account, table, cursor);
        follows(&account, by_cursor(table, cursor, &["id"]), table).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dbt_1877_discovery_and_description_need_no_virtual_warehouse() {
    let account = Account::start().await;
    quoted_table(&account, "deals", "at");
    account.sql(&["CREATE VIEW CRM.PUBLIC.V AS SELECT * FROM CRM.PUBLIC.\"deals\""]);
    let mut config = account.config();
    config.virtual_warehouse = None;
    let source = connectors::snowflake::SnowflakeSource::new(config);
    let filter = StreamFilter { database: Some("CRM".into()), ..StreamFilter::default() };
    let streams = source.discover(&filter).await.unwrap();
    assert_eq!(streams.len(), 2);
    for stream in &streams {
        assert_eq!(source.describe(&stream.stream).await.unwrap().columns.len(), 2);
    }
    source.close().await;
    assert!(account.statements().iter().all(|sql| !sql.to_uppercase().contains("INFORMATION_SCHEMA.")));
}

#[tokio::test(flavor = "multi_thread")]
async fn meltano_1048_one_table_is_discovered_without_the_others() {
    let account = Account::start().await;
    let tables: Vec<String> = (0..20).map(|n| format!("CREATE TABLE CRM.PUBLIC.T{n} (ID NUMBER)")).collect();
    account.sql(&tables.iter().map(String::as_str).collect::<Vec<_>>());
    let source = account.source();
    let filter = StreamFilter {
        database: Some("CRM".into()),
        schema: Some("PUBLIC".into()),
        table: Some("T7".into()),
    };
    let streams = source.discover(&filter).await.unwrap();
    source.close().await;
    assert_eq!(streams.len(), 1);
    let asked = account.statements();
    assert!(asked.len() <= 3 && asked.iter().all(|sql| sql.contains("T7")), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn airbyte_37311_a_run_asks_for_little_metadata() {
    let account = Account::start().await;
    quoted_table(&account, "deals", "at");
    let pull = Pull::new(&account, by_cursor("deals", "at", &["id"]));
    pull.run().await.unwrap();
    let first = account.statements().len();
    account.sql(&["INSERT INTO CRM.PUBLIC.\"deals\" VALUES (2, '2026-01-02')"]);
    pull.run().await.unwrap();
    let later = account.statements().len() - first;
    assert!(first <= METADATA_MAX && later <= METADATA_MAX + 1, "{:?}", account.statements());
}

/// Statements of a run: the columns, whether they are a table's or a view's, what kind of object it is, the clock with
/// the change token, and the read. A later run asks for the token beforehand.
const METADATA_MAX: usize = 6;
