//! Random rows of every type, landed by a real pull: both sides sum them up alike, and a single changed cell is seen.

use std::num::NonZeroU32;

use engine::VerifyOptions;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::account::{Pulled, all_of};

/// A column of each type: its name, Snowflake's type, how a literal is wrapped, and a change of a value in DuckDB.
const COLUMNS: &[(&str, &str, &str, &str)] = &[
    ("BOOL", "BOOLEAN", "{}", "NOT \"BOOL\""),
    ("WHOLE", "NUMBER(18,0)", "{}", "xor(\"WHOLE\", 1)"),
    ("WIDE", "NUMBER(38,0)", "{}", "-\"WIDE\""),
    ("MONEY", "NUMBER(12,2)", "{}", "-\"MONEY\""),
    ("PART", "NUMBER(9,9)", "{}", "-\"PART\""),
    ("FINE", "NUMBER(38,37)", "{}", "-\"FINE\""),
    ("REAL", "FLOAT", "'{}'::FLOAT", "-\"REAL\""),
    ("TEXT", "VARCHAR", "'{}'", "\"TEXT\" || ' '"),
    ("BYTES", "BINARY", "TO_BINARY('{}', 'HEX')", "\"BYTES\" || '\\x00'::BLOB"),
    ("DAY", "DATE", "'{}'::DATE", "\"DAY\" + 1"),
    // No literal has a year of five digits, but a sum may.
    ("FAR_DAY", "DATE", "DATEADD('day', {}, '1970-01-01'::DATE)", "\"FAR_DAY\" - 1"),
    ("CLOCK", "TIME(9)", "'{}'::TIME", "'12:34:56.000000007'::TIME_NS"),
    ("CLOCK3", "TIME(3)", "'{}'::TIME", "'12:34:56.007'::TIME"),
    ("NTZ", "TIMESTAMP_NTZ(9)", "'{}'::TIMESTAMP_NTZ", "make_timestamp_ns(epoch_ns(\"NTZ\") + 1)"),
    ("NTZ3", "TIMESTAMP_NTZ(3)", "'{}'::TIMESTAMP_NTZ", "\"NTZ3\" + INTERVAL 1 MILLISECOND"),
    ("LTZ", "TIMESTAMP_LTZ(9)", "'{} +00:00'::TIMESTAMP_LTZ", "make_timestamp_ns(epoch_ns(\"LTZ\") + 1)"),
    (
        "LTZ6",
        "TIMESTAMP_LTZ(6)",
        "'{} +00:00'::TIMESTAMP_LTZ",
        "CAST(make_timestamp(epoch_us(\"LTZ6\") + 1) AS TIMESTAMPTZ)",
    ),
    ("TZ", "TIMESTAMP_TZ(9)", "'{} -03:30'::TIMESTAMP_TZ", "make_timestamp_ns(epoch_ns(\"TZ\") + 1)"),
    (
        "TZ6",
        "TIMESTAMP_TZ(6)",
        "'{} +05:45'::TIMESTAMP_TZ",
        "CAST(make_timestamp(epoch_us(\"TZ6\") + 1) AS TIMESTAMPTZ)",
    ),
    ("SHAPE", "GEOGRAPHY", "TO_GEOGRAPHY('{}')", "'{\"coordinates\": [181, 0], \"type\": \"Point\"}'"),
    ("PLANE", "GEOMETRY", "TO_GEOMETRY('{}')", "'{\"coordinates\": [181, 0], \"type\": \"Point\"}'"),
    ("DOCUMENT", "VARIANT", "PARSE_JSON('{}')", "\"DOCUMENT\" || '0'"),
];
/// So many that two rows of which a cell is changed are hardly ever in the same one.
const BUCKETS: u32 = 4_096;
const OFFSET: (&str, &str) = ("TZ__offset_minutes", "\"TZ__offset_minutes\" + 1");

/// Literals of one column's type.
fn literal(name: &'static str) -> BoxedStrategy<String> {
    let digits = |whole: usize, fraction: usize| {
        let digits = prop::collection::vec(0..10_u8, whole + fraction);
        (digits, any::<bool>(), prop::bool::weighted(0.2)).prop_map(move |(digits, is_negative, is_small)| {
            let text: String =
                digits.iter().map(|digit| if is_small { '0' } else { char::from(b'0' + digit) }).collect();
            let (before, after) = text.split_at(whole);
            format!(
                "{}{}.{}1",
                if is_negative { "-" } else { "" },
                if whole == 0 { "0" } else { before },
                &after[..fraction - 1]
            )
        })
    };
    let moment = |fraction: usize| {
        let years = prop_oneof![1_678..2_261_i32, Just(1_969), Just(2_026)];
        (years, 1..13_u8, 1..29_u8, 0..24_u8, 0..60_u8, 0..60_u8, 0..1_000_000_000_u32).prop_map(
            move |(year, month, day, hour, minute, second, nanosecond)| {
                let digits = format!("{nanosecond:09}");
                format!(
                    "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{}",
                    &digits[..fraction]
                )
            },
        )
    };
    match name {
        "BOOL" => any::<bool>().prop_map(|truth| truth.to_string()).boxed(),
        "WHOLE" => prop_oneof![-9_i64..9, -999_999_999_999_999_999_i64..=999_999_999_999_999_999]
            .prop_map(|number| number.to_string())
            .boxed(),
        "WIDE" => "-?[1-9][0-9]{0,37}".boxed(),
        "MONEY" => digits(10, 2).boxed(),
        "PART" => digits(0, 9).boxed(),
        "FINE" => digits(1, 37).boxed(),
        "REAL" => any::<f64>().prop_filter("not the zero that changes to itself", |f| *f != 0.0 && !f.is_nan()).prop_map(float).boxed(),
        "TEXT" => prop_oneof![4 => "[a-zA-Z ,:\"ünï東😀-]{0,20}", 1 => Just("x".repeat(70_000)), 1 => Just(String::new())].boxed(),
        "BYTES" => "([0-9A-F]{2}){0,10}".boxed(),
        "DAY" => (1..9_999_i32, 1..13_u8, 1..29_u8).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}")).boxed(),
        "FAR_DAY" => (-719_162..35_000_000_i32).prop_map(|days| days.to_string()).boxed(),
        "SHAPE" | "PLANE" => prop_oneof![
            (-180..180_i32, -90..90_i32).prop_map(|(x, y)| format!(r#"{{"coordinates": [{x}, {y}.5], "type": "Point"}}"#)),
            (-9..9_i32).prop_map(|x| format!(r#"{{"coordinates":[[0,0],[{x},1.25]],"type":"LineString"}}"#)),
        ].boxed(),
        "CLOCK" => (0..24_u8, 0..60_u8, 0..60_u8, 0..999_999_999_u32).prop_map(|(h, m, s, n)| format!("{h:02}:{m:02}:{s:02}.{n:09}")).boxed(),
        "CLOCK3" => (0..12_u8, 0..60_u8, 0..60_u8, 0..999_u32).prop_map(|(h, m, s, n)| format!("{h:02}:{m:02}:{s:02}.{n:03}")).boxed(),
        "NTZ3" => moment(3).boxed(),
        "LTZ6" | "TZ6" => moment(6).boxed(),
        "DOCUMENT" => prop_oneof![
            Just("null".to_owned()), Just("[]".to_owned()), Just(r#"{"b": [1, 2.5, true], "a": "x  y"}"#.to_owned()),
            Just(r#""a \\" b""#.to_owned()), (0..1_000_i32).prop_map(|n| format!(r#"{{"n": {n}, "t": "z {n}"}}"#)),
        ].boxed(),
        _ => moment(9).boxed(),
    }
}

fn float(value: f64) -> String {
    match value {
        f64::INFINITY => "inf".to_owned(),
        f64::NEG_INFINITY => "-inf".to_owned(),
        value => format!("{value:e}"),
    }
}

/// A row: for each column a literal, or NULL.
fn row() -> impl Strategy<Value = Vec<Option<String>>> {
    COLUMNS.iter().map(|(name, ..)| prop::option::weighted(0.8, literal(name))).collect::<Vec<_>>()
}

fn insert(id: usize, row: &[Option<String>]) -> String {
    let values: Vec<String> = COLUMNS
        .iter()
        .zip(row)
        .map(|((_, _, wrapped, _), value)| match value {
            None => "NULL".to_owned(),
            Some(value) => wrapped.replace("{}", &value.replace('\'', "''")),
        })
        .collect();
    format!("INSERT INTO CRM.SALES.TYPES SELECT {id}, {}", values.join(", "))
}

/// What is done to a cell: another value, and none.
fn changes() -> Vec<(&'static str, &'static str)> {
    let columns = COLUMNS.iter().map(|(name, _, _, change)| (*name, *change));
    columns.chain([OFFSET]).flat_map(|(name, change)| [(name, change), (name, "NULL")]).collect()
}

/// The rows as the account gets them: each once for every change, so that each change has rows of its own.
fn statements(rows: &[Vec<Option<String>>]) -> Vec<String> {
    let definitions: Vec<String> = COLUMNS.iter().map(|(name, ty, ..)| format!("{name} {ty}")).collect();
    let create =
        format!("CREATE OR REPLACE TABLE CRM.SALES.TYPES (ID NUMBER(9,0), {})", definitions.join(", "));
    let names: Vec<&str> = COLUMNS.iter().map(|(name, ..)| *name).collect();
    let copy = format!(
        "INSERT INTO CRM.SALES.TYPES SELECT ID + {} * (COPY + 1), {} FROM CRM.SALES.TYPES CROSS JOIN \
         (SELECT SEQ4() AS COPY FROM TABLE(GENERATOR(ROWCOUNT => {})))",
        rows.len(),
        names.join(", "),
        changes().len() - 1
    );
    let inserts = rows.iter().enumerate().map(|(id, row)| insert(id, row));
    std::iter::once(create).chain(inserts).chain([copy]).collect()
}

async fn a_changed_cell_is_seen(pulled: &Pulled, rows: &[Vec<Option<String>>]) {
    let spec = all_of("TYPES", &["ID"]);
    pulled.sql(&statements(rows).iter().map(String::as_str).collect::<Vec<_>>());
    pulled.run(&spec).await.unwrap();
    let options = VerifyOptions { bucket_count: NonZeroU32::new(BUCKETS), ..VerifyOptions::default() };
    let report = pulled.verify(&spec, &options).await.unwrap();
    assert!(report.is_equal(), "{:?}", report.difference);
    assert_eq!(report.uncompared_columns, Vec::<String>::new());
    let updates: Vec<(&str, &str, usize)> = changes()
        .into_iter()
        .enumerate()
        .map(|(copy, (name, change))| {
            let changed = pulled.tamper(&format!(
                "UPDATE sales.types SET \"{name}\" = {change} WHERE \"ID\" = (SELECT min(\"ID\") FROM sales.types \
                 WHERE \"ID\" // {} = {copy} AND \"{name}\" IS NOT NULL AND \"{name}\" IS DISTINCT FROM {change})",
                rows.len()
            ));
            (name, change, changed)
        })
        .collect();
    let report = pulled.verify(&spec, &options).await.unwrap();
    let seen = &report.difference;
    let changed: usize = updates.iter().map(|(_, _, changed)| changed).sum();
    assert_eq!((seen.missing, seen.extra, seen.different), (0, 0, changed as u64), "{seen:?} of {updates:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_sum_up_every_type_alike_and_see_a_changed_cell() {
    let pulled = Pulled::start().await;
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 1, failure_persistence: None, ..ProptestConfig::default() });
    let runtime = tokio::runtime::Handle::current();
    let outcome = runner.run(&prop::collection::vec(row(), 6), |rows| {
        tokio::task::block_in_place(|| runtime.block_on(a_changed_cell_is_seen(&pulled, &rows)));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}\n{runner}"));
}
