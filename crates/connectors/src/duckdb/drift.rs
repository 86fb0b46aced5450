//! Columns that changed at the source: the target follows in the transaction that publishes the rows, and keeps a history.

use duckdb::{Connection, Transaction, params};
use model::{Change, Effect, Error, ErrorKind, KnownColumns, PlannedColumn, Result, StreamPlan};

use super::error::failed;
use super::sql::{quoted, quoted_target};
use super::table_columns::table_columns;
use super::types::stored_columns;

/// What was noted of a target's columns; notes that another version wrote count as none.
pub(super) fn known(text: &str) -> Option<KnownColumns> {
    serde_json::from_str(text).ok()
}

/// What is to be noted of the target's columns.
pub(super) fn known_text(plan: &StreamPlan) -> Result<String> {
    serde_json::to_string(&plan.known)
        .map_err(|error| Error::internal("the target's columns could not be noted").with_source(error))
}

/// Gives the target the columns and types that the plan's changes call for.
pub(super) fn follow(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<()> {
    let statements = alter_sql(plan);
    transaction.execute_batch(&statements).map_err(|e| failed("change the target's columns", e))
}

fn alter_sql(plan: &StreamPlan) -> String {
    let alter = |change: &model::ColumnChange| {
        let column = plan.column(&change.column)?;
        let clauses: Vec<String> = match change.effect {
            Effect::Added => stored_columns(column)
                .into_iter()
                .map(|(name, stored_type)| format!("ADD COLUMN {} {stored_type}", quoted(&name)))
                .collect(),
            Effect::Widened => stored_columns(column)
                .into_iter()
                .map(|(name, stored_type)| {
                    format!("ALTER COLUMN {} SET DATA TYPE {stored_type}", quoted(&name))
                })
                .collect(),
            _ => Vec::new(),
        };
        let target = quoted_target(&plan.target);
        Some(clauses.iter().map(|clause| format!("ALTER TABLE {target} {clause};\n")).collect::<String>())
    };
    plan.changes.iter().filter_map(alter).collect()
}

/// Adds the changes to the history.
pub(super) fn note(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<()> {
    for change in &plan.changes {
        let (from, to) = match &change.change {
            Change::New | Change::Gone | Change::Replaced => (None, None),
            Change::Widened { from, to } | Change::Narrowed { from, to } | Change::Retyped { from, to } => {
                (Some(from.to_string()), Some(to.to_string()))
            }
        };
        transaction
            .execute(
                "INSERT INTO vendor._snowferry.schema_changes
                 VALUES (now()::TIMESTAMP, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    plan.stream.to_string(),
                    plan.target.schema,
                    plan.target.table,
                    change.column,
                    change.change.word(),
                    from,
                    to,
                    change.effect.to_string(),
                ],
            )
            .map_err(|e| failed("note a changed column", e))?;
    }
    Ok(())
}

/// A merge needs the table as the last run left it: one that somebody else has altered is not guessed at.
pub(super) fn refuse_altered(connection: &Connection, plan: &StreamPlan) -> Result<()> {
    let existing = table_columns(connection, &plan.target)?;
    let is_new = |column: &PlannedColumn| {
        plan.changes.iter().any(|change| change.column == column.source && change.effect == Effect::Added)
    };
    let mut differences: Vec<String> = Vec::new();
    for (column, before) in plan.columns.iter().map(|column| (column, known_as(plan, column))) {
        for (name, stored_type) in stored_columns(&before) {
            match existing.iter().find(|(existing, _)| *existing == name) {
                None if !is_new(column) => differences.push(format!("{name} is missing")),
                Some(_) if is_new(column) => differences.push(format!("{name} is there already")),
                Some((_, found)) if *found != stored_type => {
                    differences.push(format!("{name} is {found} and was {stored_type}"));
                }
                _ => {}
            }
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    let message = format!("the table {} was altered: {}", plan.target, differences.join(", "));
    Err(Error::new(ErrorKind::SchemaChanged, "target_altered", message)
        .with_remedy("run once with --full-refresh to make the table anew"))
}

/// The column as the target has it before this run.
fn known_as(plan: &StreamPlan, column: &PlannedColumn) -> PlannedColumn {
    let change = plan.changes.iter().find(|change| change.column == column.source);
    let logical_type = match change.map(|change| &change.change) {
        Some(Change::Widened { from, .. }) => from.clone(),
        _ => plan
            .known
            .columns
            .iter()
            .find(|known| known.source == column.source)
            .map_or_else(|| column.logical_type.clone(), |known| known.logical_type.clone()),
    };
    PlannedColumn { logical_type, ..column.clone() }
}
