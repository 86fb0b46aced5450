//! Claims about reading from Snowflake: on the emulator always, on a real account when a connection is named.
//!
//! `SNOWFERRY_LIVE_CONNECTION=name cargo test -p connectors live` runs them on that connection of
//! `~/.snowflake/connections.toml`. They only read, and need a virtual warehouse.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::array_value_to_string;
use arrow_schema::{DataType, TimeUnit};
use arrow_select::concat::concat_batches;
use connectors::snowflake::SnowflakeSource;
use futures_util::StreamExt;
use model::{
    Cursor, EndOfRead, ErrorKind, NullCursor, Progress, ReadEvent, ReadSpec, Source, StreamName, StreamPlan,
    StreamSpec, TableName,
};
use snowflake::ConnectionConfig;

/// One value of each type at one of its extremes, and the text in which it must arrive.
const VALUES: &[(&str, &str)] = &[
    ("99999999999999999999999999999999999999::NUMBER(38,0)", "99999999999999999999999999999999999999"),
    ("-0.0000000000000000000000000000000000001::NUMBER(38,37)", "-0.0000000000000000000000000000000000001"),
    ("999999999999999999::NUMBER(18,0)", "999999999999999999"),
    ("-1.50::NUMBER(10,2)", "-1.50"),
    ("'NaN'::FLOAT", "NaN"),
    ("'-inf'::FLOAT", "-inf"),
    ("0.1::FLOAT", "0.1"),
    ("TRUE", "true"),
    ("''", ""),
    ("'ünï \u{1F980}'", "ünï \u{1F980}"),
    ("TO_BINARY('00FF0A', 'HEX')", "00ff0a"),
    ("'0001-01-01'::DATE", "0001-01-01"),
    ("'9999-12-31'::DATE", "9999-12-31"),
    ("'23:59:59.999999999'::TIME(9)", "23:59:59.999999999"),
    ("'1969-12-31 23:59:59.5'::TIMESTAMP_NTZ(3)", "1969-12-31T23:59:59.500"),
    ("'2026-03-01 12:00:00.123456789'::TIMESTAMP_NTZ(9)", "2026-03-01T12:00:00.123456789"),
    ("'9999-12-31 23:59:59.999999'::TIMESTAMP_NTZ(6)", "9999-12-31T23:59:59.999999"),
    ("'2026-03-01 12:00:00 +05:30'::TIMESTAMP_LTZ(9)", "2026-03-01T06:30:00Z"),
    ("'2026-03-01 12:00:00.000000001 -14:00'::TIMESTAMP_TZ(9)", "2026-03-02T02:00:00.000000001Z"),
    ("PARSE_JSON('null')", "null"),
    ("NULL::VARIANT", "NULL"),
    ("NULL::TIMESTAMP_TZ(9)", "NULL"),
];

fn query(name: &str, sql: &str) -> StreamName {
    StreamName::Query { name: name.to_owned(), sql: sql.to_owned() }
}

async fn plan_of(
    source: &SnowflakeSource,
    stream: StreamName,
    read: ReadSpec,
    progress: &Progress,
) -> StreamPlan {
    let schema = source.describe(&stream).await.unwrap();
    let spec = StreamSpec {
        read,
        key: vec![schema.columns[0].name.clone()],
        max_shrink_percent: 100,
        ..StreamSpec::new(stream, TableName::in_vendor_database("s", "t"))
    };
    StreamPlan::build(&spec, &schema, progress).unwrap()
}

/// Reads until the end, or until `rows_max` rows have come; gives the rows, the last position and the end.
async fn read(
    source: &SnowflakeSource,
    plan: &StreamPlan,
    rows_max: usize,
) -> (RecordBatch, Option<Cursor>, Option<EndOfRead>) {
    let mut read = source.read(plan).await.unwrap();
    let (mut batches, mut position, mut end): (Vec<RecordBatch>, _, _) = (Vec::new(), None, None);
    while let Some(event) = read.events.next().await {
        match event.unwrap() {
            ReadEvent::Batch(batch) => {
                position = batch.resume.or(position);
                batches.push(batch.rows);
            }
            ReadEvent::End(last) => end = Some(last),
        }
        if batches.iter().map(RecordBatch::num_rows).sum::<usize>() >= rows_max && position.is_some() {
            break;
        }
    }
    (concat_batches(&plan.arrow_schema(), &batches).unwrap(), position, end)
}

async fn every_value_arrives_as_it_is(config: ConnectionConfig) {
    let source = SnowflakeSource::new(config);
    let columns: Vec<String> =
        VALUES.iter().enumerate().map(|(i, (sql, _))| format!("{sql} AS C{i}")).collect();
    let stream = query("values", &format!("SELECT {}", columns.join(", ")));
    let plan = plan_of(&source, stream, ReadSpec::FullRefresh, &Progress::default()).await;
    let (rows, _, _) = read(&source, &plan, usize::MAX).await;
    for (i, (sql, expected)) in VALUES.iter().enumerate() {
        let column = rows.column_by_name(&format!("C{i}")).unwrap();
        let shown = if column.is_null(0) { "NULL".to_owned() } else { shown(column) };
        assert_eq!(&shown, expected, "{sql}");
    }
    let offset = VALUES.iter().position(|(sql, _)| sql.contains("-14:00")).unwrap();
    let offset = rows.column_by_name(&format!("C{offset}__offset_minutes")).unwrap();
    assert_eq!(array_value_to_string(offset, 0).unwrap(), "-840");
    source.close().await;
}

/// A value as text; the formatter knows offsets but no zone names.
fn shown(column: &ArrayRef) -> String {
    let column = match column.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, Some(_)) => {
            let in_utc = column.as_primitive::<TimestampNanosecondType>().clone().with_timezone("+00:00");
            Arc::new(in_utc)
        }
        _ => Arc::clone(column),
    };
    array_value_to_string(&column, 0).unwrap()
}

const MANY: &str = "SELECT SEQ8() AS ID, 'row ' || ID AS NAME FROM TABLE(GENERATOR(ROWCOUNT => 200000))";

async fn a_read_that_stopped_goes_on_in_the_same_result(config: ConnectionConfig) {
    let source = SnowflakeSource::new(config.clone());
    let plan = plan_of(&source, query("many", MANY), ReadSpec::FullRefresh, &Progress::default()).await;
    let mut whole = source.read(&plan).await.unwrap();
    let mut delivered = 0;
    let mut position = None;
    while let Some(event) = whole.events.next().await {
        if let ReadEvent::Batch(batch) = event.unwrap() {
            delivered += batch.rows.num_rows();
            position = batch.resume;
        }
        if position.is_some() {
            break;
        }
    }
    drop(whole);

    // Another process, with nothing but the position.
    let other = SnowflakeSource::new(config);
    let plan = StreamPlan { staged: position, ..plan };
    let rest = other.read(&plan).await.unwrap();
    assert!(rest.is_continued);
    let (rows, _, end) = read(&other, &plan, usize::MAX).await;
    assert!(end.is_some());
    assert_eq!(delivered + rows.num_rows(), 200_000);
    source.close().await;
    other.close().await;
}

async fn a_cursor_bound_is_exact_whatever_the_session_is_set_to(config: ConnectionConfig) {
    let hostile = config
        .session_parameter("TIMEZONE", "America/St_Johns")
        .session_parameter("TIMESTAMP_INPUT_FORMAT", "DD/MM/YYYY")
        .session_parameter("DATE_INPUT_FORMAT", "DD/MM/YYYY");
    for ty in ["TIMESTAMP_NTZ(9)", "TIMESTAMP_LTZ(9)", "TIMESTAMP_TZ(9)"] {
        let function = ty.trim_end_matches("(9)");
        let at = |text: &str| format!("TO_{function}('{text}', 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')::{ty}");
        let [first, second] =
            ["2026-03-01 12:00:00.123456788 +00:00", "2026-03-01 12:00:00.123456789 +00:00"].map(at);
        let sql = format!("SELECT 1 AS ID, {first} AS AT UNION ALL SELECT 2, {second}");
        let source = SnowflakeSource::new(hostile.clone());
        let by_cursor = ReadSpec::Incremental {
            cursor_column: "AT".into(),
            lookback: Duration::ZERO,
            null_cursor: NullCursor::Include,
        };
        let plan = plan_of(&source, query("two", &sql), by_cursor, &Progress::default()).await;
        let (rows, _, end) = read(&source, &plan, usize::MAX).await;
        assert_eq!(rows.num_rows(), 2, "{ty}");
        let plan = StreamPlan { since: Some(end.unwrap().cursor), ..plan };
        let (rows, _, _) = read(&source, &plan, usize::MAX).await;
        assert_eq!(rows.num_rows(), 1, "{ty}: the bound is the second row's very value");
        source.close().await;
    }
}

async fn an_absent_table_is_not_found(config: ConnectionConfig) {
    let source = SnowflakeSource::new(config);
    let table = TableName::in_snowflake("NO_SUCH_DB", "S", "T");
    let error = source.describe(&StreamName::Table(table)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    source.close().await;
}

macro_rules! claims {
    ($config:path: $($claim:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $claim() {
                if let Some((config, _alive)) = $config().await {
                    super::$claim(config).await;
                }
            }
        )+
    };
}

mod emulated {
    use emulator::{Emulator, EmulatorConfig, RunningEmulator, User};
    use snowflake::{ConnectionConfig, Credentials, Endpoint};

    async fn config() -> Option<(ConnectionConfig, RunningEmulator)> {
        let user = User::new("SYNC").with_password("secret").with_default_role("ACCOUNTADMIN");
        let config = EmulatorConfig { users: vec![user], ..EmulatorConfig::default() };
        let emulator = Emulator::start(config).await.unwrap();
        tokio::task::block_in_place(|| {
            emulator::sample::run(&emulator, ["CREATE WAREHOUSE IF NOT EXISTS WH".to_owned().into()])
        })
        .unwrap();
        let config =
            ConnectionConfig::new("acme-prod".parse().unwrap(), "SYNC", Credentials::password("secret"))
                .virtual_warehouse("WH")
                .endpoint(Endpoint::parse(emulator.url()).unwrap())
                .allow_http_loopback(true);
        Some((config, emulator))
    }

    claims!(config:
        every_value_arrives_as_it_is,
        a_read_that_stopped_goes_on_in_the_same_result,
        a_cursor_bound_is_exact_whatever_the_session_is_set_to,
        an_absent_table_is_not_found,
    );
}

mod live {
    use snowflake::{ConnectionConfig, ConnectionsFile};

    /// The named connection, or nothing to do where none is named.
    fn config() -> std::future::Ready<Option<(ConnectionConfig, ())>> {
        let Ok(name) = std::env::var("SNOWFERRY_LIVE_CONNECTION") else {
            println!("skipped: SNOWFERRY_LIVE_CONNECTION names no connection");
            return std::future::ready(None);
        };
        std::future::ready(Some((ConnectionsFile::read_default().unwrap().connection(&name).unwrap(), ())))
    }

    claims!(config:
        every_value_arrives_as_it_is,
        a_read_that_stopped_goes_on_in_the_same_result,
        a_cursor_bound_is_exact_whatever_the_session_is_set_to,
        an_absent_table_is_not_found,
    );
}
