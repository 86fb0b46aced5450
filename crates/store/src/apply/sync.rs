//! A sync as it is wanted.

use model::Result;

use super::{Applying, ChangeKind, FieldChange, Object, WantedSync, document_changes, field_change};
use crate::connection::{Connection, connection_not_found};
use crate::database::sql;
use crate::id::Id;
use crate::row::Columns;
use crate::sync::{NewSync, Sync, checked_schedule, milliseconds};
use crate::tenant::Tenant;

/// The two connections of a sync.
struct Ends {
    source: Id<Connection>,
    destination: Id<Connection>,
}

impl Applying<'_> {
    pub(super) async fn sync(
        &mut self,
        tenant: &Id<Tenant>,
        tenant_name: &str,
        wanted: &WantedSync,
    ) -> Result<()> {
        let name = format!("{tenant_name}/{}", wanted.name);
        let ends = Ends {
            source: self.connection_id(tenant, &wanted.source).await?,
            destination: self.connection_id(tenant, &wanted.destination).await?,
        };
        let query = sql("SELECT * FROM syncs WHERE tenant_id = $1 AND name = $2");
        let row = self.tx.one(query.bind(tenant.to_string()).bind(wanted.name.clone())).await?;
        let Some(row) = row else {
            self.add_sync(tenant, wanted, &ends).await?;
            self.note(Object::Sync, name, ChangeKind::Added);
            return Ok(());
        };
        let stored = Sync::read(&row)?;
        let is_removed = row.optional_number("removed_at")?.is_some();
        let (fields, is_rescheduled) = differences(&stored, wanted, &ends)?;
        if is_removed {
            self.change_sync(tenant, &stored, wanted, &ends, true).await?;
            self.note(Object::Sync, name, ChangeKind::Added);
        } else if self.note_fields(Object::Sync, name, fields) {
            self.change_sync(tenant, &stored, wanted, &ends, is_rescheduled).await?;
        }
        Ok(())
    }

    async fn connection_id(&mut self, tenant: &Id<Tenant>, name: &str) -> Result<Id<Connection>> {
        let query = sql("SELECT id FROM connections WHERE tenant_id = $1 AND name = $2");
        let row = self.tx.one(query.bind(tenant.to_string()).bind(name.to_owned())).await?;
        row.ok_or_else(connection_not_found)?.id("id")
    }

    async fn add_sync(&mut self, tenant: &Id<Tenant>, wanted: &WantedSync, ends: &Ends) -> Result<()> {
        let new = NewSync {
            name: wanted.name.clone(),
            source: ends.source.clone(),
            destination: ends.destination.clone(),
            definition: wanted.definition.clone(),
            priority: 0,
            schedule: wanted.schedule.clone(),
            late_after: wanted.late_after,
        };
        self.tx.add_sync(tenant, &new, self.by).await.map(drop)
    }

    /// A schedule that did not change goes on from where it was; a new one counts from now on.
    async fn change_sync(
        &mut self,
        tenant: &Id<Tenant>,
        stored: &Sync,
        wanted: &WantedSync,
        ends: &Ends,
        is_rescheduled: bool,
    ) -> Result<()> {
        let update = "UPDATE syncs SET source_id = $2, destination_id = $3, definition = $4, schedule = $5,
                updated_at = $6, look_at = $6, late_after_ms = $8,
                settled_until = CASE WHEN $7 = 1 THEN $6 ELSE settled_until END,
                expected_since = CASE WHEN removed_at IS NULL THEN expected_since ELSE $6 END,
                removed_at = NULL
            WHERE id = $1";
        let now = self.tx.now_micros();
        let update = sql(update)
            .bind(stored.id.to_string())
            .bind(ends.source.to_string())
            .bind(ends.destination.to_string())
            .bind(wanted.definition.to_string())
            .bind(checked_schedule(wanted.schedule.as_ref())?)
            .bind(now)
            .bind(i64::from(is_rescheduled))
            .bind(milliseconds(wanted.late_after));
        self.tx.execute(update).await?;
        // A run that waits starts as the sync is by then.
        let waiting = "UPDATE runs SET source_id = $2, destination_id = $3
            WHERE sync_id = $1 AND state IN ('queued', 'retrying')";
        let waiting = sql(waiting)
            .bind(stored.id.to_string())
            .bind(ends.source.to_string())
            .bind(ends.destination.to_string());
        self.tx.execute(waiting).await?;
        self.tx.audit(Some(tenant), self.by, "sync.defined", &stored.id).await
    }
}

/// What differs, and whether the schedule does.
fn differences(stored: &Sync, wanted: &WantedSync, ends: &Ends) -> Result<(Vec<FieldChange>, bool)> {
    let mut fields = document_changes(&stored.definition, &wanted.definition);
    let moved = [
        ("source", &stored.source, &ends.source, &wanted.source),
        ("destination", &stored.destination, &ends.destination, &wanted.destination),
    ];
    for (field, before, after, name) in moved {
        if before != after {
            fields.extend(field_change(field, None, Some(name.clone())));
        }
    }
    let before = checked_schedule(stored.schedule.as_ref())?;
    let schedule = field_change("schedule", before, checked_schedule(wanted.schedule.as_ref())?);
    let is_rescheduled = schedule.is_some();
    let text = |late_after| milliseconds(late_after).map(|late_after| format!("{late_after} ms"));
    let late_after = field_change("late_after", text(stored.late_after), text(wanted.late_after));
    // The definition says the same in its own words.
    if fields.is_empty() {
        fields.extend(schedule);
        fields.extend(late_after);
    }
    Ok((fields, is_rescheduled))
}
