//! What values of Parquet files become.

use super::staged;

const VALUES: &str = "SELECT * FROM (VALUES
    (1::INTEGER, 12345678901234567890123456789012345678::DECIMAL(38,0), 1.25::DECIMAL(12,2), 'nan'::DOUBLE, 'é', \
     '\\x01\\xFF'::BLOB, DATE '0001-01-01', TIME '23:59:59.999999', TIMESTAMP '9999-12-31 23:59:59.999999', \
     TIMESTAMPTZ '1969-12-31 23:59:59.5+00', TRUE),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (-2147483648, -1, -0.01, '-inf', '', '', DATE '9999-12-31', TIME '00:00:00', TIMESTAMP '0001-01-01 00:00:00', \
     TIMESTAMPTZ '2020-02-29 12:00:00+02', FALSE)
    ) AS v(i, n, d, f, s, b, dt, t, ts, tz, bo)";

const TABLE: &str = "CREATE TABLE T (I INT, N NUMBER(38,0), D NUMBER(12,2), F FLOAT, S VARCHAR(3), B BINARY, DT DATE, \
                     T TIME(6), TS TIMESTAMP_NTZ(6), TZ TIMESTAMP_LTZ(6), BO BOOLEAN)";

const READ: &str = "SELECT I, N, D, TO_VARCHAR(F), S, B::VARCHAR, DT, T, TO_VARCHAR(TS, 'YYYY-MM-DD HH24:MI:SS.FF6'), \
                    TO_VARCHAR(TZ, 'YYYY-MM-DD HH24:MI:SS.FF6'), BO FROM T";

const READ_BACK: [&str; 3] = [
    "1|12345678901234567890123456789012345678|1.25|NaN|é|01FF|0001-01-01|23:59:59.999999|9999-12-31 \
     23:59:59.999999|1969-12-31 23:59:59.500000|true",
    "∅|∅|∅|∅|∅|∅|∅|∅|∅|∅|∅",
    "-2147483648|-1|-0.01|-inf|||9999-12-31|00:00:00|0001-01-01 00:00:00.000000|2020-02-29 10:00:00.000000|false",
];

#[test]
fn every_value_arrives_as_it_was_through_a_query() {
    let mut staged = staged();
    staged.parquet("run/part-1.parquet", VALUES);
    staged.ok(TABLE);
    let rows = staged.rows(
        "COPY INTO T (I, N, D, F, S, B, DT, T, TS, TZ, BO) FROM (SELECT $1:\"i\", $1:\"n\"::NUMBER(38,0), $1:\"d\", \
         $1:\"f\", $1:\"s\"::VARCHAR, $1:\"b\", $1:\"dt\", $1:\"t\", $1:\"ts\", $1:\"tz\", $1:\"bo\" FROM @~/run/) \
         FILES = ('part-1.parquet') FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE BINARY_AS_TEXT = FALSE)",
    );
    assert_eq!(rows, ["run/part-1.parquet|LOADED|3|3|1|0|∅|∅|∅|∅"]);
    assert_eq!(staged.rows(READ), READ_BACK);
}

#[test]
fn every_value_arrives_as_it_was_by_name() {
    let mut staged = staged();
    staged.parquet("a.parquet", VALUES);
    staged.ok(TABLE);
    staged.ok("COPY INTO T FROM @~ MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE FILE_FORMAT = (TYPE = PARQUET \
         USE_VECTORIZED_SCANNER = TRUE)");
    assert_eq!(staged.rows(READ), READ_BACK);
}

#[test]
fn a_file_that_was_replaced_is_read_anew() {
    let mut staged = staged();
    staged.ok("CREATE TABLE T (I INT)");
    for number in 0..4 {
        staged.parquet("a.parquet", &format!("SELECT {number} AS i"));
        staged.ok("COPY INTO T FROM (SELECT $1:i FROM @~) FILE_FORMAT = (TYPE = PARQUET)");
    }
    assert_eq!(staged.rows("SELECT I FROM T ORDER BY I"), ["0", "1", "2", "3"]);
}

#[test]
fn transforms_go_through_the_binder() {
    let mut staged = staged();
    staged.parquet(
        "a.parquet",
        "SELECT '{\"b\": 1, \"a\": [1.50, null]}' AS j, '2020-01-02T03:04:05.123456789+02:00' AS z, '0aff' AS h, \
         'x' AS bad",
    );
    staged.ok(
        "CREATE TABLE T (J VARIANT, Z TIMESTAMP_TZ(9), N TIMESTAMP_NTZ(9), H BINARY, B INT, K INT IDENTITY)",
    );
    staged.ok(
        "COPY INTO T (J, Z, N, H, B) FROM (SELECT PARSE_JSON($1:\"j\"::VARCHAR), TO_TIMESTAMP_TZ($1:\"z\"::VARCHAR), \
         TO_TIMESTAMP_NTZ($1:\"z\"::VARCHAR), TO_BINARY($1:\"h\"::VARCHAR, 'HEX'), TRY_TO_NUMBER($1:\"bad\"::VARCHAR) \
         FROM @~) FILE_FORMAT = (TYPE = PARQUET)",
    );
    assert_eq!(
        staged.rows(
            "SELECT J:a[0], J:b, TO_VARCHAR(Z, 'YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM'), TO_VARCHAR(N, 'HH24:MI:SS.FF9'), \
             H::VARCHAR, B, K FROM T"
        ),
        ["1.5|1|2020-01-02 03:04:05.123456789 +0200|03:04:05.123456789|0AFF|∅|1"]
    );
}

#[test]
fn a_timestamp_with_a_format_is_read_by_the_scale_of_its_column() {
    let mut staged = staged();
    staged.parquet("a.parquet", "SELECT '9999-12-31 23:59:59.123456789 +02:00' AS z");
    staged.ok("CREATE TABLE T (Z TIMESTAMP_TZ(6))");
    staged.ok("COPY INTO T FROM (SELECT TO_TIMESTAMP_TZ($1:\"z\"::VARCHAR, 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM') FROM @~) \
         FILE_FORMAT = (TYPE = PARQUET)");
    assert_eq!(
        staged.rows("SELECT TO_VARCHAR(Z, 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM') FROM T"),
        ["9999-12-31 23:59:59.123456000 +02:00"]
    );
}

#[test]
fn a_value_that_does_not_fit_fails_the_statement_with_its_place() {
    let query = "SELECT range AS i, CASE WHEN range = 700 THEN 'long' ELSE 'x' END AS s, CASE WHEN range = 900 THEN \
                 NULL ELSE 1 END AS n, CASE WHEN range = 5000 THEN 123.456 ELSE 1.0 END::DECIMAL(9,3) AS d, CASE WHEN \
                 range = 4000 THEN '{oops' ELSE '1' END AS j FROM range(6000)";
    for (column, value, code, row) in [
        ("S VARCHAR(3)", "$1:\"s\"", "100078", 701),
        ("N INT NOT NULL", "$1:\"n\"", "100072", 901),
        ("D NUMBER(4,2)", "$1:\"d\"", "100039", 5001),
        ("J VARIANT", "PARSE_JSON($1:\"j\"::VARCHAR)", "100069", 4001),
        ("D NUMBER(2,0)", "$1:\"s\"", "100038", 1),
        ("D DATE", "$1:\"j\"", "100035", 4001),
    ] {
        let mut staged = staged();
        staged.parquet("a.parquet", "SELECT 1 AS i, 'x' AS s, 1 AS n, 1.0 AS d, '1' AS j WHERE FALSE");
        staged.parquet("b.parquet", query);
        staged.ok(&format!("CREATE TABLE T (I INT, {column})"));
        let copy = format!(
            "COPY INTO T FROM (SELECT $1:\"i\", {value} FROM @~) FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)"
        );
        for setup in ["SELECT 1", "BEGIN"] {
            staged.ok(setup);
            let failure = staged.fails(&copy);
            assert_eq!(failure.code, code, "{column}: {}", failure.message);
            let name = column.split(' ').next().unwrap();
            let place = format!("Row {row}, column \"T\"[\"{name}\":2]");
            assert!(failure.message.contains("File 'b.parquet'"), "{}", failure.message);
            assert!(failure.message.contains(&place), "{place}: {}", failure.message);
        }
        assert_eq!(staged.rows("SELECT COUNT(*) FROM T"), ["0"], "{column}");
    }
}

#[test]
fn numbers_are_rounded_to_the_columns_scale() {
    let mut staged = staged();
    staged.parquet("a.parquet", "SELECT 1.005::DECIMAL(9,3) AS d UNION ALL SELECT -1.005");
    staged.ok("CREATE TABLE T (D NUMBER(9,2))");
    staged
        .ok("COPY INTO T FROM (SELECT $1:d FROM @~) FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)");
    assert_eq!(staged.rows("SELECT D FROM T ORDER BY D"), ["-1.01", "1.01"]);
}

#[test]
fn a_text_of_more_than_sixteen_mebibytes_is_refused() {
    let mut staged = staged();
    staged.parquet("a.parquet", "SELECT repeat('é', 8388609) AS s");
    staged.ok("CREATE TABLE T (S VARCHAR)");
    let failure = staged.fails("COPY INTO T FROM (SELECT $1:s FROM @~) FILE_FORMAT = (TYPE = PARQUET)");
    assert_eq!(failure.code, "100082", "{}", failure.message);
}

#[test]
fn bytes_without_an_annotation_are_text_unless_the_format_says_binary() {
    let mut staged = staged();
    staged.parquet("a.parquet", "SELECT 'abc'::BLOB AS b");
    staged.parquet("bad.parquet", "SELECT '\\xFF'::BLOB AS b");
    staged.ok("CREATE TABLE T (S VARCHAR, B BINARY)");
    staged.ok("COPY INTO T (S) FROM (SELECT $1:b FROM @~/a) FILE_FORMAT = (TYPE = PARQUET)");
    staged.ok("COPY INTO T (B) FROM (SELECT $1:b FROM @~/bad) FILE_FORMAT = (TYPE = PARQUET BINARY_AS_TEXT = FALSE)");
    assert_eq!(staged.rows("SELECT S, B::VARCHAR FROM T ORDER BY S NULLS LAST"), ["abc|∅", "∅|FF"]);
    staged.ok("CREATE TABLE U (S VARCHAR)");
    let failure = staged.fails("COPY INTO U FROM (SELECT $1:b FROM @~/bad) FILE_FORMAT = (TYPE = PARQUET)");
    assert_eq!(failure.code, "100144", "{}", failure.message);
}

#[test]
fn names_that_differ_in_case_are_different_fields() {
    let mut staged = staged();
    staged.parquet("a.parquet", "SELECT 1 AS \"a b\", 2 AS \"A\", 'it''s' AS \"q\"\"\"");
    staged.ok("CREATE TABLE T (A INT, \"a b\" INT, \"q\"\"\" VARCHAR, MORE INT)");
    staged.ok("COPY INTO T FROM @~ MATCH_BY_COLUMN_NAME = CASE_SENSITIVE FILE_FORMAT = (TYPE = PARQUET \
         USE_LOGICAL_TYPE = TRUE)");
    assert_eq!(staged.rows("SELECT * FROM T"), ["2|1|it's|∅"]);
    assert_eq!(
        staged.fails("COPY INTO T FROM (SELECT $1 FROM @~) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE").message,
        "SQL compilation error:\nmatch_by_column_name is not supported with copy transform."
    );
}

#[test]
fn a_whole_row_is_one_variant() {
    let mut staged = staged();
    staged.parquet(
        "a.parquet",
        "SELECT 1.50::DECIMAL(5,2) AS b, NULL::INT AS a, [1, NULL] AS l, {'x': 'y'} AS s",
    );
    staged.ok("CREATE TABLE T (V VARIANT)");
    staged.ok("COPY INTO T FROM @~ FILE_FORMAT = (TYPE = PARQUET)");
    staged
        .ok("COPY INTO T FROM @~ FILE_FORMAT = (TYPE = PARQUET USE_VECTORIZED_SCANNER = TRUE) FORCE = TRUE");
    assert_eq!(
        staged.rows("SELECT TO_JSON(V) FROM T"),
        [r#"{"b":1.5,"l":[1],"s":{"x":"y"}}"#, r#"{"a":null,"b":1.5,"l":[1,null],"s":{"x":"y"}}"#]
    );
    staged.ok("CREATE TABLE U (A INT, B INT)");
    assert_eq!(staged.fails("COPY INTO U FROM @~ FILE_FORMAT = (TYPE = PARQUET)").code, "002019");
}
