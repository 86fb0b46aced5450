//! What of the vendor's model goes to customers: each export is a query over the model, with the key and the cursor by which
//! a push delivers it.

mod config;
mod queries;
mod stages;

pub use config::{
    ExportChoice, ExportConfig, ObjectsExport, PropertyType, StageConfig, StageGoal, StageKind,
};
pub(crate) use queries::{CREATE_TABLES, VIEWS};

/// The column that every export is followed by: when a row became what it is, as the vendor database tells it.
pub const EXPORT_CURSOR: &str = "etl_modified_at";
/// The column of an export that is true where a row is to be removed at the customer's.
pub const EXPORT_GONE: &str = "is_gone";

/// What a column of an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportColumn {
    pub name: &'static str,
    pub meaning: &'static str,
}

impl ExportConfig {
    /// The name by which sync files and positions call it.
    pub fn name(&self) -> &'static str {
        match self {
            ExportConfig::RawActions => "raw_actions",
            ExportConfig::StageData(_) => "stage_data",
            ExportConfig::Objects(_) => "objects",
            ExportConfig::OpportunityRevenue => "opportunity_revenue",
            ExportConfig::Metrics => "metrics",
        }
    }

    /// The query that gives its rows, for the push called `sync_id`; with those that are gone where it tells of them.
    pub fn query(&self, sync_id: &str, tells_gone: bool) -> String {
        let query = self.rows_query(sync_id);
        match tells_gone && !self.has_gone_rows() {
            true => queries::with_gone_sql(sync_id, self.key(), &query),
            false => query,
        }
    }

    fn rows_query(&self, sync_id: &str) -> String {
        match self {
            ExportConfig::RawActions => queries::raw_actions_sql(),
            ExportConfig::StageData(_) => queries::stage_data_sql(sync_id),
            ExportConfig::Objects(objects) => queries::objects_sql(objects),
            ExportConfig::OpportunityRevenue => queries::opportunity_revenue_sql(),
            ExportConfig::Metrics => queries::metrics_sql(),
        }
    }

    /// The column that tells its rows apart.
    pub fn key(&self) -> &'static str {
        match self {
            ExportConfig::RawActions => "action_id",
            ExportConfig::StageData(_) => "stage_entry_id",
            ExportConfig::Objects(_) => "object_id",
            ExportConfig::OpportunityRevenue => "deal_id",
            ExportConfig::Metrics => "metric_id",
        }
    }

    /// Whether its rows are events, which a customer may want one behind the other. Others are states: a changed one has to
    /// take the place of what it was.
    pub fn may_append(&self) -> bool {
        matches!(self, ExportConfig::RawActions)
    }

    /// Whether rows of it go away later even where nothing is deleted at the source, which [`EXPORT_GONE`] says.
    pub fn has_gone_rows(&self) -> bool {
        matches!(self, ExportConfig::StageData(_) | ExportConfig::OpportunityRevenue)
    }

    /// Its columns. Those of objects depend on the properties that are chosen.
    pub fn columns(&self) -> Vec<ExportColumn> {
        queries::columns(self)
    }

    /// Statements that bring up to date what the export is read from, to be run in one transaction; none where the model
    /// itself is that.
    pub fn refresh_sql(&self, sync_id: &str, tells_gone: bool) -> Vec<String> {
        let mut statements = match self {
            ExportConfig::StageData(stages) => stages::refresh_sql(sync_id, stages),
            ExportConfig::RawActions => queries::note_own_actions_sql(),
            ExportConfig::Objects(_) | ExportConfig::OpportunityRevenue | ExportConfig::Metrics => Vec::new(),
        };
        if tells_gone && !self.has_gone_rows() {
            statements.extend(queries::note_keys_sql(sync_id, self.key(), &self.rows_query(sync_id)));
        }
        statements
    }
}

/// Notes that what a sync has imported can be seen from now on. Rows of one import share a time that is known only once they
/// are there, and no import that is seen later has an earlier one: a push that follows it misses nothing.
pub fn publication_sql(sync_id: &str, quoted_table: &str) -> String {
    queries::publication_sql(sync_id, quoted_table)
}

/// Asks whether a sync has imported rows of which nobody has noted yet that they can be seen: `true` or `false`.
pub fn unpublished_sql(sync_id: &str, quoted_table: &str) -> String {
    queries::unpublished_sql(sync_id, quoted_table)
}
