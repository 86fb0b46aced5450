//! Named file formats, and the columns that INFER_SCHEMA finds.

use std::collections::BTreeMap;

use emulator::sql::Binding;

use super::super::shown;
use super::staged;

#[test]
fn a_format_is_created_shown_described_used_and_dropped() {
    let mut staged = staged();
    staged.file("a.csv", b"1|x\n");
    staged
        .ok("CREATE FILE FORMAT Pipes TYPE = CSV FIELD_DELIMITER = '|' NULL_IF = ('', 'x') COMMENT = 'ours'");
    assert_eq!(staged.fails("CREATE FILE FORMAT Pipes TYPE = CSV").code, "002002");
    staged.ok("CREATE FILE FORMAT IF NOT EXISTS Pipes TYPE = JSON");
    staged.ok("CREATE OR REPLACE TEMPORARY FILE FORMAT \"own\" TYPE = PARQUET");
    let rows = staged.rows("SHOW FILE FORMATS");
    let named: Vec<Vec<&str>> = rows.iter().map(|row| row.split('|').skip(1).take(4).collect()).collect();
    assert_eq!(named, [["PIPES", "D", "PUBLIC", "CSV"], ["own", "D", "PUBLIC", "PARQUET"]]);
    let described = staged.rows("DESC FILE FORMAT Pipes");
    assert!(described.contains(&"NULL_IF|List|[, x]|[\\N]".to_owned()), "{described:?}");
    staged.ok("CREATE TABLE T (N INT, S VARCHAR)");
    staged.ok("COPY INTO T FROM @~ FILE_FORMAT = (FORMAT_NAME = 'd.public.pipes')");
    staged.ok("COPY INTO T FROM @~ FILE_FORMAT = (FORMAT_NAME = pipes) FORCE = TRUE");
    assert_eq!(staged.rows("SELECT * FROM T"), ["1|∅", "1|∅"]);
    assert_eq!(staged.rows("SELECT $1, $2 FROM @~ (FILE_FORMAT => 'PIPES')"), ["1|∅"]);
    staged.ok("DROP FILE FORMAT Pipes");
    staged.ok("DROP FILE FORMAT IF EXISTS Pipes");
    assert_eq!(staged.fails("COPY INTO T FROM @~ FILE_FORMAT = (FORMAT_NAME = pipes)").code, "002003");
}

#[test]
fn the_schema_of_parquet_files_is_inferred() {
    let mut staged = staged();
    staged.parquet(
        "a.parquet",
        "SELECT 1::BIGINT AS i, 1.5::DECIMAL(12,2) AS d, 5::DECIMAL(10,0) AS w, 'x' AS \"Text\", 1.5::DOUBLE AS f, DATE '2020-01-01' AS dt, \
         TIMESTAMP '2020-01-01' AS ts, TRUE AS b, [1] AS l, 'x'::BLOB AS raw",
    );
    staged.ok("CREATE FILE FORMAT F TYPE = PARQUET USE_LOGICAL_TYPE = TRUE");
    let mut bindings = BTreeMap::new();
    for (key, value) in [("1", "@~/a"), ("2", "d.public.f")] {
        let values = vec![Some(value.to_owned())];
        bindings.insert(key.to_owned(), Binding { ty: "TEXT".to_owned(), values, is_array: false });
    }
    let sql = "SELECT COLUMN_NAME, TYPE FROM table(infer_schema(location=>?, file_format=>?))";
    let outcome = staged.session.run_with(sql, bindings).unwrap();
    assert_eq!(
        shown(outcome).unwrap(),
        [
            "i|NUMBER(38, 0)",
            "d|NUMBER(12, 2)",
            "w|NUMBER(10, 0)",
            "Text|TEXT",
            "f|REAL",
            "dt|DATE",
            "ts|TIMESTAMP_NTZ",
            "b|BOOLEAN",
            "l|VARIANT",
            "raw|BINARY"
        ]
    );
    assert_eq!(
        staged.rows(
            "SELECT EXPRESSION, NULLABLE, ORDER_ID FROM TABLE(INFER_SCHEMA(LOCATION => '@~', FILE_FORMAT => \
                     'F')) WHERE COLUMN_NAME = 'Text'"
        ),
        ["$1:\"Text\"::TEXT|true|3"]
    );
}

#[test]
fn names_are_bound_wherever_they_stand() {
    let mut staged = staged();
    staged.parquet("a.parquet", "SELECT 1 AS \"Col\"");
    let bind = |value: &str| {
        let values = vec![Some(value.to_owned())];
        Binding { ty: "TEXT".to_owned(), values, is_array: false }
    };
    let one = |value: &str| BTreeMap::from([("1".to_owned(), bind(value))]);
    let name = "\"D\".\"PUBLIC\".\"my table\"";
    staged.session.run_with("CREATE TABLE identifier(?) /* why */ (\"Col\" INT)", one(name)).unwrap();
    let two = BTreeMap::from([("1".to_owned(), bind(name)), ("2".to_owned(), bind("abort_statement"))]);
    let copy = "COPY INTO identifier(?) /* why */ (\"Col\") FROM (SELECT $1:\"Col\" FROM '@~') FILE_FORMAT=(TYPE=PARQUET \
                USE_VECTORIZED_SCANNER=False COMPRESSION=auto) PURGE=FALSE ON_ERROR=?";
    let rows = shown(staged.session.run_with(copy, two).unwrap()).unwrap();
    assert_eq!(rows, ["a.parquet|LOADED|1|1|1|0|∅|∅|∅|∅"]);
    let outcome = staged.session.run_with("SELECT \"Col\" FROM IDENTIFIER(?)", one(name)).unwrap();
    assert_eq!(shown(outcome).unwrap(), ["1"]);
    staged.session.run_with("TRUNCATE TABLE identifier(?)", one(name)).unwrap();
    staged.session.run_with("DROP TABLE IF EXISTS identifier(?)", one(name)).unwrap();
    assert_eq!(staged.fails("SELECT * FROM \"my table\"").code, "002003");
}
