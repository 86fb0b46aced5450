//! A sync as the state database keeps it: its file's own words, and where the vendor database is on this machine.

use std::path::{Path, PathBuf};

use model::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{WantedConnection, WantedSync};

use super::late::LateAfter;
use super::secret::KeptSecrets;
use super::span::located;
use super::sync::SyncFile;
use super::tenant::Limits;

/// Runs that may write to one tenant's file at the same time: they share one instance of DuckDB and its memory.
const VENDOR_RUNS_MAX: u32 = 16;

/// The definition of a stored sync.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    /// The text of its file.
    file: String,
    /// The folder of the vendor database, wherever the program is started.
    vendor_folder: PathBuf,
}

/// A sync file, and what is to be stored of it.
#[derive(Debug)]
pub(crate) struct StoredSync {
    pub(crate) path: PathBuf,
    pub(crate) tenant: String,
    pub(crate) connections: [WantedConnection; 2],
    pub(crate) sync: WantedSync,
}

impl SyncFile {
    /// What is stored of a file; reads its secrets, so that they can be sealed.
    pub(crate) fn to_store(path: &Path, limits: impl Fn(&str) -> Limits) -> Result<StoredSync> {
        let text = Self::read_text(path)?;
        let file = Self::parse(path, &text)?;
        let limits = limits(&file.tenant);
        let vendor = file.vendor_connection()?;
        let account = file.snowflake.value.stored(file.folder());
        let account = account.map_err(|error| located(path, &file.snowflake, error))?;
        let account = WantedConnection {
            name: account.name,
            system: "snowflake".to_owned(),
            settings: account.settings,
            runs_max: limits.connection_runs_max,
            secrets: account.secrets,
            kept: account.kept,
        };
        let (source, destination) = match file.push() {
            None => (account.name.clone(), vendor.name.clone()),
            Some(_) => (vendor.name.clone(), account.name.clone()),
        };
        let definition = Definition { file: text, vendor_folder: file.absolute_vendor_folder()? };
        let definition = serde_json::to_value(definition)
            .map_err(|error| Error::internal("a sync cannot be written as JSON").with_source(error))?;
        let sync = WantedSync {
            name: file.name(),
            source,
            destination,
            definition,
            schedule: file.schedule().map(|schedule| schedule.spec().clone()),
            late_after: file.late_after.map(|LateAfter(late_after)| late_after),
        };
        Ok(StoredSync { path: path.to_owned(), tenant: file.tenant, connections: [account, vendor], sync })
    }

    /// The sync of a definition that was stored, with its secrets opened.
    pub(crate) fn from_store(name: &str, definition: &Value, kept_secrets: KeptSecrets) -> Result<Self> {
        let definition = Definition::deserialize(definition).map_err(|error| {
            Error::config("definition_unknown", "the stored sync was not made by `snowferry apply`")
                .with_remedy("apply its file again")
                .with_source(error)
        })?;
        let path = PathBuf::from(format!("{name}.yaml"));
        let file = Self::parse(&path, &definition.file)?;
        Ok(Self { vendor_folder: definition.vendor_folder, kept_secrets: Some(kept_secrets), ..file })
    }

    fn vendor_connection(&self) -> Result<WantedConnection> {
        let folder = self.absolute_vendor_folder()?;
        Ok(WantedConnection {
            name: "vendor-database".to_owned(),
            system: "duckdb".to_owned(),
            settings: json!({ "folder": folder }),
            runs_max: VENDOR_RUNS_MAX,
            secrets: Vec::new(),
            kept: Vec::new(),
        })
    }

    fn absolute_vendor_folder(&self) -> Result<PathBuf> {
        let folder = self.folder().join(&self.vendor_folder);
        std::path::absolute(&folder).map_err(|error| {
            Error::config("folder_unusable", format!("{} has no absolute path", folder.display()))
                .with_remedy("choose another `duckdb.path`")
                .with_source(error)
        })
    }
}
