//! The table that is pushed: the same events, in the vendor database.

use std::path::Path;
use std::{fs, io};

use connectors::duckdb::{TenantDatabase, TenantFile};
use duckdb::Connection;

/// Whose file the table is in.
const TENANT: &str = "bench";

/// The columns of the table that is pushed into, with their types as SHOW COLUMNS gives them.
pub const TARGET_COLUMNS: [(&str, &str); 10] = [
    ("ID", r#"{"type":"FIXED","precision":38,"scale":0,"nullable":true}"#),
    ("USER_ID", r#"{"type":"TEXT","length":16777216,"byteLength":16777216,"nullable":true,"fixed":false}"#),
    ("EMAIL", r#"{"type":"TEXT","length":16777216,"byteLength":16777216,"nullable":true,"fixed":false}"#),
    ("EVENT", r#"{"type":"TEXT","length":100,"byteLength":400,"nullable":true,"fixed":false}"#),
    ("AMOUNT", r#"{"type":"FIXED","precision":18,"scale":2,"nullable":true}"#),
    ("IS_PAID", r#"{"type":"BOOLEAN","nullable":true}"#),
    ("TS", r#"{"type":"TIMESTAMP_NTZ","precision":0,"scale":9,"nullable":true}"#),
    ("DAY", r#"{"type":"DATE","nullable":true}"#),
    ("PROPS", r#"{"type":"VARIANT","nullable":true}"#),
    ("SCORE", r#"{"type":"REAL","nullable":true}"#),
];

/// The column whose texts are few.
pub const REPEATED_COLUMN: &str = "event";

/// The rows, made up from their numbers so that every run has the same.
const CREATE_EVENTS: &str = "
CREATE SCHEMA IF NOT EXISTS vendor.bench;
CREATE OR REPLACE TABLE vendor.bench.events AS
SELECT
    n AS id,
    format('user-{:08x}-{:08x}', hash(n) % 200000, hash(n + 1) % 4294967296) AS user_id,
    format('person{}@company{}.example', hash(n) % 200000, hash(n) % 977) AS email,
    ['page_view', 'login', 'click', 'purchase', 'sign_up', 'logout'][(hash(n + 2) % 6)::INTEGER + 1] AS event,
    CASE WHEN hash(n + 3) % 10 > 0 THEN ((hash(n + 4) % 9999999) / 100)::DECIMAL(18,2) END AS amount,
    CASE WHEN hash(n + 5) % 20 > 0 THEN hash(n + 6) % 2 = 0 END AS is_paid,
    make_timestamp((1700000000000000 + hash(n + 7) % 30000000000000)::BIGINT) AS ts,
    make_timestamp((1700000000000000 + hash(n + 7) % 30000000000000)::BIGINT)::DATE AS day,
    format('{{\"plan\":\"p{}\",\"seats\":{},\"page\":\"/docs/{}\",\"ok\":true}}',
        hash(n + 8) % 4, hash(n + 9) % 500, hash(n + 10) % 10000)::JSON AS props,
    (hash(n + 11) % 9007199254740992) / 1000000 AS score
FROM range(@ROWS@) AS numbers(n)";

/// The file with the table, in `folder`.
pub fn file(folder: &Path) -> TenantFile {
    TenantFile::new(folder, TENANT).expect("the tenant's name is plain")
}

/// Copies the file from one folder to another, down to the disk: whoever synchronises it next would otherwise pay for that.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let copy = file(to);
    fs::copy(file(from).path(), copy.path())?;
    fs::File::open(copy.path())?.sync_all()
}

/// Makes the file and fills the table. The file has been opened by Snowferry before, as that of every tenant who has
/// pulled or planned anything.
pub fn write(folder: &Path, rows: usize) -> model::Result<()> {
    fill(folder, rows)
        .map_err(|error| model::Error::internal("the table cannot be written").with_source(error))?;
    TenantDatabase::open(file(folder)).map(drop)
}

fn fill(folder: &Path, rows: usize) -> duckdb::Result<()> {
    let connection = Connection::open_in_memory()?;
    let path = file(folder).path().display().to_string();
    connection.execute_batch(&format!("ATTACH '{path}' AS vendor"))?;
    connection.execute_batch(&CREATE_EVENTS.replace("@ROWS@", &rows.to_string()))
}
