//! Tenants: one customer of the vendor each, and the boundary between them.

use jiff::Timestamp;
use model::{Error, ErrorKind, Result};
use sqlx::any::AnyRow;

use crate::audit::Actor;
use crate::database::{Tx, sql};
use crate::error::{failed, is_taken, not_found};
use crate::id::Id;
use crate::row::Columns;
use crate::store::Store;

/// Tenants that are given at once.
const PAGE_ROWS_MAX: i64 = 1_000;

/// One customer of the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: Id<Tenant>,
    pub name: String,
    /// Runs of this tenant that may go on at the same time.
    pub runs_max: u32,
    pub suspended_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// A tenant to be.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// Letters, digits, `-` and `_`: it names the tenant's own vendor database, too.
    pub name: String,
    pub runs_max: u32,
}

impl Tenant {
    pub(crate) fn read(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.id("id")?,
            name: row.text("name")?,
            runs_max: limit(row.count("runs_max")?),
            suspended_at: row.optional_moment("suspended_at")?,
            created_at: row.moment("created_at")?,
        })
    }
}

/// A limit as it is stored.
pub(crate) fn limit(stored: u64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}

/// What may be written as a limit on runs: none at all is what suspending and closing are for.
pub(crate) fn checked_limit(runs_max: u32) -> Result<i64> {
    if runs_max > 0 {
        return Ok(i64::from(runs_max));
    }
    Err(Error::config("limit_of_nothing", "a limit of 0 runs would never let one start")
        .with_remedy("use 1 or more; suspend the tenant, pause the sync or close the connection to stop it"))
}

pub(crate) fn checked_name(name: &str) -> Result<String> {
    let is_fine = (1..=100).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_fine {
        return Ok(name.to_owned());
    }
    Err(Error::config("name_invalid", "a name has 1 to 100 letters, digits, - and _")
        .with_remedy("choose another name"))
}

pub(crate) fn name_taken(what: &str, name: &str) -> Error {
    Error::new(ErrorKind::Conflict, "name_taken", format!("there is a {what} called `{name}` already"))
        .with_remedy("choose another name, or change the one that is there")
}

impl Store {
    /// Adds a tenant.
    pub async fn create_tenant(&self, new: NewTenant, by: &Actor) -> Result<Tenant> {
        let mut tx = self.database.begin().await?;
        let id = tx.add_tenant(&new, by).await?;
        let tenant =
            Tenant { id, name: new.name, runs_max: new.runs_max, suspended_at: None, created_at: tx.now };
        tx.commit().await?;
        Ok(tenant)
    }

    /// The tenant with this id.
    pub async fn tenant(&self, id: &Id<Tenant>) -> Result<Tenant> {
        let row = self.database.one(sql("SELECT * FROM tenants WHERE id = $1").bind(id.to_string())).await?;
        Tenant::read(&row.ok_or_else(|| not_found("tenant_not_found", "tenant"))?)
    }

    /// The tenant with this name.
    pub async fn tenant_named(&self, name: &str) -> Result<Tenant> {
        let row =
            self.database.one(sql("SELECT * FROM tenants WHERE name = $1").bind(name.to_owned())).await?;
        Tenant::read(&row.ok_or_else(|| not_found("tenant_not_found", "tenant"))?)
    }

    /// Tenants in the order of their names, after the one called `after`.
    pub async fn tenants(&self, after: Option<&str>) -> Result<Vec<Tenant>> {
        let query = "SELECT * FROM tenants WHERE name > $1 ORDER BY name LIMIT $2";
        let after = after.unwrap_or_default().to_owned();
        let rows = self.database.all(sql(query).bind(after).bind(PAGE_ROWS_MAX)).await?;
        rows.iter().map(Tenant::read).collect()
    }

    /// How many runs of the tenant may go on at the same time. What is running goes on.
    pub async fn limit_tenant(&self, id: &Id<Tenant>, runs_max: u32, by: &Actor) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let update = sql("UPDATE tenants SET runs_max = $2 WHERE id = $1");
        let updated = tx.execute(update.bind(id.to_string()).bind(checked_limit(runs_max)?)).await?;
        self.changed_tenant(tx, updated, id, "tenant.limited", by).await
    }

    /// Starts nothing of the tenant's until it is resumed. What is running goes on.
    pub async fn suspend_tenant(&self, id: &Id<Tenant>, by: &Actor) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let now = tx.now_micros();
        let update = sql("UPDATE tenants SET suspended_at = coalesce(suspended_at, $2) WHERE id = $1");
        let updated = tx.execute(update.bind(id.to_string()).bind(now)).await?;
        self.changed_tenant(tx, updated, id, "tenant.suspended", by).await
    }

    /// Lets the tenant's syncs run again, from their next fires on.
    pub async fn resume_tenant(&self, id: &Id<Tenant>, by: &Actor) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let now = tx.now_micros();
        let end = sql("UPDATE tenants SET suspended_at = NULL WHERE id = $1 AND suspended_at IS NOT NULL");
        // Of one that was not suspended everything that is due stays due.
        if tx.execute(end.bind(id.to_string())).await? > 0 {
            // What fired meanwhile is not caught up: it was not wanted.
            let settle = "UPDATE syncs SET settled_until = $2, look_at = $2 WHERE tenant_id = $1 AND settled_until < $2";
            tx.execute(sql(settle).bind(id.to_string()).bind(now)).await?;
            let expect = sql("UPDATE syncs SET expected_since = $2 WHERE tenant_id = $1");
            tx.execute(expect.bind(id.to_string()).bind(now)).await?;
        }
        let touch = sql("UPDATE tenants SET name = name WHERE id = $1");
        let updated = tx.execute(touch.bind(id.to_string())).await?;
        self.changed_tenant(tx, updated, id, "tenant.resumed", by).await
    }

    async fn changed_tenant(
        &self,
        mut tx: crate::database::Tx,
        updated: u64,
        id: &Id<Tenant>,
        action: &'static str,
        by: &Actor,
    ) -> Result<()> {
        if updated == 0 {
            return Err(not_found("tenant_not_found", "tenant"));
        }
        tx.audit(Some(id), by, action, id).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Adds a tenant.
    pub(crate) async fn add_tenant(&mut self, new: &NewTenant, by: &Actor) -> Result<Id<Tenant>> {
        let id = Id::generate();
        // A tenant that is new has no claim to the turns of those that were there before.
        let insert = "INSERT INTO tenants (id, name, runs_max, created_at, turn)
            VALUES ($1, $2, $3, $4, (SELECT coalesce(max(turn), 0) FROM tenants))";
        let insert = sql(insert)
            .bind(id.to_string())
            .bind(checked_name(&new.name)?)
            .bind(checked_limit(new.runs_max)?)
            .bind(self.now_micros());
        self.try_execute(insert).await.map_err(|error| match is_taken(&error) {
            true => name_taken("tenant", &new.name),
            false => failed(error),
        })?;
        self.audit(Some(&id), by, "tenant.created", &id).await?;
        Ok(id)
    }
}
