//! Asking for a run: at most one of a sync is open at any time.

use jiff::Timestamp;
use model::{Error, Result};
use serde_json::Value;

use super::Queue;
use crate::audit::Actor;
use crate::connection::connection_closed;
use crate::database::{Tx, sql};
use crate::id::Id;
use crate::row::Columns;
use crate::run::Run;
use crate::sync::{Sync, sync_not_found};
use crate::tenant::Tenant;

/// Why there is a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The sync's schedule fired.
    Schedule,
    /// Somebody asked for it.
    Person,
}

/// A run that is asked for.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// What this run does beside what the sync always does, such as a backfill.
    pub options: Value,
    /// It starts no earlier; now unless given.
    pub not_before: Option<Timestamp>,
}

/// What became of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enqueued {
    Queued(Id<Run>),
    /// The sync has this run open already.
    Open(Id<Run>),
}

impl Cause {
    /// The word used in tables, JSON and documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Schedule => "schedule",
            Cause::Person => "person",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Cause::Schedule, Cause::Person].into_iter().find(|cause| cause.as_str() == word)
    }
}

impl Default for NewRun {
    /// What the sync always does, as soon as possible.
    fn default() -> Self {
        Self { options: Value::Object(serde_json::Map::new()), not_before: None }
    }
}

impl Queue {
    /// Asks for a run of a sync. Where one is open already, that one is answered.
    pub async fn enqueue(
        &self,
        tenant: &Id<Tenant>,
        sync: &Id<Sync>,
        new: NewRun,
        by: &Actor,
    ) -> Result<Enqueued> {
        let mut tx = self.store.database.begin().await?;
        tx.refuse_sync_on_hold(tenant, sync).await?;
        let due_at = new.not_before.unwrap_or(tx.now);
        let enqueued = tx.enqueue(sync, Cause::Person, None, due_at, &new.options).await?;
        if let Enqueued::Queued(run) = &enqueued {
            tx.audit(Some(tenant), by, "run.asked", run).await?;
        }
        tx.commit().await?;
        Ok(enqueued)
    }
}

impl Tx {
    async fn refuse_sync_on_hold(&mut self, tenant: &Id<Tenant>, sync: &Id<Sync>) -> Result<()> {
        let query = "SELECT s.paused_at, t.suspended_at, coalesce(f.closed_at, d.closed_at) AS closed_at
            FROM syncs s JOIN tenants t ON t.id = s.tenant_id
            JOIN connections f ON f.id = s.source_id JOIN connections d ON d.id = s.destination_id
            WHERE s.tenant_id = $1 AND s.id = $2 AND s.removed_at IS NULL";
        let row = self.one(sql(query).bind(tenant.to_string()).bind(sync.to_string())).await?;
        let row = row.ok_or_else(sync_not_found)?;
        if row.optional_number("closed_at")?.is_some() {
            return Err(connection_closed());
        }
        if row.optional_number("suspended_at")?.is_some() {
            return Err(
                Error::config("tenant_suspended", "the tenant is suspended").with_remedy("resume it first")
            );
        }
        if row.optional_number("paused_at")?.is_some() {
            return Err(Error::config("sync_paused", "the sync is paused").with_remedy("resume it first"));
        }
        Ok(())
    }

    /// Adds a run unless one of the same sync is open. The index that keeps them unique decides, not a look beforehand.
    pub(crate) async fn enqueue(
        &mut self,
        sync: &Id<Sync>,
        cause: Cause,
        fire_at: Option<Timestamp>,
        due_at: Timestamp,
        options: &Value,
    ) -> Result<Enqueued> {
        /// On Postgres a run may end, and even another one begin, between the two statements: then they are asked again.
        const ROUNDS_MAX: usize = 100;
        let id = Id::generate();
        let insert =
            "INSERT INTO runs (id, tenant_id, sync_id, source_id, destination_id, state, cause, fire_at,
                options, priority, due_at, queued_at)
            SELECT $1, tenant_id, id, source_id, destination_id, 'queued', $3, $4, $5, priority, $6, $7
            FROM syncs WHERE id = $2
            ON CONFLICT DO NOTHING";
        let open = "SELECT id FROM runs WHERE sync_id = $1 AND state IN ('queued', 'running', 'retrying')";
        for _ in 0..ROUNDS_MAX {
            let insert = sql(insert)
                .bind(id.to_string())
                .bind(sync.to_string())
                .bind(cause.as_str())
                .bind(fire_at.map(Timestamp::as_microsecond))
                .bind(options.to_string())
                .bind(due_at.as_microsecond())
                .bind(self.now_micros());
            if self.execute(insert).await? > 0 {
                return Ok(Enqueued::Queued(id));
            }
            if let Some(open) = self.one(sql(open).bind(sync.to_string())).await? {
                return Ok(Enqueued::Open(open.id("id")?));
            }
        }
        Err(Error::new(model::ErrorKind::Unavailable, "state_unavailable", "the open run just ended"))
    }
}
