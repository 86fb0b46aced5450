//! Which files a COPY takes, and what happens to those that cannot be loaded.

use super::{Staged, staged};

const COPY: &str = "COPY INTO T FROM (SELECT $1:i, $1:s FROM @~/run/) FILE_FORMAT = (TYPE = PARQUET)";

fn three_files() -> Staged {
    let mut staged = staged();
    staged.parquet("run/a.parquet", "SELECT range AS i, 'a' AS s FROM range(10)");
    staged.parquet("run/b.parquet", "SELECT range AS i, if(range % 4 = 3, 'long', 'b') AS s FROM range(10)");
    staged.parquet("run/c.parquet", "SELECT 'text' AS s, 100 AS i");
    staged.ok("CREATE TABLE T (I INT, S VARCHAR(3))");
    staged
}

#[test]
fn files_are_taken_by_name_by_pattern_and_by_the_start_of_their_path() {
    let mut staged = three_files();
    let names = |rows: Vec<String>| -> Vec<String> {
        rows.iter().map(|row| row.split('|').next().unwrap().to_owned()).collect()
    };
    let rows = staged.rows(&format!("{COPY} FILES = ('a.parquet') FORCE = TRUE"));
    assert_eq!(names(rows), ["run/a.parquet"]);
    let rows = staged.rows(&format!("{COPY} PATTERN = '.*/a[.]parquet' FORCE = TRUE"));
    assert_eq!(names(rows), ["run/a.parquet"]);
    let rows = staged.rows(&format!("{} FORCE = TRUE", COPY.replace("@~/run/", "@~/run/a")));
    assert_eq!(names(rows), ["run/a.parquet"]);
    assert_eq!(staged.rows(&COPY.replace("@~/run/", "@~/none/")), ["Copy executed with 0 files processed."]);
    assert_eq!(staged.rows("SELECT COUNT(*) FROM T"), ["30"]);
}

#[test]
fn a_file_that_is_missing_fails_the_statement_unless_files_may_be_skipped() {
    let mut staged = three_files();
    assert_eq!(staged.fails(&format!("{COPY} FILES = ('a.parquet', 'nope')")).code, "091016");
    let rows = staged.rows(&format!("{COPY} FILES = ('a.parquet', 'nope') ON_ERROR = SKIP_FILE"));
    assert_eq!(rows.len(), 1);
}

#[test]
fn skip_file_loads_the_other_files() {
    let mut staged = three_files();
    let rows = staged.rows(&format!("{COPY} ON_ERROR = 'skip_file'"));
    assert_eq!(rows[0], "run/a.parquet|LOADED|10|10|1|0|∅|∅|∅|∅");
    assert_eq!(
        rows[1],
        "run/b.parquet|LOAD_FAILED|10|0|1|2|String 'long' is too long and would be truncated|4|∅|\"T\"[\"S\":2]"
    );
    assert!(rows[2].starts_with("run/c.parquet|LOAD_FAILED|1|0|1|1|"), "{rows:?}");
    assert_eq!(staged.rows("SELECT COUNT(*) FROM T"), ["10"]);
}

#[test]
fn continue_loads_the_other_rows() {
    let mut staged = three_files();
    let rows = staged.rows(&format!("{COPY} ON_ERROR = CONTINUE"));
    assert!(rows[1].starts_with("run/b.parquet|PARTIALLY_LOADED|10|8|10|2|"), "{rows:?}");
    assert_eq!(staged.rows("SELECT COUNT(*) FROM T"), ["18"]);
    let vectorized = COPY.replace("PARQUET)", "PARQUET USE_VECTORIZED_SCANNER = TRUE)");
    assert!(
        staged.fails(&format!("{vectorized} ON_ERROR = CONTINUE")).message.contains("USE_VECTORIZED_SCANNER")
    );
}

#[test]
fn texts_are_cut_where_the_statement_says_so() {
    let mut staged = three_files();
    staged.ok(&format!("{COPY} TRUNCATECOLUMNS = TRUE"));
    assert_eq!(staged.rows("SELECT S FROM T WHERE LENGTH(S) = 3 ORDER BY I"), ["lon", "lon", "tex"]);
    staged.ok("TRUNCATE TABLE T");
    assert_eq!(staged.fails(&format!("{COPY} ENFORCE_LENGTH = TRUE")).code, "100078");
}

#[test]
fn purge_removes_what_is_loaded() {
    let mut staged = three_files();
    staged.ok(&format!("{COPY} ON_ERROR = SKIP_FILE PURGE = TRUE"));
    let left = staged.rows("LIST @~");
    assert_eq!(
        left.iter().map(|row| row.split('|').next().unwrap()).collect::<Vec<_>>(),
        ["run/b.parquet", "run/c.parquet"]
    );
}

#[test]
fn a_file_that_is_no_parquet_is_named() {
    let mut staged = three_files();
    staged.file("bad/x.parquet", b"PAR1 and nothing more");
    let failure = staged.fails(&COPY.replace("@~/run/", "@~/bad/"));
    assert!(failure.message.contains("'bad/x.parquet'"), "{failure:?}");
}

#[test]
fn a_query_that_is_more_than_a_list_is_refused() {
    let mut staged = three_files();
    for query in [
        "SELECT $1:i, $1:s FROM @~/run/ WHERE $1:i > 1",
        "SELECT $1:i, $1:s FROM @~/run/ LIMIT 1",
        "SELECT $1:i, MAX($1:s) FROM @~/run/ GROUP BY 1",
        "SELECT I, S FROM T",
        "SELECT * FROM @~/run/",
    ] {
        let failure = staged.fails(&format!("COPY INTO T FROM ({query}) FILE_FORMAT = (TYPE = PARQUET)"));
        assert!(failure.message.contains("only supports simple SELECT"), "{query}: {failure:?}");
    }
    for option in ["VALIDATION_MODE = RETURN_ERRORS", "ON_ERROR = SKIP_FILE_10", "LOAD_MODE = FULL_INGEST"] {
        assert_eq!(staged.fails(&format!("{COPY} {option}")).code, "000002", "{option}");
    }
    assert_eq!(staged.fails(&format!("{COPY} NO_SUCH_OPTION = 1")).code, "001420");
    assert_eq!(
        staged.fails("COPY INTO T FROM (SELECT $1:i FROM @~) FILE_FORMAT = (TYPE = PARQUET)").code,
        "002020"
    );
}
