//! What is refused, with Snowflake's codes and states.

use super::session;

#[track_caller]
fn refused(setup: &[&str], text: &str, code: &str, state: &str) -> String {
    let mut session = session();
    for statement in setup {
        session.ok(statement);
    }
    let failure = session.fails(text);
    assert_eq!((failure.code, failure.sql_state), (code, state), "{text}\n{}", failure.message);
    failure.message
}

const TABLE: &str = "CREATE TABLE T (ID INT NOT NULL, N VARCHAR(3), D NUMBER(4,2), B BINARY(2))";

#[test]
fn what_is_missing_is_named() {
    let message = refused(&[], "SELECT * FROM NOPE", "002003", "42S02");
    assert!(message.contains("Object 'NOPE' does not exist or not authorized."), "{message}");
    refused(&[], "SELECT * FROM X.Y.Z", "002003", "42S02");
    let message = refused(&[TABLE], "SELECT ID, NOPE FROM T", "000904", "42000");
    assert!(
        message.contains("line 1 at position 11") && message.contains("invalid identifier 'NOPE'"),
        "{message}"
    );
    refused(&[], "SELECT NO_SUCH_FUNCTION(1)", "002140", "42601");
    refused(&[], "USE DATABASE NOPE", "002043", "02000");
}

#[test]
fn a_syntax_error_has_its_place() {
    let message = refused(&[], "SELEC 1", "001003", "42000");
    assert!(message.contains("syntax error line 1 at position 0 unexpected 'SELEC'"), "{message}");
    refused(&[], "SELECT 1 FROM", "001003", "42000");
}

#[test]
fn values_that_do_not_fit_are_refused() {
    refused(&[TABLE], "INSERT INTO T (N) VALUES ('x')", "100072", "22000");
    refused(&[TABLE], "INSERT INTO T (ID, N) VALUES (1, 'long')", "100078", "22000");
    refused(&[TABLE], "INSERT INTO T (ID, D) VALUES (1, 1000)", "100039", "22003");
    refused(&[TABLE], "INSERT INTO T (ID, B) SELECT 1, TO_BINARY('010203')", "100078", "22000");
    refused(&[], "SELECT 'abc'::INT", "100038", "22018");
    refused(&[], "SELECT 'abc'::DATE", "100035", "22007");
    refused(&[], "SELECT 1/0", "100051", "22012");
    refused(&[], "SELECT TO_DECFLOAT('1e16385')", "100039", "22003");
    refused(&[], "SELECT TO_DECFLOAT('one')", "100038", "22018");
    refused(&[], "SELECT PARSE_JSON('{oops')", "100069", "22P02");
    refused(&[], r#"SELECT PARSE_JSON('{"a": 1, "a": 2}')"#, "100069", "22P02");
}

#[test]
fn a_try_gives_null_instead() {
    let mut session = session();
    let sql = "SELECT TRY_CAST('abc' AS INT), TRY_TO_DATE('x'), TRY_TO_NUMBER('1.5', 3, 1), TRY_PARSE_JSON('{'), \
               TRY_CAST('maybe' AS BOOLEAN)";
    assert_eq!(session.cell(sql), "∅|∅|1.5|∅|∅");
}

#[test]
fn what_is_not_supported_says_so() {
    for text in
        ["SELECT HASH(1)", "SELECT * FROM T AT(STREAM => 's')", "CREATE STREAM S ON TABLE T", "CALL P()"]
    {
        let mut session = session();
        session.ok(TABLE);
        let failure = session.fails(text);
        assert!(failure.message.contains("not supported by the emulator"), "{text}: {failure:?}");
    }
}

#[test]
fn without_a_database_or_warehouse_the_session_says_which_is_missing() {
    let database = emulator::sql::Database::open(None).unwrap();
    let mut session = super::on(&database, &super::start("ADMIN", None));
    assert_eq!(session.fails("SELECT * FROM T").code, "090105");
    session.ok("CREATE DATABASE D");
    session.ok("CREATE TABLE T (ID INT)");
    assert_eq!(session.cell("SELECT 1"), "1");
    assert_eq!(session.fails("SELECT * FROM T").code, "000606");
}
