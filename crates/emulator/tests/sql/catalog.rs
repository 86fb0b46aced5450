//! What is created, altered, dropped and listed.

use emulator::sql::Database;

use super::{on, session, start};

#[test]
fn tables_are_renamed_swapped_cloned_and_brought_back() {
    let mut session = session();
    session.ok("CREATE TABLE A (ID INT)");
    session.ok("INSERT INTO A VALUES (1)");
    session.ok("CREATE TABLE B CLONE A");
    session.ok("INSERT INTO B VALUES (2)");
    session.ok("ALTER TABLE A SWAP WITH B");
    assert_eq!(session.cell("SELECT COUNT(*) FROM A"), "2");
    session.ok("ALTER TABLE A RENAME TO C");
    session.ok("DROP TABLE C");
    assert_eq!(session.fails("SELECT * FROM C").code, "002003");
    session.ok("UNDROP TABLE C");
    assert_eq!(session.cell("SELECT COUNT(*) FROM C"), "2");
    session.ok("CREATE OR REPLACE TABLE C AS SELECT 'x' AS T");
    assert_eq!(session.cell("SELECT * FROM C"), "x");
    session.ok("CREATE TABLE E LIKE C");
    assert_eq!(session.cell("SELECT COUNT(*) FROM E"), "0");
}

#[test]
fn columns_are_added_renamed_changed_and_dropped() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, N VARCHAR(5))");
    session.ok("INSERT INTO T VALUES (1, 'a')");
    session.ok("ALTER TABLE T ADD COLUMN X NUMBER(5,1) DEFAULT 1.5, Y VARCHAR");
    session.ok("ALTER TABLE T RENAME COLUMN N TO NAME");
    session.ok("ALTER TABLE T ALTER COLUMN NAME SET DATA TYPE VARCHAR(50)");
    session.ok("ALTER TABLE T ALTER COLUMN NAME SET NOT NULL");
    session.ok("ALTER TABLE T DROP COLUMN Y");
    assert_eq!(session.rows("SELECT * FROM T"), ["1|a|1.5"]);
    let described = session.rows("DESCRIBE TABLE T");
    assert!(described[1].starts_with("NAME|VARCHAR(50)|COLUMN|N|"), "{described:?}");
    assert_eq!(session.fails("INSERT INTO T (ID) VALUES (2)").code, "100072");
}

#[test]
fn a_temporary_table_is_seen_by_its_session_only() {
    let mut first = session();
    first.ok("CREATE TABLE T (ID INT)");
    first.ok("CREATE TEMPORARY TABLE T (OTHER VARCHAR)");
    first.ok("INSERT INTO T VALUES ('mine')");
    assert_eq!(first.cell("SELECT OTHER FROM T"), "mine");
    first.ok("DROP TABLE T");
    assert_eq!(first.cell("SELECT COUNT(ID) FROM T"), "0");
}

#[test]
fn views_read_from_where_they_are() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, N VARCHAR)");
    session.ok("INSERT INTO T VALUES (1, 'a'), (2, 'b')");
    session.ok("CREATE VIEW V (KEY, NAME) COMMENT = 'names' AS SELECT ID, UPPER(N) FROM T WHERE ID > 1");
    session.ok("CREATE SCHEMA OTHER");
    assert_eq!(session.rows("SELECT NAME, KEY FROM PUBLIC.V"), ["B|2"]);
    assert!(session.cell("SHOW VIEWS IN SCHEMA D.PUBLIC").contains("|V||"));
}

#[test]
fn show_filters_and_pages() {
    let mut session = session();
    for name in ["ORDERS", "ORDER_LINES", "CUSTOMERS"] {
        session.ok(&format!("CREATE TABLE {name} (ID INT)"));
    }
    session.ok("INSERT INTO ORDERS VALUES (1), (2)");
    let names = |session: &mut super::Session, sql: &str| -> Vec<String> {
        session.rows(sql).iter().map(|row| row.split('|').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(
        names(&mut session, "SHOW TABLES LIKE 'order%' IN SCHEMA D.PUBLIC"),
        ["ORDERS", "ORDER_LINES"]
    );
    assert_eq!(names(&mut session, "SHOW TABLES IN D STARTS WITH 'ORDER_'"), ["ORDER_LINES"]);
    assert_eq!(names(&mut session, "SHOW TABLES LIMIT 1 FROM 'CUSTOMERS'"), ["ORDERS"]);
    let columns = session.columns("SHOW TABLES");
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        &names[..9],
        [
            "created_on",
            "name",
            "schema_name",
            "database_name",
            "kind",
            "comment",
            "cluster_by",
            "rows",
            "bytes"
        ]
    );
    let row = session.cell("SHOW TABLES LIKE 'ORDERS'");
    assert!(row.contains("|ORDERS|PUBLIC|D|TABLE|||2|"), "{row}");
}

#[test]
fn information_schema_lists_what_show_does() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID NUMBER(10,2) NOT NULL, N VARCHAR(5), W TIMESTAMP_TZ(3))");
    session.ok("INSERT INTO T VALUES (1, 'a', NULL)");
    let rows = session.rows(
        "SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, NUMERIC_PRECISION, CHARACTER_MAXIMUM_LENGTH, DATETIME_PRECISION \
         FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'T' ORDER BY ORDINAL_POSITION",
    );
    assert_eq!(rows, ["ID|NUMBER|NO|10|∅|∅", "N|TEXT|YES|∅|5|∅", "W|TIMESTAMP_TZ|YES|∅|∅|3"]);
    assert_eq!(
        session.cell("SELECT TABLE_TYPE, ROW_COUNT FROM D.INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'T'"),
        "BASE TABLE|1"
    );
    assert_eq!(
        session.rows("SELECT SCHEMA_NAME FROM INFORMATION_SCHEMA.SCHEMATA ORDER BY 1"),
        ["INFORMATION_SCHEMA", "PUBLIC"]
    );
}

#[test]
fn a_change_of_rows_is_seen_in_last_change_commit_time() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    let before = session.cell("SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('T')");
    session.ok("INSERT INTO T VALUES (1)");
    assert_ne!(session.cell("SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('T')"), before);
}

#[test]
fn an_account_in_a_folder_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    {
        let database = Database::open(Some(folder.path())).unwrap();
        let mut session = on(&database, &start("ADMIN", None));
        session.ok("CREATE WAREHOUSE WH");
        session.ok("CREATE DATABASE \"my db\"");
        session.ok("CREATE TABLE T (ID INT, V VARIANT, W TIMESTAMP_TZ)");
        session.ok("CREATE TEMPORARY TABLE GONE (ID INT)");
        session.ok("INSERT INTO T SELECT 1, PARSE_JSON('[1]'), '2024-01-01 00:00 +01:00'");
    }
    let database = Database::open(Some(folder.path())).unwrap();
    let mut session = on(&database, &start("ADMIN", None));
    session.ok("USE WAREHOUSE WH");
    assert_eq!(
        session.cell("SELECT ID, V[0]::INT, W::VARCHAR FROM \"my db\".PUBLIC.T"),
        "1|1|2024-01-01 00:00:00.000 +0100"
    );
    session.ok("CREATE TABLE \"my db\".PUBLIC.NEW (ID INT)");
}

#[test]
fn users_have_fingerprints_and_parameters_their_levels() {
    let mut session = session();
    session.ok("ALTER SESSION SET QUERY_TAG = 'x'");
    assert_eq!(session.rows("SHOW PARAMETERS LIKE 'QUERY_TAG'"), ["QUERY_TAG|x||SESSION||STRING"]);
    session.ok("CREATE USER SVC TYPE = SERVICE DEFAULT_ROLE = R COMMENT = 'sync'");
    assert!(session.rows("DESCRIBE USER SVC").iter().any(|row| row.starts_with("TYPE|SERVICE|")));
    assert!(session.cell("SHOW USERS LIKE 'SVC'").contains("sync"));
}

#[test]
fn keys_are_listed_and_foreign_ones_are_not_kept() {
    let mut session = session();
    session.ok("CREATE TABLE ACCOUNTS (ID INT PRIMARY KEY, CODE VARCHAR UNIQUE)");
    session.ok("CREATE TABLE DEALS (ID INT, ACCOUNT_ID INT REFERENCES ACCOUNTS (ID))");
    assert_eq!(session.rows("SHOW PRIMARY KEYS IN SCHEMA").len(), 1);
    assert_eq!(session.rows("SHOW UNIQUE KEYS IN TABLE ACCOUNTS").len(), 1);
    assert_eq!(session.rows("SHOW IMPORTED KEYS IN TABLE DEALS"), [""; 0]);
    assert_eq!(session.columns("SHOW EXPORTED KEYS IN SCHEMA").len(), 17);
}

#[test]
fn the_information_schema_tells_how_an_identity_counts() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT AUTOINCREMENT START 5 INCREMENT 2 ORDER, NAME VARCHAR)");
    let sql = "SELECT COLUMN_NAME, IDENTITY_START, IDENTITY_ORDERED, DATA_TYPE_ALIAS, KIND \
               FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'T' ORDER BY ORDINAL_POSITION";
    assert_eq!(session.rows(sql), ["ID|5|YES|∅|COLUMN", "NAME|∅|∅|∅|COLUMN"]);
}
