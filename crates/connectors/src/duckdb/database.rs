//! The file of one tenant, opened with settings that keep DuckDB from reaching out or taking all memory.

use std::path::{Path, PathBuf};

use duckdb::{Config, Connection};
use model::{Error, ErrorKind, Result};

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
    pub fn open(&self) -> Result<Connection> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::config("folder_unusable", format!("the folder {} cannot be made", folder.display()))
                    .with_remedy("choose another `destination.duckdb.path`")
                    .with_source(error)
            })?;
        }
        let connection = self.attach("")?;
        connection
            .execute_batch(CREATE_STATE)
            .map_err(|error| error::failed("prepare the state tables", error))?;
        Ok(connection)
    }

    /// Opens the file for reading only; it has to exist.
    pub fn open_read_only(&self) -> Result<Connection> {
        if !self.path.exists() {
            let message = format!("{} does not exist yet", self.path.display());
            return Err(Error::new(ErrorKind::NotFound, "database_missing", message)
                .with_remedy("run a sync of this tenant first"));
        }
        self.attach(" (READ_ONLY)")
    }

    /// Attaches the file under a name of ours, whatever its own is.
    fn attach(&self, options: &str) -> Result<Connection> {
        let connection = Connection::open_in_memory_with_flags(configuration()?)
            .map_err(|error| error::failed("start DuckDB", error))?;
        let path = self.path.display().to_string().replace('\'', "''");
        connection
            .execute_batch(&format!("ATTACH '{path}' AS {CATALOG}{options}; USE {CATALOG};"))
            .map_err(|error| error::opening(&self.path, error))?;
        Ok(connection)
    }
}

/// DuckDB never fetches an extension and keeps its memory within a bound.
fn configuration() -> Result<Config> {
    let configured = Config::default()
        .enable_autoload_extension(false)
        .and_then(|config| config.with("autoinstall_known_extensions", "false"))
        .and_then(|config| config.with("allow_community_extensions", "false"))
        .and_then(|config| config.with("preserve_insertion_order", "false"))
        .and_then(|config| config.max_memory(MEMORY_MAX));
    configured.map_err(|error| error::failed("configure", error))
}

/// Enough for a merge of a million rows; more is spilled to disk beside the file.
const MEMORY_MAX: &str = "1GiB";
