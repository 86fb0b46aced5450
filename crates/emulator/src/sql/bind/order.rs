//! ORDER BY: positions, aliases and expressions, with Snowflake's place for NULLs.

use sqlparser::ast::{Expr, OrderByExpr, OrderByOptions, OrderBySort, Value};

use super::{Binder, Names, OutputColumn, Typed};
use crate::outcome::SqlError;
use crate::sql::error::{compilation, unsupported};

impl Binder<'_> {
    pub(super) fn order_list(&self, items: &[OrderByExpr], names: &Names<'_>) -> Result<String, SqlError> {
        let items = items.iter().map(|item| {
            let key = self.instant(self.expression(&item.expr, names)?);
            Ok(format!("{}{}", key.sql, direction(&item.options)?))
        });
        Ok(items.collect::<Result<Vec<_>, SqlError>>()?.join(", "))
    }

    /// The ORDER BY of a query; a bare number is the place of an output column.
    pub(super) fn query_order(
        &self,
        items: &[OrderByExpr],
        names: &Names<'_>,
        outputs: &[(OutputColumn, String)],
    ) -> Result<String, SqlError> {
        let mut keys = Vec::new();
        for item in items {
            let key = match position(&item.expr) {
                Some(position) => output_at(outputs, position)?,
                None => self.expression(&item.expr, names)?,
            };
            if key.is_null_literal() {
                continue;
            }
            keys.push(format!("{}{}", self.instant(key).sql, direction(&item.options)?));
        }
        Ok(keys.join(", "))
    }
}

pub(super) fn output_at(outputs: &[(OutputColumn, String)], position: usize) -> Result<Typed, SqlError> {
    let found = position.checked_sub(1).and_then(|index| outputs.get(index));
    let (column, sql) = found.ok_or_else(|| {
        compilation("002028", "42601", &format!("position {position} is not in the select list"))
    })?;
    Ok(Typed::new(sql.clone(), column.ty.clone()))
}

/// The number where the expression is a bare one.
pub(super) fn position(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// NULLs come last going up and first going down, unless the statement says otherwise.
fn direction(options: &OrderByOptions) -> Result<String, SqlError> {
    let is_descending = match &options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(_)) => return Err(unsupported("ORDER BY … USING")),
    };
    let nulls_first = options.nulls_first.unwrap_or(is_descending);
    let sort = if is_descending { " DESC" } else { " ASC" };
    Ok(format!("{sort} NULLS {}", if nulls_first { "FIRST" } else { "LAST" }))
}
