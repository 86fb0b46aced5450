//! Cancelling a run: at once where it waits, and through its worker where it is going.

use model::{Error, Result, RunState};

use super::Queue;
use crate::audit::Actor;
use crate::database::sql;
use crate::error::not_found;
use crate::id::Id;
use crate::row::{Columns, damaged};
use crate::run::Run;
use crate::tenant::Tenant;

impl Queue {
    /// Cancels a run and answers its state now. One that is going stays `running` until its worker, which learns of it
    /// with its next heartbeat, has stopped. One that has ended is refused.
    pub async fn cancel(&self, tenant: &Id<Tenant>, run: &Id<Run>, by: &Actor) -> Result<RunState> {
        let mut tx = self.store.database.begin().await?;
        let now = tx.now_micros();
        let cancel = "UPDATE runs SET cancel_at = coalesce(cancel_at, $3),
                state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
                ended_at = CASE WHEN state = 'running' THEN NULL ELSE $3 END
            WHERE tenant_id = $1 AND id = $2 AND state IN ('queued', 'retrying', 'running')
            RETURNING state, sync_id";
        let cancelled = tx.one(sql(cancel).bind(tenant.to_string()).bind(run.to_string()).bind(now)).await?;
        let Some(cancelled) = cancelled else {
            let known = sql("SELECT state FROM runs WHERE tenant_id = $1 AND id = $2");
            let known = tx.one(known.bind(tenant.to_string()).bind(run.to_string())).await?;
            let state = known.ok_or_else(|| not_found("run_not_found", "run"))?.text("state")?;
            return Err(Error::config("run_ended", format!("the run has {state} already"))
                .with_remedy("nothing to do"));
        };
        let look = sql("UPDATE syncs SET look_at = $2 WHERE id = $1");
        tx.execute(look.bind(cancelled.text("sync_id")?).bind(now)).await?;
        tx.audit(Some(tenant), by, "run.cancelled", run).await?;
        tx.commit().await?;
        RunState::parse(&cancelled.text("state")?).ok_or_else(|| damaged("state"))
    }
}
