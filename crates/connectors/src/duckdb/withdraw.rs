//! Finding staged rows again by the range of a column that they were read by.

use model::{Error, Result, StagedRange, StreamPlan};

use super::bound::{at_or_above, below};
use super::sql::{quoted, quoted_target, staging};
use super::types::stored_columns;

/// Removes the staged rows of one range.
pub(super) fn withdraw_sql(plan: &StreamPlan, range: &StagedRange) -> Result<String> {
    let planned = plan.columns.iter().find(|column| column.target == range.column);
    let (name, data_type) = planned
        .and_then(|column| stored_columns(column).into_iter().next())
        .ok_or_else(|| Error::internal("the column of a range is missing from the plan"))?;
    let column = quoted(&name);
    let nulls = if range.is_of_nulls { "IS NULL" } else { "IS NOT NULL" };
    let mut conditions = vec![format!("{column} {nulls}")];
    if let Some(from) = &range.from {
        conditions.push(at_or_above(&column, &range.logical_type, &data_type, from));
    }
    if let Some(until) = &range.until {
        conditions.push(below(&column, &range.logical_type, &data_type, until));
    }
    Ok(format!("DELETE FROM {} WHERE {}", quoted_target(&staging(&plan.target)), conditions.join(" AND ")))
}
