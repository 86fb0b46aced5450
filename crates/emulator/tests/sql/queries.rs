//! Queries: names, joins, windows, set operations, semi-structured rows.

use std::collections::BTreeMap;

use emulator::sql::Binding;

use super::{session, shown};

#[test]
fn names_that_differ_only_in_case_are_different_columns() {
    let mut session = session();
    session.ok("CREATE TABLE \"t\" (id INT, \"id\" INT, \"Id\" VARCHAR)");
    session.ok("CREATE TABLE T (x INT)");
    session.ok("INSERT INTO \"t\" VALUES (1, 2, 'three')");
    assert_eq!(session.cell("SELECT ID, \"id\", \"Id\" FROM \"t\""), "1|2|three");
    let names: Vec<String> =
        session.columns("SELECT * FROM \"t\"").into_iter().map(|column| column.name).collect();
    assert_eq!(names, ["ID", "id", "Id"]);
}

#[test]
fn aliases_are_in_reach_of_later_items_and_of_qualify() {
    let mut session = session();
    let rows = session.rows(
        "SELECT column1 AS k, k * 2 AS twice, ROW_NUMBER() OVER (PARTITION BY k ORDER BY column2 DESC) AS rn \
         FROM VALUES (1, 'a'), (1, 'b'), (2, 'c') WHERE k > 0 QUALIFY rn = 1 ORDER BY k",
    );
    assert_eq!(rows, ["1|2|1", "2|4|1"]);
}

#[test]
fn nulls_come_last_going_up_and_first_going_down() {
    let mut session = session();
    let values = "FROM VALUES (1), (NULL), (2)";
    assert_eq!(session.rows(&format!("SELECT column1 {values} ORDER BY 1")), ["1", "2", "∅"]);
    assert_eq!(session.rows(&format!("SELECT column1 {values} ORDER BY 1 DESC")), ["∅", "2", "1"]);
}

#[test]
fn joins_with_using_merge_their_columns() {
    let mut session = session();
    session.ok("CREATE TABLE A (ID INT, X VARCHAR)");
    session.ok("CREATE TABLE B (ID INT, Y VARCHAR)");
    session.ok("INSERT INTO A VALUES (1, 'a1'), (2, 'a2')");
    session.ok("INSERT INTO B VALUES (2, 'b2'), (3, 'b3')");
    assert_eq!(
        session.rows("SELECT * FROM A FULL JOIN B USING (ID) ORDER BY ID"),
        ["1|a1|∅", "2|a2|b2", "3|∅|b3"]
    );
    assert_eq!(
        session.rows("SELECT A.X, B.Y FROM A LEFT JOIN B ON A.ID = B.ID ORDER BY 1"),
        ["a1|∅", "a2|b2"]
    );
    assert_eq!(session.rows("SELECT X FROM A WHERE EXISTS (SELECT 1 FROM B WHERE B.ID = A.ID)"), ["a2"]);
    assert_eq!(
        session.rows("SELECT X, (SELECT MAX(Y) FROM B WHERE B.ID = A.ID) FROM A ORDER BY 1"),
        ["a1|∅", "a2|b2"]
    );
}

#[test]
fn set_operations_bring_their_sides_to_one_type() {
    let mut session = session();
    assert_eq!(session.rows("SELECT 1 AS N UNION ALL SELECT 2.5 ORDER BY N"), ["1.0", "2.5"]);
    assert_eq!(session.rows("SELECT 1 UNION SELECT 1"), ["1"]);
    assert_eq!(session.rows("SELECT 1 EXCEPT SELECT 1"), Vec::<String>::new());
}

#[test]
fn common_table_expressions_may_read_themselves() {
    let mut session = session();
    let sql =
        "WITH RECURSIVE N (I) AS (SELECT 1 UNION ALL SELECT I + 1 FROM N WHERE I < 4) SELECT SUM(I) FROM N";
    assert_eq!(session.cell(sql), "10");
}

#[test]
fn flatten_gives_a_row_per_element() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, V VARIANT)");
    session.ok("INSERT INTO T SELECT 1, PARSE_JSON('[10, 20]') UNION ALL SELECT 2, PARSE_JSON('{\"k\": \"v\"}') UNION ALL SELECT 3, NULL");
    let rows = session.rows(
        "SELECT T.ID, F.INDEX, F.KEY, F.VALUE::VARCHAR FROM T, LATERAL FLATTEN(INPUT => T.V) F ORDER BY 1, 2",
    );
    assert_eq!(rows, ["1|0|∅|10", "1|1|∅|20", "2|∅|k|v"]);
    let outer = "SELECT T.ID FROM T, LATERAL FLATTEN(INPUT => V, OUTER => TRUE) F ORDER BY 1";
    assert_eq!(session.rows(outer), ["1", "1", "2", "3"]);
}

#[test]
fn a_generator_makes_rows() {
    let mut session = session();
    let sql = "SELECT COUNT(*), MIN(SEQ), MAX(SEQ) FROM (SELECT SEQ4() AS SEQ FROM TABLE(GENERATOR(ROWCOUNT => 5000)))";
    assert_eq!(session.cell(sql), "5000|0|4999");
}

#[test]
fn dates_move_by_parts_and_count_boundaries() {
    let mut session = session();
    assert_eq!(
        session.cell(
            "SELECT DATEADD(month, 1, '2024-01-31'::DATE)::VARCHAR, DATEDIFF(day, '2024-02-28', '2024-03-01'), \
             DATEDIFF('year', '2023-12-31'::DATE, '2024-01-01'::DATE), DATE_TRUNC('week', '2024-05-09'::DATE)::VARCHAR, \
             EXTRACT(quarter FROM '2024-05-09'::DATE), DAYOFWEEK('2024-05-12'::DATE), \
             DATE_PART(epoch_second, '1970-01-02'::TIMESTAMP_NTZ)"
        ),
        "2024-02-29|2|1|2024-05-06|2|0|86400"
    );
}

#[test]
fn text_functions_follow_snowflake() {
    let mut session = session();
    assert_eq!(
        session.cell(
            "SELECT SUBSTR('hello', 0, 2), SUBSTR('hello', -3), SPLIT_PART('a.b.c', '.', -1), CONCAT('a', NULL), \
             REGEXP_REPLACE('a1b2', '[0-9]', '#'), INITCAP('hello wORLD'), LPAD('7', 3, '0'), 'abc' LIKE 'A%', \
             'abc' ILIKE 'A%', IFF(1 = 1, 'y', 'n'), NVL(NULL, 'z'), ZEROIFNULL(NULL), CHARINDEX('l', 'hello', 4)"
        ),
        "he|llo|c|∅|a#b#|Hello World|007|false|true|y|z|0|4"
    );
}

#[test]
fn aggregates_follow_snowflake() {
    let mut session = session();
    assert_eq!(
        session.cell(
            "SELECT COUNT(*), COUNT(column1), SUM(column1), LISTAGG(column2, ',') WITHIN GROUP (ORDER BY column2), \
             ARRAY_AGG(column1) WITHIN GROUP (ORDER BY column1), COUNT(DISTINCT column2), MAX(column2) \
             FROM VALUES (1, 'b'), (NULL, 'a'), (3, 'a')"
        ),
        "3|2|4|a,a,b|[\n  1,\n  3\n]|2|b"
    );
}

fn bind(ty: &str, value: &str) -> Binding {
    Binding { ty: ty.to_owned(), values: vec![Some(value.to_owned())], is_array: false }
}

#[test]
fn bound_values_have_their_types() {
    let mut session = session();
    let mut bindings = BTreeMap::new();
    bindings.insert("1".to_owned(), bind("FIXED", "-1.25"));
    bindings.insert("2".to_owned(), bind("TEXT", "it's"));
    bindings.insert("3".to_owned(), bind("DATE", "86400000"));
    bindings.insert("4".to_owned(), bind("TIMESTAMP_TZ", "1500000000 1770"));
    let rows = shown(session.run_with("SELECT ?, ?, ?, ?", bindings).unwrap()).unwrap();
    assert_eq!(rows, ["-1.25|it's|1970-01-02|{epoch: 1, fraction: 500000000, offset_minutes: 330}"]);
}

#[test]
fn bound_arrays_insert_many_rows_in_one_statement() {
    let mut session = session();
    session.ok("CREATE TABLE T (A NUMBER(10,0), B VARCHAR, C TIMESTAMP_NTZ)");
    let column = |ty: &str, value: &dyn Fn(usize) -> Option<String>| Binding {
        ty: ty.to_owned(),
        values: (0..5000).map(value).collect(),
        is_array: true,
    };
    let mut bindings = BTreeMap::new();
    bindings.insert("1".to_owned(), column("FIXED", &|row| Some(row.to_string())));
    bindings.insert("2".to_owned(), column("TEXT", &|row| (row % 2 == 0).then(|| format!("text '{row}'"))));
    bindings.insert("3".to_owned(), column("TIMESTAMP_NTZ", &|row| Some((row * 1_000_000_000).to_string())));
    let rows = shown(session.run_with("INSERT INTO T VALUES (?, ?, ?)", bindings).unwrap()).unwrap();
    assert_eq!(rows, ["5000"]);
    assert_eq!(
        session.cell("SELECT COUNT(*), COUNT(B), MAX(A), MAX(B), MAX(C)::VARCHAR FROM T"),
        "5000|2500|4999|text '998'|1970-01-01 01:23:19.000"
    );
}

#[test]
fn a_large_result_comes_in_many_batches() {
    let mut session = session();
    let outcome =
        session.run("SELECT SEQ8() AS I, 'x' AS T FROM TABLE(GENERATOR(ROWCOUNT => 300000))").unwrap();
    let (mut batches, mut rows) = (0, 0);
    for batch in outcome.rows.batches {
        batches += 1;
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 300_000);
    assert!(batches > 10);
}
