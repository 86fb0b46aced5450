//! Syncs: stored intent. What is in their definition is the business of whoever runs them.

use std::time::Duration;

use jiff::Timestamp;
use model::{Epoch, Error, Result, Schedule, ScheduleSpec};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::audit::Actor;
use crate::connection::{Connection, connection_not_found};
use crate::database::{Tx, sql};
use crate::error::{failed, is_dangling, is_taken, not_found};
use crate::id::Id;
use crate::row::{Columns, damaged};
use crate::store::Store;
use crate::tenant::{Tenant, checked_name, name_taken};

/// Stored intent: from where to where, what, how, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Sync {
    pub id: Id<Sync>,
    pub tenant: Id<Tenant>,
    pub name: String,
    pub source: Id<Connection>,
    pub destination: Id<Connection>,
    pub definition: Value,
    /// Among the runs of one tenant, those of a higher number go first.
    pub priority: i64,
    pub schedule: Option<ScheduleSpec>,
    /// How old its last success may become before people are told.
    pub late_after: Option<Duration>,
    /// The epoch of its last lease.
    pub epoch: Epoch,
    pub paused_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A sync to be.
#[derive(Clone, Debug)]
pub struct NewSync {
    pub name: String,
    pub source: Id<Connection>,
    pub destination: Id<Connection>,
    pub definition: Value,
    pub priority: i64,
    pub schedule: Option<ScheduleSpec>,
    /// How old its last success may become before people are told.
    pub late_after: Option<Duration>,
}

impl Sync {
    pub(crate) fn read(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.id("id")?,
            tenant: row.id("tenant_id")?,
            name: row.text("name")?,
            source: row.id("source_id")?,
            destination: row.id("destination_id")?,
            definition: row.document("definition")?,
            priority: row.number("priority")?,
            schedule: read_schedule(row)?,
            late_after: row.optional_duration("late_after_ms")?,
            epoch: Epoch(row.count("epoch")?),
            paused_at: row.optional_moment("paused_at")?,
            created_at: row.moment("created_at")?,
            updated_at: row.moment("updated_at")?,
        })
    }
}

pub(crate) fn read_schedule(row: &AnyRow) -> Result<Option<ScheduleSpec>> {
    let text = row.optional_text("schedule")?;
    text.map(|text| serde_json::from_str(&text).map_err(|_| damaged("schedule"))).transpose()
}

pub(crate) fn sync_not_found() -> Error {
    not_found("sync_not_found", "sync")
}

/// A schedule as it is stored: one that cannot work never gets that far.
pub(crate) fn checked_schedule(schedule: Option<&ScheduleSpec>) -> Result<Option<String>> {
    let Some(spec) = schedule else { return Ok(None) };
    Schedule::new(spec.clone())?;
    let text = serde_json::to_string(spec);
    text.map(Some).map_err(|error| Error::internal("a schedule cannot be written").with_source(error))
}

/// A duration as it is stored.
pub(crate) fn milliseconds(duration: Option<Duration>) -> Option<i64> {
    duration.map(|duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

impl Store {
    /// Adds a sync. Its schedule counts from now on.
    pub async fn create_sync(&self, tenant: &Id<Tenant>, new: NewSync, by: &Actor) -> Result<Sync> {
        let mut tx = self.database.begin().await?;
        let id = tx.add_sync(tenant, &new, by).await?;
        tx.commit().await?;
        self.sync(tenant, &id).await
    }

    /// The tenant's sync with this id.
    pub async fn sync(&self, tenant: &Id<Tenant>, id: &Id<Sync>) -> Result<Sync> {
        let query = sql("SELECT * FROM syncs WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL");
        let row = self.database.one(query.bind(tenant.to_string()).bind(id.to_string())).await?;
        Sync::read(&row.ok_or_else(sync_not_found)?)
    }

    /// The tenant's sync with this name.
    pub async fn sync_named(&self, tenant: &Id<Tenant>, name: &str) -> Result<Sync> {
        let query = sql("SELECT * FROM syncs WHERE tenant_id = $1 AND name = $2 AND removed_at IS NULL");
        let row = self.database.one(query.bind(tenant.to_string()).bind(name.to_owned())).await?;
        Sync::read(&row.ok_or_else(sync_not_found)?)
    }

    /// The tenant's syncs by name.
    pub async fn syncs(&self, tenant: &Id<Tenant>) -> Result<Vec<Sync>> {
        let query = sql("SELECT * FROM syncs WHERE tenant_id = $1 AND removed_at IS NULL ORDER BY name");
        self.database.all(query.bind(tenant.to_string())).await?.iter().map(Sync::read).collect()
    }

    /// Changes what a sync does. A run that is going ends as it began.
    pub async fn define_sync(
        &self,
        tenant: &Id<Tenant>,
        id: &Id<Sync>,
        definition: Value,
        by: &Actor,
    ) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let update = "UPDATE syncs SET definition = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL";
        let update = sql(update).bind(tenant.to_string()).bind(id.to_string()).bind(definition.to_string());
        let now = tx.now_micros();
        let updated = tx.execute(update.bind(now)).await?;
        self.changed_sync(tx, updated, tenant, id, "sync.defined", by).await
    }

    /// Changes when a sync runs, from now on; fires of before are not caught up.
    pub async fn schedule_sync(
        &self,
        tenant: &Id<Tenant>,
        id: &Id<Sync>,
        schedule: Option<ScheduleSpec>,
        by: &Actor,
    ) -> Result<()> {
        let schedule = checked_schedule(schedule.as_ref())?;
        let mut tx = self.database.begin().await?;
        let update = "UPDATE syncs SET schedule = $3, settled_until = $4, look_at = $4, updated_at = $4
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL";
        let update = sql(update).bind(tenant.to_string()).bind(id.to_string()).bind(schedule);
        let now = tx.now_micros();
        let updated = tx.execute(update.bind(now)).await?;
        self.changed_sync(tx, updated, tenant, id, "sync.scheduled", by).await
    }

    /// Starts no run of the sync until it is resumed. A run that waits is kept waiting, one that is going goes on.
    pub async fn pause_sync(&self, tenant: &Id<Tenant>, id: &Id<Sync>, by: &Actor) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let update = "UPDATE syncs SET paused_at = coalesce(paused_at, $3) WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL";
        let now = tx.now_micros();
        let updated = tx.execute(sql(update).bind(tenant.to_string()).bind(id.to_string()).bind(now)).await?;
        self.changed_sync(tx, updated, tenant, id, "sync.paused", by).await
    }

    /// Lets the sync run again, from its next fire on: what fired meanwhile was not wanted.
    pub async fn resume_sync(&self, tenant: &Id<Tenant>, id: &Id<Sync>, by: &Actor) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let update = "UPDATE syncs SET look_at = $3, paused_at = NULL,
                expected_since = CASE WHEN paused_at IS NULL THEN expected_since ELSE $3 END,
                settled_until = CASE WHEN paused_at IS NULL OR settled_until > $3 THEN settled_until ELSE $3 END
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL";
        let now = tx.now_micros();
        let updated = tx.execute(sql(update).bind(tenant.to_string()).bind(id.to_string()).bind(now)).await?;
        self.changed_sync(tx, updated, tenant, id, "sync.resumed", by).await
    }

    /// Makes the next epoch higher than `seen`: for a sync whose destination has seen more than this database knows of,
    /// because it was restored from a backup or the sync ran without it before.
    pub async fn raise_epoch(
        &self,
        tenant: &Id<Tenant>,
        id: &Id<Sync>,
        seen: Epoch,
        by: &Actor,
    ) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let update = "UPDATE syncs SET epoch = CASE WHEN epoch < $3 THEN $3 ELSE epoch END
            WHERE tenant_id = $1 AND id = $2";
        let update = sql(update).bind(tenant.to_string()).bind(id.to_string()).bind(seen.0.cast_signed());
        let updated = tx.execute(update).await?;
        self.changed_sync(tx, updated, tenant, id, "sync.epoch_raised", by).await
    }

    async fn changed_sync(
        &self,
        mut tx: Tx,
        updated: u64,
        tenant: &Id<Tenant>,
        id: &Id<Sync>,
        action: &'static str,
        by: &Actor,
    ) -> Result<()> {
        if updated == 0 {
            return Err(sync_not_found());
        }
        tx.audit(Some(tenant), by, action, id).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Adds a sync. Its schedule counts from now on.
    pub(crate) async fn add_sync(
        &mut self,
        tenant: &Id<Tenant>,
        new: &NewSync,
        by: &Actor,
    ) -> Result<Id<Sync>> {
        let id = Id::generate();
        let insert =
            "INSERT INTO syncs (id, tenant_id, name, source_id, destination_id, definition, priority,
                schedule, settled_until, look_at, created_at, updated_at, late_after_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9, $9, $10)";
        let insert = sql(insert)
            .bind(id.to_string())
            .bind(tenant.to_string())
            .bind(checked_name(&new.name)?)
            .bind(new.source.to_string())
            .bind(new.destination.to_string())
            .bind(new.definition.to_string())
            .bind(new.priority)
            .bind(checked_schedule(new.schedule.as_ref())?)
            .bind(self.now_micros())
            .bind(milliseconds(new.late_after));
        self.try_execute(insert).await.map_err(|error| match () {
            () if is_taken(&error) => name_taken("sync", &new.name),
            // The reference names the tenant too, so another tenant's connection is not there.
            () if is_dangling(&error) => connection_not_found(),
            () => failed(error),
        })?;
        self.audit(Some(tenant), by, "sync.created", &id).await?;
        Ok(id)
    }
}
