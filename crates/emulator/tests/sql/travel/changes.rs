//! CHANGES: what was inserted, updated and deleted between two points in time.

use super::super::{session, two};

/// A tracked table, and the time at which it has two rows.
fn tracked() -> (super::Session, String) {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, N VARCHAR) CHANGE_TRACKING = TRUE");
    session.ok("INSERT INTO T VALUES (1, 'a'), (2, 'b')");
    let start = session.now();
    (session, start)
}

fn delta(start: &str) -> String {
    format!(
        "SELECT ID, N, METADATA$ACTION, METADATA$ISUPDATE FROM T CHANGES(INFORMATION => DEFAULT) \
         AT(TIMESTAMP => {start}) ORDER BY ID, METADATA$ACTION"
    )
}

#[test]
fn the_example_of_the_manual_gives_what_it_says() {
    let mut session = session();
    session.ok("CREATE OR REPLACE TABLE T1 (ID NUMBER(8) NOT NULL, C1 VARCHAR(255) DEFAULT NULL)");
    session.ok("ALTER TABLE T1 SET CHANGE_TRACKING = TRUE");
    session.ok("SET TS1 = (SELECT CURRENT_TIMESTAMP())");
    session.ok("INSERT INTO T1 (ID, C1) VALUES (1, 'red'), (2, 'blue'), (3, 'green')");
    session.ok("DELETE FROM T1 WHERE ID = 1");
    session.ok("UPDATE T1 SET C1 = 'purple' WHERE ID = 2");
    let changes = |information: &str| {
        format!(
            "SELECT * EXCLUDE METADATA$ROW_ID FROM T1 CHANGES(INFORMATION => {information}) AT(TIMESTAMP => $TS1) ORDER BY ID"
        )
    };
    assert_eq!(session.rows(&changes("DEFAULT")), ["2|purple|INSERT|false", "3|green|INSERT|false"]);
    assert_eq!(
        session.rows(&changes("APPEND_ONLY")),
        ["1|red|INSERT|false", "2|blue|INSERT|false", "3|green|INSERT|false"]
    );
}

#[test]
fn the_end_belongs_to_the_interval() {
    let (mut session, start) = tracked();
    session.ok("INSERT INTO T VALUES (3, 'c')");
    session.ok("DELETE FROM T WHERE ID = 3");
    session.ok("SET DELETED = LAST_QUERY_ID()");
    session.ok("INSERT INTO T VALUES (4, 'd')");
    let until = |end: &str| {
        format!("SELECT ID FROM T CHANGES(INFORMATION => DEFAULT) AT(TIMESTAMP => {start}) END({end})")
    };
    assert!(session.rows(&until("STATEMENT => $DELETED")).is_empty());
    let now = session.now();
    assert_eq!(session.rows(&until(&format!("TIMESTAMP => {now}"))), ["4"]);
    let before = "SELECT ID FROM T CHANGES(INFORMATION => DEFAULT) BEFORE(STATEMENT => $DELETED)";
    assert_eq!(session.rows(&format!("{before} END(STATEMENT => $DELETED)")), ["3"]);
}

#[test]
fn an_update_is_a_pair_with_one_row_id() {
    let (mut session, start) = tracked();
    session.ok("UPDATE T SET N = 'x' WHERE ID = 1");
    session.ok("UPDATE T SET N = 'y' WHERE ID = 1");
    assert_eq!(session.rows(&delta(&start)), ["1|a|DELETE|true", "1|y|INSERT|true"]);
    let ids = format!(
        "SELECT COUNT(*), COUNT(DISTINCT METADATA$ROW_ID), MIN(LENGTH(METADATA$ROW_ID)) FROM T \
         CHANGES(INFORMATION => DEFAULT) AT(TIMESTAMP => {start})"
    );
    assert_eq!(session.rows(&ids), ["2|1|40"]);
}

#[test]
fn a_truncated_table_and_an_overwritten_one_lose_their_rows() {
    let (mut session, start) = tracked();
    session.ok("INSERT OVERWRITE INTO T SELECT ID, N FROM T WHERE ID = 1");
    assert_eq!(session.rows(&delta(&start)), ["1|a|DELETE|false", "1|a|INSERT|false", "2|b|DELETE|false"]);
    session.ok("TRUNCATE TABLE T");
    assert_eq!(session.rows(&delta(&start)), ["1|a|DELETE|false", "2|b|DELETE|false"]);
}

#[test]
fn a_merge_is_told_row_by_row() {
    let (mut session, start) = tracked();
    session.ok(
        "MERGE INTO T USING (SELECT * FROM VALUES (1, NULL), (2, 'B'), (3, 'C') AS V (ID, N)) S ON T.ID = S.ID \
         WHEN MATCHED AND S.N IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET N = S.N \
         WHEN NOT MATCHED THEN INSERT (ID, N) VALUES (S.ID, S.N)",
    );
    assert_eq!(
        session.rows(&delta(&start)),
        ["1|a|DELETE|false", "2|b|DELETE|true", "2|B|INSERT|true", "3|C|INSERT|false"]
    );
}

#[test]
fn a_late_commit_is_a_late_change() {
    let (mut first, mut second) = two();
    first.ok("CREATE TABLE T (ID INT, N VARCHAR) CHANGE_TRACKING = TRUE");
    first.ok("BEGIN");
    first.ok("INSERT INTO T VALUES (1, 'late')");
    second.ok("INSERT INTO T VALUES (2, 'early')");
    let seen = second.now();
    assert!(second.rows(&delta(&seen)).is_empty());
    first.ok("COMMIT");
    assert_eq!(second.rows(&delta(&seen)), ["1|late|INSERT|false"]);
}

#[test]
fn a_table_that_was_not_tracked_all_the_time_is_refused() {
    let mut session = session();
    session.ok("CREATE TABLE T (ID INT, N VARCHAR)");
    let start = session.now();
    let failure = session.fails(&delta(&start));
    assert_eq!(failure.code, "091930");
    assert!(failure.message.contains("has been missing for the time range requested on table 'D.PUBLIC.T'"));
    session.ok("ALTER TABLE T SET CHANGE_TRACKING = TRUE");
    assert_eq!(session.fails(&delta(&start)).code, "091930");
    let tracked = session.now();
    session.ok("INSERT INTO T VALUES (1, 'a')");
    assert_eq!(session.rows(&delta(&tracked)).len(), 1);
    session.ok("ALTER TABLE T SET CHANGE_TRACKING = FALSE");
    session.ok("ALTER TABLE T SET CHANGE_TRACKING = TRUE");
    assert_eq!(session.fails(&delta(&tracked)).code, "091930");
    session.ok("CREATE OR REPLACE TABLE T (ID INT, N VARCHAR) CHANGE_TRACKING = TRUE");
    assert_eq!(session.fails(&delta(&tracked)).code, "000707");
}

/// The changes of a view since a time.
fn of_view(view: &str, start: &str) -> String {
    format!(
        "SELECT * EXCLUDE METADATA$ROW_ID FROM {view} CHANGES(INFORMATION => DEFAULT) AT(TIMESTAMP => {start}) ORDER BY 1, 2, 3"
    )
}

#[test]
fn a_view_tells_the_changes_of_the_rows_that_it_shows() {
    let (mut session, _) = tracked();
    session.ok("CREATE VIEW V CHANGE_TRACKING = TRUE AS SELECT UPPER(N) AS M, T.ID FROM T WHERE ID < 10");
    session.ok("CREATE VIEW STARS AS SELECT * FROM V WHERE M <> 'B'");
    session.ok("ALTER VIEW STARS SET CHANGE_TRACKING = TRUE");
    let start = session.now();
    session.ok("INSERT INTO T VALUES (3, 'c'), (4, 'd'), (30, 'no')");
    session.ok("UPDATE T SET N = 'x' WHERE ID = 1");
    session.ok("UPDATE T SET ID = 20 WHERE ID = 2");
    session.ok("UPDATE T SET ID = 5 WHERE ID = 30");
    assert_eq!(
        session.rows(&of_view("V", &start)),
        [
            "A|1|DELETE|true",
            "B|2|DELETE|false",
            "C|3|INSERT|false",
            "D|4|INSERT|false",
            "NO|5|INSERT|false",
            "X|1|INSERT|true"
        ]
    );
    assert_eq!(
        session.rows(&of_view("STARS", &start)),
        ["A|1|DELETE|true", "C|3|INSERT|false", "D|4|INSERT|false", "NO|5|INSERT|false", "X|1|INSERT|true"]
    );
    let ids = |relation: &str| {
        format!(
            "SELECT METADATA$ROW_ID FROM {relation} CHANGES(INFORMATION => DEFAULT) AT(TIMESTAMP => {start}) WHERE ID = 3"
        )
    };
    assert_eq!(session.cell(&ids("V")), session.cell(&ids("T")));
    assert!(session.cell("SHOW VIEWS LIKE 'V'").ends_with("|ON"));
}

#[test]
fn a_view_tells_its_changes_where_it_and_its_table_track_them() {
    let (mut session, start) = tracked();
    session.ok("CREATE VIEW V AS SELECT ID FROM T");
    assert_eq!(session.fails(&of_view("V", &start)).code, "091930");
    session.ok("ALTER VIEW V SET CHANGE_TRACKING = TRUE");
    assert_eq!(session.fails(&of_view("V", &start)).code, "091930");
    let later = session.now();
    assert_eq!(session.rows(&of_view("V", &later)), Vec::<String>::new());
    session.ok("ALTER TABLE T SET CHANGE_TRACKING = FALSE");
    assert_eq!(session.fails(&of_view("V", &later)).code, "091930");
}

#[test]
fn changes_of_a_view_that_does_more_are_refused() {
    let (mut session, _) = tracked();
    for query in [
        "SELECT COUNT(*) AS N FROM T",
        "SELECT DISTINCT N FROM T",
        "SELECT N FROM T GROUP BY N",
        "SELECT T.ID FROM T JOIN T AS U ON T.ID = U.ID",
        "SELECT ID FROM T WHERE ID IN (SELECT ID FROM T)",
        "SELECT ROW_NUMBER() OVER (ORDER BY ID) AS R FROM T",
        "SELECT ID FROM T ORDER BY ID LIMIT 1",
    ] {
        session.ok(&format!("CREATE OR REPLACE VIEW V CHANGE_TRACKING = TRUE AS {query}"));
        let start = session.now();
        let failure = session
            .fails(&format!("SELECT * FROM V CHANGES(INFORMATION => DEFAULT) AT(TIMESTAMP => {start})"));
        assert!(failure.message.contains("not supported by the emulator"), "{query}: {failure:?}");
    }
}

#[test]
fn bounds_that_move_are_refused() {
    let (mut session, start) = tracked();
    assert_eq!(session.fails(&delta("DATEADD(minute, -1, CURRENT_TIMESTAMP())")).code, "001015");
    let backwards =
        format!("SELECT * FROM T CHANGES(INFORMATION => DEFAULT) AT(OFFSET => 0) END(TIMESTAMP => {start})");
    assert_eq!(session.fails(&backwards).code, "002023");
}

#[test]
fn tracking_is_shown_and_only_the_owner_turns_it_on() {
    let (mut session, start) = tracked();
    let shown = session.cell("SHOW TABLES LIKE 'T'");
    assert!(shown.contains("|OFF|ON|OFF|"), "{shown}");
    for statement in [
        "CREATE ROLE READER",
        "GRANT USAGE ON DATABASE D TO ROLE READER",
        "GRANT USAGE ON SCHEMA D.PUBLIC TO ROLE READER",
        "GRANT USAGE ON WAREHOUSE WH TO ROLE READER",
        "GRANT SELECT ON TABLE D.PUBLIC.T TO ROLE READER",
        "USE ROLE READER",
    ] {
        session.ok(statement);
    }
    assert!(session.rows(&delta(&start)).is_empty());
    assert_eq!(session.fails("ALTER TABLE T SET CHANGE_TRACKING = FALSE").code, "003001");
}

#[test]
fn a_clone_keeps_row_ids_and_begins_a_history_of_its_own() {
    let (mut session, start) = tracked();
    session.ok("CREATE TABLE C CLONE T");
    assert_eq!(session.fails(&format!("SELECT * FROM C AT(TIMESTAMP => {start})")).code, "000707");
    session.ok("ALTER TABLE C SET CHANGE_TRACKING = TRUE");
    let cloned = session.now();
    session.ok("DELETE FROM C WHERE ID = 1");
    session.ok("DELETE FROM T WHERE ID = 1");
    let ids = format!(
        "SELECT COUNT(DISTINCT I) FROM (SELECT METADATA$ROW_ID AS I FROM C CHANGES(INFORMATION => DEFAULT) \
         AT(TIMESTAMP => {cloned}) UNION ALL SELECT METADATA$ROW_ID FROM T CHANGES(INFORMATION => DEFAULT) \
         AT(TIMESTAMP => {cloned}))"
    );
    assert_eq!(session.cell(&ids), "1");
}
