//! CSV and JSON files.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::staged;

#[test]
fn csv_arrives_by_place_with_its_own_formats() {
    let mut staged = staged();
    staged.file("a.csv", b"id;when;what;raw\n1;31/12/2024;\"a;b\";0AFF\n2;;\\N;\n");
    staged.ok("CREATE TABLE T (ID INT, W DATE, S VARCHAR(3), B BINARY)");
    let rows = staged.rows(
        "COPY INTO T FROM @~/a.csv FILE_FORMAT = (TYPE = CSV FIELD_DELIMITER = ';' SKIP_HEADER = 1 DATE_FORMAT = \
         'DD/MM/YYYY' FIELD_OPTIONALLY_ENCLOSED_BY = '\"')",
    );
    assert_eq!(rows, ["a.csv|LOADED|2|2|1|0|∅|∅|∅|∅"]);
    assert_eq!(
        staged.rows("SELECT ID, W, S, B::VARCHAR FROM T ORDER BY ID"),
        ["1|2024-12-31|a;b|0AFF", "2|∅|∅|∅"]
    );
}

#[test]
fn a_broken_record_names_its_line_and_may_be_left_out() {
    let mut staged = staged();
    staged.file("a.csv", b"1,x\n2\n3,long\n4,y\nz,y\n");
    staged.ok("CREATE TABLE T (ID INT, S VARCHAR(3))");
    let failure = staged.fails("COPY INTO T FROM @~");
    assert_eq!(failure.code, "100080", "{}", failure.message);
    assert!(failure.message.contains("File 'a.csv', line 2, character"), "{}", failure.message);
    let rows = staged.rows("COPY INTO T FROM @~ ON_ERROR = CONTINUE");
    assert!(rows[0].starts_with("a.csv|PARTIALLY_LOADED|5|2|5|3|Number of columns in file (1)"), "{rows:?}");
    assert_eq!(staged.rows("SELECT ID FROM T ORDER BY ID"), ["1", "4"]);
    staged.ok("CREATE TABLE U (ID INT, S VARCHAR)");
    let copy = "COPY INTO U FROM @~ FILE_FORMAT = (TYPE = CSV ERROR_ON_COLUMN_COUNT_MISMATCH = FALSE)";
    let failure = staged.fails(copy);
    assert_eq!(failure.code, "100038", "{}", failure.message);
    assert!(failure.message.contains("line 5\n  Row 5, column \"U\"[\"ID\":1]"), "{}", failure.message);
}

#[test]
fn a_query_reads_fields_by_place_and_what_is_not_there_is_null() {
    let mut staged = staged();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"a,1\nb,2\n").unwrap();
    staged.file("x/a.csv.gz", &packed.finish().unwrap());
    assert_eq!(
        staged
            .rows("SELECT t.$2, $1, $3, METADATA$FILENAME, METADATA$FILE_ROW_NUMBER FROM @~/x/ t ORDER BY 1"),
        ["1|a|∅|x/a.csv.gz|1", "2|b|∅|x/a.csv.gz|2"]
    );
    staged.ok("CREATE TABLE T (N INT, S VARCHAR, F VARCHAR, K INT AUTOINCREMENT)");
    staged.ok("COPY INTO T (S, N, F) FROM (SELECT upper(x.$1), x.$2 * 10, METADATA$FILENAME FROM @~/x/ x)");
    assert_eq!(staged.rows("SELECT * FROM T ORDER BY K"), ["10|A|x/a.csv.gz|1", "20|B|x/a.csv.gz|2"]);
}

#[test]
fn csv_with_a_header_is_matched_by_name() {
    let mut staged = staged();
    staged.file("a.csv", b"s,id\nx,1\n");
    staged.ok("CREATE TABLE T (ID INT, S VARCHAR, F VARCHAR)");
    staged.ok(
        "COPY INTO T FROM @~ FILE_FORMAT = (TYPE = CSV PARSE_HEADER = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE \
         INCLUDE_METADATA = (F = METADATA$FILENAME)",
    );
    assert_eq!(staged.rows("SELECT * FROM T"), ["1|x|a.csv"]);
}

#[test]
fn json_is_one_variant_or_matched_by_name() {
    let mut staged = staged();
    staged
        .file("a.json", b"[{\"id\": 1, \"s\": \"x\", \"n\": null}, {\"id\": \"2\", \"o\": {\"k\": [1.0]}}]");
    staged.ok("CREATE TABLE V (V VARIANT)");
    staged.ok("COPY INTO V FROM @~ FILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = TRUE)");
    assert_eq!(
        staged.rows("SELECT TO_JSON(V) FROM V ORDER BY V:id::INT"),
        [r#"{"id":1,"n":null,"s":"x"}"#, r#"{"id":"2","o":{"k":[1]}}"#]
    );
    staged.ok("CREATE TABLE T (ID INT, S VARCHAR, O OBJECT, N INT)");
    staged.ok(
        "COPY INTO T FROM @~ FILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = TRUE) MATCH_BY_COLUMN_NAME = \
         CASE_INSENSITIVE",
    );
    assert_eq!(
        staged.rows("SELECT ID, S, TO_JSON(O), N FROM T ORDER BY ID"),
        ["1|x|∅|∅", "2|∅|{\"k\":[1]}|∅"]
    );
    staged.file("b.json", b"{\"id\": 3}\n{oops");
    let failure = staged.fails("COPY INTO V FROM @~/b FILE_FORMAT = (TYPE = JSON)");
    assert_eq!(failure.code, "100069", "{}", failure.message);
    assert!(failure.message.contains("line 2"), "{}", failure.message);
}

#[test]
fn text_that_is_no_utf8_is_refused_or_replaced() {
    let mut staged = staged();
    staged.file("a.csv", b"a\xffb\n");
    staged.ok("CREATE TABLE T (S VARCHAR)");
    assert_eq!(staged.fails("COPY INTO T FROM @~").code, "100144");
    staged.ok("COPY INTO T FROM @~ FILE_FORMAT = (TYPE = CSV REPLACE_INVALID_CHARACTERS = TRUE)");
    assert_eq!(staged.rows("SELECT S FROM T"), ["a\u{fffd}b"]);
}
