//! The file of one tenant, opened with settings that keep DuckDB from reaching out or taking all memory.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use duckdb::{Config, Connection, InterruptHandle};
use model::{Error, ErrorKind, Result};
use tracing::trace_span;

use super::allowed::{Allowed, MEMORY_BYTES_MAX, SETTINGS};
use super::bulk::{BulkConnection, Instance};
use super::comparisons::CREATE_COMPARISONS;
use super::error;
use super::footprint::Footprint;
use super::idle;
use super::imports::CREATE_IMPORTS;
use super::journal::CREATE_JOURNAL;
use super::sql::{CATALOG, CREATE_STATE};

/// The tenant's DuckDB file inside the folder that the sync names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantFile {
    path: PathBuf,
}

impl TenantFile {
    /// The file of `tenant` in `folder`. A tenant's name is part of a path, so only plain names are taken.
    pub fn new(folder: &Path, tenant: &str) -> Result<Self> {
        let is_plain = !tenant.is_empty()
            && tenant.len() <= 100
            && tenant.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !is_plain {
            return Err(Error::config(
                "tenant_name",
                "a tenant's name may hold letters, digits, `-` and `_` only",
            ));
        }
        Ok(Self { path: folder.join(format!("{tenant}.duckdb")) })
    }

    /// Where the file is, or will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Opens the file for reading only; it has to exist. Where this process has it open already, its instance is shared.
    pub fn open_read_only(&self) -> Result<TenantConnection> {
        if !self.path.exists() {
            let message = format!("{} does not exist yet", self.path.display());
            return Err(Error::new(ErrorKind::NotFound, "database_missing", message)
                .with_remedy("run a sync of this tenant first"));
        }
        if let Some(database) = open_already(&self.place()) {
            database.allow_work()?;
            return database.connect_read_only();
        }
        let mut config = Config::default();
        for (name, value) in SETTINGS {
            config = config.with(name, value).map_err(|error| error::failed("configure", error))?;
        }
        let connection = Connection::open_in_memory_with_flags(config)
            .map_err(|error| error::failed("start DuckDB", error))?;
        self.attach(&connection, " (READ_ONLY)")?;
        use_catalog(&connection)?;
        Ok(TenantConnection::new(connection, None))
    }

    /// One path for each file, however it is written, where its folder exists.
    fn place(&self) -> PathBuf {
        let folder = self.path.parent().and_then(|folder| folder.canonicalize().ok());
        match (folder, self.path.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => self.path.clone(),
        }
    }

    /// Attaches the file under a name of ours, whatever its own is.
    fn attach(&self, connection: &Connection, options: &str) -> Result<()> {
        let path = self.path.display().to_string().replace('\'', "''");
        connection
            .execute_batch(&format!("ATTACH '{path}' AS {CATALOG}{options}"))
            .map_err(|error| error::opening(&self.path, error))
    }
}

/// A tenant's file, open for writing, shared by everyone in this process who reads or writes it.
///
/// Two instances of DuckDB on one file would each keep its own picture of it, and the operating system does not keep a
/// process from locking a file twice. So a file that is open is never opened again: whoever opens it gets the instance
/// that there is, and the last one to leave closes it.
#[derive(Clone)]
pub struct TenantDatabase {
    shared: Arc<Shared>,
}

struct Shared {
    file: TenantFile,
    place: PathBuf,
    /// Absent only while it is being closed.
    instance: Option<Instance>,
    footprint: Footprint,
    /// What DuckDB may take, so far.
    allowed: Mutex<Allowed>,
    /// Held by writers of the journal: DuckDB refuses the second of two updates of one row instead of having it wait.
    journal_writer: Mutex<()>,
    /// The same for whoever makes the views of the model, or matches its deals.
    model_writer: Mutex<()>,
}

/// The files that this process has open. One that is being opened or closed is there without an instance.
struct OpenFiles {
    by_place: Mutex<BTreeMap<PathBuf, Weak<Shared>>>,
    /// A file was opened or closed.
    settled: Condvar,
}

static OPEN_FILES: OpenFiles = OpenFiles { by_place: Mutex::new(BTreeMap::new()), settled: Condvar::new() };

impl TenantDatabase {
    /// Opens the tenant's file, and makes it where it is absent.
    pub fn open(file: TenantFile) -> Result<Self> {
        Self::open_within(file, Footprint::default())
    }

    /// The same with this footprint, unless the file is open already.
    pub fn open_within(file: TenantFile, footprint: Footprint) -> Result<Self> {
        if let Some(folder) = file.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::config("folder_unusable", format!("the folder {} cannot be made", folder.display()))
                    .with_remedy("choose another `duckdb.path`")
                    .with_source(error)
            })?;
        }
        let place = file.place();
        let (mut open, already) = wait_for(&place);
        if let Some(database) = already {
            return Ok(database);
        }
        // Whoever wants the file meanwhile waits until it is open; other files are opened beside it.
        open.insert(place.clone(), Weak::new());
        drop(open);
        let opening = Opening { place: &place, opened: Weak::new() };
        opening.finish(|| {
            let (instance, allowed) =
                trace_span!(target: "timings", "open").in_scope(|| start(&file, footprint))?;
            Ok(Shared {
                file,
                place: place.clone(),
                instance: Some(instance),
                footprint,
                allowed: Mutex::new(allowed),
                journal_writer: Mutex::default(),
                model_writer: Mutex::default(),
            })
        })
    }

    /// The file.
    pub fn file(&self) -> &TenantFile {
        &self.shared.file
    }

    /// How much memory DuckDB is meant to take.
    pub(super) fn footprint(&self) -> Footprint {
        self.shared.footprint
    }

    /// A connection of its own for one use, so that a long read keeps nobody from writing.
    pub fn connect(&self) -> Result<TenantConnection> {
        self.allow_work()?;
        self.connect_lightly()
    }

    /// Whether there is a view of this name.
    pub fn has_view(&self, schema: &str, view: &str) -> Result<bool> {
        self.connect_lightly()?
            .query_row(
                "SELECT count(*) > 0 FROM duckdb_views() WHERE database_name = 'vendor' AND schema_name = ? AND view_name = ?",
                [schema, view],
                |row| row.get(0),
            )
            .map_err(|error| error::failed("look for a view", error))
    }

    /// A connection for statements that hold no more than a few rows.
    pub(super) fn connect_lightly(&self) -> Result<TenantConnection> {
        let connection =
            self.instance()?.connect().map_err(|error| error::failed("connect to DuckDB", error))?;
        use_catalog(&connection)?;
        Ok(TenantConnection::new(connection, Some(self.clone())))
    }

    /// A connection that sees one state of the file and cannot write, for statements that hold no more than a few rows,
    /// or whose memory was allowed before.
    pub(super) fn connect_read_only(&self) -> Result<TenantConnection> {
        let connection = self.connect_lightly()?;
        connection
            .execute_batch("BEGIN TRANSACTION READ ONLY")
            .map_err(|error| error::failed("begin a transaction", error))?;
        Ok(connection)
    }

    /// Connections for a destination, which says itself what memory its work takes.
    pub(super) fn connect_destination(&self) -> Result<OpenFile> {
        let bulk = self
            .instance()?
            .connect_bulk()
            .map_err(|message| error::refused("connect to DuckDB", &message))?;
        let bulk = Arc::new(Mutex::new(bulk));
        Ok(OpenFile { connection: self.connect_lightly()?, bulk, database: self.clone() })
    }

    /// Lets DuckDB take this much memory, as far as its bound goes. It is not taken back while the file is open, since
    /// somebody else may need it by then.
    pub(super) fn allow_memory(&self, bytes: u64) -> Result<()> {
        self.allow(|allowed| allowed.more_memory(bytes))
    }

    /// Lets DuckDB work on all cores and compress as well as it can, for as long as the file is open.
    pub(super) fn allow_cores(&self) -> Result<()> {
        self.allow(Allowed::all_cores)
    }

    fn allow(&self, more: impl FnOnce(&mut Allowed) -> Option<String>) -> Result<()> {
        let mut allowed = self.shared.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = *allowed;
        if let Some(statements) = more(&mut wanted) {
            self.connect_lightly()?
                .execute_batch(&statements)
                .map_err(|error| error::failed("allow DuckDB more", error))?;
            *allowed = wanted;
        }
        Ok(())
    }

    /// The same where the file is so large that reading through a table of it may take long.
    pub(super) fn allow_cores_if_large(&self) -> Result<()> {
        if is_large(&self.shared.file.path) { self.allow_cores() } else { Ok(()) }
    }

    /// Lets DuckDB take what there is for it: for statements of which nothing is known.
    pub(super) fn allow_work(&self) -> Result<()> {
        self.allow_memory(MEMORY_BYTES_MAX)?;
        self.allow_cores()
    }

    /// Waits until nobody else writes to the journal.
    pub(super) fn journal_writer(&self) -> MutexGuard<'_, ()> {
        self.shared.journal_writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else changes the model.
    pub(super) fn model_writer(&self) -> MutexGuard<'_, ()> {
        self.shared.model_writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn instance(&self) -> Result<&Instance> {
        self.shared.instance.as_ref().ok_or_else(|| Error::internal("a closed database was used"))
    }
}

impl fmt::Debug for TenantDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantDatabase").field("path", &self.shared.file.path).finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Whoever wants the file meanwhile waits until it is closed.
        trace_span!(target: "timings", "close").in_scope(|| {
            if let Some(instance) = self.instance.take() {
                let allowed = *self.allowed.get_mut().unwrap_or_else(PoisonError::into_inner);
                idle::close_file(instance, allowed, spill_folder(&self.file.path).exists());
            }
        });
        OPEN_FILES.by_place.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
        OPEN_FILES.settled.notify_all();
    }
}

/// A file that is being opened, for which others wait: until it is open, or will not be.
struct Opening<'a> {
    place: &'a Path,
    opened: Weak<Shared>,
}

impl Opening<'_> {
    fn finish(mut self, open: impl FnOnce() -> Result<Shared>) -> Result<TenantDatabase> {
        let shared = Arc::new(open()?);
        self.opened = Arc::downgrade(&shared);
        Ok(TenantDatabase { shared })
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut open = OPEN_FILES.by_place.lock().unwrap_or_else(PoisonError::into_inner);
        match self.opened.strong_count() {
            0 => open.remove(self.place),
            _ => open.insert(self.place.to_owned(), Weak::clone(&self.opened)),
        };
        OPEN_FILES.settled.notify_all();
    }
}

/// Attaches the file to an instance of DuckDB, with the tables for our own facts. Gives what it may take from now on.
fn start(file: &TenantFile, footprint: Footprint) -> Result<(Instance, Allowed)> {
    let (instance, mut allowed) = instance_for(file, footprint)?;
    let connection = instance.connect().map_err(|error| error::failed("start DuckDB", error))?;
    let row_groups = footprint.row_group_rows().map(|rows| format!(" (ROW_GROUP_SIZE {rows})"));
    file.attach(&connection, &row_groups.unwrap_or_default())?;
    connection
        .execute_batch(&format!(
            "BEGIN; {CREATE_STATE} {CREATE_JOURNAL} {CREATE_COMPARISONS} {CREATE_IMPORTS} COMMIT"
        ))
        .map_err(|error| error::failed("prepare the state tables", error))?;
    let mut lighter = allowed;
    // What a process left behind that was killed may have to stay in memory.
    if let Some(statements) = lighter.little_memory()
        && connection.execute_batch(&statements).is_ok()
    {
        allowed = lighter;
    }
    Ok((instance, allowed))
}

/// An instance that the file can be attached to: one that waits for a file, or a new one.
fn instance_for(file: &TenantFile, footprint: Footprint) -> Result<(Instance, Allowed)> {
    if let Some((instance, mut allowed)) = idle::take(footprint)
        && set_up(&instance, &mut allowed, file).is_ok()
    {
        return Ok((instance, allowed));
    }
    let started = Allowed::start(footprint).map_err(|message| error::refused("start DuckDB", &message));
    let (instance, mut allowed) = started?;
    set_up(&instance, &mut allowed, file).map_err(|error| error::failed("start DuckDB", error))?;
    Ok((instance, allowed))
}

/// What does not fit into memory is put beside the file, and not into whatever folder the program was started in. A log that
/// a killed process left may take all memory there is to be read, and so may what a large file says of itself.
fn set_up(instance: &Instance, allowed: &mut Allowed, file: &TenantFile) -> duckdb::Result<()> {
    let folder = spill_folder(&file.path).display().to_string().replace('\'', "''");
    let may_take_all = is_large(&file.path) || has_log(&file.path);
    let memory = if may_take_all { allowed.more_memory(MEMORY_BYTES_MAX) } else { None };
    let memory = memory.unwrap_or_default();
    instance.connect()?.execute_batch(&format!("{memory} SET GLOBAL temp_directory = '{folder}';"))
}

/// Whether reading through a table of the file may take long.
fn is_large(path: &Path) -> bool {
    /// From this size on a file is worth all cores.
    const LARGE_FILE_BYTES: u64 = 16 * 1024 * 1024;
    std::fs::metadata(path).is_ok_and(|file| file.len() >= LARGE_FILE_BYTES)
}

/// Whether there are changes beside the file that are not in it yet.
fn has_log(path: &Path) -> bool {
    let beside = |ending: &str| {
        let mut path = path.as_os_str().to_owned();
        path.push(ending);
        Path::new(&path).exists()
    };
    [".wal", ".wal.checkpoint", ".wal.recovery"].into_iter().any(beside)
}

fn spill_folder(path: &Path) -> PathBuf {
    path.with_extension("spilled")
}

type ByPlace = BTreeMap<PathBuf, Weak<Shared>>;

/// The open files, and the one at `place` where it is open. Waits for one that is being opened or closed.
fn wait_for(place: &Path) -> (MutexGuard<'static, ByPlace>, Option<TenantDatabase>) {
    let mut open = OPEN_FILES.by_place.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        match open.get(place).map(Weak::upgrade) {
            None => return (open, None),
            Some(Some(shared)) => return (open, Some(TenantDatabase { shared })),
            Some(None) => open = OPEN_FILES.settled.wait(open).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

fn open_already(place: &Path) -> Option<TenantDatabase> {
    let (_open, already) = wait_for(place);
    already
}

/// Names that a user writes are looked for in the tenant's file.
fn use_catalog(connection: &Connection) -> Result<()> {
    connection
        .execute_batch(&format!("USE {CATALOG}"))
        .map_err(|error| error::failed("connect to DuckDB", error))
}

/// A connection to a tenant's file, which stays open for as long as there is one.
pub struct TenantConnection {
    interrupt: Interrupt,
    connection: Connection,
    _database: Option<TenantDatabase>,
}

impl TenantConnection {
    fn new(connection: Connection, database: Option<TenantDatabase>) -> Self {
        let interrupt = Interrupt { handle: Arc::new(Mutex::new(Some(connection.interrupt_handle()))) };
        Self { interrupt, connection, _database: database }
    }

    /// Stops what this connection runs, from any thread.
    pub(super) fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }
}

impl Drop for TenantConnection {
    fn drop(&mut self) {
        *self.interrupt.lock() = None;
    }
}

/// Stops the statement that a connection runs, and does nothing once the connection is closed. The `duckdb` crate's own
/// handle hears of that only after the connection was freed, and an interrupt between the two crashes the process.
#[derive(Clone)]
pub(super) struct Interrupt {
    handle: Arc<Mutex<Option<Arc<InterruptHandle>>>>,
}

impl Interrupt {
    pub(super) fn interrupt(&self) {
        if let Some(handle) = &*self.lock() {
            handle.interrupt();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<InterruptHandle>>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for TenantConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for TenantConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl fmt::Debug for TenantConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantConnection").finish_non_exhaustive()
    }
}

/// What a destination writes through. The connections go before the instance that they are connections to.
pub(super) struct OpenFile {
    pub(super) connection: TenantConnection,
    pub(super) bulk: Arc<Mutex<BulkConnection>>,
    pub(super) database: TenantDatabase,
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_panic_while_a_file_is_opened_leaves_nobody_waiting_for_it() {
        let place = PathBuf::from("opened by no other test");
        let open = || OPEN_FILES.by_place.lock().unwrap();
        open().insert(place.clone(), Weak::new());
        let opening = Opening { place: &place, opened: Weak::new() };
        let panicked = catch_unwind(AssertUnwindSafe(|| opening.finish(|| panic!("DuckDB is not well"))));
        assert!(panicked.is_err());
        assert!(!open().contains_key(&place));
    }

    #[test]
    fn whoever_opens_a_file_gets_the_instance_that_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = TenantDatabase::open(TenantFile::new(folder.path(), "acme").unwrap()).unwrap();
        let detour = folder.path().join(".");
        let again = TenantDatabase::open(TenantFile::new(&detour, "acme").unwrap()).unwrap();
        let other = TenantDatabase::open(TenantFile::new(folder.path(), "other").unwrap()).unwrap();
        assert!(Arc::ptr_eq(&first.shared, &again.shared));
        assert!(!Arc::ptr_eq(&first.shared, &other.shared));
        let reading = again.file().open_read_only().unwrap();
        first.connect().unwrap().execute_batch("CREATE TABLE t (id BIGINT)").unwrap();
        let refused = reading.execute_batch("INSERT INTO t VALUES (1)").unwrap_err().to_string();
        assert!(refused.contains("read-only"), "{refused}");
    }

    #[test]
    fn a_file_that_many_open_and_leave_at_once_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = TenantFile::new(folder.path(), "acme").unwrap();
        let made = TenantDatabase::open(file.clone()).unwrap();
        made.connect().unwrap().execute_batch("CREATE TABLE t (id BIGINT)").unwrap();
        drop(made);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let database = TenantDatabase::open(file.clone()).unwrap();
                        database.connect().unwrap().execute_batch("INSERT INTO t VALUES (1)").unwrap();
                    }
                });
            }
        });
        let left = TenantDatabase::open(file).unwrap();
        let row_count: i64 =
            left.connect().unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(row_count, 40);
    }

    #[test]
    fn an_interrupt_beside_a_closing_connection_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let database = TenantDatabase::open(TenantFile::new(folder.path(), "acme").unwrap()).unwrap();
        for _ in 0..500 {
            let connection = database.connect().unwrap();
            let interrupt = connection.interrupt();
            let (begun, is_closed) = (Barrier::new(2), AtomicBool::new(false));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    begun.wait();
                    while !is_closed.load(Ordering::Relaxed) {
                        interrupt.interrupt();
                    }
                });
                begun.wait();
                drop(connection);
                is_closed.store(true, Ordering::Relaxed);
            });
        }
    }
}
