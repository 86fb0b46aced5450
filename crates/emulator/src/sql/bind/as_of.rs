//! Tables as they were, and what changed in them.

use super::{Binder, Relation, RelationColumn};
use crate::outcome::{SnowType, SqlError};
use crate::sql::catalog::TableEntry;
use crate::sql::error::{changes_unavailable, time_travel_unavailable, unsupported};
use crate::sql::names::{display, display_path};
use crate::sql::physical::TEXT;
use crate::sql::travel::{self, Interval, Point};

impl Binder<'_> {
    /// A table's rows as of a point in time, by the columns that it has now.
    pub(super) fn table_as_of(
        &self,
        path: [String; 3],
        sql_name: &str,
        entry: &TableEntry,
        point: Point,
    ) -> Result<(String, Relation), SqlError> {
        self.changed_at.borrow_mut().push(entry.last_altered);
        let own = self.state.own_transaction;
        let source = match point {
            Point::Now => entry.physical(),
            Point::At(at) => {
                self.check_available(&path, entry, at)?;
                travel::at_sql(entry, at, own.map(|own| own.number))
            }
            Point::Changes(interval) => {
                self.check_tracked(&path, entry, interval)?;
                let Interval { after, until, is_append_only } = interval;
                if is_append_only {
                    travel::appended_sql(entry, after, until)
                } else {
                    travel::changes_sql(entry, after, until, own.map(|own| own.number))
                }
            }
        };
        let mut relation = Relation::of_table(path, sql_name, entry);
        if matches!(point, Point::Changes(_)) {
            // The columns of a view are those of its query; what CHANGES adds is asked for by name.
            let columns = if self.in_view.get() { &mut relation.metadata } else { &mut relation.columns };
            columns.extend(change_columns(sql_name));
        }
        Ok((source, relation))
    }

    /// The rows of an instant are there from the table's creation on, for as long as they are kept.
    pub(crate) fn check_available(
        &self,
        path: &[String; 3],
        entry: &TableEntry,
        at: i64,
    ) -> Result<(), SqlError> {
        if self.state.own_transaction.is_some_and(|own| at > own.begun_at) {
            return Err(unsupported("reading at a time after the first change of the open transaction"));
        }
        if at < self.state.catalog.kept_since(path, entry, self.state.now) {
            return Err(time_travel_unavailable(&display(&path[2])));
        }
        Ok(())
    }

    fn check_tracked(
        &self,
        path: &[String; 3],
        entry: &TableEntry,
        interval: Interval,
    ) -> Result<(), SqlError> {
        self.check_available(path, entry, interval.after)?;
        self.check_available(path, entry, interval.until)?;
        match entry.tracked_since {
            Some(since) if since <= interval.after => Ok(()),
            _ => Err(changes_unavailable(&display_path(path))),
        }
    }
}

/// The names of what CHANGES adds to a table's columns.
pub(super) const CHANGE_COLUMNS: [&str; 3] = ["METADATA$ACTION", "METADATA$ISUPDATE", "METADATA$ROW_ID"];

/// What CHANGES adds to a table's columns.
fn change_columns(sql_name: &str) -> [RelationColumn; 3] {
    let column = |name: &str, sql: String, ty: SnowType| RelationColumn {
        name: name.to_owned(),
        sql,
        ty,
        nullable: false,
        origin: None,
        is_merged: false,
        made_of: None,
    };
    let [action, is_update, row_id] = CHANGE_COLUMNS;
    [
        column(action, format!("{sql_name}.action"), TEXT),
        column(is_update, format!("{sql_name}.is_update"), SnowType::Boolean),
        column(row_id, format!("sha1(CAST({sql_name}.v_row AS VARCHAR))"), TEXT),
    ]
}
