//! What an account says of a table whose changes are to be followed. SHOW needs no virtual warehouse.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_cast::display::array_value_to_string;
use arrow_schema::DataType;
use model::{Error, ErrorKind, Result, TableName};
use snowflake::{Session, string_literal};

use super::catalog::{ShownRows, like_pattern, show};
use super::sql::{database_of, quoted, table_sql};

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
        let like = string_literal(&like_pattern(&table.table));
        let place = format!("{}.{}", quoted(database_of(table)?)?, quoted(&table.schema)?);
        for batch in show(session, &format!("SHOW TABLES LIKE {like} IN SCHEMA {place}")).await? {
            let rows = ShownRows(&batch);
            let is_it = |row: &usize| rows.text("name", *row).as_ref() == Some(&table.table);
            if let Some(row) = (0..batch.num_rows()).find(is_it) {
                return Self::shown(&batch, row, table);
            }
        }
        let message = format!("{table} is no table that this role can see");
        Err(Error::new(ErrorKind::NotFound, "snowflake_not_found", message))
    }

    fn shown(batch: &RecordBatch, row: usize, table: &TableName) -> Result<Self> {
        let rows = ShownRows(batch);
        let special = ["external", "dynamic", "hybrid", "iceberg", "event"];
        let kind = special
            .iter()
            .find(|kind| rows.text(&format!("is_{kind}"), row).is_some_and(|answer| answer == "Y"));
        if let Some(kind) = kind {
            let message = format!("{table} is of the {kind} kind, of which changes are not followed");
            return Err(Error::config("changes_of_special_table", message)
                .with_remedy("read it by a cursor column under `read.incremental`, or as a whole"));
        }
        if rows.text("retention_time", row).is_some_and(|days| days == "0") {
            let message = format!("{table} keeps no history, in which its changes could be read");
            let remedy = format!(
                "let the customer run: ALTER TABLE {} SET DATA_RETENTION_TIME_IN_DAYS = 1;",
                table_sql(table)?
            );
            return Err(Error::config("changes_without_retention", message).with_remedy(remedy));
        }
        let object = batch.column_by_name("created_on").and_then(|column| instant(&column.slice(row, 1)));
        Ok(Self {
            object: object
                .ok_or_else(|| Error::internal("a table was shown without the time of its creation"))?,
            is_tracked: rows.text("change_tracking", row).is_some_and(|answer| answer == "ON"),
        })
    }
}

/// The one value of a column as text: an instant as its number, which no format changes.
fn instant(column: &ArrayRef) -> Option<String> {
    let plain = match column.data_type() {
        DataType::Timestamp(..) => cast(column, &DataType::Int64).ok()?,
        _ => ArrayRef::clone(column),
    };
    array_value_to_string(&plain, 0).ok().filter(|text| !text.is_empty())
}

/// What the customer has to do so that changes are tracked.
pub(super) fn tracking_remedy(table: &TableName) -> Result<String> {
    Ok(format!("let the customer run: ALTER TABLE {} SET CHANGE_TRACKING = TRUE;", table_sql(table)?))
}
