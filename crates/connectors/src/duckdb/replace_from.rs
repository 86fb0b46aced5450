//! Bringing rows in without a key: those that were read again take the place of all that the read would have given before.

use duckdb::Transaction;
use model::{Committed, Error, Publish, ReadPlan, Result, StreamPlan};

use super::bound::at_or_above;
use super::error::failed;
use super::sql::{quoted, quoted_target, staging};
use super::types::stored_columns;

/// Replaces the target's rows that the read covers by the staged ones. Where these are the same, nothing is written.
pub(super) fn replace_from(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<Committed> {
    let target = quoted_target(&plan.target);
    let staged = quoted_target(&staging(&plan.target));
    let condition = covered_sql(plan)?;
    let names: Vec<String> =
        plan.columns.iter().flat_map(stored_columns).map(|(name, _)| quoted(&name)).collect();
    let stamps: Vec<String> = plan.stamps.iter().map(|name| quoted(name)).collect();
    let compared: Vec<&str> =
        names.iter().filter(|name| !stamps.contains(name)).map(String::as_str).collect();
    let (names, compared) = (names.join(", "), compared.join(", "));
    let count = |sql: &str| -> Result<u64> {
        let sql = format!("SELECT count(*)::UBIGINT FROM {sql}");
        transaction.query_row(&sql, [], |row| row.get(0)).map_err(|e| failed("compare the rows", e))
    };
    let before = count(&format!("{target} WHERE {condition}"))?;
    let after = count(&staged)?;
    let common = count(&format!(
        "(SELECT {compared} FROM {target} WHERE {condition} INTERSECT ALL SELECT {compared} FROM {staged})"
    ))?;
    let mut statements = String::new();
    if common < before || common < after {
        statements = format!(
            "DELETE FROM {target} WHERE {condition};\n\
             INSERT INTO {target} ({names}) SELECT {names} FROM {staged};\n"
        );
    }
    statements.push_str(&format!("DROP TABLE {staged}"));
    transaction.execute_batch(&statements).map_err(|e| failed("replace the rows", e))?;
    let total = count(&target)?;
    Ok(Committed {
        inserted: after - common,
        deleted: before - common,
        total: Some(total),
        ..Committed::default()
    })
}

/// The target's rows that the read of `plan` covers.
fn covered_sql(plan: &StreamPlan) -> Result<String> {
    let (Publish::ReplaceFrom { cursor, from, with_nulls }, ReadPlan::ByCursor { cursor_type, .. }) =
        (&plan.publish, &plan.read)
    else {
        return Err(Error::internal("rows are replaced from a cursor value on, and there is no cursor"));
    };
    let planned = plan.columns.iter().find(|column| &column.target == cursor);
    let (name, data_type) = planned
        .and_then(|column| stored_columns(column).into_iter().next())
        .ok_or_else(|| Error::internal("the cursor column is missing from the plan"))?;
    let column = quoted(&name);
    Ok(match (from, with_nulls) {
        (None, true) => "true".to_owned(),
        (None, false) => format!("{column} IS NOT NULL"),
        (Some(bound), true) => {
            format!("({} OR {column} IS NULL)", at_or_above(&column, cursor_type, &data_type, bound))
        }
        (Some(bound), false) => at_or_above(&column, cursor_type, &data_type, bound),
    })
}
