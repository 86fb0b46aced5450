//! From a sync file to a sync that can run: the only place that knows which connector a name stands for.

use std::sync::Arc;
use std::time::Duration;

use connectors::duckdb::DuckDbDestination;
use connectors::snowflake::SnowflakeSource;
use engine::Sync;
use model::{Error, Result};
use snowflake::MemoryBudget;

use crate::config::SyncFile;

/// A sync, and its source to be logged out of in the end.
pub(crate) struct Assembled {
    pub(crate) sync: Sync,
    pub(crate) source: Arc<SnowflakeSource>,
}

/// The destination of a push is not there yet.
pub(crate) fn refuse_push(file: &SyncFile) -> Result<()> {
    if file.push().is_none() {
        return Ok(());
    }
    Err(Error::config("push_unavailable", "pushes cannot be run by this version")
        .with_remedy("wait for the next one; the file itself is right"))
}

/// Puts a sync together. Opens the vendor database; logs in nowhere yet.
///
/// Rows on their way may take `memory_bytes`.
pub(crate) fn assemble(file: &SyncFile, memory_bytes: u64) -> Result<Assembled> {
    refuse_push(file)?;
    let spec = file.spec().clone();
    let source = Arc::new(SnowflakeSource::new(file.connection(MemoryBudget::new(memory_bytes))?));
    let destination = Arc::new(DuckDbDestination::open(file.tenant_file()?)?);
    Ok(Assembled { sync: Sync { source: Arc::<SnowflakeSource>::clone(&source), destination, spec }, source })
}

/// The source alone, for commands that write nothing. A person waits for their answer, so they give up early.
pub(crate) fn source(file: &SyncFile, memory_budget: MemoryBudget) -> Result<SnowflakeSource> {
    refuse_push(file)?;
    let mut config = file.connection(memory_budget)?;
    config.login_budget = LOGIN_PATIENCE;
    Ok(SnowflakeSource::new(config))
}

/// Two or three tries of a log-in.
const LOGIN_PATIENCE: Duration = Duration::from_secs(10);
