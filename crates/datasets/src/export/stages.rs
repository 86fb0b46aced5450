//! Who has entered which stage: found in the model, and kept with the moment at which that became so.

use super::config::{StageConfig, StageGoal, StageKind};
use crate::matching::moment;
use crate::normal::name::snake_case;

/// What an entry says, besides its id.
const TOLD: [&str; 10] = [
    "stage_name",
    "stage_kind",
    "company_id",
    "company_domain",
    "user_id",
    "identity",
    "deal_id",
    "entered_at",
    "deal_amount",
    "currency",
];

/// When an entry became what it is. Entries of one run are a microsecond or more apart by their ids, within a second, so that a
/// push that goes on from the last of them has few to read again.
const ENTRY_MOMENT: &str = "(SELECT moment FROM stage_moment) + to_microseconds(('0x' || substr(stage_entry_id, 1, 8))::BIGINT % 1000000)";

/// Statements that bring the entries of a push up to date. Only entries that differ are written, and those whose goal is not
/// reached any more stay with a mark.
pub(super) fn refresh_sql(sync_id: &str, stages: &[StageConfig]) -> Vec<String> {
    let sync = literal(sync_id);
    let branches: Vec<String> = stages.iter().map(entries_sql).collect();
    let kept = format!("(SELECT * FROM _snowferry.stage_entries WHERE sync_id = {sync} AND NOT is_gone)");
    let told = TOLD.join(", ");
    let differs: Vec<String> =
        TOLD.map(|column| format!("kept.{column} IS DISTINCT FROM now.{column}")).to_vec();
    // What has no moment of its own keeps the one at which it was seen first.
    let entered =
        "CASE WHEN is_first_seen THEN coalesce(kept.entered_at, entry.entered_at) ELSE entry.entered_at END";
    vec![
        super::queries::CREATE_TABLES.to_owned(),
        format!(
            "CREATE OR REPLACE TEMP TABLE stage_now AS\n\
             SELECT entry.* EXCLUDE (is_first_seen) REPLACE ({entered} AS entered_at) FROM (\n{}\n) AS entry\n\
             LEFT JOIN {kept} AS kept ON kept.stage_entry_id = entry.stage_entry_id;",
            branches.join("\nUNION ALL\n")
        ),
        "CREATE OR REPLACE TEMP TABLE stage_moment AS SELECT greatest(make_timestamp(epoch_us(now())),\n\
         (SELECT max(etl_modified_at) FROM _snowferry.stage_entries) + INTERVAL 1 MICROSECOND) AS moment;"
            .to_owned(),
        format!(
            "CREATE OR REPLACE TEMP TABLE stage_changed AS\n\
             SELECT now.* FROM stage_now AS now LEFT JOIN {kept} AS kept ON kept.stage_entry_id = now.stage_entry_id\n\
             WHERE kept.stage_entry_id IS NULL OR {};",
            differs.join(" OR ")
        ),
        format!(
            "UPDATE _snowferry.stage_entries SET is_gone = true, etl_modified_at = {ENTRY_MOMENT}\n\
             WHERE sync_id = {sync} AND NOT is_gone AND stage_entry_id NOT IN (SELECT stage_entry_id FROM stage_now);"
        ),
        format!(
            "DELETE FROM _snowferry.stage_entries\n\
             WHERE sync_id = {sync} AND stage_entry_id IN (SELECT stage_entry_id FROM stage_changed);"
        ),
        format!(
            "INSERT INTO _snowferry.stage_entries (sync_id, stage_entry_id, {told}, is_gone, etl_modified_at)\n\
             SELECT {sync}, stage_entry_id, {told}, false, {ENTRY_MOMENT} FROM stage_changed;"
        ),
    ]
}

/// Everything that is in a stage now, once for each entity.
fn entries_sql(stage: &StageConfig) -> String {
    let (is_first_seen, reached) = match &stage.goal {
        StageGoal::Actions(names) => (false, by_actions(names)),
        StageGoal::Property { object_type, property, values } => {
            (stage.at.is_none(), by_property(stage, object_type, property, values))
        }
    };
    let (entity, company_id, user_id, deal) = match stage.kind {
        StageKind::Person => ("coalesce(email, identity)", "NULL", "max(user_id)", false),
        StageKind::Company => ("company_domain", "max(company_id)", "NULL", false),
        StageKind::Opportunity | StageKind::Outcome => ("deal_id", "max(company_id)", "max(user_id)", true),
    };
    let identity = match stage.kind {
        StageKind::Company => "NULL",
        _ => "max(identity)",
    };
    let (name, kind) = (literal(&stage.name), literal(stage.kind.name()));
    let (deal_id, amount, currency) = match deal {
        true => ("max(reached.deal_id)", "max(deal.amount)", "max(deal.currency)"),
        false => ("NULL", "NULL", "NULL"),
    };
    let deals = match deal {
        true => format!(
            "\nLEFT JOIN (SELECT deal_id AS id, {} AS amount, upper({}) AS currency FROM model.deals) AS deal ON deal.id = reached.deal_id",
            number(&stage.amount),
            property_text(&stage.currency)
        ),
        false => String::new(),
    };
    format!(
        "SELECT md5({name} || chr(31) || {entity}) AS stage_entry_id, {name} AS stage_name, {kind} AS stage_kind,\n\
         {company_id}::VARCHAR AS company_id, max(company_domain) AS company_domain, {user_id}::VARCHAR AS user_id,\n\
         {identity}::VARCHAR AS identity, {deal_id}::VARCHAR AS deal_id, min(entered_at) AS entered_at,\n\
         {amount}::DECIMAL(38,9) AS deal_amount, {currency}::VARCHAR AS currency, {is_first_seen} AS is_first_seen\n\
         FROM (\n{reached}\n) AS reached{deals}\nWHERE {entity} IS NOT NULL GROUP BY {entity}"
    )
}

fn by_actions(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| literal(&name.trim().to_lowercase())).collect();
    format!(
        "SELECT action.email, action.identity, action.user_id, action.company_id AS company_domain, company.company_id, action.deal_id,\n\
         action.action_date AS entered_at FROM model.actions AS action\n\
         LEFT JOIN model.companies AS company ON company.company_domain = action.company_id\n\
         WHERE lower(trim(action.action_name)) IN ({})",
        names.join(", ")
    )
}

fn by_property(stage: &StageConfig, object_type: &str, property: &str, values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| literal(value.trim())).collect();
    let moment = match &stage.at {
        Some(at) => moment(&property_text(at)),
        None => "updated_at".to_owned(),
    };
    let id_where = |name: &str| {
        if object_type == name { "object_id".to_owned() } else { "NULL::VARCHAR".to_owned() }
    };
    format!(
        "SELECT email, identity, {} AS user_id, company_domain, {} AS company_id, {} AS deal_id, {moment} AS entered_at\n\
         FROM model.objects WHERE object_type = {} AND {} IN ({})",
        id_where("user"),
        id_where("company"),
        id_where("deal"),
        literal(object_type),
        property_text(property),
        values.join(", ")
    )
}

fn property_text(name: &str) -> String {
    let path = format!("$.\"{}\"", snake_case(name).replace(['"', '\''], ""));
    format!("nullif(trim(json_extract_string(properties, '{path}')), '')")
}

fn number(property: &str) -> String {
    format!("TRY_CAST({} AS DECIMAL(38,9))", property_text(property))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
