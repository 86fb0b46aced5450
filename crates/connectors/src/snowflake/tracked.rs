//! What an account says of a table whose changes are to be followed. SHOW needs no virtual warehouse.

use model::{Error, ErrorKind, Result, TableName};
use snowflake::Session;

use super::object::{Object, ObjectKind};
use super::sql::table_sql;

/// A table as far as its history is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tracked {
    /// When it was created: another table of the same name has another history.
    pub(super) object: String,
    /// Whether its changes are tracked at this moment.
    pub(super) is_tracked: bool,
}

impl Tracked {
    /// Looks at a table, and refuses one that has no history to follow.
    pub(super) async fn look(session: &Session, table: &TableName) -> Result<Self> {
        let object = Object::of_table(session, table).await?.ok_or_else(|| {
            let message = format!("{table} is no table that this role can see");
            Error::new(ErrorKind::NotFound, "snowflake_not_found", message)
        })?;
        Self::of(object, table)
    }

    fn of(object: Object, table: &TableName) -> Result<Self> {
        if has_no_changes(object.kind) {
            let message = format!("the changes of the {} {table} are not followed", object.kind);
            return Err(Error::config("changes_of_special_table", message)
                .with_remedy("read it by a cursor column under `read.incremental`, or as a whole"));
        }
        if object.retention_days == Some(0) {
            let message = format!("{table} keeps no history, in which its changes could be read");
            let remedy = format!(
                "let the customer run: ALTER TABLE {} SET DATA_RETENTION_TIME_IN_DAYS = 1;",
                table_sql(table)?
            );
            return Err(Error::config("changes_without_retention", message).with_remedy(remedy));
        }
        Ok(Self {
            object: object
                .created_on
                .ok_or_else(|| Error::internal("a table was shown without the time of its creation"))?,
            is_tracked: object.tracks_changes == Some(true),
        })
    }
}

/// Whether Snowflake keeps no changes of such a table, or others than its rows show.
fn has_no_changes(kind: ObjectKind) -> bool {
    use ObjectKind::{DynamicTable, EventTable, ExternalTable, HybridTable, IcebergTable};
    matches!(kind, ExternalTable | DynamicTable | EventTable | HybridTable | IcebergTable)
}

/// What the customer has to do so that changes are tracked.
pub(super) fn tracking_remedy(table: &TableName) -> Result<String> {
    Ok(format!("let the customer run: ALTER TABLE {} SET CHANGE_TRACKING = TRUE;", table_sql(table)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracked(kind: ObjectKind, retention_days: Option<u64>) -> std::result::Result<Tracked, &'static str> {
        let created_on = Some("2026-01-01T00:00:00Z".to_owned());
        let object =
            Object { created_on, retention_days, tracks_changes: Some(true), ..Object::of_kind(kind) };
        let table = TableName::in_snowflake("CRM", "PUBLIC", "T");
        Tracked::of(object, &table).map_err(|error| error.code())
    }

    #[test]
    fn only_tables_that_statements_change_and_that_keep_their_past_are_followed() {
        use ObjectKind::{DynamicTable, EventTable, ExternalTable, HybridTable, IcebergTable};
        for kind in [ExternalTable, DynamicTable, EventTable, HybridTable, IcebergTable] {
            assert_eq!(tracked(kind, Some(1)), Err("changes_of_special_table"), "{kind}");
        }
        assert_eq!(tracked(ObjectKind::Table, Some(0)), Err("changes_without_retention"));
        assert!(tracked(ObjectKind::TransientTable, Some(1)).is_ok());
        // What a share does not tell, Snowflake itself refuses.
        assert!(tracked(ObjectKind::Table, None).is_ok());
    }
}
