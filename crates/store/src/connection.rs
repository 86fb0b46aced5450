//! Connections: configured access to one system. Their secrets are kept apart and sealed.

use jiff::Timestamp;
use model::{Error, Result};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::audit::Actor;
use crate::database::{Tx, sql};
use crate::error::{failed, is_dangling, is_taken, not_found};
use crate::id::Id;
use crate::row::Columns;
use crate::store::Store;
use crate::tenant::{Tenant, checked_limit, checked_name, limit, name_taken};

/// Configured access to a customer's Snowflake account, or to a database of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    pub id: Id<Connection>,
    pub tenant: Id<Tenant>,
    pub name: String,
    /// The kind of system, such as `snowflake`.
    pub system: String,
    /// How to reach it; never a secret.
    pub settings: Value,
    /// Runs that may use it at the same time.
    pub runs_max: u32,
    /// Failures of this connection since its last success.
    pub failures: u64,
    /// Until when nothing is tried, because too much has failed.
    pub broken_until: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// A connection to be.
#[derive(Clone, Debug)]
pub struct NewConnection {
    pub name: String,
    pub system: String,
    /// How to reach it; never a secret.
    pub settings: Value,
    pub runs_max: u32,
}

impl Connection {
    pub(crate) fn read(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.id("id")?,
            tenant: row.id("tenant_id")?,
            name: row.text("name")?,
            system: row.text("system")?,
            settings: row.document("settings")?,
            runs_max: limit(row.count("runs_max")?),
            failures: row.count("failures")?,
            broken_until: row.optional_moment("broken_until")?,
            closed_at: row.optional_moment("closed_at")?,
            created_at: row.moment("created_at")?,
        })
    }
}

pub(crate) fn connection_not_found() -> Error {
    not_found("connection_not_found", "connection")
}

/// Nothing is done any more with a connection that is closed.
pub(crate) fn connection_closed() -> Error {
    Error::config("connection_closed", "a connection of this sync is closed, and its secrets are destroyed")
        .with_remedy("make a new connection, and let the sync use it")
}

impl Store {
    /// Adds a connection to a tenant.
    pub async fn create_connection(
        &self,
        tenant: &Id<Tenant>,
        new: NewConnection,
        by: &Actor,
    ) -> Result<Connection> {
        let mut tx = self.database.begin().await?;
        let id = tx.add_connection(tenant, &new, by).await?;
        tx.commit().await?;
        self.connection(tenant, &id).await
    }

    /// The tenant's connection with this id.
    pub async fn connection(&self, tenant: &Id<Tenant>, id: &Id<Connection>) -> Result<Connection> {
        let query = sql("SELECT * FROM connections WHERE tenant_id = $1 AND id = $2");
        let row = self.database.one(query.bind(tenant.to_string()).bind(id.to_string())).await?;
        Connection::read(&row.ok_or_else(connection_not_found)?)
    }

    /// The tenant's connection with this name.
    pub async fn connection_named(&self, tenant: &Id<Tenant>, name: &str) -> Result<Connection> {
        let query = sql("SELECT * FROM connections WHERE tenant_id = $1 AND name = $2");
        let row = self.database.one(query.bind(tenant.to_string()).bind(name.to_owned())).await?;
        Connection::read(&row.ok_or_else(connection_not_found)?)
    }

    /// The tenant's connections by name.
    pub async fn connections(&self, tenant: &Id<Tenant>) -> Result<Vec<Connection>> {
        let query = sql("SELECT * FROM connections WHERE tenant_id = $1 ORDER BY name");
        let rows = self.database.all(query.bind(tenant.to_string())).await?;
        rows.iter().map(Connection::read).collect()
    }

    /// Closes a connection for good: its secrets are destroyed, runs that wait for it are cancelled, and runs that use
    /// it are told to stop. Closing it twice changes nothing.
    pub async fn close_connection(&self, tenant: &Id<Tenant>, id: &Id<Connection>, by: &Actor) -> Result<()> {
        let mut tx = self.database.begin_queue_decision().await?;
        tx.close_connection(tenant, id, by).await?;
        tx.commit().await
    }

    /// Forgets the failures of a connection, so that it is tried again at once.
    pub async fn mend_connection(&self, tenant: &Id<Tenant>, id: &Id<Connection>, by: &Actor) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let update =
            "UPDATE connections SET failures = 0, broken_until = NULL WHERE tenant_id = $1 AND id = $2";
        if tx.execute(sql(update).bind(tenant.to_string()).bind(id.to_string())).await? == 0 {
            return Err(connection_not_found());
        }
        tx.audit(Some(tenant), by, "connection.mended", id).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Adds a connection to a tenant.
    pub(crate) async fn add_connection(
        &mut self,
        tenant: &Id<Tenant>,
        new: &NewConnection,
        by: &Actor,
    ) -> Result<Id<Connection>> {
        let id = Id::generate();
        let insert = "INSERT INTO connections (id, tenant_id, name, system, settings, runs_max, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let insert = sql(insert)
            .bind(id.to_string())
            .bind(tenant.to_string())
            .bind(checked_name(&new.name)?)
            .bind(new.system.clone())
            .bind(new.settings.to_string())
            .bind(checked_limit(new.runs_max)?)
            .bind(self.now_micros());
        self.try_execute(insert).await.map_err(|error| match () {
            () if is_taken(&error) => name_taken("connection", &new.name),
            () if is_dangling(&error) => not_found("tenant_not_found", "tenant"),
            () => failed(error),
        })?;
        self.audit(Some(tenant), by, "connection.created", &id).await?;
        Ok(id)
    }

    /// Closes a connection, within a decision on the queue.
    pub(crate) async fn close_connection(
        &mut self,
        tenant: &Id<Tenant>,
        id: &Id<Connection>,
        by: &Actor,
    ) -> Result<()> {
        let close =
            "UPDATE connections SET closed_at = coalesce(closed_at, $3) WHERE tenant_id = $1 AND id = $2";
        let close = sql(close).bind(tenant.to_string()).bind(id.to_string()).bind(self.now_micros());
        if self.execute(close).await? == 0 {
            return Err(connection_not_found());
        }
        self.execute(sql("DELETE FROM secrets WHERE connection_id = $1").bind(id.to_string())).await?;
        self.withdraw_handovers(id).await?;
        self.cancel_runs_of_connection(id).await?;
        self.audit(Some(tenant), by, "connection.closed", id).await
    }

    async fn cancel_runs_of_connection(&mut self, id: &Id<Connection>) -> Result<()> {
        let cancel = "UPDATE runs SET state = 'cancelled', cancel_at = $2, ended_at = $2
            WHERE (source_id = $1 OR destination_id = $1) AND state IN ('queued', 'retrying')";
        let now = self.now_micros();
        self.execute(sql(cancel).bind(id.to_string()).bind(now)).await?;
        let ask = "UPDATE runs SET cancel_at = coalesce(cancel_at, $2)
            WHERE (source_id = $1 OR destination_id = $1) AND state = 'running'";
        self.execute(sql(ask).bind(id.to_string()).bind(now)).await.map(drop)
    }
}
