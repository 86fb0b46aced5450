//! Which deals have to be matched again: those that changed, those whose activity did, and the refunds that follow them.

use super::config::MatchRule;
use super::deals::INPUTS;
use super::dialect::{literal, scratch};
use super::{MatchScope, Matching};

/// The matches that there are of a sync's deals.
pub(super) fn kept_sql(matching: &Matching) -> String {
    format!(
        "(SELECT * FROM _snowferry.opportunity_matches WHERE sync_id = {} AND NOT is_gone)",
        matching.sync()
    )
}

/// That two rows differ in one of the columns.
pub(super) fn differ<'a>(left: &str, right: &str, columns: impl Iterator<Item = &'a str>) -> String {
    let differences: Vec<String> =
        columns.map(|column| format!("{left}.{column} IS DISTINCT FROM {right}.{column}")).collect();
    differences.join(" OR ")
}

/// Keys whose activity is not what it was.
pub(super) fn changed_keys_sql(matching: &Matching) -> String {
    let query = format!(
        "SELECT coalesce(now.match_rule, before.match_rule) AS match_rule, coalesce(now.key_value, before.key_value) AS key_value\n\
         FROM match_keys AS now FULL JOIN (SELECT * FROM _snowferry.match_keys WHERE sync_id = {}) AS before\n\
         ON now.match_rule = before.match_rule AND now.key_value = before.key_value\n\
         WHERE now.activity_count IS DISTINCT FROM before.activity_count OR now.fingerprint IS DISTINCT FROM before.fingerprint",
        matching.sync()
    );
    scratch("match_changed_keys", &query)
}

/// The ids of deals to be matched. Rules behind the one that a deal was matched by do not matter to it.
pub(super) fn todo_sql(matching: &Matching, scope: MatchScope) -> String {
    if scope == MatchScope::Full {
        return scratch("match_todo", "SELECT deal_id FROM match_deals");
    }
    let kept = kept_sql(matching);
    let mut branches = vec![
        format!(
            "SELECT deal.deal_id FROM match_deals AS deal LEFT JOIN {kept} AS kept ON kept.deal_id = deal.deal_id\n\
             WHERE kept.deal_id IS NULL OR kept.settings <> {} OR {}",
            settings(matching),
            differ("kept", "deal", INPUTS.into_iter())
        ),
        format!(
            "SELECT refund.deal_id FROM match_deals AS refund LEFT JOIN match_deals AS original ON original.deal_id = refund.refund_of\n\
             JOIN {kept} AS kept ON kept.deal_id = refund.deal_id\n\
             WHERE refund.refund_of IS NOT NULL AND original.deal_id IS NULL AND kept.reason IS DISTINCT FROM 'original_missing'"
        ),
    ];
    let rules = matching.config.rules();
    branches.extend(rules.iter().enumerate().map(|(at, rule)| {
        let column = rule.column();
        let earlier: Vec<String> = rules[..at].iter().map(|rule| literal(rule.name())).collect();
        let matters = match earlier[..] {
            [] => String::new(),
            _ => format!("\nWHERE coalesce(kept.match_rule, '') NOT IN ({})", earlier.join(", ")),
        };
        format!(
            "SELECT deal.deal_id FROM match_deals AS deal\n\
             JOIN match_changed_keys AS changed ON changed.match_rule = {} AND changed.key_value = deal.{column}\n\
             LEFT JOIN {kept} AS kept ON kept.deal_id = deal.deal_id{matters}",
            literal(MatchRule::name(*rule))
        )
    }));
    scratch("match_todo", &branches.join("\nUNION\n"))
}

/// The deals to be matched, with the refunds that follow them and the deals that refunds among them follow. A refund that
/// is followed by another one is not among the latter: its own deal would be missing, and nothing is matched through it.
pub(super) fn work_sql() -> String {
    scratch(
        "match_work",
        "SELECT * FROM match_deals WHERE deal_id IN (\n\
         SELECT deal_id FROM match_todo\n\
         UNION SELECT deal_id FROM match_deals WHERE refund_of IN (SELECT deal_id FROM match_todo)\n\
         UNION SELECT original.deal_id FROM match_todo AS todo JOIN match_deals AS refund ON refund.deal_id = todo.deal_id\n\
         JOIN match_deals AS original ON original.deal_id = refund.refund_of WHERE original.refund_of IS NULL)",
    )
}

/// Grows when matches are found in another way than before.
const MATCHING_VERSION: u32 = 2;

/// The settings that decide what a deal is matched to, as a literal.
pub(super) fn settings(matching: &Matching) -> String {
    let text = serde_json::to_string(&(MATCHING_VERSION, &matching.config))
        .expect("names and numbers can be written");
    literal(&format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes())))
}
