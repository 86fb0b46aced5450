//! The queries of the exports, in DuckDB's dialect.

use std::fmt::Write;

use super::config::{ExportConfig, ObjectsExport, PropertyType};
use super::{EXPORT_CURSOR, ExportColumn};
use crate::matching::moment_or_failure;
use crate::normal::name::snake_case;

pub(crate) const CREATE_TABLES: &str = "
CREATE TABLE IF NOT EXISTS _snowferry.publications (sync_id VARCHAR NOT NULL, synced_at TIMESTAMP NOT NULL, published_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS _snowferry.own_actions (action_id VARCHAR NOT NULL, row_hash UBIGINT NOT NULL, published_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS _snowferry.export_keys (sync_id VARCHAR NOT NULL, key_value VARCHAR NOT NULL, gone_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS _snowferry.stage_entries (
    sync_id VARCHAR NOT NULL, stage_entry_id VARCHAR NOT NULL, stage_name VARCHAR NOT NULL, stage_kind VARCHAR NOT NULL,
    company_id VARCHAR, company_domain VARCHAR, user_id VARCHAR, identity VARCHAR, deal_id VARCHAR,
    entered_at TIMESTAMP, deal_amount DECIMAL(38,9), currency VARCHAR, is_gone BOOLEAN NOT NULL, etl_modified_at TIMESTAMP NOT NULL
);
";

pub(crate) const VIEWS: [(&str, &str); 1] = [(
    "stages",
    "SELECT stage_name, stage_kind, company_id, company_domain, user_id, identity, deal_id, entered_at, deal_amount, currency,\n\
     etl_modified_at, sync_id FROM _snowferry.stage_entries WHERE NOT is_gone",
)];

/// The moment of what becomes visible now: a second or more behind everything that was ever said to be visible.
const NEXT_MOMENT: &str = "greatest(make_timestamp(epoch_us(now())), coalesce((SELECT max(published_at) FROM (\n\
    SELECT published_at FROM _snowferry.publications UNION ALL SELECT published_at FROM _snowferry.own_actions\n\
    UNION ALL SELECT gone_at FROM _snowferry.export_keys) AS seen)\n\
    + INTERVAL 1 SECOND, TIMESTAMP '-infinity'))";

/// When a row of an import could be seen first. Rows of one import are a microsecond or more apart by their ids, and imports a
/// second, so that few rows share a moment: a push that appends remembers which of the last moment it has delivered.
fn published(row_id: &str) -> String {
    format!(
        "publication.published_at + to_microseconds(TRY_CAST('0x' || substr({row_id}, 1, 8) AS BIGINT) % 1000000)"
    )
}

const PUBLICATION: &str = "LEFT JOIN _snowferry.publications AS publication\n\
    ON publication.sync_id = landed.sync_id AND publication.synced_at = landed.etl_modified_at";

pub(super) fn publication_sql(sync_id: &str, quoted_table: &str) -> String {
    let sync = format!("'{}'", sync_id.replace('\'', "''"));
    format!(
        "{CREATE_TABLES}\n\
         INSERT INTO _snowferry.publications\n\
         SELECT {sync}, synced_at, {NEXT_MOMENT}\n\
         FROM (SELECT DISTINCT _synced_at AS synced_at FROM {quoted_table}) AS landed\n\
         WHERE synced_at IS NOT NULL AND synced_at NOT IN (SELECT synced_at FROM _snowferry.publications WHERE sync_id = {sync});\n\
         DELETE FROM _snowferry.publications WHERE sync_id = {sync} AND synced_at NOT IN (SELECT DISTINCT _synced_at FROM {quoted_table});"
    )
}

pub(super) fn unpublished_sql(sync_id: &str, quoted_table: &str) -> String {
    let sync = format!("'{}'", sync_id.replace('\'', "''"));
    format!(
        "SELECT (count(*) > 0)::VARCHAR FROM (SELECT DISTINCT _synced_at AS synced_at FROM {quoted_table}) AS landed\n\
         WHERE synced_at IS NOT NULL AND synced_at NOT IN (SELECT synced_at FROM _snowferry.publications WHERE sync_id = {sync})"
    )
}

/// A column, the expression of `landed` that it is, and what it means.
type Expressed = (&'static str, &'static str, &'static str);

const RAW_ACTIONS: [Expressed; 31] = [
    ("company_id", "landed.company_id", "the company's domain"),
    ("company_properties", "landed.company_properties::JSON", "what the import says of the company"),
    ("user_id", "landed.user_id", "the person's id in the customer's CRM"),
    (
        "user_id_hashed",
        "md5_number_lower(coalesce(landed.user_id, landed.identity))",
        "the same as a number of 64 bits without a sign",
    ),
    ("identity", "landed.identity", "an e-mail address, a domain or an id"),
    (
        "user_properties",
        "person.properties::JSON",
        "the properties of the `user` object with that e-mail address, as they are now",
    ),
    ("browser", "NULL::VARCHAR", "not known of imported actions, as all that are NULL here"),
    ("device", "NULL::VARCHAR", "NULL"),
    ("language", "NULL::VARCHAR", "NULL"),
    ("country", "NULL::VARCHAR", "NULL"),
    ("city", "NULL::VARCHAR", "NULL"),
    ("session_start_date", "NULL::TIMESTAMP", "NULL"),
    ("session_id_hashed", "NULL::UBIGINT", "NULL"),
    ("referrer", "landed.referrer", "where a page view came from"),
    ("page_index", "NULL::BIGINT", "NULL"),
    ("page_url", "landed.page_url", "the page"),
    ("domain", "landed.domain", "its host"),
    ("path", "landed.path", "its path"),
    ("hash", "landed.hash", "what follows `#`"),
    ("query_param", "landed.query_param::JSON", "the URL's parameters"),
    ("action_date", "landed.action_date", "when, in UTC, to the microsecond"),
    ("action_date_ms", "landed.action_date::TIMESTAMP_MS", "the same to the millisecond"),
    ("action_type", "landed.action_type", "`enter-page` or `custom`"),
    ("touchpoint_type", "NULL::VARCHAR", "NULL"),
    ("action_element", "NULL::VARCHAR", "NULL"),
    ("action_text", "NULL::VARCHAR", "NULL"),
    ("action_number", "NULL::DOUBLE", "NULL"),
    ("action_url", "NULL::VARCHAR", "NULL"),
    ("action_name", "landed.action_name", "what was done"),
    ("action_properties", "landed.action_properties::JSON", "what else the import says of the action"),
    ("integration", "landed.integration", "`snowflake`"),
];

const ROW_TIME: &str = "when the row became what it is, in the vendor database; the cursor";

pub(super) fn raw_actions_sql() -> String {
    let columns: Vec<String> =
        RAW_ACTIONS.iter().map(|(name, expression, _)| format!("{expression} AS {name}")).collect();
    format!(
        "SELECT coalesce({}, own.published_at) AS {EXPORT_CURSOR}, landed.action_id,\n{}\nFROM model.actions AS landed {PUBLICATION}\n\
         LEFT JOIN _snowferry.own_actions AS own ON own.action_id = CASE WHEN landed.sync_id IS NULL THEN landed.action_id END\n\
         LEFT JOIN (SELECT email, properties FROM model.people WHERE properties IS NOT NULL) AS person ON person.email = landed.email",
        published("landed.action_id"),
        columns.join(",\n")
    )
}

/// Notes which of the vendor's own actions are new or changed since the last time, and from when on they can be seen.
pub(super) fn note_own_actions_sql() -> Vec<String> {
    vec![
        CREATE_TABLES.to_owned(),
        "CREATE OR REPLACE TEMP TABLE own_now AS\n\
         SELECT action_id, hash(landed) AS row_hash FROM model.actions AS landed WHERE sync_id IS NULL;"
            .to_owned(),
        format!("CREATE OR REPLACE TEMP TABLE own_moment AS SELECT {NEXT_MOMENT} AS moment;"),
        "DELETE FROM _snowferry.own_actions AS noted WHERE NOT EXISTS (SELECT 1 FROM own_now AS now\n\
         WHERE now.action_id = noted.action_id AND now.row_hash = noted.row_hash);"
            .to_owned(),
        "INSERT INTO _snowferry.own_actions\n\
         SELECT action_id, row_hash, (SELECT moment FROM own_moment) + to_microseconds((row_hash % 1000000)::BIGINT)\n\
         FROM own_now WHERE action_id NOT IN (SELECT action_id FROM _snowferry.own_actions);"
            .to_owned(),
    ]
}

/// Notes which rows an export has and which of those that it had are gone, and from when on that can be seen.
pub(super) fn note_keys_sql(sync_id: &str, key: &str, query: &str) -> Vec<String> {
    let sync = format!("'{}'", sync_id.replace('\'', "''"));
    vec![
        CREATE_TABLES.to_owned(),
        format!(
            "CREATE OR REPLACE TEMP TABLE export_now AS\n\
             SELECT DISTINCT {key}::VARCHAR AS key_value FROM (\n{query}\n) AS exported WHERE {key} IS NOT NULL;"
        ),
        format!("CREATE OR REPLACE TEMP TABLE export_moment AS SELECT {NEXT_MOMENT} AS moment;"),
        format!(
            "UPDATE _snowferry.export_keys SET gone_at = (SELECT moment FROM export_moment)\n\
             + to_microseconds((hash(key_value) % 1000000)::BIGINT)\n\
             WHERE sync_id = {sync} AND gone_at IS NULL AND key_value NOT IN (SELECT key_value FROM export_now);"
        ),
        format!(
            "DELETE FROM _snowferry.export_keys\n\
             WHERE sync_id = {sync} AND gone_at IS NOT NULL AND key_value IN (SELECT key_value FROM export_now);"
        ),
        format!(
            "INSERT INTO _snowferry.export_keys SELECT {sync}, key_value, NULL FROM export_now\n\
             WHERE key_value NOT IN (SELECT key_value FROM _snowferry.export_keys WHERE sync_id = {sync});"
        ),
    ]
}

/// The rows of a query, and behind them those that it had once: their key, and that they are gone.
pub(super) fn with_gone_sql(sync_id: &str, key: &str, query: &str) -> String {
    format!(
        "SELECT exported.*, false AS {gone} FROM (\n{query}\n) AS exported\n\
         UNION ALL BY NAME\n\
         SELECT key_value AS {key}, gone_at AS {EXPORT_CURSOR}, true AS {gone} FROM _snowferry.export_keys\n\
         WHERE sync_id = '{}' AND gone_at IS NOT NULL",
        sync_id.replace('\'', "''"),
        gone = super::EXPORT_GONE
    )
}

const STAGE_DATA: [(&str, &str); 13] = [
    ("stage_entry_id", "a hash of the stage and of who entered it; the key"),
    ("stage_name", "as the sync names it"),
    ("stage_kind", "`person`, `company`, `opportunity` or `outcome`"),
    ("company_id", "the id of the `company` object, where there is one"),
    ("company_domain", "the company's domain"),
    ("user_id", "the person's id in the customer's CRM"),
    ("identity", "an e-mail address, a domain or an id"),
    ("deal_id", "the deal"),
    ("entered_at", "when the stage was entered, in UTC"),
    ("deal_amount", "of an opportunity or outcome"),
    ("currency", "what the amount is counted in"),
    (super::EXPORT_GONE, "true where the goal is not reached any more"),
    (EXPORT_CURSOR, ROW_TIME),
];

pub(super) fn stage_data_sql(sync_id: &str) -> String {
    let names = STAGE_DATA.map(|(name, _)| name).join(", ");
    format!("SELECT {names} FROM _snowferry.stage_entries WHERE sync_id = '{}'", sync_id.replace('\'', "''"))
}

const OBJECTS: [(&str, &str); 6] = [
    ("object_id", "the record's id; the key"),
    ("identity", "an e-mail address, a domain or an id"),
    ("email", "the identity where it is an e-mail address"),
    ("company_domain", "the company's domain"),
    ("updated_at", "when the record changed last at the source, in UTC"),
    (EXPORT_CURSOR, ROW_TIME),
];

/// A row of a record has no id of its own in the model, so that of the record tells its moment.
pub(super) fn objects_sql(export: &ObjectsExport) -> String {
    let ObjectsExport { object_type, properties } = export;
    let mut columns = String::new();
    for (name, property_type) in properties {
        let path = format!("'$.\"{}\"'", snake_case(name).replace(['"', '\''], ""));
        let text = format!("json_extract_string(landed.properties, {path})");
        let value = match property_type {
            PropertyType::Text => text,
            PropertyType::Number => format!("CAST({text} AS DECIMAL(38,9))"),
            PropertyType::Bool => format!("CAST({text} AS BOOLEAN)"),
            PropertyType::Date => format!("CAST({text} AS DATE)"),
            PropertyType::Timestamp => moment_or_failure(&text),
            PropertyType::Json => format!("json_extract(landed.properties, {path})"),
        };
        let _ = writeln!(columns, "{value} AS \"{}\",", name.replace('"', "\"\""));
    }
    if properties.is_empty() {
        columns.push_str("landed.properties::JSON AS properties,\n");
    }
    format!(
        "SELECT landed.object_id, landed.identity, landed.email, landed.company_domain, landed.updated_at,\n{columns}{} AS {EXPORT_CURSOR}\n\
         FROM model.objects AS landed {PUBLICATION}\nWHERE landed.object_type = '{}'",
        published("md5(landed.object_id)"),
        object_type.replace('\'', "''")
    )
}

const OPPORTUNITY_REVENUE: [(&str, &str); 19] = [
    ("deal_id", "the deal; the key"),
    ("company_domain", "the company's domain"),
    ("identity", "an e-mail address, a domain or an id"),
    ("amount", "the amount, of a month as that of a year"),
    ("currency", "what it is counted in"),
    ("amount_in_main_currency", "the same in the main currency, where there is a rate"),
    ("closed_at", "when the deal was closed"),
    ("stage", "the deal's stage"),
    ("period", "`one-time`, `month` or `year`"),
    ("source_amount", "the amount as the deal has it"),
    ("refund_of", "the deal that this one takes money back of"),
    ("matched_action_id", "the main activity: `action_id` of `raw_actions`"),
    ("match_rule", "`deal_id`, `email`, `company_domain` or `refund_of`"),
    ("candidates", "actions in the window, by that rule"),
    ("tied", "of those, how many are equal to the main activity"),
    ("matched_at", "when it was matched like this"),
    ("reason", "why it is matched no more"),
    (super::EXPORT_GONE, "true where the deal was matched once and is no more"),
    (EXPORT_CURSOR, ROW_TIME),
];

pub(super) fn opportunity_revenue_sql() -> String {
    let columns = OPPORTUNITY_REVENUE.map(|(name, _)| match name {
        super::EXPORT_GONE => "(is_gone OR matched_action_id IS NULL) AS is_gone".to_owned(),
        EXPORT_CURSOR => format!("matched_at AS {EXPORT_CURSOR}"),
        name => name.to_owned(),
    });
    format!("SELECT {}\nFROM _snowferry.opportunity_matches WHERE was_matched", columns.join(", "))
}

const DIMENSIONS: [&str; 14] = [
    "date",
    "campaign_name",
    "network",
    "account_id",
    "campaign_id",
    "adgroup_id",
    "adgroup_name",
    "ad_id",
    "ad_name",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
];
const MEASURES: [&str; 4] = ["spend", "impressions", "clicks", "currency"];

pub(super) fn metrics_sql() -> String {
    let of_landed = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("landed.\"{name}\"")).collect();
        names.join(", ")
    };
    let dimensions = of_landed(&DIMENSIONS);
    let id = format!(
        "md5(to_json([{}])::VARCHAR)",
        DIMENSIONS.map(|name| format!("landed.\"{name}\"::VARCHAR")).join(", ")
    );
    format!(
        "SELECT {id} AS metric_id, {dimensions}, {}, {} AS {EXPORT_CURSOR}\nFROM model.metrics AS landed {PUBLICATION}",
        of_landed(&MEASURES),
        published("landed.row_id")
    )
}

pub(super) fn columns(export: &ExportConfig) -> Vec<ExportColumn> {
    let column = |(name, meaning): (&'static str, &'static str)| ExportColumn { name, meaning };
    match export {
        ExportConfig::RawActions => {
            let first = [(EXPORT_CURSOR, ROW_TIME), ("action_id", "a hash of the row's key; the key")];
            let rest = RAW_ACTIONS.iter().map(|(name, _, meaning)| (*name, *meaning));
            first.into_iter().chain(rest).map(column).collect()
        }
        ExportConfig::StageData(_) => STAGE_DATA.into_iter().map(column).collect(),
        ExportConfig::Objects(_) => OBJECTS.into_iter().map(column).collect(),
        ExportConfig::OpportunityRevenue => OPPORTUNITY_REVENUE.into_iter().map(column).collect(),
        ExportConfig::Metrics => {
            let names = DIMENSIONS.into_iter().chain(MEASURES).map(|name| (name, "as imports have it"));
            let key = ("metric_id", "a hash of all dimensions; the key");
            std::iter::once(key).chain(names).chain([(EXPORT_CURSOR, ROW_TIME)]).map(column).collect()
        }
    }
}
