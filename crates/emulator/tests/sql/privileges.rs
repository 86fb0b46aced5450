//! Grants: what a role may see and do.

use emulator::sql::Database;

use super::{Session, on, start};

fn account() -> (Database, Session) {
    let database = Database::open(None).unwrap();
    let mut admin = on(&database, &start("ADMIN", None));
    for statement in [
        "CREATE WAREHOUSE WH",
        "CREATE DATABASE D",
        "CREATE TABLE T (ID INT)",
        "INSERT INTO T VALUES (1)",
        "CREATE TABLE HIDDEN (ID INT)",
        "CREATE ROLE READER",
        "CREATE USER U DEFAULT_ROLE = READER",
        "GRANT ROLE READER TO USER U",
        "GRANT USAGE ON WAREHOUSE WH TO ROLE READER",
    ] {
        admin.ok(statement);
    }
    (database, admin)
}

fn reader(database: &Database) -> Session {
    let mut session = on(database, &start("U", None));
    session.ok("USE WAREHOUSE WH");
    session
}

#[test]
fn without_usage_an_object_seems_not_to_exist() {
    let (database, mut admin) = account();
    let mut reader = reader(&database);
    assert_eq!(reader.fails("SELECT * FROM D.PUBLIC.T").code, "002003");
    admin.ok("GRANT USAGE ON DATABASE D TO ROLE READER");
    assert_eq!(reader.fails("SELECT * FROM D.PUBLIC.T").code, "002003");
    admin.ok("GRANT USAGE ON SCHEMA D.PUBLIC TO ROLE READER");
    assert_eq!(reader.fails("SELECT * FROM D.PUBLIC.T").code, "002003");
    admin.ok("GRANT SELECT ON TABLE D.PUBLIC.T TO ROLE READER");
    assert_eq!(reader.cell("SELECT * FROM D.PUBLIC.T"), "1");
    assert_eq!(reader.rows("SHOW TABLES IN SCHEMA D.PUBLIC").len(), 1);
    admin.ok("REVOKE SELECT ON TABLE D.PUBLIC.T FROM ROLE READER");
    assert_eq!(reader.fails("SELECT * FROM D.PUBLIC.T").code, "002003");
}

#[test]
fn a_visible_table_without_the_privilege_says_so() {
    let (database, mut admin) = account();
    for statement in [
        "GRANT USAGE ON DATABASE D TO ROLE READER",
        "GRANT USAGE ON SCHEMA D.PUBLIC TO ROLE READER",
        "GRANT SELECT ON ALL TABLES IN SCHEMA D.PUBLIC TO ROLE READER",
    ] {
        admin.ok(statement);
    }
    let mut reader = reader(&database);
    for text in ["INSERT INTO D.PUBLIC.T VALUES (2)", "DELETE FROM D.PUBLIC.T", "DROP TABLE D.PUBLIC.T"] {
        assert_eq!(reader.fails(text).code, "003001", "{text}");
    }
    assert_eq!(reader.fails("CREATE TABLE D.PUBLIC.X (ID INT)").code, "003001");
    assert_eq!(reader.fails("CREATE DATABASE X").code, "003001");
    reader.ok("CREATE TEMPORARY TABLE D.PUBLIC.X (ID INT)");
}

#[test]
fn future_grants_reach_what_is_created_later() {
    let (database, mut admin) = account();
    for statement in [
        "GRANT USAGE ON DATABASE D TO ROLE READER",
        "GRANT USAGE ON SCHEMA D.PUBLIC TO ROLE READER",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA D.PUBLIC TO ROLE READER",
        "CREATE TABLE D.PUBLIC.LATER (ID INT)",
    ] {
        admin.ok(statement);
    }
    assert_eq!(reader(&database).cell("SELECT COUNT(*) FROM D.PUBLIC.LATER"), "0");
    assert_eq!(admin.rows("SHOW FUTURE GRANTS IN SCHEMA D.PUBLIC").len(), 1);
    assert!(
        admin
            .rows("SHOW GRANTS TO ROLE READER")
            .iter()
            .any(|row| row.contains("|SELECT|TABLE|D.PUBLIC.LATER|"))
    );
}

#[test]
fn a_role_that_was_not_granted_cannot_be_used() {
    let (database, _) = account();
    let mut reader = reader(&database);
    assert_eq!(reader.fails("USE ROLE ACCOUNTADMIN").code, "003013");
    let refused = database.session(&start("U", Some("ACCOUNTADMIN"))).unwrap_err();
    assert_eq!(refused.code, "390189");
}
