//! What a pull would do.

use std::sync::Arc;

use connectors::snowflake::{SnowflakeSource, Strategy};
use datasets::MappingReport;
use model::{
    DELETED_AT, DeletePolicy, Progress, Publish, ReadPlan, Result, Source, StreamName, StreamPlan,
    StreamSchema,
};
use snowflake::Identifier;

use crate::assemble;
use crate::config::SyncFile;
use crate::output::{Terminal, print_line, text_table};

use super::look::Look;
use super::{PlanCommand, heading, size};

impl PlanCommand {
    pub(super) async fn plan_pull(&self, terminal: &Terminal, file: &SyncFile) -> Result<()> {
        let progress = self.landed(file)?;
        let source = Arc::new(assemble::snowflake_source(file)?);
        let planned = Planned::of(&source, file, &progress).await;
        source.close().await;
        let Planned { schema, plan, read, strategy, look, mapping } = planned?;
        let statement = source.statement(&read)?;
        let privileges = privileges(file, &plan);
        if self.json {
            let document = serde_json::json!({
                "plan": plan, "statement": statement, "privileges": privileges, "source_rows": schema.row_count,
                "strategy": strategy, "explanation": strategy.explanation(),
                "profile": look.profile(), "mapping": mapping,
            });
            return print_line(&format!("{document:#}"));
        }
        print_line(&describe(terminal, &schema, &plan))?;
        print_line(&format!("  in {}", strategy.explanation().join("\n  ")))?;
        if let Some(text) = look.text() {
            print_line(&text)?;
        }
        for change in &plan.changes {
            print_line(&format!("  column {} {}: {}", change.column, change.change, change.effect))?;
        }
        print_line(&heading(terminal, "Statement", &statement))?;
        print_line(&heading(terminal, "Privileges it needs", &privileges.join("\n")))?;
        match mapping {
            None => print_line(&format!("\n{}\n{}", terminal.bold("Columns"), columns(&schema, &plan))),
            Some(mapping) => print_line(&format!("\n{}\n{}", terminal.bold("Mapping"), mapped(&mapping))),
        }
    }

    /// How far the vendor database has got; a plan does not make one.
    fn landed(&self, file: &SyncFile) -> Result<Progress> {
        let tenant_file = file.tenant_file()?;
        if self.full_refresh || !tenant_file.path().exists() {
            return Ok(Progress::default());
        }
        connectors::duckdb::progress(&tenant_file, &file.spec().stream, &file.spec().target)
    }
}

/// What a pull would do, and what it was decided by.
struct Planned {
    /// The stream at its source.
    schema: StreamSchema,
    plan: StreamPlan,
    /// The same in the columns of the source.
    read: StreamPlan,
    strategy: Strategy,
    look: Look,
    mapping: Option<MappingReport>,
}

impl Planned {
    async fn of(source: &Arc<SnowflakeSource>, file: &SyncFile, progress: &Progress) -> Result<Self> {
        let spec = file.spec();
        let schema = source.describe(&spec.stream).await?;
        let (plan, read, mapping) = match file.dataset() {
            None => {
                let plan = StreamPlan::build(spec, &schema, progress)?;
                let lower_bound = source.lower_bound(&plan)?;
                let plan = plan.reading_from(lower_bound);
                (plan.clone(), plan, None)
            }
            Some(config) => {
                let mapped = assemble::mapped_source(file, config, Arc::clone(source));
                let mapped_schema = mapped.describe(&spec.stream).await?;
                let plan = StreamPlan::build(&file.moved_spec(), &mapped_schema, progress)?;
                let lower_bound = mapped.lower_bound(&plan)?;
                let plan = plan.reading_from(lower_bound);
                let read = mapped.inner_plan(&plan)?;
                (plan, read, Some(mapped.report()?))
            }
        };
        let strategy = source.strategy(&read).await?;
        let look = Look::at(source, &schema, spec).await?;
        Ok(Self { schema, plan, read, strategy, look, mapping })
    }
}

/// What becomes of each column.
fn mapped(mapping: &MappingReport) -> String {
    let fields = mapping.fields.iter().map(|field| {
        let from = field.from.clone().unwrap_or_else(|| "nothing".to_owned());
        vec![field.field.to_owned(), field.field_type.to_owned(), field.need.to_owned(), from]
    });
    let mut text = text_table(&["field", "type", "need", "from"], fields);
    let names = |properties: &[(String, String)]| {
        properties.iter().map(|(name, of_type)| format!("{name} ({of_type})")).collect::<Vec<_>>().join(", ")
    };
    for (title, list) in [
        ("properties", names(&mapping.properties)),
        ("company properties", names(&mapping.company_properties)),
        ("left out", mapping.skipped.join(", ")),
    ] {
        if !list.is_empty() {
            text.push_str(&format!("\n{title}: {list}"));
        }
    }
    text
}

fn describe(terminal: &Terminal, schema: &StreamSchema, plan: &StreamPlan) -> String {
    let size = size(schema);
    let read = match &plan.read {
        ReadPlan::Whole => "every row".to_owned(),
        ReadPlan::Buckets { .. } => "the rows of some buckets".to_owned(),
        ReadPlan::Changes if plan.is_backfill() => {
            "every row as of one moment this first time, then what the account has tracked of changes"
                .to_owned()
        }
        ReadPlan::Changes => {
            "inserts, updates and deletes since the last run, as the account has tracked them".to_owned()
        }
        ReadPlan::ByCursor { cursor_column, .. } if plan.is_backfill() => {
            format!("every row this first time, then what changes by {cursor_column}")
        }
        ReadPlan::ByCursor { cursor_column, .. } => format!("rows since the last run, by {cursor_column}"),
    };
    let publish = match &plan.publish {
        Publish::Replace { .. } => "loaded beside the table and put in its place at once".to_owned(),
        Publish::Merge { key, .. } => format!("merged by {}", key.join(", ")),
        Publish::ReplaceFrom { cursor, .. } => {
            format!("put in place of those that are read again, by {cursor}; there is no key")
        }
        Publish::Append { .. } => "added".to_owned(),
        Publish::ReplaceBuckets { .. } => "put in place of those in the same buckets".to_owned(),
        Publish::RemoveRows { .. } => "removed".to_owned(),
    };
    let deletes = deletes(plan);
    let resumed =
        if plan.staged.is_some() { "\n  goes on with what an interrupted run has staged" } else { "" };
    format!(
        "{}\n  from {}{size}\n  to   {}\n  reads {read}\n  rows are {publish}{deletes}{resumed}",
        terminal.bold("Plan"),
        plan.stream,
        plan.target
    )
}

/// What becomes of deleted rows, where the run can learn of any.
fn deletes(plan: &StreamPlan) -> String {
    let by = match &plan.deletes.column {
        Some(column) => format!(" (those that {} says are)", column.source),
        None if plan.read == ReadPlan::Changes => String::new(),
        None => return String::new(),
    };
    let what = match plan.deletes.policy {
        DeletePolicy::Delete => "removed".to_owned(),
        DeletePolicy::Mark => format!("marked in {DELETED_AT}"),
        DeletePolicy::Keep => "kept".to_owned(),
    };
    format!("\n  rows that are deleted at the source{by} are {what}")
}

fn columns(schema: &StreamSchema, plan: &StreamPlan) -> String {
    let rows = plan.columns.iter().map(|column| {
        let at_source = schema.column(&column.source).map_or("", |column| column.source_type.as_str());
        let note = if column.is_lossy { "may lose digits" } else { "" };
        vec![
            column.source.clone(),
            at_source.to_owned(),
            column.logical_type.to_string(),
            column.target.clone(),
            note.to_owned(),
        ]
    });
    text_table(&["at the source", "type", "travels as", "in the table", ""], rows)
}

/// The grants that the customer's role has to have; nothing is ever created in the customer's account.
fn privileges(file: &SyncFile, plan: &StreamPlan) -> Vec<String> {
    let quoted = |name: &str| Identifier::new(name).map_or_else(|_| name.to_owned(), |name| name.to_string());
    let role = file.role().map_or_else(|| "<role>".to_owned(), quoted);
    let mut grants = vec![format!("GRANT USAGE ON WAREHOUSE <virtual warehouse> TO ROLE {role};")];
    if let Some(virtual_warehouse) = file.virtual_warehouse() {
        grants = vec![format!("GRANT USAGE ON WAREHOUSE {} TO ROLE {role};", quoted(virtual_warehouse))];
    }
    if let StreamName::Table(table) = &plan.stream {
        let database = table.database.as_deref().map(quoted).unwrap_or_default();
        let (schema, name) = (quoted(&table.schema), quoted(&table.table));
        grants.push(format!("GRANT USAGE ON DATABASE {database} TO ROLE {role};"));
        grants.push(format!("GRANT USAGE ON SCHEMA {database}.{schema} TO ROLE {role};"));
        grants.push(format!("GRANT SELECT ON TABLE {database}.{schema}.{name} TO ROLE {role};"));
    } else {
        grants.push(format!("-- and SELECT on every table of the query, to role {role}"));
    }
    grants
}
