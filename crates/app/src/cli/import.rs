//! What a run of a mapped pull leaves for people to look at: the model's views, and what was rejected.

use connectors::duckdb::{Import, ImportedTable, ModelScript};
use datasets::{Dataset, LandedTable, MappingReport, MatchReport, model_views, publication_sql};
use engine::RunReport;
use model::{Result, TableName};

use super::matching::{match_all, note};
use crate::assemble::Assembled;
use crate::config::SyncFile;

/// What an import came to, beyond its rows.
#[derive(Debug)]
pub(super) struct Imported {
    /// What became of each column.
    pub(super) mapping: MappingReport,
    /// How the deals of the tenant's syncs are matched now.
    pub(super) matches: Vec<MatchReport>,
}

/// Brings the views and the matches up to date, and adds the rows to the report that could not be taken. Nothing where rows
/// are not mapped.
pub(super) async fn imported(
    assembled: &Assembled,
    file: &SyncFile,
    report: &mut RunReport,
) -> Result<Option<Imported>> {
    let Some((mapped, destination)) = assembled.mapped() else { return Ok(None) };
    let mapping = mapped.report()?;
    let target = file.spec().target.clone();
    let import = Import {
        target: target.clone(),
        sync_id: file.name(),
        dataset: mapping.dataset.name(),
        has_key: !file.spec().key.is_empty(),
        properties: properties(&mapping),
    };
    destination.publish_model(import, |tables| model_views(&landed(tables))).await?;
    let noted = ModelScript {
        operation: "note when the import could be seen",
        statements: vec![publication_sql(&file.name(), &quoted(&target))],
        answer: "SELECT ''".to_owned(),
    };
    destination.change_model(noted).await?;
    report.rejected = destination.rejected(&target).await?;
    note(destination, file).await?;
    let matches = match_all(destination, report.is_unchanged).await?;
    Ok(Some(Imported { mapping, matches }))
}

fn quoted(target: &TableName) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    format!("{}.{}", quoted(&target.schema), quoted(&target.table))
}

fn properties(mapping: &MappingReport) -> Vec<(&'static str, String, String)> {
    let own = if mapping.dataset == Dataset::Objects { "object" } else { "action" };
    let of = |group: &'static str, properties: &[(String, String)]| {
        properties
            .iter()
            .map(move |(name, of_type)| (group, name.clone(), of_type.clone()))
            .collect::<Vec<_>>()
    };
    [of(own, &mapping.properties), of("company", &mapping.company_properties)].concat()
}

/// The tables whose dataset this version knows.
fn landed(tables: &[ImportedTable]) -> Vec<LandedTable> {
    let known = |table: &ImportedTable| {
        let dataset = Dataset::ALL.into_iter().find(|dataset| dataset.name() == table.dataset)?;
        Some(LandedTable {
            schema: table.target.schema.clone(),
            table: table.target.table.clone(),
            dataset,
            has_key: table.has_key,
            columns: table.columns.clone(),
        })
    };
    tables.iter().filter_map(known).collect()
}
