//! What a push would do: a verdict for each column, the statements in order, and the privileges they take.

use connectors::duckdb::is_model_outdated;
use connectors::snowflake::fit::{ColumnMapping, Mapping};
use connectors::snowflake::push::Preview;
use datasets::MODEL_VERSION;
use model::{
    Error, Journal, Progress, Publish, ReadPlan, Result, Source, StreamPlan, StreamSchema, StreamSpec,
    WriteSpec,
};
use serde_json::{Value, json};

use crate::assemble::{self, PushSides};
use crate::config::{PushOptions, SyncFile};
use crate::output::{Terminal, count, numbered, print_line, text_table};

use super::{PlanCommand, heading, size};

impl PlanCommand {
    pub(super) async fn plan_push(
        &self,
        terminal: &Terminal,
        file: &SyncFile,
        options: &PushOptions,
    ) -> Result<()> {
        if self.full_refresh {
            refuse_append_anew(file).await?;
        }
        let is_outdated = file.export().is_some() && is_model_outdated(&file.tenant_file()?, MODEL_VERSION)?;
        let sides = assemble::push_sides(file, options)?;
        let planned = planned(&sides, file.spec(), self.full_refresh).await;
        let (schema, plan) = match planned {
            Err(error) if is_outdated => return Err(outdated(error)),
            planned => planned?,
        };
        let statement = sides.source.statement(&plan)?;
        let previewed = sides.destination.preview(&plan).await;
        sides.destination.close().await;
        let preview = previewed?;
        if self.json {
            let document = json!({
                "plan": plan,
                "statement": statement,
                "mapping": preview.mapping.columns.iter().map(column_json).collect::<Vec<_>>(),
                "statements": preview.statements,
                "privileges": preview.grants,
                "is_created": preview.is_created,
                "is_model_outdated": is_outdated,
                "source_rows": schema.row_count,
                "target_rows": preview.row_count,
            });
            print_line(&format!("{document:#}"))?;
        } else {
            show(terminal, &schema, &plan, &statement, &preview)?;
            if is_outdated {
                print_line(&format!("\n{OUTDATED}: the next run makes it anew before it reads"))?;
            }
        }
        // What does not fit is told as by a run, with the same exit code.
        preview.mapping.refuse_misfits()
    }
}

/// What is the matter with the model.
const OUTDATED: &str = "This tenant's model was made by an earlier version of snowferry";

/// A plan writes nothing, so it cannot bring the model forward, and cannot read what an earlier one does not have.
fn outdated(error: Error) -> Error {
    Error::config("model_outdated", format!("{OUTDATED}, and what this push reads is not in it"))
        .with_remedy("run this push, or any import of the tenant: it makes the model anew; plan again then")
        .with_source(error)
}

/// What a run would read, from the position that is noted of the last one.
pub(in crate::cli) async fn planned(
    sides: &PushSides,
    spec: &StreamSpec,
    is_fresh_start: bool,
) -> Result<(StreamSchema, StreamPlan)> {
    let schema = sides.source.describe(&spec.stream).await?;
    let noted = sides.journal.entry(&spec.stream, &spec.target).await?;
    let progress = if is_fresh_start { Progress::default() } else { noted.progress };
    let plan = StreamPlan::build(spec, &schema, &progress)?;
    Ok((schema, plan))
}

/// An append that begins anew would bring every row a second time, except into an empty table.
pub(in crate::cli) async fn refuse_append_anew(file: &SyncFile) -> Result<()> {
    let (Some(options), WriteSpec::Append) = (file.push(), &file.spec().write) else { return Ok(()) };
    let sides = assemble::push_sides(file, options)?;
    let previewed = async {
        let (_, plan) = planned(&sides, file.spec(), true).await?;
        sides.destination.preview(&plan).await
    };
    let previewed = previewed.await;
    sides.destination.close().await;
    let preview = previewed?;
    if preview.row_count == Some(0) {
        return Ok(());
    }
    let message = format!("{} is not empty, and --full-refresh would append every row again", preview.target);
    Err(Error::config("append_anew", message)
        .with_remedy("let the customer empty the table first, or use `write: rewrite`"))
}

fn show(
    terminal: &Terminal,
    schema: &StreamSchema,
    plan: &StreamPlan,
    statement: &str,
    preview: &Preview,
) -> Result<()> {
    print_line(&describe(terminal, schema, plan, preview))?;
    print_line(&format!("\n{}\n{}", terminal.bold("Columns"), columns(schema, &preview.mapping)))?;
    if preview.mapping.refuse_misfits().is_err() {
        return Ok(());
    }
    print_line(&heading(terminal, "Statement in the vendor database", statement))?;
    print_line(&heading(
        terminal,
        "Statements at the customer's, in this order",
        &numbered(&preview.statements),
    ))?;
    print_line(&heading(terminal, "Privileges they take", &preview.grants.join("\n")))
}

fn describe(terminal: &Terminal, schema: &StreamSchema, plan: &StreamPlan, preview: &Preview) -> String {
    let target = match preview.row_count {
        _ if preview.is_created => " (does not exist yet, and would be made)".to_owned(),
        Some(rows) => format!(" ({} rows)", count(rows)),
        None => String::new(),
    };
    let read = match &plan.read {
        ReadPlan::Whole => "every row".to_owned(),
        ReadPlan::Buckets { .. } => "the rows of some buckets".to_owned(),
        ReadPlan::Changes => "tracked changes".to_owned(),
        ReadPlan::ByCursor { cursor_column, .. } if plan.is_backfill() => {
            format!("every row this first time, then additions by {cursor_column}")
        }
        ReadPlan::ByCursor { cursor_column, .. } => {
            format!("additions since the last run, by {cursor_column}")
        }
    };
    let publish = match &plan.publish {
        Publish::Append { .. } => "added, each once".to_owned(),
        Publish::Replace { .. } => "put in place of all that the table holds".to_owned(),
        Publish::ReplaceBuckets { .. } => "put in place of those in the same buckets".to_owned(),
        Publish::RemoveRows { .. } => "removed".to_owned(),
        Publish::Merge { key, delete_flag: None } => format!("upserted by {}", key.join(", ")),
        Publish::ReplaceFrom { .. } => "replaced where they are read again".to_owned(),
        Publish::Merge { key, delete_flag: Some(flag) } => {
            format!("upserted by {}, and removed where {flag} is true", key.join(", "))
        }
    };
    format!(
        "{}\n  from {}{}\n  to   {}{target}\n  reads {read}\n  rows are {publish}",
        terminal.bold("Plan"),
        plan.stream,
        size(schema),
        plan.target
    )
}

fn columns(schema: &StreamSchema, mapping: &Mapping) -> String {
    let rows = mapping.columns.iter().map(|column| {
        let source = column.planned.as_ref().map(|planned| planned.source.as_str()).unwrap_or_default();
        let source_type = schema.column(source).map(|column| column.source_type.as_str()).unwrap_or_default();
        vec![
            source.to_owned(),
            source_type.to_owned(),
            column.target.as_ref().map(|target| target.name.clone()).unwrap_or_default(),
            target_type(column),
            column.verdict.to_string(),
            column.note.clone(),
        ]
    });
    text_table(&["ours", "type", "theirs", "type", "fits", "what is checked, or what happens"], rows)
}

fn target_type(column: &ColumnMapping) -> String {
    let Some(target) = &column.target else { return String::new() };
    let not_null = if target.is_nullable { "" } else { " NOT NULL" };
    format!("{}{not_null}", target.column_type)
}

fn column_json(column: &ColumnMapping) -> Value {
    json!({
        "source": column.planned.as_ref().map(|planned| &planned.source),
        "type": column.planned.as_ref().map(|planned| planned.logical_type.to_string()),
        "target": column.target.as_ref().map(|target| &target.name),
        "target_type": column.target.as_ref().map(|target| target.column_type.to_string()),
        "is_nullable": column.target.as_ref().map(|target| target.is_nullable),
        "verdict": column.verdict.as_str(),
        "note": column.note,
    })
}
