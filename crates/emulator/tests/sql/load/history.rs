//! What is remembered of loads, and what transactions do to it.

use super::super::{on, start};
use super::{Staged, staged};

const COPY: &str = "COPY INTO T FROM (SELECT $1:i FROM @~) FILE_FORMAT = (TYPE = PARQUET)";
const SKIPPED: &str = "a.parquet|LOAD_SKIPPED|0|0|∅|1|File was loaded before.|∅|∅|∅";

fn one_file() -> Staged {
    let mut staged = staged();
    staged.parquet("a.parquet", "SELECT 1 AS i");
    staged.ok("CREATE TABLE T (I INT)");
    staged
}

#[test]
fn a_file_is_loaded_once_until_it_changes() {
    let mut staged = one_file();
    staged.ok(COPY);
    assert_eq!(staged.rows(COPY), [SKIPPED]);
    staged.ok(&format!("{COPY} FORCE = TRUE"));
    staged.parquet("a.parquet", "SELECT 2 AS i");
    staged.ok(COPY);
    assert_eq!(staged.rows("SELECT I FROM T ORDER BY I"), ["1", "1", "2"]);
}

#[test]
fn truncate_and_replace_forget_what_was_loaded_and_delete_does_not() {
    let mut staged = one_file();
    staged.ok(COPY);
    staged.ok("DELETE FROM T");
    assert_eq!(staged.rows(COPY), [SKIPPED]);
    staged.ok("ALTER TABLE T RENAME TO U");
    staged.ok("ALTER TABLE U RENAME TO T");
    assert_eq!(staged.rows(COPY), [SKIPPED]);
    staged.ok("TRUNCATE TABLE T");
    staged.ok(COPY);
    staged.ok("CREATE OR REPLACE TABLE T (I INT)");
    staged.ok(COPY);
    assert_eq!(staged.rows("SELECT COUNT(*) FROM T"), ["1"]);
}

#[test]
fn a_rollback_takes_rows_and_memory_back() {
    let mut staged = one_file();
    staged.ok("BEGIN");
    staged.ok(COPY);
    assert_eq!(staged.rows(COPY), [SKIPPED]);
    staged.ok("ROLLBACK");
    assert_eq!(staged.rows("SELECT COUNT(*) FROM T"), ["0"]);
    staged.ok("BEGIN");
    staged.ok("DELETE FROM T");
    staged.ok(COPY);
    staged.ok("COMMIT");
    assert_eq!(staged.rows(COPY), [SKIPPED]);
}

#[test]
fn a_failed_load_is_not_remembered_and_leaves_a_transaction_open() {
    let mut staged = staged();
    staged.parquet("a.parquet", "SELECT 'x' AS i");
    staged.ok("CREATE TABLE T (I INT)");
    staged.ok("BEGIN");
    staged.ok("INSERT INTO T VALUES (7)");
    assert_eq!(staged.fails(COPY).code, "100038");
    staged.ok("COMMIT");
    assert_eq!(staged.rows("SELECT I FROM T"), ["7"]);
    let history = "SELECT COUNT(*) FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => 'T', START_TIME => \
                   DATEADD(HOURS, -1, CURRENT_TIMESTAMP())))";
    assert_eq!(staged.rows(history), ["0"]);
}

#[test]
fn what_was_loaded_survives_a_restart() {
    let mut staged = one_file();
    staged.ok(COPY);
    let Staged { folder, database, session } = staged;
    drop(session);
    drop(database);
    let database = emulator::sql::Database::open(Some(folder.path())).unwrap();
    let mut session = on(&database, &start("ADMIN", None));
    for statement in ["USE WAREHOUSE WH", "USE SCHEMA D.PUBLIC"] {
        session.ok(statement);
    }
    assert_eq!(session.rows(COPY), [SKIPPED]);
}

#[test]
fn copy_history_tells_what_was_loaded() {
    let mut staged = one_file();
    staged.ok(COPY);
    let history = "SELECT FILE_NAME, ROW_COUNT, ROW_PARSED, STATUS, TABLE_CATALOG_NAME, TABLE_NAME, ERROR_COUNT FROM \
                   TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => 'd.public.t', START_TIME => DATEADD(HOURS, -1, \
                   CURRENT_TIMESTAMP())))";
    assert_eq!(staged.rows(history), ["a.parquet|1|1|Loaded|D|T|0"]);
}

#[test]
fn several_sessions_load_into_one_table_at_the_same_time() {
    let staged = one_file();
    for part in 0..4 {
        staged.parquet(&format!("p{part}/x.parquet"), &format!("SELECT {part} AS i FROM range(1000)"));
    }
    let loads = (0..4).map(|part| {
        let mut session = on(&staged.database, &start("ADMIN", None));
        std::thread::spawn(move || {
            session.ok("USE WAREHOUSE WH");
            session.ok("USE SCHEMA D.PUBLIC");
            session.ok("BEGIN");
            session.ok(&COPY.replace("@~", &format!("@~/p{part}/")));
            session.ok("COMMIT");
        })
    });
    let loads: Vec<_> = loads.collect();
    loads.into_iter().for_each(|load| load.join().unwrap());
    let mut staged = staged;
    assert_eq!(staged.rows("SELECT COUNT(*), COUNT(DISTINCT I) FROM T"), ["4000|4"]);
}
