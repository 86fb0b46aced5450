//! The vendor's model as views over the tables that imports land in, one schema for each tenant.

use std::fmt::Write;

use crate::contract::Dataset;
use crate::own::OwnActions;
use crate::{export, matching};

/// The schema of the views.
pub const MODEL_SCHEMA: &str = "model";

/// Grows when the views or the tables beside them become other ones, so that those of an earlier version are made anew.
pub const MODEL_VERSION: u32 = 2;

/// A table of landed rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedTable {
    pub schema: String,
    pub table: String,
    pub dataset: Dataset,
    /// Whether its rows were told apart by a key at the source.
    pub has_key: bool,
    /// Its columns and their types.
    pub columns: Vec<(String, String)>,
}

impl LandedTable {
    fn name(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.table))
    }

    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| name == column)
    }

    /// What is true of rows that were taken and are not deleted.
    fn taken(&self) -> String {
        format!("_reject_reason IS NULL{}", self.not_deleted())
    }

    fn not_deleted(&self) -> &'static str {
        if self.has("_deleted_at") { " AND _deleted_at IS NULL" } else { "" }
    }

    /// The time of the last change by the position's column, where that is one of time.
    fn cursor_time(&self) -> &'static str {
        let is_time = |data_type: &str| data_type.starts_with("TIMESTAMP") || data_type == "DATE";
        let cursor = self.columns.iter().find(|(name, _)| name == "_cursor");
        match cursor {
            Some((_, data_type)) if is_time(data_type) => "TRY_CAST(_cursor AS TIMESTAMP)",
            _ => "NULL::TIMESTAMP",
        }
    }
}

/// The statements that make all views anew, in DuckDB's dialect. Names are those of the tenant's own file, without the
/// name that it is attached under, so that the views work wherever the file is opened.
pub fn model_views(tables: &[LandedTable], own: Option<&OwnActions>) -> String {
    let mut sql = format!(
        "CREATE SCHEMA IF NOT EXISTS {MODEL_SCHEMA};\n{}{}",
        matching::CREATE_TABLES,
        export::CREATE_TABLES
    );
    let of = |datasets: &'static [Dataset]| tables.iter().filter(|table| datasets.contains(&table.dataset));
    let imported = of(&[Dataset::WebsiteActions, Dataset::CustomActions]).map(action_rows);
    let actions = imported.chain(own.map(|own| own.rows_sql(ACTIONS)));
    view(&mut sql, "actions", ACTIONS, actions, "");
    view(&mut sql, "objects", OBJECTS, of(&[Dataset::Objects]).map(object_rows), LATEST_OBJECT);
    view(&mut sql, "metrics", METRICS, of(&[Dataset::Metrics]).map(metric_rows), LATEST_METRIC);
    view(&mut sql, "rejects", REJECTS, tables.iter().map(reject_rows), "");
    for (name, query) in DERIVED.into_iter().chain(matching::VIEWS).chain(export::VIEWS) {
        let _ = write!(sql, "CREATE OR REPLACE VIEW {MODEL_SCHEMA}.{name} AS\n{query};\n");
    }
    sql
}

/// The columns of a view with their types, which hold where there are no rows yet.
type Shape = &'static [(&'static str, &'static str)];

fn view(sql: &mut String, name: &str, shape: Shape, branches: impl Iterator<Item = String>, latest: &str) {
    let empty: Vec<String> =
        shape.iter().map(|(name, data_type)| format!("NULL::{data_type} AS {}", quoted(name))).collect();
    let mut rows = format!("SELECT {} WHERE false", empty.join(", "));
    for branch in branches {
        let _ = write!(rows, "\nUNION ALL\n{branch}");
    }
    let names: Vec<String> = shape.iter().map(|(name, _)| quoted(name)).collect();
    let _ = write!(
        sql,
        "CREATE OR REPLACE VIEW {MODEL_SCHEMA}.{name} AS\nSELECT {} FROM (\n{rows}\n) AS landed{latest};\n",
        names.join(", ")
    );
}

const ACTIONS: Shape = &[
    ("action_id", "VARCHAR"),
    ("company_id", "VARCHAR"),
    ("user_id", "VARCHAR"),
    ("deal_id", "VARCHAR"),
    ("identity", "VARCHAR"),
    ("identity_kind", "VARCHAR"),
    ("email", "VARCHAR"),
    ("action_type", "VARCHAR"),
    ("action_name", "VARCHAR"),
    ("action_date", "TIMESTAMP"),
    ("page_url", "VARCHAR"),
    ("domain", "VARCHAR"),
    ("path", "VARCHAR"),
    ("hash", "VARCHAR"),
    ("query_param", "VARCHAR"),
    ("utm_source", "VARCHAR"),
    ("utm_medium", "VARCHAR"),
    ("utm_campaign", "VARCHAR"),
    ("utm_term", "VARCHAR"),
    ("utm_content", "VARCHAR"),
    ("referrer", "VARCHAR"),
    ("revenue", "DECIMAL(38,9)"),
    ("currency", "VARCHAR"),
    ("period", "VARCHAR"),
    ("action_properties", "VARCHAR"),
    ("company_properties", "VARCHAR"),
    ("added_at", "TIMESTAMP"),
    ("integration", "VARCHAR"),
    ("etl_modified_at", "TIMESTAMP"),
    ("sync_id", "VARCHAR"),
];

/// Of rows without a key that are equal in everything, one is an action.
fn action_rows(table: &LandedTable) -> String {
    let expression = |name: &str| match name {
        "action_id" => "_row_id".to_owned(),
        "integration" => "'snowflake'".to_owned(),
        "etl_modified_at" => "_synced_at".to_owned(),
        "sync_id" => "_sync_id".to_owned(),
        other => quoted(other),
    };
    let columns: Vec<String> = ACTIONS.iter().map(|(name, _)| expression(name)).collect();
    let once = if table.has_key { "" } else { " QUALIFY row_number() OVER (PARTITION BY _row_id) = 1" };
    format!("SELECT {} FROM {} WHERE {}{once}", columns.join(", "), table.name(), table.taken())
}

const OBJECTS: Shape = &[
    ("object_type", "VARCHAR"),
    ("object_id", "VARCHAR"),
    ("identity", "VARCHAR"),
    ("identity_kind", "VARCHAR"),
    ("email", "VARCHAR"),
    ("company_domain", "VARCHAR"),
    ("properties", "VARCHAR"),
    ("updated_at", "TIMESTAMP"),
    ("etl_modified_at", "TIMESTAMP"),
    ("sync_id", "VARCHAR"),
];

/// Of the rows of one record the latest counts, and of equally late ones always the same.
const LATEST_OBJECT: &str = "\nQUALIFY row_number() OVER (PARTITION BY object_type, object_id \
    ORDER BY updated_at DESC NULLS LAST, etl_modified_at DESC, properties, sync_id) = 1";

/// Rows that are a property each are put together to records. A table has rows of one form.
fn object_rows(table: &LandedTable) -> String {
    let (name, taken) = (table.name(), table.taken());
    let updated_at = format!("coalesce(updated_at, {})", table.cursor_time());
    format!(
        "SELECT object_type, object_id, identity, identity_kind, email, company_domain, properties, \
         {updated_at} AS updated_at, _synced_at, _sync_id FROM {name} WHERE {taken} AND property_name IS NULL\n\
         UNION ALL\n\
         SELECT object_type, object_id, max(identity), max(identity_kind), max(email), max(company_domain), \
         '{{' || string_agg(to_json(property_name)::VARCHAR || ':' || properties, ',' ORDER BY property_name) || '}}', max(updated_at), max(_synced_at), max(_sync_id) FROM (\n\
         SELECT * REPLACE ({updated_at} AS updated_at) FROM {name} WHERE {taken} AND property_name IS NOT NULL\n\
         QUALIFY row_number() OVER (PARTITION BY object_type, object_id, property_name \
         ORDER BY {updated_at} DESC NULLS LAST, _synced_at DESC, _row_id) = 1\n\
         ) AS latest GROUP BY object_type, object_id"
    )
}

const METRICS: Shape = &[
    ("date", "DATE"),
    ("campaign_name", "VARCHAR"),
    ("network", "VARCHAR"),
    ("account_id", "VARCHAR"),
    ("campaign_id", "VARCHAR"),
    ("adgroup_id", "VARCHAR"),
    ("adgroup_name", "VARCHAR"),
    ("ad_id", "VARCHAR"),
    ("ad_name", "VARCHAR"),
    ("utm_source", "VARCHAR"),
    ("utm_medium", "VARCHAR"),
    ("utm_campaign", "VARCHAR"),
    ("utm_term", "VARCHAR"),
    ("utm_content", "VARCHAR"),
    ("spend", "DECIMAL(38,9)"),
    ("impressions", "BIGINT"),
    ("clicks", "BIGINT"),
    ("currency", "VARCHAR"),
    ("etl_modified_at", "TIMESTAMP"),
    ("sync_id", "VARCHAR"),
    ("changed_at", "TIMESTAMP"),
    ("row_id", "VARCHAR"),
];

/// A day of the same dimensions that comes again replaces itself.
const LATEST_METRIC: &str = "\nQUALIFY row_number() OVER (PARTITION BY \"date\", campaign_name, network, account_id, \
    campaign_id, adgroup_id, adgroup_name, ad_id, ad_name, utm_source, utm_medium, utm_campaign, utm_term, utm_content \
    ORDER BY changed_at DESC NULLS LAST, etl_modified_at DESC, row_id) = 1";

fn metric_rows(table: &LandedTable) -> String {
    let expression = |name: &str| match name {
        "etl_modified_at" => "_synced_at".to_owned(),
        "sync_id" => "_sync_id".to_owned(),
        "changed_at" => table.cursor_time().to_owned(),
        "row_id" => "_row_id".to_owned(),
        other => quoted(other),
    };
    let columns: Vec<String> = METRICS.iter().map(|(name, _)| expression(name)).collect();
    format!("SELECT {} FROM {} WHERE {}", columns.join(", "), table.name(), table.taken())
}

const REJECTS: Shape = &[
    ("sync_id", "VARCHAR"),
    ("dataset", "VARCHAR"),
    ("reason", "VARCHAR"),
    ("field", "VARCHAR"),
    ("source_key", "VARCHAR"),
    ("row_id", "VARCHAR"),
    ("run_id", "BIGINT"),
    ("rejected_at", "TIMESTAMP"),
    ("landed_in", "VARCHAR"),
];

fn reject_rows(table: &LandedTable) -> String {
    let landed_in = format!("{}.{}", table.schema, table.table).replace('\'', "''");
    format!(
        "SELECT _sync_id, '{}', _reject_reason, _reject_column, _source_key, _row_id, _run_id, _synced_at, \
         '{landed_in}' FROM {} WHERE _reject_reason IS NOT NULL{}",
        table.dataset,
        table.name(),
        table.not_deleted()
    )
}

/// What is made of the views above.
const DERIVED: [(&str, &str); 6] = [
    (
        "identities",
        "SELECT email, user_id, company_domain, min(seen_at) AS first_seen_at, max(seen_at) AS last_seen_at FROM (\n\
         SELECT email, nullif(user_id, email) AS user_id, company_id AS company_domain, action_date AS seen_at FROM model.actions\n\
         UNION ALL\n\
         SELECT email, CASE WHEN object_type = 'user' THEN object_id END, company_domain, updated_at FROM model.objects\n\
         ) AS seen WHERE email IS NOT NULL OR user_id IS NOT NULL GROUP BY ALL",
    ),
    (
        "people",
        "SELECT coalesce(acted.email, known.email) AS email, coalesce(known.company_domain, acted.company_domain) AS company_domain,\n\
         known.user_id, known.properties, acted.first_action_at, acted.last_action_at, coalesce(acted.action_count, 0) AS action_count FROM (\n\
         SELECT email, arg_max(company_id, action_date) AS company_domain, min(action_date) AS first_action_at,\n\
         max(action_date) AS last_action_at, count(*) AS action_count FROM model.actions WHERE email IS NOT NULL GROUP BY email\n\
         ) AS acted FULL JOIN (\n\
         SELECT email, object_id AS user_id, company_domain, properties FROM model.objects WHERE object_type = 'user' AND email IS NOT NULL\n\
         QUALIFY row_number() OVER (PARTITION BY email ORDER BY updated_at DESC NULLS LAST, object_id) = 1\n\
         ) AS known ON acted.email = known.email",
    ),
    (
        "companies",
        "SELECT coalesce(acted.company_domain, known.company_domain) AS company_domain, known.company_id, known.properties,\n\
         acted.first_action_at, acted.last_action_at, coalesce(acted.action_count, 0) AS action_count,\n\
         coalesce(acted.people_count, 0) AS people_count FROM (\n\
         SELECT company_id AS company_domain, min(action_date) AS first_action_at, max(action_date) AS last_action_at,\n\
         count(*) AS action_count, count(DISTINCT email) AS people_count FROM model.actions WHERE company_id IS NOT NULL GROUP BY company_id\n\
         ) AS acted FULL JOIN (\n\
         SELECT company_domain, object_id AS company_id, properties FROM model.objects\n\
         WHERE object_type = 'company' AND company_domain IS NOT NULL\n\
         QUALIFY row_number() OVER (PARTITION BY company_domain ORDER BY updated_at DESC NULLS LAST, object_id) = 1\n\
         ) AS known ON acted.company_domain = known.company_domain",
    ),
    (
        "deals",
        "SELECT object_id AS deal_id, company_domain, identity, email, properties, updated_at, etl_modified_at, sync_id\n\
         FROM model.objects WHERE object_type = 'deal'",
    ),
    (
        "timeline",
        "SELECT company_id AS company_domain, action_date AS happened_at, 'action' AS kind, action_name AS what, identity,\n\
         action_properties AS details FROM model.actions WHERE company_id IS NOT NULL\n\
         UNION ALL\n\
         SELECT company_domain, updated_at, 'deal', deal_id, identity, properties FROM model.deals WHERE company_domain IS NOT NULL",
    ),
    (
        "properties",
        "SELECT i.sync_id, i.dataset, p.property_group, p.property, p.property_type\n\
         FROM _snowferry.import_properties AS p JOIN _snowferry.imports AS i USING (target_schema, target_table)",
    ),
];

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
