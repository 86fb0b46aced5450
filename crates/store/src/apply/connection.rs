//! A connection as it is wanted, with its secrets.

use model::{Error, Result};

use super::{Applying, ChangeKind, Object, WantedConnection, document_changes, field_change};
use crate::connection::{Connection, NewConnection};
use crate::database::sql;
use crate::id::Id;
use crate::tenant::{Tenant, checked_limit};

impl Applying<'_> {
    pub(super) async fn connection(
        &mut self,
        tenant: &Id<Tenant>,
        tenant_name: &str,
        wanted: &WantedConnection,
    ) -> Result<()> {
        let name = format!("{tenant_name}/{}", wanted.name);
        let query = sql("SELECT * FROM connections WHERE tenant_id = $1 AND name = $2");
        let row = self.tx.one(query.bind(tenant.to_string()).bind(wanted.name.clone())).await?;
        let Some(stored) = row.as_ref().map(Connection::read).transpose()? else {
            let id = self.add_connection(tenant, wanted).await?;
            self.seal(tenant, &id, wanted).await?;
            self.note(Object::Connection, name, ChangeKind::Added);
            return Ok(());
        };
        let mut fields = document_changes(&stored.settings, &wanted.settings);
        fields.extend(field_change("system", Some(stored.system.clone()), Some(wanted.system.clone())));
        let (before, after) = (stored.runs_max.to_string(), wanted.runs_max.to_string());
        fields.extend(field_change("runs_max", Some(before), Some(after)));
        let closed = stored.closed_at.map(|at| at.to_string());
        fields.extend(field_change("closed", closed, None));
        if !fields.is_empty() {
            self.change_connection(tenant, &stored, wanted).await?;
        }
        fields.extend(self.seal(tenant, &stored.id, wanted).await?);
        self.note_fields(Object::Connection, name, fields);
        Ok(())
    }

    async fn add_connection(
        &mut self,
        tenant: &Id<Tenant>,
        wanted: &WantedConnection,
    ) -> Result<Id<Connection>> {
        let new = NewConnection {
            name: wanted.name.clone(),
            system: wanted.system.clone(),
            settings: wanted.settings.clone(),
            runs_max: wanted.runs_max,
        };
        self.tx.add_connection(tenant, &new, self.by).await
    }

    /// One that was closed is open again: its secrets were destroyed, and come anew with what is wanted.
    async fn change_connection(
        &mut self,
        tenant: &Id<Tenant>,
        stored: &Connection,
        wanted: &WantedConnection,
    ) -> Result<()> {
        // The same name for another kind of system would leave syncs on one that they do not speak to.
        if stored.system != wanted.system {
            let message = format!("the connection `{}` is to another kind of system", wanted.name);
            return Err(Error::config("connection_system", message).with_remedy("give it another name"));
        }
        let update = "UPDATE connections SET settings = $3, runs_max = $4, closed_at = NULL, failures = 0,
            broken_until = NULL WHERE tenant_id = $1 AND id = $2";
        let update = sql(update)
            .bind(tenant.to_string())
            .bind(stored.id.to_string())
            .bind(wanted.settings.to_string())
            .bind(checked_limit(wanted.runs_max)?);
        self.tx.execute(update).await?;
        // A link was made for what the files said then: what it brings would overwrite what they say now.
        if stored.settings != wanted.settings {
            self.tx.withdraw_handovers(&stored.id).await?;
        }
        if stored.closed_at.is_some() {
            let expect =
                sql("UPDATE syncs SET expected_since = $2 WHERE source_id = $1 OR destination_id = $1");
            let now = self.tx.now_micros();
            self.tx.execute(expect.bind(stored.id.to_string()).bind(now)).await?;
        }
        let action = if stored.closed_at.is_some() { "connection.reopened" } else { "connection.changed" };
        self.tx.audit(Some(tenant), self.by, action, &stored.id).await
    }
}
