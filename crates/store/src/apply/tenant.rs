//! A tenant as it is wanted, and all below it.

use model::Result;

use super::{Applying, ChangeKind, Object, WantedTenant, field_change};
use crate::database::sql;
use crate::id::Id;
use crate::tenant::{NewTenant, Tenant, checked_limit};

impl Applying<'_> {
    pub(super) async fn tenant(&mut self, wanted: &WantedTenant) -> Result<()> {
        let row = self.tx.one(sql("SELECT * FROM tenants WHERE name = $1").bind(wanted.name.clone())).await?;
        let id = match row.as_ref().map(Tenant::read).transpose()? {
            None => self.add_tenant(wanted).await?,
            Some(tenant) => {
                self.limit_tenant(&tenant, wanted).await?;
                tenant.id
            }
        };
        for connection in &wanted.connections {
            self.connection(&id, &wanted.name, connection).await?;
        }
        for sync in &wanted.syncs {
            self.sync(&id, &wanted.name, sync).await?;
        }
        Ok(())
    }

    async fn add_tenant(&mut self, wanted: &WantedTenant) -> Result<Id<Tenant>> {
        let new = NewTenant { name: wanted.name.clone(), runs_max: wanted.runs_max };
        let id = self.tx.add_tenant(&new, self.by).await?;
        self.note(Object::Tenant, wanted.name.clone(), ChangeKind::Added);
        Ok(id)
    }

    async fn limit_tenant(&mut self, tenant: &Tenant, wanted: &WantedTenant) -> Result<()> {
        let (before, after) = (tenant.runs_max.to_string(), wanted.runs_max.to_string());
        let fields = field_change("runs_max", Some(before), Some(after)).into_iter().collect();
        if self.note_fields(Object::Tenant, tenant.name.clone(), fields) {
            let update = sql("UPDATE tenants SET runs_max = $2 WHERE id = $1").bind(tenant.id.to_string());
            self.tx.execute(update.bind(checked_limit(wanted.runs_max)?)).await?;
            self.tx.audit(Some(&tenant.id), self.by, "tenant.limited", &tenant.id).await?;
        }
        Ok(())
    }
}
