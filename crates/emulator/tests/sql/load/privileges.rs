//! What a role needs for loading, and no more.

use super::super::{Session, on, start};
use super::{Staged, staged};

fn loader(staged: &mut Staged, grants: &[&str]) -> Session {
    for statement in [
        "CREATE ROLE L",
        "CREATE USER U DEFAULT_ROLE = L",
        "GRANT ROLE L TO USER U",
        "GRANT USAGE ON WAREHOUSE WH TO ROLE L",
        "GRANT USAGE ON DATABASE D TO ROLE L",
        "GRANT USAGE ON SCHEMA D.PUBLIC TO ROLE L",
        "CREATE TABLE D.PUBLIC.T (I INT, S VARCHAR)",
        "CREATE STAGE D.PUBLIC.STG",
        "CREATE FILE FORMAT D.PUBLIC.F TYPE = PARQUET",
    ] {
        staged.ok(statement);
    }
    for grant in grants {
        staged.ok(&format!("GRANT {grant} TO ROLE L"));
    }
    let mut session = on(&staged.database, &start("U", None));
    session.ok("USE WAREHOUSE WH");
    session.ok("USE SCHEMA D.PUBLIC");
    session
}

#[test]
fn loading_needs_insert_and_nothing_else() {
    let mut staged = staged();
    let mut session = loader(&mut staged, &["SELECT ON TABLE D.PUBLIC.T"]);
    let copy = "COPY INTO T FROM (SELECT $1:i, $1:s FROM @~/x/) FILE_FORMAT = (TYPE = PARQUET)";
    let failure = session.fails(copy);
    assert_eq!(failure.code, "003001");
    assert!(failure.message.contains("table 'T'"), "{failure:?}");
    staged.ok("GRANT INSERT ON TABLE D.PUBLIC.T TO ROLE L");
    staged.ok("REVOKE SELECT ON TABLE D.PUBLIC.T FROM ROLE L");
    assert_eq!(session.rows(copy), ["Copy executed with 0 files processed."]);
}

#[test]
fn a_named_stage_needs_read_purge_needs_write_and_a_format_needs_usage() {
    let mut staged = staged();
    let mut session = loader(&mut staged, &["INSERT ON TABLE D.PUBLIC.T"]);
    let copy = "COPY INTO T FROM @STG FILE_FORMAT = (FORMAT_NAME = F) MATCH_BY_COLUMN_NAME = CASE_SENSITIVE";
    assert_eq!(session.fails(copy).code, "002003");
    staged.ok("GRANT READ ON STAGE D.PUBLIC.STG TO ROLE L");
    assert_eq!(session.fails(copy).code, "002003");
    staged.ok("GRANT USAGE ON FILE FORMAT D.PUBLIC.F TO ROLE L");
    assert_eq!(session.rows(copy), ["Copy executed with 0 files processed."]);
    assert_eq!(session.fails(&format!("{copy} PURGE = TRUE")).code, "003001");
    staged.ok("GRANT WRITE ON STAGE D.PUBLIC.STG TO ROLE L");
    session.ok(&format!("{copy} PURGE = TRUE"));
}

#[test]
fn a_temporary_table_needs_only_usage_but_not_a_name_that_is_taken() {
    let mut staged = staged();
    let mut session = loader(&mut staged, &["INSERT ON TABLE D.PUBLIC.T", "UPDATE ON TABLE D.PUBLIC.T"]);
    assert_eq!(session.fails("CREATE TABLE OWN (I INT)").code, "003001");
    assert_eq!(session.fails("CREATE TEMPORARY STAGE OWN").code, "003001");
    assert_eq!(session.fails("CREATE TEMPORARY FILE FORMAT OWN TYPE = CSV").code, "003001");
    assert_eq!(session.fails("CREATE TEMPORARY TABLE T (I INT)").code, "003001");
    session.ok("CREATE TEMPORARY TABLE LANDING (I INT, S VARCHAR)");
    session.ok("INSERT INTO LANDING VALUES (1, 'x')");
    session.ok(
        "MERGE INTO T USING LANDING L ON T.I = L.I WHEN MATCHED THEN UPDATE SET S = L.S WHEN NOT MATCHED THEN INSERT \
         (I, S) VALUES (L.I, L.S)",
    );
    drop(session);
    assert_eq!(staged.rows("SELECT * FROM T"), ["1|x"]);
    assert_eq!(staged.fails("SELECT * FROM LANDING").code, "002003");
}

#[test]
fn each_action_of_a_merge_needs_its_privilege() {
    let mut staged = staged();
    let mut session = loader(&mut staged, &["INSERT ON TABLE D.PUBLIC.T"]);
    session.ok("CREATE TEMPORARY TABLE L (I INT, S VARCHAR)");
    let merge = |actions: &str| format!("MERGE INTO T USING L ON T.I = L.I {actions}");
    let insert = "WHEN NOT MATCHED THEN INSERT (I, S) VALUES (L.I, L.S)";
    session.ok(&merge(insert));
    assert_eq!(
        session.fails(&merge(&format!("WHEN MATCHED THEN UPDATE SET S = L.S {insert}"))).code,
        "003001"
    );
    assert_eq!(session.fails(&merge("WHEN MATCHED THEN DELETE")).code, "003001");
    assert_eq!(session.fails("INSERT OVERWRITE INTO T SELECT * FROM L").code, "003001");
    staged.ok("GRANT DELETE ON TABLE D.PUBLIC.T TO ROLE L");
    session.ok("INSERT OVERWRITE INTO T SELECT * FROM L");
    session.ok(&merge("WHEN MATCHED THEN DELETE"));
}
