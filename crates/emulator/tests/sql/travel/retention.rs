//! How long the past can be read.

use std::time::Duration;

use super::with_clock;

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn the_past_can_be_read_for_a_day_unless_more_was_asked_for() {
    let (mut session, clock) = with_clock();
    session.ok("CREATE TABLE SHORT (ID INT)");
    session.ok("CREATE TABLE LONG (ID INT) DATA_RETENTION_TIME_IN_DAYS = 3");
    session.ok("INSERT INTO SHORT VALUES (1)");
    session.ok("INSERT INTO LONG VALUES (1)");
    let before = session.now();
    let count = |table: &str| format!("SELECT COUNT(*) FROM {table} AT(TIMESTAMP => {before})");
    session.ok("DELETE FROM SHORT");
    session.ok("DELETE FROM LONG");
    assert_eq!([session.cell(&count("SHORT")), session.cell(&count("LONG"))], ["1", "1"]);
    clock.advance(DAY);
    assert_eq!(session.fails(&count("SHORT")).code, "000707");
    assert_eq!(session.cell(&count("LONG")), "1");
    clock.advance(2 * DAY);
    assert_eq!(session.fails(&count("LONG")).code, "000707");
}

#[test]
fn a_longer_retention_brings_nothing_back() {
    let (mut session, clock) = with_clock();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("INSERT INTO T VALUES (1)");
    let before = session.now();
    clock.advance(DAY + Duration::from_secs(60));
    let recent = session.now();
    session.ok("DELETE FROM T");
    session.ok("ALTER TABLE T SET DATA_RETENTION_TIME_IN_DAYS = 90");
    let count = |time: &str| format!("SELECT COUNT(*) FROM T AT(TIMESTAMP => {time})");
    assert_eq!(session.fails(&count(&before)).code, "000707");
    clock.advance(30 * DAY);
    session.ok("INSERT INTO T VALUES (2)");
    assert_eq!(session.cell(&count(&recent)), "1");
}

#[test]
fn schemas_and_databases_say_what_their_tables_do_not() {
    let (mut session, _) = with_clock();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("CREATE TABLE OWN (ID INT) DATA_RETENTION_TIME_IN_DAYS = 2");
    session.ok("CREATE TRANSIENT TABLE PASSING (ID INT)");
    let retention = |session: &mut super::Session, table: &str| {
        session.cell(&format!(
            "SELECT RETENTION_TIME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = '{table}'"
        ))
    };
    session.ok("ALTER DATABASE D SET DATA_RETENTION_TIME_IN_DAYS = 30");
    assert_eq!(["T", "OWN", "PASSING"].map(|table| retention(&mut session, table)), ["30", "2", "1"]);
    session.ok("ALTER SCHEMA D.PUBLIC SET DATA_RETENTION_TIME_IN_DAYS = 0");
    session.ok("ALTER TABLE OWN UNSET DATA_RETENTION_TIME_IN_DAYS");
    assert_eq!(["T", "OWN", "PASSING"].map(|table| retention(&mut session, table)), ["0", "0", "0"]);
    let failure = session.fails("CREATE TRANSIENT TABLE P (ID INT) DATA_RETENTION_TIME_IN_DAYS = 2");
    assert_eq!((failure.code, failure.sql_state), ("001008", "22023"));
    assert_eq!(session.fails("ALTER TABLE T SET DATA_RETENTION_TIME_IN_DAYS = 91").code, "001008");
}

#[test]
fn a_table_that_keeps_nothing_has_only_a_present() {
    let (mut session, _) = with_clock();
    session.ok("CREATE TABLE T (ID INT) DATA_RETENTION_TIME_IN_DAYS = 0");
    let before = session.now();
    session.ok("INSERT INTO T VALUES (1)");
    session.ok("UPDATE T SET ID = 2");
    assert_eq!(session.fails(&format!("SELECT * FROM T AT(TIMESTAMP => {before})")).code, "000707");
    assert_eq!(session.cell("SELECT ID FROM T AT(OFFSET => 0)"), "2");
}

#[test]
fn what_is_thrown_away_leaves_the_rest_as_it_was() {
    let (mut session, clock) = with_clock();
    session.ok("CREATE TABLE T (ID INT, N INT)");
    session.ok("INSERT INTO T SELECT SEQ4(), 0 FROM TABLE(GENERATOR(ROWCOUNT => 5))");
    session.ok("UPDATE T SET N = 1 WHERE ID < 3");
    clock.advance(DAY);
    session.ok("UPDATE T SET N = 2 WHERE ID < 2");
    let kept = session.now();
    session.ok("DELETE FROM T WHERE ID = 0");
    // The next commit an hour later throws away what nobody can ask for any more.
    clock.advance(Duration::from_secs(4_000));
    session.ok("INSERT INTO T VALUES (9, 9)");
    let rows = session.rows(&format!("SELECT * FROM T AT(TIMESTAMP => {kept}) ORDER BY ID"));
    assert_eq!(rows, ["0|2", "1|2", "2|1", "3|0", "4|0"]);
}
