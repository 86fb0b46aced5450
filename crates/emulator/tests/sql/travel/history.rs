//! AT and BEFORE: tables and views as they were.

use emulator::sql::{Database, SessionStart};

use super::super::{on, session, start, two};

#[test]
fn a_table_is_read_as_it_was() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, N VARCHAR)");
    session.ok("INSERT INTO T VALUES (1, 'a'), (2, 'b')");
    let before = session.now();
    session.ok("UPDATE T SET N = 'c' WHERE ID = 1");
    let between = session.now();
    session.ok("DELETE FROM T WHERE ID = 2");
    let at = |time: &str| format!("SELECT * FROM T AT(TIMESTAMP => {time}) ORDER BY ID");
    assert_eq!(session.rows(&at(&before)), ["1|a", "2|b"]);
    assert_eq!(session.rows(&at(&between)), ["1|c", "2|b"]);
    assert_eq!(session.rows("SELECT * FROM T AT(OFFSET => 0)"), ["1|c"]);
    assert_eq!(
        session
            .rows(&format!("SELECT O.N, X.N FROM T AT(TIMESTAMP => {before}) AS O JOIN T X ON O.ID = X.ID")),
        ["a|c"]
    );
}

#[test]
fn a_statement_stands_for_the_instant_of_its_commit_or_of_its_snapshot() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("INSERT INTO T VALUES (1)");
    session.ok("SET INSERTED = LAST_QUERY_ID()");
    session.ok("SELECT * FROM T");
    session.ok("SET SEEN = LAST_QUERY_ID()");
    session.ok("INSERT INTO T VALUES (2)");
    let count = |clause: &str| format!("SELECT COUNT(*) FROM T {clause}");
    assert_eq!(session.cell(&count("BEFORE(STATEMENT => $INSERTED)")), "0");
    assert_eq!(session.cell(&count("AT(STATEMENT => $INSERTED)")), "1");
    assert_eq!(session.cell(&count("AT(STATEMENT => $SEEN)")), "1");
    let failure = session.fails(&count("AT(STATEMENT => 'nobody')"));
    assert_eq!((failure.code, failure.sql_state), ("000709", "02000"));
}

#[test]
fn what_a_transaction_wrote_gets_the_instant_of_its_commit() {
    let (mut first, mut second) = two();
    first.ok("CREATE TABLE T (ID INT)");
    first.ok("BEGIN");
    first.ok("INSERT INTO T VALUES (1)");
    let open = second.now();
    first.ok("INSERT INTO T VALUES (2)");
    first.ok("COMMIT");
    let closed = second.now();
    let count = |time: &str| format!("SELECT COUNT(*) FROM T AT(TIMESTAMP => {time})");
    assert_eq!(second.cell(&count(&open)), "0");
    assert_eq!(second.cell(&count(&closed)), "2");
}

#[test]
fn a_rolled_back_change_was_never_there() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("INSERT INTO T VALUES (1), (2)");
    session.ok("BEGIN");
    session.ok("UPDATE T SET ID = ID + 10");
    session.ok("DELETE FROM T WHERE ID = 11");
    session.ok("ROLLBACK");
    let now = session.now();
    assert_eq!(session.rows(&format!("SELECT ID FROM T AT(TIMESTAMP => {now}) ORDER BY 1")), ["1", "2"]);
}

#[test]
fn the_past_is_read_by_the_columns_of_today() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, GONE INT)");
    session.ok("INSERT INTO T VALUES (1, 9), (2, 9)");
    let before = session.now();
    session.ok("DELETE FROM T WHERE ID = 2");
    session.ok("ALTER TABLE T ADD COLUMN N VARCHAR DEFAULT 'new'");
    session.ok("ALTER TABLE T DROP COLUMN GONE");
    session.ok("ALTER TABLE T RENAME COLUMN ID TO K");
    assert_eq!(
        session.rows(&format!("SELECT * FROM T AT(TIMESTAMP => {before}) ORDER BY K")),
        ["1|new", "2|new"]
    );
}

#[test]
fn versions_of_a_table_with_an_added_column_end_as_they_were() {
    let changes = [
        "UPDATE T SET N = 'new' WHERE ID = 1",
        "DELETE FROM T WHERE ID = 1",
        "TRUNCATE TABLE T",
        "INSERT OVERWRITE INTO T VALUES (2, 'b', 'later')",
        "MERGE INTO T USING (SELECT 1 AS K) AS S ON T.ID = S.K WHEN MATCHED THEN UPDATE SET N = 'new'",
    ];
    // A text takes a number without a complaint; a number of few digits does not take that of a row.
    for (added, value) in [("VARCHAR", "later"), ("NUMBER(9,0)", "7")] {
        for change in changes {
            let mut session = session();
            session.ok("CREATE TABLE T (ID NUMBER(18,0), N VARCHAR)");
            session.ok(&format!("ALTER TABLE T ADD COLUMN EXTRA {added}"));
            session.ok(&format!("INSERT INTO T VALUES (1, 'a', '{value}')"));
            let before = session.now();
            session.ok(&change.replace("later", value));
            let rows = session.rows(&format!("SELECT * FROM T AT(TIMESTAMP => {before})"));
            assert_eq!(rows, [format!("1|a|{value}")], "{change}");
        }
    }
}

#[test]
fn a_view_reads_its_tables_as_they_were() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("CREATE VIEW V AS SELECT COUNT(*) AS N FROM T");
    session.ok("CREATE VIEW W AS WITH C AS (SELECT N FROM V) SELECT N + 1 AS M FROM C");
    session.ok("INSERT INTO T VALUES (1)");
    let before = session.now();
    session.ok("INSERT INTO T VALUES (2)");
    assert_eq!(session.cell(&format!("SELECT M FROM W AT(TIMESTAMP => {before})")), "2");
    assert_eq!(session.cell("SELECT M FROM W"), "3");
}

#[test]
fn a_time_without_a_zone_is_in_utc_and_a_local_one_in_the_sessions_zone() {
    let mut session = session();
    session.ok("ALTER SESSION SET TIMEZONE = 'America/Los_Angeles'");
    session.ok("CREATE TABLE T (ID INT)");
    let count = |time: &str| format!("SELECT COUNT(*) FROM T AT(TIMESTAMP => {time})");
    session.ok("SET LOCAL = TO_VARCHAR(CURRENT_TIMESTAMP(), 'YYYY-MM-DD HH24:MI:SS.FF9')");
    assert_eq!(session.cell(&count("$LOCAL::TIMESTAMP_LTZ")), "0");
    assert_eq!(session.fails(&count("$LOCAL::TIMESTAMP_NTZ")).code, "000707");
    assert_eq!(session.cell(&count("SYSDATE()")), "0");
    assert_eq!(session.cell(&count("CURRENT_TIMESTAMP()")), "0");
    session.ok("SET T1 = (SELECT CURRENT_TIMESTAMP())");
    session.ok("INSERT INTO T VALUES (1)");
    assert_eq!(session.cell(&count("$T1")), "0");
}

#[test]
fn a_time_to_come_and_an_offset_to_come_are_refused() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    assert_eq!(session.fails("SELECT * FROM T AT(TIMESTAMP => '2200-01-01'::TIMESTAMP_LTZ)").code, "000002");
    assert_eq!(session.fails("SELECT * FROM T AT(OFFSET => 60)").code, "001044");
}

#[test]
fn a_table_made_anew_has_no_past() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("INSERT INTO T VALUES (1)");
    let before = session.now();
    session.ok("CREATE OR REPLACE TABLE T (ID INT)");
    let failure = session.fails(&format!("SELECT * FROM T AT(TIMESTAMP => {before})"));
    assert_eq!((failure.code, failure.sql_state), ("000707", "02000"));
    assert!(failure.message.starts_with("Time travel data is not available for table T."), "{failure:?}");
    session.ok("DROP TABLE T");
    session.ok("CREATE TABLE OTHER (ID INT)");
}

#[test]
fn a_dropped_table_comes_back_with_its_past() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("INSERT INTO T VALUES (1)");
    let before = session.now();
    session.ok("DELETE FROM T");
    session.ok("DROP TABLE T");
    session.ok("UNDROP TABLE T");
    assert_eq!(session.cell(&format!("SELECT COUNT(*) FROM T AT(TIMESTAMP => {before})")), "1");
}

#[test]
fn the_past_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let before = {
        let mut session = on(&Database::open(Some(folder.path())).unwrap(), &start("ADMIN", None));
        session.ok("CREATE WAREHOUSE WH");
        session.ok("CREATE DATABASE D");
        session.ok("CREATE TABLE T (ID INT) CHANGE_TRACKING = TRUE");
        session.ok("INSERT INTO T VALUES (1), (2)");
        let before = session.now();
        session.ok("UPDATE T SET ID = 20 WHERE ID = 2");
        before
    };
    let again = SessionStart {
        warehouse: Some("WH".to_owned()),
        database: Some("D".to_owned()),
        ..start("ADMIN", None)
    };
    let mut session = on(&Database::open(Some(folder.path())).unwrap(), &again);
    session.ok("DELETE FROM T WHERE ID = 1");
    assert_eq!(session.rows(&format!("SELECT ID FROM T AT(TIMESTAMP => {before}) ORDER BY 1")), ["1", "2"]);
    let changes = format!(
        "SELECT ID, METADATA$ACTION FROM T CHANGES(INFORMATION => DEFAULT) AT(TIMESTAMP => {before}) ORDER BY 1"
    );
    assert_eq!(session.rows(&changes), ["1|DELETE", "2|DELETE", "20|INSERT"]);
}

#[test]
fn a_folder_from_before_there_was_a_past_has_one_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut session = on(&Database::open(Some(folder.path())).unwrap(), &start("ADMIN", None));
        session.ok("CREATE WAREHOUSE WH");
        session.ok("CREATE DATABASE D");
        session.ok("CREATE TABLE T (ID INT NOT NULL)");
        session.ok("INSERT INTO T VALUES (1), (2)");
    }
    let file = duckdb::Connection::open(folder.path().join("emulator.duckdb")).unwrap();
    let history: String = file
        .query_row(
            "SELECT table_name FROM duckdb_tables() WHERE regexp_full_match(table_name, 'h[0-9]+')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let table = history.replace('h', "t");
    file.execute_batch(&format!(
        "DROP TABLE {history}; DROP TABLE emulator_commits; ALTER TABLE {table} DROP COLUMN v_from; \
         ALTER TABLE {table} DROP COLUMN v_row"
    ))
    .unwrap();
    drop(file);
    let again = SessionStart {
        warehouse: Some("WH".to_owned()),
        database: Some("D".to_owned()),
        ..start("ADMIN", None)
    };
    let mut session = on(&Database::open(Some(folder.path())).unwrap(), &again);
    let before = session.now();
    session.ok("DELETE FROM T WHERE ID = 1");
    session.ok("INSERT INTO T VALUES (3)");
    assert_eq!(session.rows("SELECT ID FROM T ORDER BY 1"), ["2", "3"]);
    assert_eq!(session.rows(&format!("SELECT ID FROM T AT(TIMESTAMP => {before}) ORDER BY 1")), ["1", "2"]);
}
