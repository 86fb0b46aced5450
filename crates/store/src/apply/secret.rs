//! The secrets of a connection as they are wanted: sealed where they differ, destroyed where they are not wanted.

use model::Result;

use super::{Applying, FieldChange, FieldValues, WantedConnection};
use crate::connection::Connection;
use crate::database::sql;
use crate::id::Id;
use crate::row::Columns;
use crate::secrets::SecretValue;
use crate::tenant::Tenant;

impl Applying<'_> {
    /// Answers which fields differed.
    pub(super) async fn seal(
        &mut self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        wanted: &WantedConnection,
    ) -> Result<Vec<FieldChange>> {
        let query = sql("SELECT field, sealed FROM secrets WHERE connection_id = $1 ORDER BY field");
        let rows = self.tx.all(query.bind(connection.to_string())).await?;
        let mut kept: Vec<(String, String)> = Vec::new();
        for row in &rows {
            kept.push((row.text("field")?, row.text("sealed")?));
        }
        let mut changed = Vec::new();
        for (field, secret) in &wanted.secrets {
            let sealed = kept.iter().find(|(kept, _)| kept == field).map(|(_, sealed)| sealed.as_str());
            if self.is_the_same(tenant, connection, field, sealed, secret).await? {
                continue;
            }
            self.vault.put_within(&mut self.tx, tenant, connection, field, secret, self.by).await?;
            changed.push(FieldChange { field: field.clone(), values: FieldValues::Secret });
        }
        let is_unwanted = |field: &str| {
            !wanted.secrets.iter().any(|(wanted, _)| wanted == field)
                && !wanted.kept.iter().any(|kept| kept == field)
        };
        for (field, _) in kept.iter().filter(|(field, _)| is_unwanted(field)) {
            let delete = sql("DELETE FROM secrets WHERE connection_id = $1 AND field = $2");
            self.tx.execute(delete.bind(connection.to_string()).bind(field.clone())).await?;
            self.tx.audit(Some(tenant), self.by, "secret.destroyed", connection).await?;
            changed.push(FieldChange { field: field.clone(), values: FieldValues::Secret });
        }
        Ok(changed)
    }

    async fn is_the_same(
        &mut self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        field: &str,
        sealed: Option<&str>,
        secret: &SecretValue,
    ) -> Result<bool> {
        let Some(sealed) = sealed else { return Ok(false) };
        let opened = self.vault.open_within(&mut self.tx, tenant, connection, field, sealed).await?;
        Ok(opened.expose() == secret.expose())
    }
}
