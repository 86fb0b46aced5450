//! One emulated account: its DuckDB instance, its catalog, its locks and its history.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use duckdb::{Config, Connection};
use tempfile::TempDir;

use super::catalog::{Catalog, WarehouseEntry};
use super::compute::Warehouses;
use super::error::{from_duckdb, internal};
use super::history::History;
use super::locks::Locks;
use super::request::{QueryRecord, SessionStart};
use super::run::{OpenMark, execute_all, number};
use super::session::SqlSession;
use super::travel::{self, Held, Instants, StatementInstants};
use super::{account, functions, load, names};
use crate::clock::Clock;
use crate::outcome::SqlError;
use crate::stage::{StageId, StageStore};
use crate::users::Users;

/// The file in the data folder.
const FILE: &str = "emulator.duckdb";
/// The table that the catalog is kept in, as one JSON document.
const CATALOG_TABLE: &str = "emulator_catalog";
/// Dropped objects that UNDROP can bring back; older ones lose their rows for good.
const DROPPED_MAX: usize = 50;
/// How often old versions are thrown away: often enough for what a long-lived emulator keeps, in nanoseconds.
const PURGE_EVERY_NS: i64 = 3_600 * 1_000_000_000;

/// One emulated account's databases and catalog. Copies share them.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

struct Shared {
    /// The connection that sessions' own are made from.
    root: Mutex<Connection>,
    /// Where an account in memory puts what does not fit. Goes after DuckDB.
    _spilled: Option<TempDir>,
    catalog: RwLock<Arc<Catalog>>,
    is_stored: bool,
    history: History,
    /// Grows whenever a statement may change data or state, before it and after it.
    change_count: AtomicU64,
    locks: Locks,
    stages: StageStore,
    instants: Instants,
    statements: StatementInstants,
    /// Numbers of transactions and rows. They begin with the nanosecond that the database is opened in, so none is
    /// given again after a restart: nothing makes a row in a nanosecond.
    numbers: Arc<AtomicI64>,
    warehouses: Warehouses,
    /// When old versions were last thrown away.
    purged_at: AtomicI64,
    open: OpenMark,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("is_stored", &self.shared.is_stored).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens the account kept in a folder, or a new one in memory.
    pub fn open(folder: Option<&Path>) -> Result<Database, SqlError> {
        Self::open_with_clock(folder, Clock::default())
    }

    /// The same, with the clock that its time is told by.
    pub fn open_with_clock(folder: Option<&Path>, clock: Clock) -> Result<Database, SqlError> {
        let failed = |failure: duckdb::Error| from_duckdb(&failure);
        let settings = Config::default()
            .with("autoinstall_known_extensions", "false")
            .and_then(|config| config.with("autoload_known_extensions", "false"))
            .and_then(|config| config.with("allow_community_extensions", "false"))
            // The cache takes a staged file that was replaced within a second for the old one.
            .and_then(|config| config.with("enable_external_file_cache", "false"))
            .map_err(failed)?;
        let (root, spilled) = match folder {
            None => {
                // DuckDB would put what does not fit into memory into whatever folder the program was started in.
                let spilled = TempDir::new().map_err(internal)?;
                let place = spilled.path().display().to_string();
                let settings = settings.with("temp_directory", place).map_err(failed)?;
                (Connection::open_in_memory_with_flags(settings).map_err(failed)?, Some(spilled))
            }
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(internal)?;
                (Connection::open_with_flags(folder.join(FILE), settings).map_err(failed)?, None)
            }
        };
        let opened_at = i64::try_from(jiff::Timestamp::now().as_nanosecond()).map_err(internal)?;
        let numbers = Arc::new(AtomicI64::new(opened_at));
        functions::register_all(&root, &numbers).map_err(failed)?;
        let instants = Instants::after(travel::prepare(&root)?, clock);
        let catalog = load_catalog(&root, &instants)?;
        let stages = StageStore::open(folder).map_err(internal)?;
        stages.retain(|stage| catalog.needs_stage(stage)).map_err(internal)?;
        load::history::prepare(&root, &catalog.physical_tables())?;
        Ok(Database {
            shared: Arc::new(Shared {
                root: Mutex::new(root),
                _spilled: spilled,
                catalog: RwLock::new(Arc::new(catalog)),
                is_stored: folder.is_some(),
                history: History::default(),
                change_count: AtomicU64::new(0),
                locks: Locks::default(),
                stages,
                purged_at: AtomicI64::new(instants.next()),
                instants,
                statements: StatementInstants::default(),
                numbers,
                warehouses: Warehouses::default(),
                open: OpenMark::default(),
            }),
        })
    }

    pub fn session(&self, start: &SessionStart) -> Result<SqlSession, SqlError> {
        SqlSession::start(self.clone(), start)
    }

    /// Remembers a statement for QUERY_HISTORY.
    pub fn record_query(&self, record: QueryRecord) {
        self.shared.history.add(record);
    }

    /// How often data or state may have changed: what was read at one count is the same at the same count.
    pub(crate) fn change_count(&self) -> u64 {
        self.shared.change_count.load(Ordering::Acquire)
    }

    pub(crate) fn count_change(&self) {
        self.shared.change_count.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn open_mark(&self) -> OpenMark {
        self.shared.open.clone()
    }

    /// Ends once the file is closed, after the last copy and the last session are gone.
    pub(crate) fn closed(&self) -> impl Future<Output = ()> + use<> {
        let mut open = self.shared.open.subscribe();
        async move { while open.changed().await.is_ok() {} }
    }

    pub(crate) fn connect(&self) -> Result<Connection, SqlError> {
        let root = self.shared.root.lock().unwrap_or_else(PoisonError::into_inner);
        root.try_clone().map_err(|failure| from_duckdb(&failure))
    }

    /// Puts the users that the data folder remembers among those who may log in.
    pub(crate) fn restore_users(&self, users: &Users) {
        account::users::restore(&self.catalog(), users);
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.shared.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn history(&self) -> &History {
        &self.shared.history
    }

    pub(crate) fn locks(&self) -> &Locks {
        &self.shared.locks
    }

    /// The files of Snowflake stages.
    pub(crate) fn stages(&self) -> &StageStore {
        &self.shared.stages
    }

    /// A number for a new DuckDB table or sequence.
    pub(crate) fn take_id(&self) -> u64 {
        let mut catalog = self.shared.catalog.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut catalog).take_id()
    }

    /// What there is, and an instant at which it was all there is.
    pub(crate) fn look(&self) -> (Arc<Catalog>, i64) {
        let catalog = self.shared.catalog.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&catalog), self.shared.instants.next())
    }

    pub(crate) fn instants(&self) -> &Instants {
        &self.shared.instants
    }

    /// The instants of statements.
    pub(crate) fn statements(&self) -> &StatementInstants {
        &self.shared.statements
    }

    /// A number for a new transaction.
    pub(crate) fn take_number(&self) -> i64 {
        self.shared.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Changes the catalog, and DuckDB's tables with it, all or nothing. The connection must have no open transaction.
    pub(crate) fn change<T>(
        &self,
        connection: &Connection,
        change: impl FnOnce(&mut Catalog) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let mut current = self.shared.catalog.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Catalog::clone(&current);
        let held: Held<'_> = self.shared.instants.hold();
        next.now = held.at();
        execute_all(connection, "BEGIN TRANSACTION")?;
        let mut forgotten = Vec::new();
        let changed = change(&mut next).and_then(|result| {
            forgotten = forget_oldest(&mut next, connection)?;
            if self.shared.is_stored {
                store_catalog(&next, connection)?;
            }
            Ok(result)
        });
        match changed {
            Ok(result) => {
                execute_all(connection, "COMMIT")?;
                *current = Arc::new(next);
                forgotten.iter().for_each(|stage| self.shared.stages.forget(stage));
                Ok(result)
            }
            Err(failure) => {
                execute_all(connection, "ROLLBACK")?;
                Err(failure)
            }
        }
    }

    /// True where a virtual warehouse is not awake.
    pub(crate) fn is_suspended(&self, name: &str, entry: &WarehouseEntry, now: i64) -> bool {
        self.shared.warehouses.is_suspended(name, entry, now)
    }

    /// Gives a virtual warehouse something to do, and wakes it for that where it may be. False where it sleeps on.
    pub(crate) fn use_warehouse(&self, name: &str, entry: &WarehouseEntry, now: i64) -> bool {
        if self.is_suspended(name, entry, now) {
            if !entry.auto_resume {
                return false;
            }
            let mut catalog = self.shared.catalog.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) = Arc::make_mut(&mut catalog).warehouses.get_mut(name) {
                entry.is_suspended = false;
                entry.resumed_on = now;
            }
        }
        self.shared.warehouses.note_use(name, now);
        true
    }

    /// Marks tables as changed at an instant; the log of commits remembers it too.
    pub(crate) fn touch(&self, tables: &[u64], at: i64) {
        let mut catalog = self.shared.catalog.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut catalog).touch(|table| tables.contains(&table).then_some(at));
    }

    /// Throws old versions away, where that was last done long ago.
    pub(crate) fn purge(&self, connection: &Connection, now: i64) {
        let last = self.shared.purged_at.load(Ordering::Relaxed);
        let is_due = now - last >= PURGE_EVERY_NS
            && self
                .shared
                .purged_at
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        // What cannot be thrown away now is thrown away the next time.
        if is_due && let Err(failure) = travel::purge(connection, &self.catalog().horizons(now)) {
            tracing::debug!(message = failure.message, "old versions stay");
        }
    }
}

fn load_catalog(root: &Connection, instants: &Instants) -> Result<Catalog, SqlError> {
    execute_all(root, &format!("CREATE TABLE IF NOT EXISTS {CATALOG_TABLE}(document VARCHAR)"))?;
    if number(root, &format!("SELECT count(*) FROM {CATALOG_TABLE}"))? == 0 {
        return Ok(Catalog::fresh(instants.next()));
    }
    let document: String = root
        .query_row(&format!("SELECT document FROM {CATALOG_TABLE}"), [], |row| row.get(0))
        .map_err(|failure| from_duckdb(&failure))?;
    let mut catalog: Catalog = serde_json::from_str(&document).map_err(internal)?;
    remove_orphans(&mut catalog, root)?;
    for table in catalog.tables() {
        let history = names::literal(&travel::history_of(table.id));
        if number(root, &format!("SELECT count(*) FROM duckdb_tables() WHERE table_name = {history}"))? == 0 {
            execute_all(root, &travel::complete_sql(table))?;
        }
    }
    travel::forget_missing(root, &catalog.table_ids().collect::<Vec<_>>())?;
    let touched = travel::touched_at(root)?;
    catalog.touch(|table| touched.get(&table).copied());
    travel::purge(root, &catalog.horizons(instants.next()))?;
    Ok(catalog)
}

/// Drops the tables that no entry needs any more: temporary ones of a process that ended.
fn remove_orphans(catalog: &mut Catalog, root: &Connection) -> Result<(), SqlError> {
    let mut listed = root
        .prepare("SELECT table_name FROM duckdb_tables() WHERE regexp_full_match(table_name, 't[0-9]+')")
        .map_err(|failure| from_duckdb(&failure))?;
    let tables = listed
        .query_map([], |row| row.get::<_, String>(0))
        .and_then(Iterator::collect::<duckdb::Result<Vec<String>>>)
        .map_err(|failure| from_duckdb(&failure))?;
    let needed = catalog.physical_tables();
    for table in tables {
        let id = table[1..].parse().unwrap_or(0);
        catalog.skip_id(id);
        if !needed.contains(&table) {
            execute_all(root, &travel::drop_sql(id))?;
        }
    }
    Ok(())
}

fn store_catalog(catalog: &Catalog, connection: &Connection) -> Result<(), SqlError> {
    let document = serde_json::to_string(catalog).map_err(internal)?;
    execute_all(
        connection,
        &format!(
            "DELETE FROM {CATALOG_TABLE}; INSERT INTO {CATALOG_TABLE} VALUES ({})",
            names::literal(&document)
        ),
    )
}

/// Drops the rows of what was dropped longest ago, and gives the Snowflake stages that go with it.
fn forget_oldest(catalog: &mut Catalog, connection: &Connection) -> Result<Vec<StageId>, SqlError> {
    let mut stages = Vec::new();
    while catalog.dropped.len() > DROPPED_MAX {
        let mut only = Catalog::default();
        only.dropped.push(catalog.dropped.remove(0));
        for table in only.table_ids() {
            execute_all(connection, &travel::drop_sql(table))?;
        }
        stages.extend(only.stage_ids());
    }
    Ok(stages)
}
