//! Who changed what, and when: written in the same transaction as the change.

use std::fmt;

use jiff::Timestamp;
use model::Result;

use crate::database::{Tx, sql};
use crate::id::Id;
use crate::row::Columns;
use crate::store::Store;
use crate::tenant::Tenant;

/// Entries that are given at once.
const PAGE_ROWS_MAX: i64 = 1_000;

/// Who changes something: a person on the command line, a token, the scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// Somebody by this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One change that somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    pub tenant: Option<Id<Tenant>>,
    pub at: Timestamp,
    pub actor: Actor,
    /// What was done, such as `connection.closed`.
    pub action: String,
    /// The id of what it was done to.
    pub object: String,
}

impl Store {
    /// The latest changes within a tenant, newest first.
    pub async fn audit_log(&self, tenant: &Id<Tenant>) -> Result<Vec<AuditEntry>> {
        let query = "SELECT at, actor, action, object FROM audit_log WHERE tenant_id = $1
            ORDER BY at DESC, id DESC LIMIT $2";
        let rows = self.database.all(sql(query).bind(tenant.to_string()).bind(PAGE_ROWS_MAX)).await?;
        let entry = |row: &sqlx::any::AnyRow| {
            Ok(AuditEntry {
                tenant: Some(tenant.clone()),
                at: row.moment("at")?,
                actor: Actor(row.text("actor")?),
                action: row.text("action")?,
                object: row.text("object")?,
            })
        };
        rows.iter().map(entry).collect()
    }
}

impl Tx {
    /// Notes what this transaction does.
    pub(crate) async fn audit<T>(
        &mut self,
        tenant: Option<&Id<Tenant>>,
        actor: &Actor,
        action: &'static str,
        object: &Id<T>,
    ) -> Result<()> {
        let insert = "INSERT INTO audit_log (id, tenant_id, at, actor, action, object)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let insert = sql(insert)
            .bind(Id::<AuditEntry>::generate().to_string())
            .bind(tenant.map(ToString::to_string))
            .bind(self.now_micros())
            .bind(actor.to_string())
            .bind(action)
            .bind(object.to_string());
        self.execute(insert).await.map(drop)
    }
}
