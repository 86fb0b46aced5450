//! What a push of the model does before it reads: bring up to date what the model does not say by itself.

use connectors::duckdb::DuckDbDestination;
use datasets::{ExportConfig, OWN_IDS_SQL, refuse_unfit_ids};
use model::Result;

use super::import::model;
use super::matching::{NO_ANSWER, change};
use crate::config::SyncFile;

/// Finds out what of the model has changed, and who is in which stage now. Nothing where no dataset is pushed.
pub(super) async fn refresh(file: &SyncFile) -> Result<()> {
    if file.export().is_none() {
        return Ok(());
    }
    let destination = DuckDbDestination::open(file.tenant_file()?)?;
    destination.bring_model_forward(model()).await?;
    if let Some(ExportConfig::RawActions) = file.export() {
        refuse_unfit_ids(&change(&destination, Vec::new(), OWN_IDS_SQL.to_owned()).await?)?;
    }
    let tells_gone = file.tells_gone();
    let statements =
        file.export().map(|export| export.refresh_sql(&file.name(), tells_gone)).unwrap_or_default();
    if statements.is_empty() {
        return Ok(());
    }
    change(&destination, statements, NO_ANSWER.to_owned()).await.map(drop)
}
