//! The sync file: which side is Snowflake tells a pull from a push; the rest is read accordingly.

use std::path::{Path, PathBuf};

use connectors::duckdb::TenantFile;
use datasets::{DatasetConfig, ExportConfig, MatchConfig, Matching, landing_spec};
use jiff::Timestamp;
use model::{Error, ReadSpec, Result, Schedule, StreamSpec};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;
use snowflake::{ConnectionConfig, KeyBits, MemoryBudget};

use super::deletes::DeletesConfig;
use super::key_files::KeyFiles;
use super::late::LateAfter;
use super::pull::PullDocument;
use super::push::{PushDocument, PushOptions, tells_gone};
use super::secret::{KeptSecrets, Secrets};
use super::snowflake::{KeyPair, SnowflakeConfig};
use super::span::{located, mistake};
use super::verify::VerifyConfig;

/// A sync file that was read and makes sense by itself.
#[derive(Debug)]
pub(crate) struct SyncFile {
    pub(super) path: PathBuf,
    pub(super) tenant: String,
    pub(super) snowflake: Spanned<SnowflakeConfig>,
    /// The folder that holds one file per tenant, relative to the sync file.
    pub(super) vendor_folder: PathBuf,
    pub(super) spec: StreamSpec,
    /// Absent for a pull.
    pub(super) push: Option<PushOptions>,
    /// Comparisons that runs of a pull make by themselves.
    pub(super) verify: Option<VerifyConfig>,
    /// Reconciliations of keys that runs of a pull make by themselves.
    pub(super) deletes: Option<DeletesConfig>,
    /// When it is run.
    pub(super) schedule: Option<Schedule>,
    /// How old its last success may become before people are told.
    pub(super) late_after: Option<LateAfter>,
    /// What the rows of a pull are mapped to.
    pub(super) dataset: Option<DatasetConfig>,
    /// How deals that a pull imports are matched to activity.
    pub(super) matching: Option<MatchConfig>,
    /// The secrets of a sync that was stored; those of a file are where it says.
    pub(super) kept_secrets: Option<KeptSecrets>,
}

/// The side that is a customer's account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SnowflakeSide {
    pub(super) snowflake: Spanned<SnowflakeConfig>,
}

/// The side that is the vendor database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DuckDbSide {
    pub(super) duckdb: DuckDbConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DuckDbConfig {
    pub(super) path: PathBuf,
}

/// As much of a file as tells in which direction it moves rows.
#[derive(Debug, Deserialize)]
struct Outline {
    source: Spanned<Side>,
    destination: Spanned<Side>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Side {
    snowflake: Option<IgnoredAny>,
    duckdb: Option<IgnoredAny>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum System {
    Snowflake,
    DuckDb,
}

impl SyncFile {
    /// Reads the file; an error shows the line and what it should hold.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(path, &Self::read_text(path)?)
    }

    pub(super) fn read_text(path: &Path) -> Result<String> {
        std::fs::read_to_string(path).map_err(|error| {
            Error::config("sync_file_unreadable", format!("{} cannot be read: {error}", path.display()))
                .with_remedy("give the path of a sync file with --file")
        })
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self> {
        let invalid = |error| mistake(path, &error);
        let outline: Outline = serde_saphyr::from_str(text).map_err(invalid)?;
        let source = system(path, "source", &outline.source)?;
        match (source, system(path, "destination", &outline.destination)?) {
            (System::Snowflake, System::DuckDb) => {
                serde_saphyr::from_str::<PullDocument>(text).map_err(invalid)?.into_sync(path)
            }
            (System::DuckDb, System::Snowflake) => {
                serde_saphyr::from_str::<PushDocument>(text).map_err(invalid)?.into_sync(path)
            }
            (same, _) => {
                let name =
                    if same == System::Snowflake { "a Snowflake account" } else { "the vendor database" };
                let error = Error::config("direction_unknown", format!("both sides are {name}")).with_remedy(
                    "a pull goes from `snowflake` to `duckdb`, a push from `duckdb` to `snowflake`",
                );
                Err(located(path, &outline.destination, error))
            }
        }
    }

    /// The parts of the file under these names, as they are written.
    pub(crate) fn sections(&self, names: &[&str]) -> Result<String> {
        let text = std::fs::read_to_string(&self.path).map_err(|error| {
            Error::config("sync_file_unreadable", format!("{} cannot be read: {error}", self.path.display()))
                .with_remedy("give the path of a sync file with --file")
        })?;
        let mut is_wanted = false;
        let mut sections = String::new();
        for line in text.lines() {
            let begins = line.starts_with(|c: char| c.is_ascii_alphabetic());
            if begins || line.starts_with('#') {
                is_wanted = begins && names.iter().any(|name| line.split(':').next() == Some(name));
            }
            if is_wanted && !line.trim().is_empty() {
                sections.push_str(line);
                sections.push('\n');
            }
        }
        Ok(sections)
    }

    /// The name that this sync goes by in messages.
    pub(crate) fn name(&self) -> String {
        sync_name(&self.path)
    }

    /// What tells this sync from every other; its place within a schedule's jitter follows from it.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.tenant, self.name())
    }

    /// When the sync is run.
    pub(crate) fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_ref()
    }

    /// What the client needs to connect; reads the secrets.
    pub(crate) fn connection(&self, memory_budget: MemoryBudget) -> Result<ConnectionConfig> {
        let secrets = match &self.kept_secrets {
            Some(kept) => Secrets::Kept(kept),
            None => Secrets::Referenced(self.folder()),
        };
        let config = self.snowflake.value.connection_config(secrets, memory_budget);
        let config = config.map_err(|error| located(&self.path, &self.snowflake, error))?;
        Ok(config.query_tag(format!("snowferry tenant={} sync={}", self.tenant, self.name())))
    }

    /// The user that logs in.
    pub(crate) fn user(&self) -> Option<&str> {
        self.snowflake.value.user()
    }

    /// The account that it logs in to, or the connection of the client's own file that says so.
    pub(crate) fn account(&self) -> Option<&str> {
        self.snowflake.value.account()
    }

    /// The key pair of that user, which is made where its file is not there yet.
    pub(crate) fn key_pair(&self, bits: KeyBits) -> Result<KeyPair> {
        let key = self.snowflake.value.key_pair(self.folder(), bits);
        key.map_err(|error| located(&self.path, &self.snowflake, error))
    }

    /// The files of that key, for a new one to take its place.
    pub(crate) fn key_files(&self) -> Result<KeyFiles> {
        let files = self.snowflake.value.key_files(self.folder());
        files.map_err(|error| located(&self.path, &self.snowflake, error))
    }

    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The role that the file names.
    pub(crate) fn role(&self) -> Option<&str> {
        self.snowflake.value.role.as_deref()
    }

    pub(crate) fn virtual_warehouse(&self) -> Option<&str> {
        self.snowflake.value.virtual_warehouse.as_deref()
    }

    /// The vendor database of this sync's tenant.
    pub(crate) fn tenant_file(&self) -> Result<TenantFile> {
        TenantFile::new(&self.folder().join(&self.vendor_folder), &self.tenant)
    }

    /// What is to be read of the source, and how.
    pub(crate) fn spec(&self) -> &StreamSpec {
        &self.spec
    }

    /// Lets its next read go back to `from`, so that it reads once more what it has.
    pub(crate) fn go_back_to(&mut self, from: Timestamp) -> Result<()> {
        if !matches!(self.spec.read, ReadSpec::Incremental { .. }) {
            let name = self.name();
            let message = format!("{name} does not read by a cursor column, so it cannot go back to a date");
            return Err(Error::config("from_without_cursor", message)
                .with_remedy("ask for --full-refresh, which reads all of it"));
        }
        self.spec.from = Some(from);
        self.spec.check()
    }

    /// What is to be moved to the destination: the same, or what becomes of it by the mapping.
    pub(crate) fn moved_spec(&self) -> StreamSpec {
        match &self.dataset {
            Some(config) => landing_spec(&self.spec, config),
            None => self.spec.clone(),
        }
    }

    /// What rows are mapped to on their way.
    pub(crate) fn dataset(&self) -> Option<&DatasetConfig> {
        self.dataset.as_ref()
    }

    /// How the deals of this sync are matched.
    pub(crate) fn matching(&self) -> Option<Matching> {
        self.matching.clone().map(|config| Matching { sync_id: self.name(), config })
    }

    /// What a push says beyond that; absent for a pull.
    pub(crate) fn push(&self) -> Option<&PushOptions> {
        self.push.as_ref()
    }

    /// What of the model a push delivers; absent where it names a stream.
    pub(crate) fn export(&self) -> Option<&ExportConfig> {
        self.push.as_ref().and_then(|push| push.export.as_ref())
    }

    /// Whether a push of the model tells of rows that are gone.
    pub(crate) fn tells_gone(&self) -> bool {
        tells_gone(&self.spec.write)
    }

    /// The comparisons that runs make by themselves.
    pub(crate) fn verify(&self) -> Option<VerifyConfig> {
        self.verify
    }

    /// How runs learn of rows that were deleted at the source.
    pub(crate) fn deletes(&self) -> Option<&DeletesConfig> {
        self.deletes.as_ref()
    }

    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// The name that the sync of a file goes by.
pub(super) fn sync_name(path: &Path) -> String {
    path.file_stem().map_or_else(|| "sync".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// The one system that a side names.
fn system(path: &Path, side: &str, outline: &Spanned<Side>) -> Result<System> {
    match (&outline.value.snowflake, &outline.value.duckdb) {
        (Some(_), None) => Ok(System::Snowflake),
        (None, Some(_)) => Ok(System::DuckDb),
        _ => {
            let error = Error::config("direction_unknown", format!("`{side}` needs one system"))
                .with_remedy("name either `snowflake` or `duckdb` there");
            Err(located(path, outline, error))
        }
    }
}
