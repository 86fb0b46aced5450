//! What a run of a mapped pull leaves for people to look at: the model's views, and what was rejected.

use connectors::duckdb::{Import, ImportedTable};
use datasets::{Dataset, LandedTable, MappingReport, model_views};
use engine::RunReport;
use model::Result;

use crate::assemble::Assembled;
use crate::config::SyncFile;

/// Brings the views up to date, and adds the rows to the report that could not be taken. Nothing where rows are not mapped.
pub(super) async fn imported(
    assembled: &Assembled,
    file: &SyncFile,
    report: &mut RunReport,
) -> Result<Option<MappingReport>> {
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
    report.rejected = destination.rejected(&target).await?;
    Ok(Some(mapping))
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
