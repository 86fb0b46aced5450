//! The whole pull into DuckDB under measurement, and the floor of landing the same rows.

use std::ffi::CString;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatchIterator, RecordBatchReader};
use arrow_schema::SchemaRef;
use connectors::duckdb::{DuckDbDestination, TenantFile};
use connectors::snowflake::SnowflakeSource;
use duckdb::ffi;
use engine::{RunOptions, RunProgress, Sync, run};
use futures_util::StreamExt;
use model::{StreamName, StreamSpec, TableName};
use snowflake::{ConnectionConfig, Credentials, DecodeOptions, Endpoint, Session};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::events::CHUNK_ROWS;

/// The file that the floor lands in.
pub const FILE: &str = "floor.duckdb";

pub(crate) fn config(port: u16) -> ConnectionConfig {
    let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{port}")).expect("an address of this machine");
    ConnectionConfig::new("bench".parse().expect("an account"), "BENCH", Credentials::password("bench"))
        .endpoint(endpoint)
        .allow_http_loopback(true)
}

/// Pulls `rows` rows into a new file in `folder`, checkpoints and all, and returns the rows.
pub async fn pull(port: u16, rows: usize, folder: &Path) -> model::Result<u64> {
    let file = TenantFile::new(folder, "bench")?;
    let events =
        StreamName::Query { name: "events".into(), sql: format!("SELECT * FROM EVENTS LIMIT {rows}") };
    let sync = Sync {
        source: Arc::new(SnowflakeSource::new(config(port))),
        destination: Arc::new(DuckDbDestination::open(file)?),
        spec: StreamSpec {
            max_shrink_percent: 100,
            ..StreamSpec::new(events, TableName::in_vendor_database("bench", "events"))
        },
    };
    let (progress, _watched) = watch::channel(RunProgress::default());
    let report = run(&sync, &RunOptions::default(), &progress, &CancellationToken::new()).await?;
    Ok(report.inserted)
}

/// The rows of one pass over the distinct chunks, as the client gives them.
pub async fn batches(port: u16, rows: usize) -> snowflake::Result<Vec<RecordBatch>> {
    let session = Session::connect(config(port)).await?;
    let result = session.query(format!("SELECT * FROM EVENTS LIMIT {rows}")).await?;
    let mut stream = result.batches(DecodeOptions::default())?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch?.into_batch());
    }
    session.close().await?;
    Ok(batches)
}

/// Lands `rows` rows by repeating `batches`, and returns the rows.
pub fn bulk_insert(batches: &[RecordBatch], rows: usize, folder: &Path) -> u64 {
    let pass = batches.len() * rows / (crate::events::DISTINCT_CHUNKS * CHUNK_ROWS);
    let batches: Vec<_> = batches.iter().cycle().take(pass).cloned().collect();
    insert(batches[0].schema(), batches.into_iter(), folder);
    rows as u64
}

/// Lands the batches in a new file, in one statement over an Arrow stream: the fastest way into a DuckDB file.
pub fn insert(schema: SchemaRef, batches: impl Iterator<Item = RecordBatch> + Send + 'static, folder: &Path) {
    let reader: Box<dyn RecordBatchReader + Send> =
        Box::new(RecordBatchIterator::new(batches.map(Ok), schema));
    let mut stream = FFI_ArrowArrayStream::new(reader);
    let path = CString::new(folder.join(FILE).display().to_string()).expect("a path");
    let mut database: ffi::duckdb_database = ptr::null_mut();
    let mut connection: ffi::duckdb_connection = ptr::null_mut();
    // SAFETY: the handles are made, used and closed here, by one thread; the stream outlives the statement that reads it.
    unsafe {
        assert_eq!(ffi::duckdb_open(path.as_ptr(), &mut database), ffi::DuckDBSuccess);
        assert_eq!(ffi::duckdb_connect(database, &mut connection), ffi::DuckDBSuccess);
        execute(connection, c"SET preserve_insertion_order = false");
        execute(connection, c"SET write_buffer_row_group_count = 1");
        let stream: ffi::duckdb_arrow_stream = ptr::from_mut(&mut stream).cast();
        assert_eq!(ffi::duckdb_arrow_scan(connection, c"rows".as_ptr(), stream), ffi::DuckDBSuccess);
        execute(connection, c"CREATE TABLE events AS SELECT * FROM rows");
        execute(connection, c"DROP VIEW rows");
        execute(connection, c"CHECKPOINT");
        ffi::duckdb_disconnect(&mut connection);
        ffi::duckdb_close(&mut database);
    }
}

/// Runs a statement that must succeed.
///
/// # Safety
/// `connection` must be open and not in use elsewhere.
unsafe fn execute(connection: ffi::duckdb_connection, sql: &std::ffi::CStr) {
    // SAFETY: by the caller's promise; no result is asked for.
    let state = unsafe { ffi::duckdb_query(connection, sql.as_ptr(), ptr::null_mut()) };
    assert_eq!(state, ffi::DuckDBSuccess, "{sql:?}");
}
