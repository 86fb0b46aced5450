//! From a sync file to a sync that can run: the only place that knows which connector a name stands for.

use std::sync::Arc;
use std::time::Duration;

use connectors::duckdb::{DuckDbDestination, DuckDbJournal, DuckDbSource, Footprint, TenantDatabase};
use connectors::snowflake::push::{DeliveryProgress, Guard, PushSettings};
use connectors::snowflake::{SnowflakeDestination, SnowflakeSource};
use datasets::{DatasetConfig, MODEL_SCHEMA, MappedSource, Stamps};
use engine::{Sync, VerifySync};
use jiff::Timestamp;
use model::{Error, ErrorKind, Result, Source};
use snowflake::{ConnectionConfig, MemoryBudget, UsageMeter};
use tokio::sync::watch;

use crate::config::{PushOptions, SyncFile};
use crate::memory;

/// What is decided for one run, beside what the sync file says.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunChoices {
    /// What rows on their way may take.
    pub(crate) memory_bytes: u64,
    /// The guards of a push that are lifted.
    pub(crate) overrides: Vec<Guard>,
    /// Whether a push stops before it changes anything.
    pub(crate) is_dry_run: bool,
    /// Notes what the run sends to the account.
    pub(crate) usage: UsageMeter,
}

/// A sync, and the side of it that is logged in at a customer's.
pub(crate) struct Assembled {
    pub(crate) sync: Sync,
    account: AccountSide,
}

enum AccountSide {
    Source(Arc<SnowflakeSource>, Arc<DuckDbDestination>),
    /// A source whose rows are mapped, and the mapping.
    Mapped(Arc<SnowflakeSource>, Arc<MappedSource>, Arc<DuckDbDestination>),
    Destination(Arc<SnowflakeDestination>),
}

impl Assembled {
    /// How far the delivery of a push is; absent for a pull.
    pub(crate) fn delivery(&self) -> Option<watch::Receiver<DeliveryProgress>> {
        match &self.account {
            AccountSide::Source(..) | AccountSide::Mapped(..) => None,
            AccountSide::Destination(destination) => Some(destination.delivery()),
        }
    }

    /// A pull whose two sides can be compared, and its vendor database; absent for a push.
    pub(crate) fn comparable(&self) -> Option<(VerifySync, &DuckDbDestination)> {
        let AccountSide::Source(source, destination) = &self.account else { return None };
        let sync = VerifySync {
            sync: self.sync.clone(),
            source: Arc::<SnowflakeSource>::clone(source),
            destination: Arc::<DuckDbDestination>::clone(destination),
        };
        Some((sync, destination.as_ref()))
    }

    /// The mapping of a pull whose rows are mapped, and its vendor database.
    pub(crate) fn mapped(&self) -> Option<(&MappedSource, &DuckDbDestination)> {
        let AccountSide::Mapped(_, mapped, destination) = &self.account else { return None };
        Some((mapped.as_ref(), destination.as_ref()))
    }

    /// Clears away what an unfinished run has left at the customer's, and logs out.
    pub(crate) async fn close(&self) {
        match &self.account {
            AccountSide::Source(source, _) | AccountSide::Mapped(source, ..) => source.close().await,
            AccountSide::Destination(destination) => destination.close().await,
        }
    }
}

/// Puts a sync together. Opens the vendor database; logs in nowhere yet.
pub(crate) fn assemble(file: &SyncFile, choices: &RunChoices) -> Result<Assembled> {
    match file.push() {
        None => assemble_pull(file, choices),
        Some(options) => assemble_push(file, options, choices),
    }
}

/// The memory is for rows that are being fetched; the vendor database takes them as they come.
fn assemble_pull(file: &SyncFile, choices: &RunChoices) -> Result<Assembled> {
    refuse_push_choices(file, choices)?;
    let (row_bytes, footprint) = memory::for_pull(choices.memory_bytes);
    let source = Arc::new(SnowflakeSource::new(metered_connection(file, choices, row_bytes)?));
    let destination = Arc::new(DuckDbDestination::open_within(file.tenant_file()?, footprint)?);
    let mut sync = Sync {
        source: Arc::<SnowflakeSource>::clone(&source),
        destination: Arc::<DuckDbDestination>::clone(&destination),
        spec: file.moved_spec(),
    };
    let Some(config) = file.dataset() else {
        return Ok(Assembled { sync, account: AccountSide::Source(source, destination) });
    };
    let mapped = Arc::new(mapped_source(file, config, Arc::<SnowflakeSource>::clone(&source)));
    sync.source = Arc::<MappedSource>::clone(&mapped);
    Ok(Assembled { sync, account: AccountSide::Mapped(source, mapped, destination) })
}

/// The source whose rows are those of a dataset.
pub(crate) fn mapped_source(
    file: &SyncFile,
    config: &DatasetConfig,
    source: Arc<SnowflakeSource>,
) -> MappedSource {
    let synced_at_micros = Timestamp::now().as_microsecond();
    let stamps = Stamps { sync_id: file.name(), run_id: 0, synced_at_micros };
    MappedSource::new(source, file.spec(), config.clone(), stamps)
}

fn assemble_push(file: &SyncFile, options: &PushOptions, choices: &RunChoices) -> Result<Assembled> {
    let (memory_bytes, footprint) = memory::for_push(choices.memory_bytes);
    let database = existing_database(file, footprint)?;
    let settings = PushSettings { memory_bytes, ..push_settings(options, choices) };
    let connection = metered_connection(file, choices, choices.memory_bytes)?;
    let journal = Arc::new(DuckDbJournal::new(database.clone()));
    let destination = Arc::new(SnowflakeDestination::new(connection, journal, settings));
    let sync = Sync {
        source: Arc::new(DuckDbSource::new(database)),
        destination: Arc::<SnowflakeDestination>::clone(&destination),
        spec: file.spec().clone(),
    };
    Ok(Assembled { sync, account: AccountSide::Destination(destination) })
}

fn metered_connection(file: &SyncFile, choices: &RunChoices, row_bytes: u64) -> Result<ConnectionConfig> {
    Ok(file.connection(MemoryBudget::new(row_bytes))?.usage(choices.usage.clone()))
}

fn push_settings(options: &PushOptions, choices: &RunChoices) -> PushSettings {
    PushSettings {
        on_misfit: options.on_misfit,
        create_table: options.creates_table,
        expected_row_count: options.expected_row_count,
        overrides: choices.overrides.clone(),
        is_dry_run: choices.is_dry_run,
        ..PushSettings::default()
    }
}

fn refuse_push_choices(file: &SyncFile, choices: &RunChoices) -> Result<()> {
    let flag = match choices {
        RunChoices { is_dry_run: true, .. } => "--dry-run",
        RunChoices { overrides, .. } if !overrides.is_empty() => "--override",
        _ => return Ok(()),
    };
    Err(Error::config("flag_misplaced", format!("{flag} is for pushes, and {} is a pull", file.name()))
        .with_remedy("leave it out; `snowferry plan` shows what a pull would do"))
}

/// What a push reads from is there already: an empty database would only hide a mistake in the path.
fn existing_database(file: &SyncFile, footprint: Footprint) -> Result<TenantDatabase> {
    let tenant_file = file.tenant_file()?;
    if !tenant_file.path().exists() {
        let message = format!("{} does not exist, and a push reads from it", tenant_file.path().display());
        return Err(Error::new(ErrorKind::NotFound, "database_missing", message)
            .with_remedy("check `source.duckdb.path` and `tenant`, or run a pull of this tenant first"));
    }
    let database = TenantDatabase::open_within(tenant_file, footprint)?;
    if let Some(export) = file.export()
        && !database.has_view(MODEL_SCHEMA, "stages")?
    {
        let message = format!("there is no model yet that `dataset: {}` could be read from", export.name());
        return Err(Error::new(ErrorKind::NotFound, "model_missing", message)
            .with_remedy("run a pull of this tenant with a `dataset` first"));
    }
    Ok(database)
}

/// The source alone, for commands that write nothing.
pub(crate) fn source(file: &SyncFile) -> Result<AnySource> {
    Ok(match file.push() {
        None => AnySource::Snowflake(Box::new(snowflake_source(file)?)),
        Some(_) => AnySource::DuckDb(DuckDbSource::new(existing_database(file, Footprint::default())?)),
    })
}

/// A source of either kind, to be closed after use.
pub(crate) enum AnySource {
    Snowflake(Box<SnowflakeSource>),
    DuckDb(DuckDbSource),
}

impl AnySource {
    pub(crate) fn reader(&self) -> &dyn Source {
        match self {
            AnySource::Snowflake(source) => source.as_ref(),
            AnySource::DuckDb(source) => source,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            AnySource::Snowflake(source) => source.close().await,
            AnySource::DuckDb(_) => {}
        }
    }
}

/// The Snowflake source of a pull, for a person.
pub(crate) fn snowflake_source(file: &SyncFile) -> Result<SnowflakeSource> {
    Ok(SnowflakeSource::new(connection_for_person(file)?))
}

/// How to connect where a person waits for the answer: a log-in gives up early.
pub(crate) fn connection_for_person(file: &SyncFile) -> Result<ConnectionConfig> {
    let mut config = file.connection(MemoryBudget::process_wide())?;
    config.login_budget = LOGIN_PATIENCE;
    Ok(config)
}

/// A push for commands that look and change nothing.
pub(crate) struct PushSides {
    pub(crate) source: DuckDbSource,
    pub(crate) destination: SnowflakeDestination,
    pub(crate) journal: Arc<DuckDbJournal>,
}

/// Both sides of a push, for a person.
pub(crate) fn push_sides(file: &SyncFile, options: &PushOptions) -> Result<PushSides> {
    let database = existing_database(file, Footprint::default())?;
    let config = connection_for_person(file)?;
    let journal = Arc::new(DuckDbJournal::new(database.clone()));
    let settings = push_settings(options, &RunChoices::default());
    let noted = Arc::<DuckDbJournal>::clone(&journal);
    let destination = SnowflakeDestination::new(config, noted, settings);
    Ok(PushSides { source: DuckDbSource::new(database), destination, journal })
}

/// Two or three tries of a log-in.
const LOGIN_PATIENCE: Duration = Duration::from_secs(10);
