//! What a run of a mapped pull leaves for people to look at: the model's views, and what was rejected.

use connectors::duckdb::{DuckDbDestination, Import, ImportedTable, ModelTables, ModelViews};
use datasets::{
    CREATE_OWN_MATCHED, Dataset, LandedTable, MODEL_VERSION, MappedSource, MappingReport, MatchReport,
    OWN_ACTIONS, OWN_MATCHED_SQL, OwnActions, model_views, note_own_matched_sql, publication_sql,
    unpublished_sql,
};
use engine::RunReport;
use model::{Destination, Result, TableName};

use super::matching::{NO_ANSWER, change, is_noted, match_all, note};
use crate::asked::quoted;
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
    let tables = destination.publish_model(import, model()).await?;
    report.rejected = destination.rejected(&target).await?;
    let table = landed_in(&target);
    // Rows that came have their deals matched anyway, so nobody looks then.
    let own = if report.is_unchanged { Some(own_matched(destination, &tables).await?) } else { None };
    // A run that was killed may have left rows that nothing was matched to yet.
    let is_settled = own.is_some()
        && own
            == Some(
                change(destination, vec![CREATE_OWN_MATCHED.to_owned()], OWN_MATCHED_SQL.to_owned()).await?,
            )
        && is_noted(destination, file).await?
        && change(destination, Vec::new(), unpublished_sql(&file.name(), &table)).await? == "false";
    let matches = if is_settled {
        Vec::new()
    } else {
        note(destination, file).await?;
        match_all(destination).await?
    };
    // Last, since it says that all of this is done.
    let published = vec![publication_sql(&file.name(), &table), note_own_matched_sql(own.as_deref())];
    change(destination, published, NO_ANSWER.to_owned()).await?;
    Ok(Some(Imported { mapping, matches }))
}

/// What says whether deals would be matched to other actions of the vendor's own than before; empty where there are none.
async fn own_matched(destination: &DuckDbDestination, tables: &ModelTables) -> Result<String> {
    if tables.own.is_empty() {
        return Ok(String::new());
    }
    let own = OwnActions::new(tables.own.clone())?;
    change(destination, Vec::new(), own.matched_sql()).await
}

/// The model of this version.
pub(super) fn model() -> ModelViews<fn(&ModelTables) -> Result<String>> {
    ModelViews { version: MODEL_VERSION, own: OWN_ACTIONS, sql: views }
}

/// Whether the rows that a sync has imported were mapped by an earlier version of this program: all of them are read anew then.
pub(crate) async fn is_outdated(assembled: &Assembled, file: &SyncFile) -> Result<bool> {
    let Some((_, destination)) = assembled.mapped() else { return Ok(false) };
    let progress = destination.progress(&file.spec().stream, &file.spec().target).await?;
    progress.committed.map_or(Ok(false), |committed| MappedSource::is_outdated(&committed.cursor))
}

/// The model's views over what there is.
fn views(tables: &ModelTables) -> Result<String> {
    let own = (!tables.own.is_empty()).then(|| OwnActions::new(tables.own.clone())).transpose()?;
    Ok(model_views(&landed(&tables.imported), own.as_ref()))
}

fn landed_in(target: &TableName) -> String {
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
