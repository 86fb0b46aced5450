//! The file of one tenant, opened with settings that keep DuckDB from reaching out or taking all memory.

use std::path::{Path, PathBuf};

use duckdb::{Config, Connection};
use model::{Error, ErrorKind, Result};

use super::bulk::{BulkConnection, Instance};
use super::error;
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

    /// Opens the file for writing, and makes it where it is absent.
    pub(super) fn open(&self) -> Result<OpenFile> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::config("folder_unusable", format!("the folder {} cannot be made", folder.display()))
                    .with_remedy("choose another `destination.duckdb.path`")
                    .with_source(error)
            })?;
        }
        let failed = |message: String| error::refused("start DuckDB", &message);
        let instance = Instance::start(&SETTINGS).map_err(failed)?;
        let connection = instance.connect().map_err(|error| error::failed("start DuckDB", error))?;
        let bulk = instance.connect_bulk().map_err(failed)?;
        self.attach(&connection, "")?;
        connection
            .execute_batch(CREATE_STATE)
            .map_err(|error| error::failed("prepare the state tables", error))?;
        Ok(OpenFile { connection, bulk, _instance: instance })
    }

    /// Opens the file for reading only; it has to exist.
    pub fn open_read_only(&self) -> Result<Connection> {
        if !self.path.exists() {
            let message = format!("{} does not exist yet", self.path.display());
            return Err(Error::new(ErrorKind::NotFound, "database_missing", message)
                .with_remedy("run a sync of this tenant first"));
        }
        let mut config = Config::default();
        for (name, value) in SETTINGS {
            config = config.with(name, value).map_err(|error| error::failed("configure", error))?;
        }
        let connection = Connection::open_in_memory_with_flags(config)
            .map_err(|error| error::failed("start DuckDB", error))?;
        self.attach(&connection, " (READ_ONLY)")?;
        Ok(connection)
    }

    /// Attaches the file under a name of ours, whatever its own is.
    fn attach(&self, connection: &Connection, options: &str) -> Result<()> {
        let path = self.path.display().to_string().replace('\'', "''");
        connection
            .execute_batch(&format!("ATTACH '{path}' AS {CATALOG}{options}; USE {CATALOG};"))
            .map_err(|error| error::opening(&self.path, error))
    }
}

/// A tenant's file, open for writing. The connections go before the instance that they are connections to.
pub(super) struct OpenFile {
    pub(super) connection: Connection,
    pub(super) bulk: BulkConnection,
    _instance: Instance,
}

/// DuckDB never fetches an extension, inserts on all cores, and keeps its memory within a bound.
const SETTINGS: [(&str, &str); 5] = [
    ("autoload_known_extensions", "false"),
    ("autoinstall_known_extensions", "false"),
    ("allow_community_extensions", "false"),
    ("preserve_insertion_order", "false"),
    ("max_memory", MEMORY_MAX),
];

/// Enough for a merge of a million rows; more is spilled to disk beside the file.
const MEMORY_MAX: &str = "1GiB";
