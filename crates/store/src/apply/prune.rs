//! What is stored and not wanted: syncs are removed, connections closed. Their history stays.

use std::collections::BTreeSet;

use model::{Error, Result};
use sqlx::any::AnyRow;

use super::{Applying, ChangeKind, Object, Wanted};
use crate::connection::Connection;
use crate::database::{Tx, sql};
use crate::id::Id;
use crate::row::Columns;
use crate::sync::Sync;
use crate::tenant::Tenant;

/// So few syncs may go without a question, however few there are.
const REMOVED_UNASKED_MAX: usize = 5;

/// What becomes of what is stored and not wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prune {
    /// It stays.
    #[default]
    Nothing,
    /// It goes, unless that would be more than half of all syncs: that is more often the wrong folder than a wish.
    Guarded,
    /// It goes.
    All,
}

const SYNCS: &str = "SELECT s.id, s.tenant_id, s.name, t.name AS tenant_name FROM syncs s
    JOIN tenants t ON t.id = s.tenant_id WHERE s.removed_at IS NULL ORDER BY t.name, s.name";

const CONNECTIONS: &str = "SELECT c.id, c.tenant_id, c.name, t.name AS tenant_name FROM connections c
    JOIN tenants t ON t.id = c.tenant_id WHERE c.closed_at IS NULL ORDER BY t.name, c.name";

/// Refuses to remove most of what there is by mistake. Closing a connection destroys its secrets for good.
pub(super) async fn guard(tx: &mut Tx, wanted: &Wanted, prune: Prune) -> Result<()> {
    if prune != Prune::Guarded {
        return Ok(());
    }
    let syncs = wanted_syncs(wanted);
    let stored = tx.all(sql(SYNCS)).await?;
    let names = stored.iter().map(full_name).collect::<Result<Vec<_>>>()?;
    let removed = names.iter().filter(|name| !syncs.contains(*name)).count();
    if removed <= REMOVED_UNASKED_MAX || removed * 2 <= names.len() {
        return Ok(());
    }
    let message =
        format!("{removed} of {} stored syncs are not among the files, and would be removed", names.len());
    Err(Error::config("prune_too_much", message)
        .with_remedy("check the folder; if it is meant, repeat it with --prune-all"))
}

fn wanted_syncs(wanted: &Wanted) -> BTreeSet<String> {
    let of = |tenant: &super::WantedTenant| {
        tenant.syncs.iter().map(|sync| format!("{}/{}", tenant.name, sync.name)).collect::<Vec<_>>()
    };
    wanted.tenants.iter().flat_map(of).collect()
}

fn wanted_connections(wanted: &Wanted) -> BTreeSet<String> {
    let of = |tenant: &super::WantedTenant| {
        tenant.connections.iter().map(|one| format!("{}/{}", tenant.name, one.name)).collect::<Vec<_>>()
    };
    wanted.tenants.iter().flat_map(of).collect()
}

fn full_name(row: &AnyRow) -> Result<String> {
    Ok(format!("{}/{}", row.text("tenant_name")?, row.text("name")?))
}

impl Applying<'_> {
    pub(super) async fn prune(&mut self, wanted: &Wanted) -> Result<()> {
        let syncs = wanted_syncs(wanted);
        for row in self.tx.all(sql(SYNCS)).await? {
            let name = full_name(&row)?;
            if !syncs.contains(&name) {
                self.remove_sync(&row.id("tenant_id")?, &row.id("id")?).await?;
                self.note(Object::Sync, name, ChangeKind::Removed);
            }
        }
        let connections = wanted_connections(wanted);
        for row in self.tx.all(sql(CONNECTIONS)).await? {
            let name = full_name(&row)?;
            if !connections.contains(&name) {
                let (tenant, id): (Id<Tenant>, Id<Connection>) = (row.id("tenant_id")?, row.id("id")?);
                self.tx.close_connection(&tenant, &id, self.by).await?;
                self.note(Object::Connection, name, ChangeKind::Removed);
            }
        }
        Ok(())
    }

    /// It fires no more; its runs that wait are cancelled, and one that is going is told to stop.
    async fn remove_sync(&mut self, tenant: &Id<Tenant>, id: &Id<Sync>) -> Result<()> {
        let now = self.tx.now_micros();
        let remove = "UPDATE syncs SET removed_at = $2, schedule = NULL, look_at = NULL, paused_at = NULL
            WHERE id = $1";
        self.tx.execute(sql(remove).bind(id.to_string()).bind(now)).await?;
        let cancel = "UPDATE runs SET cancel_at = coalesce(cancel_at, $2),
                state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
                ended_at = CASE WHEN state = 'running' THEN NULL ELSE $2 END
            WHERE sync_id = $1 AND state IN ('queued', 'retrying', 'running')";
        self.tx.execute(sql(cancel).bind(id.to_string()).bind(now)).await?;
        self.tx.audit(Some(tenant), self.by, "sync.removed", id).await
    }
}
