//! Running DuckDB's text: streaming results from a thread of their own, and interrupting what runs.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use duckdb::{Connection, InterruptHandle};

use super::error::{from_duckdb, internal};
use super::result::Converter;
use crate::outcome::{Column, Rows, SqlError};

/// Batches that wait between DuckDB and the reader; a batch has 2,048 rows, so this bounds a result in memory.
const BATCHES_AHEAD: usize = 16;

/// Stops the statement that a session is running. Copies stop the same one.
#[derive(Clone)]
pub struct Interrupt {
    state: Arc<InterruptState>,
}

struct InterruptState {
    is_asked: AtomicBool,
    running: Mutex<Vec<Arc<InterruptHandle>>>,
    _open: OpenMark,
}

/// Lives for as long as the database's file is open: with the database and with each connection to it.
pub(crate) type OpenMark = tokio::sync::watch::Sender<()>;

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").finish_non_exhaustive()
    }
}

impl Interrupt {
    pub(crate) fn new(open: OpenMark) -> Self {
        let (is_asked, running) = (AtomicBool::default(), Mutex::default());
        Self { state: Arc::new(InterruptState { is_asked, running, _open: open }) }
    }

    pub fn interrupt(&self) {
        self.state.is_asked.store(true, Ordering::SeqCst);
        for handle in self.running().iter() {
            handle.interrupt();
        }
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.state.is_asked.load(Ordering::SeqCst)
    }

    /// A new statement begins: what was asked before does not concern it.
    pub(crate) fn reset(&self, session: &Interruptible) {
        self.state.is_asked.store(false, Ordering::SeqCst);
        *self.running() = vec![Arc::clone(&session.handle)];
    }

    /// The connection, to be stopped by this.
    pub(crate) fn watch(&self, connection: Connection) -> Interruptible {
        let handle = connection.interrupt_handle();
        if self.is_asked() {
            handle.interrupt();
        }
        self.running().push(Arc::clone(&handle));
        Interruptible { connection, handle, interrupt: self.clone() }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Arc<InterruptHandle>>> {
        self.state.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that an [`Interrupt`] knows of for as long as it is open. The `duckdb` crate closes a connection
/// before it tells the handle so, and an interrupt between the two reaches into freed memory.
pub(crate) struct Interruptible {
    connection: Connection,
    handle: Arc<InterruptHandle>,
    interrupt: Interrupt,
}

impl Deref for Interruptible {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Interruptible {
    fn drop(&mut self) {
        self.interrupt.running().retain(|handle| !Arc::ptr_eq(handle, &self.handle));
    }
}

type Batches = Receiver<Result<RecordBatch, SqlError>>;

/// Runs a query on a connection of its own, and gives its rows as they come. What fails before the first batch fails
/// here.
pub(crate) fn stream(connection: Interruptible, sql: String, columns: Vec<Column>) -> Result<Rows, SqlError> {
    let converter = Converter::new(columns.clone());
    let (sender, batches) = sync_channel(BATCHES_AHEAD);
    let reader = move || {
        if let Err(failure) = send_batches(&connection, &sql, &converter, &sender) {
            // Where the reader is gone, nobody is left to tell.
            let _ = sender.send(Err(failure));
        }
    };
    std::thread::Builder::new().name("emulator-query".to_owned()).spawn(reader).map_err(internal)?;
    let first = first_batch(&batches)?;
    Ok(Rows { columns, batches: Box::new(first.into_iter().chain(batches)) })
}

fn first_batch(batches: &Batches) -> Result<Option<Result<RecordBatch, SqlError>>, SqlError> {
    match batches.recv() {
        Ok(Err(failure)) => Err(failure),
        Ok(batch) => Ok(Some(batch)),
        Err(_) => Ok(None),
    }
}

fn send_batches(
    connection: &Connection,
    sql: &str,
    converter: &Converter,
    batches: &SyncSender<Result<RecordBatch, SqlError>>,
) -> Result<(), SqlError> {
    let mut statement = connection.prepare(sql).map_err(|failure| from_duckdb(&failure))?;
    drop(statement.stream_arrow([]).map_err(|failure| from_duckdb(&failure))?);
    while let Some(batch) = statement.step().map_err(|failure| from_duckdb(&failure))? {
        if batches.send(Ok(converter.convert(&batch)?)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Runs a query on the session's own connection, which sees what its transaction has written, and keeps the rows.
pub(crate) fn collect(session: &Connection, sql: &str, columns: Vec<Column>) -> Result<Rows, SqlError> {
    let converter = Converter::new(columns);
    let mut statement = session.prepare(sql).map_err(|failure| from_duckdb(&failure))?;
    drop(statement.stream_arrow([]).map_err(|failure| from_duckdb(&failure))?);
    let mut batches = Vec::new();
    while let Some(batch) = statement.step().map_err(|failure| from_duckdb(&failure))? {
        batches.push(Ok(converter.convert(&batch)?));
    }
    Ok(Rows { columns: converter.columns().to_vec(), batches: Box::new(batches.into_iter()) })
}

/// Runs a statement that changes rows and gives how many.
pub(crate) fn execute(session: &Connection, sql: &str) -> Result<u64, SqlError> {
    let changed = session.execute(sql, []).map_err(|failure| from_duckdb(&failure))?;
    u64::try_from(changed).map_err(internal)
}

pub(crate) fn execute_all(session: &Connection, sql: &str) -> Result<(), SqlError> {
    session.execute_batch(sql).map_err(|failure| from_duckdb(&failure))
}

/// The only number that a query gives.
pub(crate) fn number(session: &Connection, sql: &str) -> Result<i64, SqlError> {
    session.query_row(sql, [], |row| row.get(0)).map_err(|failure| from_duckdb(&failure))
}
