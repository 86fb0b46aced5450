//! What a push of the model does before it reads: bring up to date what the model does not say by itself.

use connectors::duckdb::DuckDbDestination;
use model::Result;

use super::matching::{NO_ANSWER, change};
use crate::config::SyncFile;

/// Finds out who is in which stage now. Nothing where the export is read from the model as it is.
pub(super) async fn refresh(file: &SyncFile) -> Result<()> {
    let statements = file.export().map(|export| export.refresh_sql(&file.name())).unwrap_or_default();
    if statements.is_empty() {
        return Ok(());
    }
    let destination = DuckDbDestination::open(file.tenant_file()?)?;
    change(&destination, statements, NO_ANSWER.to_owned()).await.map(drop)
}
