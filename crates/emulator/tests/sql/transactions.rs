//! Transactions: what others see, and what DDL does to them.

use super::two;

#[test]
fn what_is_not_committed_is_seen_by_nobody_else() {
    let (mut first, mut second) = two();
    first.ok("CREATE TABLE T (ID INT)");
    first.ok("BEGIN");
    first.ok("INSERT INTO T VALUES (1)");
    assert_eq!(first.cell("SELECT COUNT(*) FROM T"), "1");
    assert_eq!(second.cell("SELECT COUNT(*) FROM T"), "0");
    first.ok("COMMIT");
    assert_eq!(second.cell("SELECT COUNT(*) FROM T"), "1");
}

#[test]
fn a_rollback_undoes_truncate_too() {
    let (mut first, _) = two();
    first.ok("CREATE TABLE T (ID INT)");
    first.ok("INSERT INTO T VALUES (1)");
    first.ok("BEGIN TRANSACTION");
    first.ok("TRUNCATE TABLE T");
    first.ok("ROLLBACK");
    assert_eq!(first.cell("SELECT COUNT(*) FROM T"), "1");
}

#[test]
fn ddl_commits_the_open_transaction() {
    let (mut first, mut second) = two();
    first.ok("CREATE TABLE T (ID INT)");
    first.ok("BEGIN");
    first.ok("INSERT INTO T VALUES (1)");
    first.ok("CREATE TABLE OTHER (ID INT)");
    first.ok("ROLLBACK");
    assert_eq!(second.cell("SELECT COUNT(*) FROM T"), "1");
}

#[test]
fn without_autocommit_changes_wait_for_commit() {
    let (mut first, mut second) = two();
    first.ok("CREATE TABLE T (ID INT)");
    first.ok("ALTER SESSION SET AUTOCOMMIT = FALSE");
    first.ok("INSERT INTO T VALUES (1)");
    assert_eq!(second.cell("SELECT COUNT(*) FROM T"), "0");
    first.ok("COMMIT");
    assert_eq!(second.cell("SELECT COUNT(*) FROM T"), "1");
}

#[test]
fn a_transaction_reads_what_was_committed_before_its_first_change() {
    let (mut first, mut second) = two();
    first.ok("CREATE TABLE T (ID INT)");
    first.ok("BEGIN");
    second.ok("INSERT INTO T VALUES (1)");
    assert_eq!(first.cell("SELECT COUNT(*) FROM T"), "1");
}

#[test]
fn an_update_waits_for_the_transaction_that_holds_the_table() {
    let (mut first, mut second) = two();
    first.ok("CREATE TABLE T (ID INT)");
    first.ok("INSERT INTO T VALUES (1)");
    first.ok("BEGIN");
    first.ok("UPDATE T SET ID = 2");
    second.ok("ALTER SESSION SET LOCK_TIMEOUT = 0");
    assert_eq!(second.fails("UPDATE T SET ID = 3").code, "000625");
    first.ok("COMMIT");
    second.ok("UPDATE T SET ID = ID + 1");
    assert_eq!(first.cell("SELECT ID FROM T"), "3");
}
