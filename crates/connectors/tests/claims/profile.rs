//! Claims about what an account says of columns that could be followed: counts that are exact, and choices that are
//! refused by them.

use std::time::Duration;

use connectors::snowflake::SnowflakeSource;
use emulator::{Emulator, EmulatorConfig, RunningEmulator, User};
use model::{
    Advice, Column, Extent, NullCursor, Profile, ProfileBounds, ProfilePlan, ReadSpec, Source, StreamName,
    StreamSpec, TableName, TimePrecision,
};
use snowflake::{ConnectionConfig, Credentials, Endpoint};

/// Two thousand rows, with a column for each way in which one can be safe or unsafe.
const TABLE: &str = "CREATE TABLE CRM.PUBLIC.LABELLED CHANGE_TRACKING = TRUE AS SELECT \
    SEQ4() AS ID, \
    IFF(SEQ4() = 7, NULL, SEQ4()) AS NULL_ID, \
    FLOOR(SEQ4() / 2)::NUMBER(9,0) AS TWICE_ID, \
    DATEADD('second', -60 - SEQ4(), SYSDATE())::TIMESTAMP_NTZ(9) AS GOOD_AT, \
    CONVERT_TIMEZONE('Asia/Kolkata', DATEADD('second', -60 - SEQ4(), CURRENT_TIMESTAMP()))::TIMESTAMP_TZ(9) AS ZONED_AT, \
    DATEADD('second', -60 - SEQ4(), CURRENT_TIMESTAMP())::TIMESTAMP_LTZ(3) AS LOCAL_AT, \
    IFF(MOD(SEQ4(), 3) = 0, NULL, DATEADD('second', -SEQ4(), '2026-01-01 00:00:00'::TIMESTAMP_NTZ)) AS NULL_AT, \
    IFF(SEQ4() < 1500, '2026-01-02', '2026-01-01')::TIMESTAMP_NTZ AS TIED_AT, \
    IFF(SEQ4() < 500, '2026-01-02', '2026-01-01')::TIMESTAMP_NTZ AS OLD_TIE_AT, \
    DATEADD('day', IFF(SEQ4() < 200, 30, -30), SYSDATE())::TIMESTAMP_NTZ AS PLANNED_AT, \
    DATEADD('day', -MOD(SEQ4(), 100), SYSDATE())::DATE AS DAY, \
    SEQ4()::VARCHAR AS NUMBER_TEXT, \
    LPAD(SEQ4()::VARCHAR, 26, '0') AS EVEN_TEXT \
    FROM TABLE(GENERATOR(ROWCOUNT => 2000))";

struct Account {
    source: SnowflakeSource,
    _emulator: RunningEmulator,
}

impl Account {
    async fn start(statements: &[&str]) -> Self {
        let user = User::new("SYNC").with_password("secret").with_default_role("ACCOUNTADMIN");
        let config = EmulatorConfig { users: vec![user], ..EmulatorConfig::default() };
        let emulator = Emulator::start(config).await.unwrap();
        let statements = [&["CREATE WAREHOUSE WH", "CREATE DATABASE CRM"], statements].concat();
        let statements = statements.iter().map(|sql| (*sql).to_owned().into());
        tokio::task::block_in_place(|| emulator::sample::run(&emulator, statements)).unwrap();
        let config = ConnectionConfig::new("acme".parse().unwrap(), "SYNC", Credentials::password("secret"))
            .virtual_warehouse("WH")
            .endpoint(Endpoint::parse(emulator.url()).unwrap())
            .allow_http_loopback(true);
        Self { source: SnowflakeSource::new(config), _emulator: emulator }
    }

    /// Looks at all columns of a table.
    async fn profile(&self, table: &str, bounds: ProfileBounds) -> Profile {
        let schema = self.source.describe(&stream(table)).await.unwrap();
        let columns: Vec<Column> = schema.columns.clone();
        let plan = ProfilePlan { columns, ..ProfilePlan::of_candidates(&schema, bounds) };
        self.source.profile(&plan).await.unwrap()
    }

    /// The code of the refusal of a choice, if any.
    async fn refused(&self, cursor: &str, null_cursor: NullCursor, key: &[&str]) -> Option<&'static str> {
        let schema = self.source.describe(&stream("LABELLED")).await.unwrap();
        let read =
            ReadSpec::Incremental { cursor_column: cursor.into(), lookback: Duration::ZERO, null_cursor };
        let spec = StreamSpec {
            read,
            key: key.iter().map(|name| (*name).to_owned()).collect(),
            ..StreamSpec::new(stream("LABELLED"), TableName::in_vendor_database("s", "t"))
        };
        let plan = ProfilePlan::of_choice(&schema, &spec, ProfileBounds::default()).unwrap();
        let profile = self.source.profile(&plan).await.unwrap();
        profile.refuse_unsafe(&spec).err().map(|error| error.code())
    }
}

fn stream(table: &str) -> StreamName {
    StreamName::Table(TableName::in_snowflake("CRM", "PUBLIC", table))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_count_of_a_whole_table_is_exact() {
    let account = Account::start(&[TABLE]).await;
    let profile = account.profile("LABELLED", ProfileBounds::default()).await;
    assert_eq!((profile.extent, profile.tracks_changes), (Extent::Whole, Some(true)));
    assert_eq!((profile.cost.statements, profile.cost.virtual_warehouse.as_deref()), (1, Some("WH")));
    let counts: Vec<String> = profile
        .columns
        .iter()
        .map(|column| {
            assert_eq!(column.row_count, 2_000, "{column:?}");
            let lengths = column.lengths.map(|(from, to)| format!(" {from}-{to}")).unwrap_or_default();
            format!(
                "{}: {} NULL, {} values, ties {} {}, {} ahead{lengths}",
                column.column.name,
                column.null_count,
                column.distinct_count,
                column.largest_tie,
                column.newest_tie,
                column.future_count,
            )
        })
        .collect();
    insta::assert_snapshot!(counts.join("\n"), @r"
    ID: 0 NULL, 2000 values, ties 1 1, 0 ahead
    NULL_ID: 1 NULL, 1999 values, ties 1 1, 0 ahead
    TWICE_ID: 0 NULL, 1000 values, ties 2 2, 0 ahead
    GOOD_AT: 0 NULL, 2000 values, ties 1 1, 0 ahead
    ZONED_AT: 0 NULL, 2000 values, ties 1 1, 0 ahead
    LOCAL_AT: 0 NULL, 2000 values, ties 1 1, 0 ahead
    NULL_AT: 667 NULL, 1333 values, ties 1 1, 0 ahead
    TIED_AT: 0 NULL, 2 values, ties 1500 1500, 0 ahead
    OLD_TIE_AT: 0 NULL, 2 values, ties 1500 500, 0 ahead
    PLANNED_AT: 0 NULL, 2 values, ties 1800 1800, 200 ahead
    DAY: 0 NULL, 100 values, ties 20 20, 0 ahead
    NUMBER_TEXT: 0 NULL, 2000 values, ties 1 1, 0 ahead 1-4
    EVEN_TEXT: 0 NULL, 2000 values, ties 1 1, 0 ahead 26-26
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn times_tell_how_fine_and_how_old_they_are() {
    let account = Account::start(&[TABLE]).await;
    let profile = account.profile("LABELLED", ProfileBounds::default()).await;
    let precision = |name: &str| profile.column(name).unwrap().precision;
    assert_eq!(precision("ID"), None);
    assert_eq!(precision("DAY"), Some(TimePrecision::Days));
    assert_eq!(precision("TIED_AT"), Some(TimePrecision::Days));
    assert_eq!(precision("NULL_AT"), Some(TimePrecision::Seconds));
    for zone in ["GOOD_AT", "ZONED_AT", "LOCAL_AT"] {
        let column = profile.column(zone).unwrap();
        assert_eq!(column.precision, Some(TimePrecision::Finer), "{zone}");
        let age = column.newest_age_seconds.unwrap();
        assert!((60..120).contains(&age), "{zone}: {age} s");
    }
    // What is ahead of the clock is not the newest.
    let age_days = profile.column("PLANNED_AT").unwrap().newest_age_seconds.unwrap() / 86_400;
    assert_eq!(age_days, 30);
    assert!(profile.column("NULL_AT").unwrap().newest.as_ref().unwrap().starts_with("2025-12-31 23:59:59"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_unsafe_choice_is_refused_and_each_safe_one_is_taken() {
    let account = Account::start(&[TABLE]).await;
    let (include, exclude) = (NullCursor::Include, NullCursor::Exclude);
    for (cursor, null_cursor, key, expected) in [
        ("GOOD_AT", include, &["ID"][..], None),
        ("ZONED_AT", include, &["ID"], None),
        ("LOCAL_AT", exclude, &[], None),
        ("DAY", include, &["ID"], None),
        ("ID", include, &["ID"], None),
        ("EVEN_TEXT", include, &["ID"], None),
        ("OLD_TIE_AT", include, &["ID"], None),
        ("NULL_AT", include, &["ID"], None),
        ("GOOD_AT", include, &["TWICE_ID", "EVEN_TEXT"], None),
        ("GOOD_AT", include, &["NULL_ID"], None),
        ("NULL_AT", exclude, &["ID"], Some("cursor_unsafe")),
        ("TIED_AT", include, &["ID"], Some("cursor_unsafe")),
        ("PLANNED_AT", include, &["ID"], Some("cursor_unsafe")),
        ("NUMBER_TEXT", include, &["ID"], Some("cursor_unsafe")),
        ("GOOD_AT", include, &["TWICE_ID"], Some("key_unsafe")),
        ("GOOD_AT", include, &["NULL_AT"], Some("key_unsafe")),
    ] {
        let code = account.refused(cursor, null_cursor, key).await;
        assert_eq!(code, expected, "{cursor} {null_cursor:?} by {key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_advised_of_a_labelled_table_is_safe() {
    let account = Account::start(&[TABLE]).await;
    let advice = Advice::of(&account.profile("LABELLED", ProfileBounds::default()).await);
    let (cursor, key) = (advice.cursor.unwrap(), advice.key.unwrap());
    assert_eq!((cursor.column.as_str(), key.column.as_str()), ("ZONED_AT", "ID"));
    assert_eq!(account.refused(&cursor.column, NullCursor::Include, &[&key.column]).await, None);
    let refused = advice.verdicts.iter().filter(|verdict| !verdict.is_safe);
    let refused: Vec<&str> = refused.map(|verdict| verdict.column.as_str()).collect();
    for unsafe_column in ["NULL_AT", "TIED_AT", "PLANNED_AT", "NUMBER_TEXT"] {
        assert!(refused.contains(&unsafe_column), "{unsafe_column}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_table_is_advised_on_by_its_names() {
    let table = "CREATE TABLE CRM.PUBLIC.EMPTY (ID NUMBER(18,0), UPDATED_AT TIMESTAMP_LTZ(9))";
    let account = Account::start(&[table]).await;
    let advice = Advice::of(&account.profile("EMPTY", ProfileBounds::default()).await);
    assert_eq!(advice.cursor.unwrap().column, "UPDATED_AT");
    assert_eq!(advice.key.unwrap().column, "ID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_table_is_sampled_by_blocks_and_a_view_is_cut_off() {
    let large =
        "CREATE TABLE CRM.PUBLIC.LARGE AS SELECT SEQ4() AS ID FROM TABLE(GENERATOR(ROWCOUNT => 100000))";
    let view = "CREATE VIEW CRM.PUBLIC.SEEN AS SELECT ID FROM CRM.PUBLIC.LARGE";
    let account = Account::start(&[large, view]).await;
    let bounds = ProfileBounds { row_count_max: 20_000, ..ProfileBounds::default() };
    let sampled = account.profile("LARGE", bounds).await;
    assert_eq!((sampled.extent, sampled.cost.statements), (Extent::Blocks { percent: 20.0 }, 1));
    let rows = sampled.columns[0].row_count;
    assert!((1..100_000).contains(&rows), "{rows} rows of 100,000");
    let again = account.profile("LARGE", bounds).await;
    assert_eq!(again.columns, sampled.columns, "the same blocks");
    let cut = account.profile("SEEN", bounds).await;
    assert_eq!((cut.extent, cut.columns[0].row_count), (Extent::First { row_count_max: 20_000 }, 20_000));
    assert_eq!(cut.tracks_changes, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_that_chance_left_empty_is_taken_row_by_row() {
    let account = Account::start(&[TABLE]).await;
    let bounds = ProfileBounds { row_count_max: 200, ..ProfileBounds::default() };
    let profile = account.profile("LABELLED", bounds).await;
    assert_eq!((profile.extent, profile.cost.statements), (Extent::Rows { percent: 10.0 }, 2));
    let rows = profile.columns[0].row_count;
    assert!((100..400).contains(&rows), "{rows} rows of 2,000");
}
