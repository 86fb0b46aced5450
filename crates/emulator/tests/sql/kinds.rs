//! Hybrid and dynamic tables: told apart from others, with the restrictions that Snowflake has for them.

use super::session;

fn kinds(session: &mut super::Session, table: &str) -> String {
    session.cell(&format!(
        "SELECT TABLE_TYPE || IS_HYBRID || IS_DYNAMIC FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = '{table}'"
    ))
}

#[test]
fn a_hybrid_table_has_a_key_and_no_changes_to_be_asked_for() {
    let mut session = session();
    assert_eq!(session.fails("CREATE HYBRID TABLE H (ID INT)").code, "002141");
    session.ok("CREATE HYBRID TABLE H (ID INT PRIMARY KEY)");
    session.ok("INSERT INTO H VALUES (1)");
    assert_eq!(kinds(&mut session, "H"), "BASE TABLEYESNO");
    assert_eq!(session.cell("SELECT COUNT(*) FROM H AT(TIMESTAMP => CURRENT_TIMESTAMP())"), "1");
    for refused in [
        "SELECT * FROM H AT(OFFSET => 0)",
        "SELECT * FROM H BEFORE(OFFSET => 0)",
        "SELECT * FROM H CHANGES(INFORMATION => DEFAULT) AT(OFFSET => 0)",
        "ALTER TABLE H SET CHANGE_TRACKING = TRUE",
    ] {
        assert_eq!(session.fails(refused).code, "000002", "{refused}");
    }
    session.ok("DROP TABLE H");
}

#[test]
fn a_dynamic_table_is_what_its_query_gave_at_the_last_refresh() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("INSERT INTO T VALUES (1), (2)");
    session.ok(
        "CREATE DYNAMIC TABLE DT TARGET_LAG = '1 minute' WAREHOUSE = WH AS SELECT ID * 10 AS TENFOLD FROM T",
    );
    session.ok("DELETE FROM T WHERE ID = 1");
    assert_eq!(session.rows("SELECT TENFOLD FROM DT ORDER BY 1"), ["10", "20"]);
    let before = session.now();
    session.ok("ALTER DYNAMIC TABLE DT REFRESH");
    assert_eq!(session.rows("SELECT TENFOLD FROM DT"), ["20"]);
    assert_eq!(session.cell(&format!("SELECT COUNT(*) FROM DT AT(TIMESTAMP => {before})")), "2");
    assert_eq!(kinds(&mut session, "DT"), "BASE TABLENOYES");
    assert_eq!(session.rows("SHOW DYNAMIC TABLES").len(), 1);
    for refused in
        ["INSERT INTO DT VALUES (1)", "TRUNCATE TABLE DT", "ALTER TABLE DT SET CHANGE_TRACKING = TRUE"]
    {
        assert_eq!(session.fails(refused).code, "000002", "{refused}");
    }
    session.ok("DROP DYNAMIC TABLE DT");
    assert_eq!(session.fails("SELECT * FROM DT").code, "002003");
}
