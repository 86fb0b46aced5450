//! INSERT, UPDATE, DELETE, MERGE and TRUNCATE: what they change and what they count.

use emulator::outcome::DmlStats;
use emulator::sample::{Sample, statements};
use emulator::sql::Binding;

use super::session;

#[test]
fn each_statement_counts_its_rows() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, N VARCHAR)");
    let inserted = session.run("INSERT INTO T VALUES (1, 'a'), (2, 'b'), (3, 'c')").unwrap();
    assert_eq!(inserted.rows.columns[0].name, "number of rows inserted");
    assert_eq!(inserted.stats, Some(DmlStats { inserted: 3, ..DmlStats::default() }));
    assert_eq!(inserted.statement_type_id, 0x3100);
    assert_eq!(session.rows("UPDATE T SET N = N || '!' WHERE ID > 1"), ["2|0"]);
    assert_eq!(session.rows("DELETE FROM T WHERE ID = 3"), ["1"]);
    assert_eq!(session.rows("SELECT * FROM T ORDER BY ID"), ["1|a", "2|b!"]);
    session.ok("TRUNCATE TABLE T");
    assert_eq!(session.cell("SELECT COUNT(*) FROM T"), "0");
}

#[test]
fn a_merge_updates_deletes_and_inserts() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, N VARCHAR)");
    session.ok("INSERT INTO T VALUES (1, 'a'), (2, 'b')");
    let rows = session.rows(
        "MERGE INTO T USING (SELECT * FROM VALUES (1, 'A'), (2, NULL), (3, 'C') AS V (ID, N)) S ON T.ID = S.ID \
         WHEN MATCHED AND S.N IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET N = S.N \
         WHEN NOT MATCHED THEN INSERT (ID, N) VALUES (S.ID, S.N)",
    );
    assert_eq!(rows, ["1|1|1"]);
    assert_eq!(session.rows("SELECT * FROM T ORDER BY ID"), ["1|A", "3|C"]);
}

#[test]
fn a_merge_whose_source_matches_a_row_twice_is_refused() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, N VARCHAR)");
    session.ok("INSERT INTO T VALUES (1, 'a')");
    let failure = session.fails(
        "MERGE INTO T USING (SELECT * FROM VALUES (1, 'x'), (1, 'y') AS V (ID, N)) S ON T.ID = S.ID \
         WHEN MATCHED THEN UPDATE SET N = S.N",
    );
    assert_eq!(failure.code, "100090");
    assert_eq!(session.cell("SELECT N FROM T"), "a");
}

#[test]
fn insert_overwrite_replaces_every_row_even_from_the_table_itself() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("INSERT INTO T VALUES (1), (2), (3)");
    assert_eq!(session.rows("INSERT OVERWRITE INTO T SELECT ID * 10 FROM T WHERE ID > 1"), ["2"]);
    assert_eq!(session.rows("SELECT ID FROM T ORDER BY 1"), ["20", "30"]);
}

#[test]
fn defaults_and_identities_fill_what_is_left_out() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT AUTOINCREMENT, N VARCHAR DEFAULT 'none', D DATE DEFAULT CURRENT_DATE(), X INT)");
    session.ok("INSERT INTO T (X) VALUES (7), (8)");
    session.ok("INSERT INTO T (N, X) VALUES (DEFAULT, 9)");
    assert_eq!(
        session.rows("SELECT ID, N, X, D IS NOT NULL FROM T ORDER BY ID"),
        ["1|none|7|true", "2|none|8|true", "3|none|9|true"]
    );
}

#[test]
fn an_update_from_another_table_counts_rows_joined_more_than_once() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, N INT)");
    session.ok("INSERT INTO T VALUES (1, 0), (2, 0)");
    let sql = "UPDATE T SET N = S.N FROM (SELECT * FROM VALUES (1, 5), (1, 5), (2, 6) AS V (ID, N)) S WHERE T.ID = S.ID";
    assert_eq!(session.rows(sql), ["2|1"]);
    assert_eq!(session.rows("SELECT N FROM T ORDER BY ID"), ["5", "6"]);
    assert_eq!(session.rows("DELETE FROM T USING (SELECT 1 AS ID) S WHERE T.ID = S.ID"), ["1"]);
}

#[test]
fn a_primary_key_is_not_enforced() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT PRIMARY KEY)");
    assert_eq!(session.rows("INSERT INTO T VALUES (1), (1)"), ["2"]);
}

#[test]
fn the_sample_data_loads() {
    let mut session = session();
    for statement in statements(Sample { accounts: 40, tpch_scale: None }) {
        let columns = statement.columns.into_iter().enumerate().map(|(place, values)| {
            ((place + 1).to_string(), Binding { ty: "TEXT".to_owned(), values, is_array: true })
        });
        let outcome = session.run_with(&statement.text, columns.collect());
        outcome.unwrap_or_else(|failure| panic!("{}\n{failure:?}", statement.text));
    }
    let rows = session.rows("SHOW TABLES IN DATABASE CRM");
    assert!(rows.len() > 3 && rows.iter().all(|row| !row.contains("_LANDING")), "{rows:?}");
}
