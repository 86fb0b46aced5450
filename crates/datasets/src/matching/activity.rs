//! The activity that deals are matched to: which actions count, in which order they are preferred, and what there is of them
//! for each person, company and deal.

use super::Matching;
use super::config::{MatchConfig, MatchRule};
use super::dialect::{fingerprint, literal, microseconds, scratch};

/// The first and the last microsecond of years of four digits. No source writes others.
const FIRST_MICROSECOND: i64 = -62_135_596_800_000_000;
const LAST_MICROSECOND: i64 = 253_402_300_799_999_999;
/// More than lies between them, so that a rank counts more than any moment.
const RANK_WIDTH: i64 = 320_000_000_000_000_000;

/// Actions that count, each with the number by which it is preferred: the lowest first. It says the rank of the action's
/// name, and then how late it was; what is still equal is told apart by the action's id.
pub(crate) fn activity_sql(config: &MatchConfig) -> String {
    let listed: Vec<String> =
        config.priority.iter().map(|name| literal(&name.trim().to_lowercase())).collect();
    let ranks: Vec<String> =
        listed.iter().enumerate().map(|(rank, name)| format!("WHEN {name} THEN {rank}")).collect();
    let name = "lower(trim(action_name))";
    let rank = match listed[..] {
        [] => "0".to_owned(),
        _ => format!("CASE {name} {} ELSE {} END", ranks.join(" "), ranks.len()),
    };
    let only = match config.only_priority {
        true => format!(" AND {name} IN ({})", listed.join(", ")),
        false => String::new(),
    };
    format!(
        "SELECT action_id, deal_id, email, company_id AS company_domain, action_date,\n\
         CAST({rank} AS BIGINT) * {RANK_WIDTH} + ({LAST_MICROSECOND} - greatest({}, {FIRST_MICROSECOND})) AS order_key\n\
         FROM model.actions WHERE action_type = 'custom' AND action_date IS NOT NULL{only}",
        microseconds("action_date")
    )
}

/// What activity there is for each key of a deal. A key with the same fingerprint as before has the same activity.
pub(super) fn keys_sql(matching: &Matching) -> String {
    let activity = activity_sql(&matching.config);
    let of_rule = |rule: &MatchRule| {
        let column = rule.column();
        format!(
            "SELECT {} AS match_rule, {column} AS key_value, count(*) AS activity_count, {} AS fingerprint,\n\
             min(action_date) AS first_at, max(action_date) AS last_at FROM (\n{activity}\n) AS activity\n\
             WHERE {column} IN (SELECT {column} FROM match_deals) GROUP BY {column}",
            literal(rule.name()),
            fingerprint("action_id, order_key")
        )
    };
    let branches: Vec<String> = matching.config.rules().iter().map(of_rule).collect();
    scratch("match_keys", &branches.join("\nUNION ALL\n"))
}
