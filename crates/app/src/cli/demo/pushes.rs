//! The way back: the model's actions and stages, delivered into the customer's account and read there.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_cast::cast;
use arrow_schema::DataType;
use connectors::duckdb::{TenantFile, query};
use model::{Error, Result};

use super::{Demo, files, say};

const ACTIONS_THERE: &str = "SELECT INTEGRATION, ACTION_TYPE, COUNT(*) AS ACTIONS, COUNT(DISTINCT IDENTITY) AS PEOPLE, \
    MIN(ACTION_DATE)::DATE AS OLDEST, MAX(ACTION_DATE)::DATE AS NEWEST FROM ANALYTICS.VENDOR.RAW_ACTIONS GROUP BY 1, 2 ORDER BY 1, 2";
const STAGES_THERE: &str = "SELECT STAGE_NAME, STAGE_KIND, COUNT(*) AS ENTERED, MIN(ENTERED_AT)::DATE AS FIRST, \
    MAX(ENTERED_AT)::DATE AS LAST FROM ANALYTICS.VENDOR.STAGE_DATA GROUP BY 1, 2 ORDER BY 2, 1";

impl Demo<'_> {
    pub(super) async fn push(&self, tenant_file: &TenantFile) -> Result<()> {
        say(self.terminal, "6", "Push: raw actions and stages, into tables in the customer's Snowflake.")?;
        for name in files::PUSHES {
            self.run_once(&self.sync_file(name)?).await?;
        }
        self.show_delivered().await?;
        self.prove_delivered(tenant_file).await
    }

    /// What the customer sees.
    async fn show_delivered(&self) -> Result<()> {
        self.show_there(ACTIONS_THERE).await?;
        self.show_there(STAGES_THERE).await
    }

    /// The demo shows what it says, or fails.
    pub(super) async fn prove_delivered(&self, tenant_file: &TenantFile) -> Result<()> {
        for (what, here, there) in [
            (
                "actions",
                "SELECT count(*) FROM model.actions",
                "SELECT COUNT(*) FROM ANALYTICS.VENDOR.RAW_ACTIONS",
            ),
            (
                "stages",
                "SELECT count(*) FROM model.stages",
                "SELECT COUNT(*) FROM ANALYTICS.VENDOR.STAGE_DATA",
            ),
        ] {
            let (here, there) =
                (number(&query(tenant_file, here, 1)?.batches), number(&self.ask(there).await?));
            if here.is_none() || here != there {
                return Err(Error::internal(format!("{there:?} {what} were delivered, of {here:?}")));
            }
        }
        Ok(())
    }
}

/// The number in the first row and column.
fn number(batches: &[RecordBatch]) -> Option<u64> {
    let batch = batches.iter().find(|batch| batch.num_rows() > 0)?;
    let numbers = cast(batch.column(0), &DataType::UInt64).ok()?;
    Some(numbers.as_primitive::<UInt64Type>().value(0))
}
