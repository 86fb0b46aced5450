//! What needs a virtual warehouse and what does not.

use std::time::Duration;

use super::travel::with_clock;

#[test]
fn metadata_tells_of_every_change_and_needs_no_virtual_warehouse() {
    let (mut session, _) = with_clock();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("CREATE VIEW V AS SELECT ID FROM T");
    session.sql.take_used_warehouse();
    let token = |session: &mut super::Session, name: &str| {
        let text = session.cell(&format!("SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('{name}')"));
        let shown = session.rows("SHOW TABLES LIKE 'T' IN SCHEMA D.PUBLIC");
        assert_eq!((session.sql.take_used_warehouse(), shown.len()), (None, 1));
        text.parse::<i64>().unwrap()
    };
    let mut last = token(&mut session, "T");
    assert_eq!(token(&mut session, "D.PUBLIC.T"), last);
    for change in [
        "INSERT INTO T VALUES (1)",
        "UPDATE T SET ID = 2",
        "DELETE FROM T",
        "TRUNCATE TABLE T",
        "ALTER TABLE T ADD COLUMN N INT",
        "ALTER TABLE T RENAME COLUMN N TO M",
        "CREATE OR REPLACE TABLE T (ID INT)",
    ] {
        session.ok(change);
        session.sql.take_used_warehouse();
        let now = token(&mut session, "T");
        assert!(now > last, "{change}");
        assert_eq!(token(&mut session, "V"), now, "{change}");
        last = now;
    }
    session.ok("BEGIN");
    session.ok("INSERT INTO T VALUES (1)");
    session.sql.take_used_warehouse();
    assert_eq!(token(&mut session, "T"), last);
    session.ok("ROLLBACK");
    assert_eq!(token(&mut session, "T"), last);
}

#[test]
fn reading_rows_and_the_information_schema_uses_the_virtual_warehouse() {
    let (mut session, _) = with_clock();
    session.ok("CREATE OR REPLACE WAREHOUSE WH WAREHOUSE_SIZE = LARGE");
    session.ok("CREATE TABLE T (ID INT)");
    for text in
        ["SELECT * FROM T", "SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES", "INSERT INTO T VALUES (1)"]
    {
        session.ok(text);
        let used = session.sql.take_used_warehouse().unwrap();
        assert_eq!((used.name.as_str(), used.size.as_str()), ("WH", "Large"), "{text}");
    }
    session.ok("DESCRIBE TABLE T");
    session.ok("SELECT CURRENT_TIMESTAMP()");
    assert_eq!(session.sql.take_used_warehouse(), None);
}

#[test]
fn a_virtual_warehouse_falls_asleep_and_wakes_only_where_it_may() {
    let (mut session, clock) = with_clock();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("CREATE WAREHOUSE LAZY AUTO_SUSPEND = 60 AUTO_RESUME = FALSE");
    let state = |session: &mut super::Session| {
        session.cell("SHOW WAREHOUSES LIKE 'LAZY'").split('|').nth(1).unwrap_or_default().to_owned()
    };
    session.ok("SELECT * FROM T");
    assert_eq!(state(&mut session), "STARTED");
    clock.advance(Duration::from_secs(61));
    assert_eq!(state(&mut session), "SUSPENDED");
    assert_eq!(session.fails("SELECT * FROM T").code, "000606");
    session.ok("ALTER WAREHOUSE LAZY SET AUTO_RESUME = TRUE");
    session.ok("SELECT * FROM T");
    assert_eq!(state(&mut session), "STARTED");
    session.ok("ALTER WAREHOUSE LAZY SUSPEND");
    assert_eq!(state(&mut session), "SUSPENDED");
}
