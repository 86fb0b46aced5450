//! Named Snowflake stages in the catalog, and who may use them.

use emulator::sql::Database;

use super::{Session, on, session, start};

#[test]
fn a_stage_is_created_shown_described_and_dropped() {
    let mut session = session();
    session.ok("CREATE STAGE Files FILE_FORMAT = (TYPE = PARQUET NULL_IF = ('a''b\\n', '')) COMMENT = 'in'");
    session.ok("CREATE STAGE IF NOT EXISTS Files");
    assert_eq!(session.fails("CREATE STAGE Files").code, "002002");
    session.ok("CREATE OR REPLACE STAGE \"plain\" ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')");
    session.ok("CREATE TEMPORARY STAGE Own");
    let rows = session.rows("SHOW STAGES");
    let shown: Vec<Vec<&str>> = rows.iter().map(|row| row.split('|').collect()).collect();
    let named: Vec<[&str; 2]> = shown.iter().map(|row| [row[1], row[10]]).collect();
    assert_eq!(named, [["FILES", "INTERNAL"], ["OWN", "INTERNAL TEMPORARY"], ["plain", "INTERNAL NO CSE"]]);
    assert_eq!(shown[0][8], "in");
    let described = session.rows("DESC STAGE Files");
    assert!(
        described[0].contains("TYPE = PARQUET NULL_IF = ( 'a''b\n' , '' )"),
        "the format reads back: {described:?}"
    );
    session.ok("DROP STAGE Files");
    session.ok("DROP STAGE IF EXISTS Files");
    assert_eq!(session.fails("DROP STAGE Files").code, "002003");
    assert_eq!(session.fails("LIST @Files").code, "002003");
}

#[test]
fn an_option_that_the_emulator_does_not_know_is_refused() {
    let mut session = session();
    assert_eq!(session.fails("CREATE STAGE S URL = 's3://bucket/'").code, "000002");
    assert_eq!(session.fails("CREATE STAGE S DIRECTORY = (ENABLE = TRUE)").code, "000002");
    assert_eq!(session.fails("CREATE STAGE S ENCRYPTION = (TYPE = 'AWS_CSE')").code, "001008");
    session.ok("CREATE STAGE S DIRECTORY = (ENABLE = FALSE)");
    assert_eq!(session.fails("LIST @S SIZE = 1").code, "000002");
    assert_eq!(session.fails("LIST s3://bucket/x").code, "000002");
}

#[test]
fn empty_stages_list_nothing_and_remove_nothing() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT)");
    session.ok("CREATE STAGE S");
    for stage in ["@~", "@~/x/", "@%T", "@D.PUBLIC.%T", "@S", "'@D.PUBLIC.S/a b/'", "@S PATTERN = '.*[.]csv'"]
    {
        assert!(session.rows(&format!("LIST {stage}")).is_empty(), "{stage}");
        assert!(session.rows(&format!("rm {stage}")).is_empty(), "{stage}");
    }
    let names = |columns: Vec<emulator::outcome::Column>| -> Vec<String> {
        columns.into_iter().map(|column| column.name).collect()
    };
    assert_eq!(names(session.columns("LS @~")), ["name", "size", "md5", "last_modified"]);
    assert_eq!(names(session.columns("REMOVE @~")), ["name", "result"]);
}

fn account() -> (Database, Session, Session) {
    let database = Database::open(None).unwrap();
    let mut admin = on(&database, &start("ADMIN", None));
    for statement in [
        "CREATE DATABASE D",
        "CREATE TABLE T (ID INT)",
        "CREATE STAGE S",
        "CREATE ROLE PUSHER",
        "CREATE USER U DEFAULT_ROLE = PUSHER",
        "GRANT ROLE PUSHER TO USER U",
        "GRANT USAGE ON DATABASE D TO ROLE PUSHER",
        "GRANT USAGE ON SCHEMA D.PUBLIC TO ROLE PUSHER",
    ] {
        admin.ok(statement);
    }
    let pusher = on(&database, &start("U", None));
    (database, admin, pusher)
}

#[test]
fn a_named_stage_needs_read_to_be_listed_and_write_to_be_changed() {
    let (_, mut admin, mut pusher) = account();
    assert_eq!(pusher.fails("LIST @D.PUBLIC.S").code, "002003");
    admin.ok("GRANT READ ON STAGE D.PUBLIC.S TO ROLE PUSHER");
    pusher.ok("LIST @D.PUBLIC.S");
    assert_eq!(pusher.fails("REMOVE @D.PUBLIC.S").code, "003001");
    assert_eq!(pusher.fails("DROP STAGE D.PUBLIC.S").code, "003001");
    admin.ok("GRANT READ, WRITE ON ALL STAGES IN SCHEMA D.PUBLIC TO ROLE PUSHER");
    pusher.ok("REMOVE @D.PUBLIC.S");
    let grants = admin.rows("SHOW GRANTS ON STAGE D.PUBLIC.S");
    assert_eq!(grants.len(), 3, "READ, WRITE and OWNERSHIP: {grants:?}");
    admin.ok("CREATE OR REPLACE STAGE D.PUBLIC.S");
    assert_eq!(pusher.fails("LIST @D.PUBLIC.S").code, "002003", "grants end with the stage");
    admin.ok("GRANT READ ON FUTURE STAGES IN SCHEMA D.PUBLIC TO ROLE PUSHER");
    admin.ok("CREATE STAGE D.PUBLIC.LATER");
    pusher.ok("LIST @D.PUBLIC.LATER");
    admin.ok("GRANT OWNERSHIP ON STAGE D.PUBLIC.LATER TO ROLE PUSHER");
    pusher.ok("DROP STAGE D.PUBLIC.LATER");
}

#[test]
fn a_table_stage_belongs_to_the_owner_of_the_table_and_the_user_stage_to_everybody() {
    let (_, mut admin, mut pusher) = account();
    pusher.ok("LIST @~");
    admin.ok("GRANT SELECT, INSERT ON TABLE D.PUBLIC.T TO ROLE PUSHER");
    assert_eq!(pusher.fails("LIST @D.PUBLIC.%T").code, "003001");
    admin.ok("GRANT OWNERSHIP ON TABLE D.PUBLIC.T TO ROLE PUSHER");
    pusher.ok("LIST @D.PUBLIC.%T");
}

#[test]
fn creating_a_stage_even_a_temporary_one_needs_the_privilege() {
    let (database, mut admin, mut pusher) = account();
    for statement in ["CREATE STAGE D.PUBLIC.X", "CREATE TEMPORARY STAGE D.PUBLIC.X"] {
        assert_eq!(pusher.fails(statement).code, "003001", "{statement}");
    }
    admin.ok("GRANT CREATE STAGE ON SCHEMA D.PUBLIC TO ROLE PUSHER");
    pusher.ok("CREATE TEMPORARY STAGE D.PUBLIC.X");
    pusher.ok("LIST @D.PUBLIC.X");
    let mut other = on(&database, &start("U", None));
    assert_eq!(other.fails("LIST @D.PUBLIC.X").code, "002003", "only its own session sees it");
}
