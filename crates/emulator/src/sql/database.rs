//! One emulated account: its DuckDB instance, its catalog, its locks and its history.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use duckdb::{Config, Connection};

use super::catalog::Catalog;
use super::error::{from_duckdb, internal};
use super::history::History;
use super::locks::Locks;
use super::request::{QueryRecord, SessionStart};
use super::run::{execute_all, number};
use super::session::SqlSession;
use super::{account, functions, load, names};
use crate::outcome::SqlError;
use crate::stage::{StageId, StageStore};
use crate::users::Users;

/// The file in the data folder.
const FILE: &str = "emulator.duckdb";
/// The table that the catalog is kept in, as one JSON document.
const CATALOG_TABLE: &str = "emulator_catalog";
/// Dropped objects that UNDROP can bring back; older ones lose their rows for good.
const DROPPED_MAX: usize = 50;

/// One emulated account's databases and catalog. Copies share them.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

struct Shared {
    /// The connection that sessions' own are made from.
    root: Mutex<Connection>,
    catalog: RwLock<Arc<Catalog>>,
    is_stored: bool,
    history: History,
    locks: Locks,
    stages: StageStore,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("is_stored", &self.shared.is_stored).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens the account kept in a folder, or a new one in memory.
    pub fn open(folder: Option<&Path>) -> Result<Database, SqlError> {
        let failed = |failure: duckdb::Error| from_duckdb(&failure);
        let settings = Config::default()
            .with("autoinstall_known_extensions", "false")
            .and_then(|config| config.with("autoload_known_extensions", "false"))
            .and_then(|config| config.with("allow_community_extensions", "false"))
            // The cache takes a staged file that was replaced within a second for the old one.
            .and_then(|config| config.with("enable_external_file_cache", "false"))
            .map_err(failed)?;
        let root = match folder {
            None => Connection::open_in_memory_with_flags(settings).map_err(failed)?,
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(internal)?;
                Connection::open_with_flags(folder.join(FILE), settings).map_err(failed)?
            }
        };
        functions::register_all(&root).map_err(failed)?;
        let catalog = load_catalog(&root)?;
        let stages = StageStore::open(folder).map_err(internal)?;
        stages.retain(|stage| catalog.needs_stage(stage)).map_err(internal)?;
        load::history::prepare(&root, &catalog.physical_tables())?;
        Ok(Database {
            shared: Arc::new(Shared {
                root: Mutex::new(root),
                catalog: RwLock::new(Arc::new(catalog)),
                is_stored: folder.is_some(),
                history: History::default(),
                locks: Locks::default(),
                stages,
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

    /// Changes the catalog, and DuckDB's tables with it, all or nothing. The connection must have no open transaction.
    pub(crate) fn change<T>(
        &self,
        connection: &Connection,
        change: impl FnOnce(&mut Catalog) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let mut current = self.shared.catalog.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Catalog::clone(&current);
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

    /// Marks tables as changed now.
    pub(crate) fn touch(&self, connection: &Connection, tables: &[u64]) -> Result<(), SqlError> {
        let now = super::catalog::now();
        let mark = |catalog: &mut Catalog| {
            let databases = catalog.databases.values_mut().flat_map(|database| database.schemas.values_mut());
            for table in databases.flat_map(|schema| schema.tables.values_mut()) {
                if tables.contains(&table.id) {
                    table.last_altered = now.max(table.last_altered + 1);
                }
            }
            Ok(())
        };
        if self.shared.is_stored {
            return self.change(connection, mark);
        }
        let mut catalog = self.shared.catalog.write().unwrap_or_else(PoisonError::into_inner);
        mark(Arc::make_mut(&mut catalog))
    }
}

fn load_catalog(root: &Connection) -> Result<Catalog, SqlError> {
    execute_all(root, &format!("CREATE TABLE IF NOT EXISTS {CATALOG_TABLE}(document VARCHAR)"))?;
    if number(root, &format!("SELECT count(*) FROM {CATALOG_TABLE}"))? == 0 {
        return Ok(Catalog::fresh());
    }
    let document: String = root
        .query_row(&format!("SELECT document FROM {CATALOG_TABLE}"), [], |row| row.get(0))
        .map_err(|failure| from_duckdb(&failure))?;
    let mut catalog: Catalog = serde_json::from_str(&document).map_err(internal)?;
    remove_orphans(&mut catalog, root)?;
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
        catalog.skip_id(table[1..].parse().unwrap_or(0));
        if !needed.contains(&table) {
            execute_all(root, &format!("DROP TABLE {table}"))?;
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
        for table in only.physical_tables() {
            execute_all(connection, &format!("DROP TABLE IF EXISTS {table}"))?;
        }
        stages.extend(only.stage_ids());
    }
    Ok(stages)
}
