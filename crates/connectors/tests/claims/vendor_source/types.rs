//! Every DuckDB type with its extremes: what it becomes, or how it is refused.

use connectors::conformance::every_type;
use connectors::duckdb::DuckDbDestination;
use model::{Batch, Checkpoint, Cursor, Destination, ErrorKind, Progress, Source, StreamName, StreamPlan};

use super::world::{World, query, shown};

/// A value, the logical type it must come out in, and the text in which it must arrive.
const VALUES: &[(&str, &str, &str)] = &[
    ("TRUE", "bool", "true"),
    ("(-128)::TINYINT", "int64", "-128"),
    ("32767::SMALLINT", "int64", "32767"),
    ("(-2147483648)::INTEGER", "int64", "-2147483648"),
    ("9223372036854775807::BIGINT", "int64", "9223372036854775807"),
    ("'-9223372036854775808'::BIGINT", "int64", "-9223372036854775808"),
    ("255::UTINYINT", "int64", "255"),
    ("65535::USMALLINT", "int64", "65535"),
    ("4294967295::UINTEGER", "int64", "4294967295"),
    ("18446744073709551615::UBIGINT", "decimal(20,0)", "18446744073709551615"),
    (
        "99999999999999999999999999999999999999::HUGEINT",
        "decimal(38,0)",
        "99999999999999999999999999999999999999",
    ),
    (
        "(-99999999999999999999999999999999999999)::HUGEINT",
        "decimal(38,0)",
        "-99999999999999999999999999999999999999",
    ),
    (
        "99999999999999999999999999999999999999::UHUGEINT",
        "decimal(38,0)",
        "99999999999999999999999999999999999999",
    ),
    ("NULL::UHUGEINT", "decimal(38,0)", "NULL"),
    ("0.1::FLOAT", "float64", "0.10000000149011612"),
    ("'nan'::FLOAT", "float64", "NaN"),
    ("'-inf'::DOUBLE", "float64", "-inf"),
    ("0.1::DOUBLE", "float64", "0.1"),
    ("99.9::DECIMAL(3,1)", "decimal(3,1)", "99.9"),
    (
        "-0.00000000000000000000000000000000000001::DECIMAL(38,38)",
        "decimal(38,38)",
        "-0.00000000000000000000000000000000000001",
    ),
    ("''", "text", ""),
    ("'ünï \u{1F980}' || chr(0)", "text", "ünï \u{1F980}\0"),
    ("'\\x00\\xFF\\x0A'::BLOB", "binary", "00ff0a"),
    ("'0001-01-01'::DATE", "date", "0001-01-01"),
    ("'9999-12-31'::DATE", "date", "9999-12-31"),
    ("'23:59:59.999999'::TIME", "time(6)", "23:59:59.999999"),
    ("'23:59:59.999999999'::TIME_NS", "time(9)", "23:59:59.999999999"),
    ("'9999-12-31 23:59:59'::TIMESTAMP_S", "timestamp(0)", "9999-12-31T23:59:59"),
    ("'1969-12-31 23:59:59.5'::TIMESTAMP_MS", "timestamp(3)", "1969-12-31T23:59:59.500"),
    ("'0001-01-01 00:00:00.000001'::TIMESTAMP", "timestamp(6)", "0001-01-01T00:00:00.000001"),
    ("'2262-04-11 23:47:16.854775806'::TIMESTAMP_NS", "timestamp(9)", "2262-04-11T23:47:16.854775806"),
    ("'2026-03-01 12:00:00.000001+05:30'::TIMESTAMPTZ", "timestamp(6) utc", "2026-03-01T06:30:00.000001Z"),
    ("'0cb51f36-4a52-4d30-b0c5-6d1b1f2d1f77'::UUID", "text", "0cb51f36-4a52-4d30-b0c5-6d1b1f2d1f77"),
    ("'b'::ENUM('a', 'b')", "text", "b"),
    ("'0101'::BIT", "text", "0101"),
    ("'{\"a\" :  null}'::JSON", "json", "{\"a\" :  null}"),
    ("'null'::JSON", "json", "null"),
    ("NULL::JSON", "json", "NULL"),
    ("{'a': 1}::VARIANT", "json", "{\"a\":1}"),
    ("[1, NULL]", "json", "[1,null]"),
    ("{'a': [TRUE], 'b': 'x\"'}", "json", "{\"a\":[true],\"b\":\"x\\\"\"}"),
    ("MAP {1: 'a'}", "json", "{\"1\":\"a\"}"),
    ("union_value(n := 1)", "json", "{\"n\":1}"),
    ("[0.5, 2]::DOUBLE[2]", "json", "[0.5,2.0]"),
    ("[1.5, -2.5]::FLOAT[2]", "vector(float, 2)", "[1.5, -2.5]"),
    ("[1, 2, 3]::INTEGER[3]", "vector(int, 3)", "[1, 2, 3]"),
    ("NULL::INTEGER[3]", "vector(int, 3)", "NULL"),
    ("NULL", "int64", "NULL"),
];

#[tokio::test]
async fn every_value_of_every_type_arrives_as_it_is() {
    let world = World::new();
    let columns: Vec<String> =
        VALUES.iter().enumerate().map(|(place, (sql, _, _))| format!("{sql} AS c{place}")).collect();
    let stream = query(&format!("SELECT {}", columns.join(", ")));
    let plan = world.plan(&stream).await.unwrap();
    let (rows, _) = world.read(&plan).await.unwrap();
    assert_eq!((rows.num_rows(), rows.num_columns()), (1, VALUES.len()));
    for (place, (sql, logical_type, text)) in VALUES.iter().enumerate() {
        assert_eq!(plan.columns[place].logical_type.to_string(), *logical_type, "{sql}");
        assert_eq!(shown(rows.column(place), 0), *text, "{sql}");
    }
}

#[tokio::test]
async fn a_value_that_has_no_equal_elsewhere_is_refused_by_its_column() {
    let world = World::new();
    for value in [
        "100000000000000000000000000000000000000::HUGEINT",
        "(-100000000000000000000000000000000000000)::HUGEINT",
        "170141183460469231731687303715884105727::HUGEINT",
        "100000000000000000000000000000000000000::UHUGEINT",
        "340282366920938463463374607431768211455::UHUGEINT",
        "'infinity'::DATE",
        "'-infinity'::DATE",
        "'infinity'::TIMESTAMP",
        "'-infinity'::TIMESTAMP_S",
        "'infinity'::TIMESTAMP_MS",
        "'infinity'::TIMESTAMP_NS",
        "'-infinity'::TIMESTAMPTZ",
        "'24:00:00'::TIME",
        "'24:00:00'::TIME_NS",
    ] {
        let error = world.read_query(&format!("SELECT {value} AS \"the \"\"column\"")).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Data, "value_not_representable"),
            "{value}: {error}"
        );
        assert!(error.message().starts_with("column the \"column has a "), "{value}: {error}");
        let remedy = error.remedy().unwrap().strip_prefix("cast it in a query: ").unwrap().to_owned();
        let mended = format!("SELECT {remedy} AS mended FROM (SELECT {value} AS \"the \"\"column\")");
        world.read_query(&mended).await.unwrap_or_else(|error| panic!("{mended}: {error}"));
    }
}

#[tokio::test]
async fn a_type_without_a_home_is_refused_and_the_cast_that_is_proposed_helps() {
    let world = World::new();
    for value in ["INTERVAL 1 DAY", "'12:00:00+01'::TIMETZ", "12::BIGNUM", "'POINT(1 2)'::GEOMETRY"] {
        let sql = format!("SELECT {value} AS x");
        let error = world.source.describe(&query(&sql)).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "type_unsupported"), "{value}: {error}");
        let remedy = error.remedy().unwrap().strip_prefix("cast it in a query: ").unwrap().to_owned();
        let cast = remedy.split([',', ' ']).next().unwrap();
        let cast = if remedy.contains("DECIMAL(38,0)") { remedy.as_str() } else { cast };
        let mended = format!("SELECT {cast} AS mended FROM ({sql})");
        world.read_query(&mended).await.unwrap_or_else(|error| panic!("{mended}: {error}"));
    }
}

#[tokio::test]
async fn a_table_that_a_pull_has_made_comes_out_as_it_went_in_where_its_types_tell() {
    let world = World::new();
    let (schema, spec, rows) = every_type();
    let pulled = StreamPlan::build(&spec, &schema, &Progress::default()).unwrap();
    let destination = DuckDbDestination::on(world.database.clone()).unwrap();
    destination.prepare(&pulled).await.unwrap();
    let position = Cursor::from_stored("end");
    destination.stage(&pulled, Batch::new(rows.clone(), Some(position.clone()))).await.unwrap();
    destination.commit(&pulled, Checkpoint { cursor: position, row_count: 3 }).await.unwrap();

    // The largest and the smallest nanosecond are DuckDB's infinities.
    world.execute(
        "UPDATE crm.every_type SET \"NTZ_NS\" = '2026-01-01', \"UTC_NS\" = '2026-01-01', \"TZ_NS\" = '2026-01-01'
         WHERE \"NTZ_NS\" IS NOT NULL",
    );
    let plan = world.plan(&StreamName::Table(spec.target.clone())).await.unwrap();
    let (read, _) = world.read(&plan).await.unwrap();
    let mut told = Vec::new();
    for (was, is) in pulled.columns.iter().zip(&plan.columns) {
        if was.logical_type != is.logical_type {
            told.push(format!("{}: {} is {}", was.target, was.logical_type, is.logical_type));
        }
    }
    assert_eq!(
        told,
        [
            "DECFLOAT: decfloat is text",
            "UTC_NS: timestamp(9) utc is timestamp(9)",
            "JSON: json is text",
            "GEO: geo is text",
            "MONTHS: interval (months) is int64",
        ]
    );
    for field in rows.schema().fields() {
        if !field.name().ends_with("_NS") {
            let column = read.column_by_name(field.name()).unwrap();
            assert_eq!(column, rows.column_by_name(field.name()).unwrap(), "{}", field.name());
        }
    }
}

#[tokio::test]
async fn an_instant_without_its_offset_is_refused() {
    let world = World::new();
    let error = world
        .read_query("SELECT now() AS changed_at, NULL::SMALLINT AS changed_at__offset_minutes")
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Data, "offset_missing"));
}
