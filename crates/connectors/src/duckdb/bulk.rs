//! The fast way in: DuckDB scans Arrow batches where they lie, on all cores, instead of having values appended to it.
//!
//! The `duckdb` crate offers no Arrow stream as a table, so this one file talks to DuckDB's C interface. Everything
//! unsafe in this crate is here. With the crate's appender a whole pull took one and a half times the processor time.

use std::ffi::{CStr, CString};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use duckdb::{Connection, ffi};

/// One DuckDB instance in memory, to which files are attached.
#[derive(Debug)]
pub(crate) struct Instance {
    database: ffi::duckdb_database,
}

// SAFETY: DuckDB's instances may be used from any thread.
unsafe impl Send for Instance {}
// SAFETY: the same; by shared reference it only gives connections, which DuckDB guards with a lock of its own.
unsafe impl Sync for Instance {}

/// A connection that inserts Arrow batches. Its instance must outlive it.
#[derive(Debug)]
pub(crate) struct BulkConnection {
    connection: ffi::duckdb_connection,
    /// The view under which DuckDB sees the batches of one insert. It lives in memory, never in a file, where all
    /// connections to an instance see it: each has a view of its own.
    rows_view: String,
}

// SAFETY: DuckDB's connections may be used from any thread, one at a time, which `&mut self` sees to.
unsafe impl Send for BulkConnection {}

impl Instance {
    /// Starts DuckDB with these settings.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Result<Self, String> {
        let mut instance = Self { database: ptr::null_mut() };
        let mut config: ffi::duckdb_config = ptr::null_mut();
        let mut message: *mut std::os::raw::c_char = ptr::null_mut();
        // SAFETY: every pointer is to a local that lives through the calls; the configuration is freed on every path,
        // and DuckDB's message is copied before it is freed.
        unsafe {
            if ffi::duckdb_create_config(&mut config) != ffi::DuckDBSuccess {
                return Err("no configuration could be made".to_owned());
            }
            for (name, value) in settings {
                let (name, value) = (c_string(name)?, c_string(value)?);
                if ffi::duckdb_set_config(config, name.as_ptr(), value.as_ptr()) != ffi::DuckDBSuccess {
                    ffi::duckdb_destroy_config(&mut config);
                    return Err(format!("the setting {name:?} was refused"));
                }
            }
            let state =
                ffi::duckdb_open_ext(c":memory:".as_ptr(), &mut instance.database, config, &mut message);
            ffi::duckdb_destroy_config(&mut config);
            if state != ffi::DuckDBSuccess {
                let text = owned_text(message);
                ffi::duckdb_free(message.cast());
                return Err(text);
            }
        }
        Ok(instance)
    }

    /// A connection with everything the `duckdb` crate offers. The instance must outlive it.
    pub(crate) fn connect(&self) -> duckdb::Result<Connection> {
        // SAFETY: the database is open, and stays open until the instance is dropped.
        unsafe { Connection::open_from_raw(self.database) }
    }

    /// A connection for inserts.
    pub(crate) fn connect_bulk(&self) -> Result<BulkConnection, String> {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let rows_view = format!("_snowferry_rows_{number}");
        let mut bulk = BulkConnection { connection: ptr::null_mut(), rows_view };
        // SAFETY: the database is open.
        let state = unsafe { ffi::duckdb_connect(self.database, &mut bulk.connection) };
        if state == ffi::DuckDBSuccess { Ok(bulk) } else { Err("no connection could be made".to_owned()) }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: nobody else has this handle; closing null does nothing.
        unsafe { ffi::duckdb_close(&mut self.database) };
    }
}

impl BulkConnection {
    /// Runs a statement and gives the number of rows that it changed.
    pub(crate) fn execute(&mut self, sql: &str) -> Result<u64, String> {
        let sql = c_string(sql)?;
        // SAFETY: all zero is the state in which DuckDB fills a result; it is destroyed on every path.
        unsafe {
            let mut result: ffi::duckdb_result = std::mem::zeroed();
            let state = ffi::duckdb_query(self.connection, sql.as_ptr(), &mut result);
            let outcome = if state == ffi::DuckDBSuccess {
                Ok(ffi::duckdb_rows_changed(&mut result))
            } else {
                Err(owned_text(ffi::duckdb_result_error(&mut result)))
            };
            ffi::duckdb_destroy_result(&mut result);
            outcome
        }
    }

    /// Shows `rows` to `work` as a table of this name, for as long as `work` runs. They can be read once.
    pub(crate) fn with_rows<T>(
        &mut self,
        rows: Box<dyn RecordBatchReader + Send>,
        work: impl FnOnce(&mut Self, &str) -> Result<T, String>,
    ) -> Result<T, String> {
        let view = c_string(&self.rows_view)?;
        let mut stream = FFI_ArrowArrayStream::new(rows);
        // SAFETY: the stream lives until this function returns, and the view that points to it is dropped before.
        let state = unsafe {
            let stream: ffi::duckdb_arrow_stream = ptr::from_mut(&mut stream).cast();
            ffi::duckdb_arrow_scan(self.connection, view.as_ptr(), stream)
        };
        if state != ffi::DuckDBSuccess {
            return Err("the rows could not be shown to DuckDB".to_owned());
        }
        let name = format!("memory.main.{}", self.rows_view);
        let done = work(self, &name);
        let dropped = self.execute(&format!("DROP VIEW {name}"));
        done.and_then(|done| dropped.map(|_| done))
    }
}

impl Drop for BulkConnection {
    fn drop(&mut self) {
        // SAFETY: nobody else has this handle; disconnecting null does nothing.
        unsafe { ffi::duckdb_disconnect(&mut self.connection) };
    }
}

fn c_string(text: &str) -> Result<CString, String> {
    CString::new(text).map_err(|_| "a statement holds a zero character".to_owned())
}

/// Copies a text of DuckDB's.
///
/// # Safety
/// `text` is null, or points to a text that ends in zero.
unsafe fn owned_text(text: *const std::os::raw::c_char) -> String {
    if text.is_null() {
        return "DuckDB gave no reason".to_owned();
    }
    // SAFETY: by the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
