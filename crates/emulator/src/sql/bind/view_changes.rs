//! CHANGES of views that show rows of one table: a change of a table's row is one of the view's where the view shows it.

use sqlparser::ast::{Expr, GroupByExpr, Ident, Query, Select, SelectItem, SetExpr, TableFactor};

use super::aggregates::AGGREGATES;
use super::as_of::CHANGE_COLUMNS;
use super::{Binder, Relation};
use crate::outcome::SqlError;
use crate::sql::catalog::ViewEntry;
use crate::sql::ddl::view::parse_query;
use crate::sql::error::{changes_unavailable, unsupported};
use crate::sql::names::display_path;
use crate::sql::travel::Interval;

impl Binder<'_> {
    /// The view's rows that changed. Which of them were updated is told anew: an update that moves a row out of what the
    /// view shows takes it away.
    pub(super) fn view_changes(
        &self,
        path: [String; 3],
        sql_name: &str,
        entry: &ViewEntry,
        interval: Interval,
    ) -> Result<(String, Relation), SqlError> {
        if entry.tracked_since.is_none_or(|since| since > interval.after) {
            return Err(changes_unavailable(&display_path(&path)));
        }
        let mut query = parse_query(&entry.query)?;
        let Some(select) = plain_select(&mut query) else {
            return Err(unsupported(
                "CHANGES of a view that does more than choose rows and columns of one table",
            ));
        };
        let column = |name: &str| SelectItem::UnnamedExpr(Expr::Identifier(Ident::with_quote('"', name)));
        select.projection.extend(CHANGE_COLUMNS.map(column));
        let (sql, mut relation) = self.view_query(path, sql_name, entry, &query, CHANGE_COLUMNS.len())?;
        let own = entry.columns.len();
        let columns: String = (1..=own).map(|place| format!("c{place}, ")).collect();
        let (action, is_update, row_id) = (own + 1, own + 2, own + 3);
        let sql = format!(
            "(SELECT {columns}c{action}, (count(*) OVER (PARTITION BY c{row_id})) = 2 AS c{is_update}, c{row_id} FROM {sql} AS delta)"
        );
        if self.in_view.get() {
            relation.metadata = relation.columns.split_off(own);
        }
        Ok((sql, relation))
    }
}

/// The query's SELECT, where each of its rows is one of a single table's or view's.
fn plain_select(query: &mut Query) -> Option<&mut Select> {
    let text = query.to_string().to_uppercase();
    let is_plain = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none();
    let calls = |name: &str| text.contains(&format!("{name}("));
    if !is_plain
        || text.matches("SELECT").count() > 1
        || text.contains(" OVER ")
        || AGGREGATES.iter().any(|name| calls(name))
    {
        return None;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let is_ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(keys, more) if keys.is_empty() && more.is_empty());
    let reads_one = matches!(
        select.from.as_slice(),
        [only] if only.joins.is_empty()
            && matches!(only.relation, TableFactor::Table { args: None, version: None, sample: None, .. })
    );
    let is_plain = is_ungrouped
        && reads_one
        && select.distinct.is_none()
        && select.top.is_none()
        && select.having.is_none()
        && select.qualify.is_none();
    is_plain.then_some(select)
}
