//! What comes of the rules: matches, reasons where there is none, refunds that follow their deal, and what is kept of before.

use super::Matching;
use super::changes::{differ, kept_sql, settings};
use super::config::MatchRule;
use super::deals::INPUTS;
use super::dialect::{NOW, a_microsecond_after, literal, scratch};

/// What a match consists of, besides the deal itself.
const OUTCOME: [&str; 3] = ["matched_action_id", "match_rule", "reason"];
/// What may change without the match becoming another one.
const COUNTS: [&str; 2] = ["candidates", "tied"];

/// When this run writes what it has found.
const MOMENT: &str = "(SELECT moment FROM match_moment)";

/// The outcome for each deal that was looked at.
pub(super) fn results_sql(matching: &Matching) -> String {
    let rules = matching.config.rules();
    let joins: Vec<String> = rules.iter().map(|rule| keys_join(*rule)).collect();
    let of_keys = |function: &str, column: &str| {
        let values: Vec<String> = rules.iter().map(|rule| format!("{}.{column}", alias(*rule))).collect();
        format!("{function}({})", values.join(", "))
    };
    let direct = format!(
        "SELECT deal.*, found.action_id AS matched_action_id, found.match_rule, coalesce(found.candidates, 0) AS candidates,\n\
         coalesce(found.tied, 0) AS tied, CASE WHEN found.deal_id IS NOT NULL THEN NULL WHEN deal.problem IS NOT NULL THEN deal.problem\n\
         WHEN {} IS NULL AND deal.email IS NULL AND deal.company_domain IS NULL THEN 'identity_missing'\n\
         WHEN {} IS NULL THEN 'no_activity' WHEN {} < deal.window_start THEN 'activity_too_old' ELSE 'activity_after_close' END AS reason\n\
         FROM match_work AS deal LEFT JOIN match_found AS found ON found.deal_id = deal.deal_id{}\n\
         WHERE deal.refund_of IS NULL",
        of_keys("coalesce", "activity_count"),
        of_keys("coalesce", "activity_count"),
        of_keys("least", "first_at"),
        joins.concat()
    );
    let refunds = "SELECT refund.*, original.matched_action_id, CASE WHEN original.matched_action_id IS NOT NULL THEN 'refund_of' END AS match_rule,\n\
         coalesce(original.candidates, 0) AS candidates, coalesce(original.tied, 0) AS tied,\n\
         CASE WHEN original.matched_action_id IS NOT NULL THEN NULL WHEN refund.problem IS NOT NULL THEN refund.problem\n\
         WHEN original.deal_id IS NULL THEN 'original_missing' ELSE 'original_unmatched' END AS reason\n\
         FROM match_work AS refund LEFT JOIN direct AS original ON original.deal_id = refund.refund_of AND refund.problem IS NULL\n\
         WHERE refund.refund_of IS NOT NULL";
    scratch(
        "match_results",
        &format!("WITH direct AS (\n{direct}\n)\nSELECT * FROM direct\nUNION ALL\n{refunds}"),
    )
}

fn alias(rule: MatchRule) -> String {
    format!("keys_of_{}", rule.name())
}

fn keys_join(rule: MatchRule) -> String {
    let (alias, column) = (alias(rule), rule.column());
    format!(
        "\nLEFT JOIN match_keys AS {alias} ON {alias}.match_rule = {} AND {alias}.key_value = deal.{column}",
        literal(rule.name())
    )
}

/// Statements that write what differs from what was kept, and what was kept of it into the history.
pub(super) fn keep_sql(matching: &Matching) -> Vec<String> {
    let (sync, kept) = (matching.sync(), kept_sql(matching));
    let told = || INPUTS.into_iter().chain(OUTCOME);
    let changed = format!(
        "SELECT result.*, kept.deal_id IS NOT NULL AND ({}) AS is_superseded,\n\
         result.matched_action_id IS NOT NULL OR coalesce(before.was_matched, false) AS was_matched\n\
         FROM match_results AS result LEFT JOIN {kept} AS kept ON kept.deal_id = result.deal_id\n\
         LEFT JOIN (SELECT deal_id, was_matched FROM _snowferry.opportunity_matches WHERE sync_id = {sync}) AS before\n\
         ON before.deal_id = result.deal_id\n\
         WHERE kept.deal_id IS NULL OR kept.settings <> {} OR {}",
        differ("kept", "result", told()),
        settings(matching),
        differ("kept", "result", told().chain(COUNTS)),
    );
    let gone = format!(
        "SELECT kept.deal_id FROM {kept} AS kept\n\
         WHERE NOT EXISTS (SELECT 1 FROM match_deals AS deal WHERE deal.deal_id = kept.deal_id)"
    );
    let inputs = INPUTS.join(", ");
    let outcome = [OUTCOME.join(", "), COUNTS.join(", ")].join(", ");
    vec![
        scratch("match_changed", &changed),
        scratch("match_gone", &gone),
        // A clock that was set back would hide changes from exports, which follow this moment.
        scratch(
            "match_moment",
            &format!(
                "SELECT greatest({NOW}, (SELECT {} FROM _snowferry.opportunity_matches)) AS moment",
                a_microsecond_after("max(matched_at)")
            ),
        ),
        format!(
            "INSERT INTO _snowferry.opportunity_history (sync_id, deal_id, {inputs}, {outcome}, matched_at, superseded_at)\n\
             SELECT sync_id, deal_id, {inputs}, {outcome}, matched_at, {MOMENT} FROM {kept} AS kept\n\
             WHERE deal_id IN (SELECT deal_id FROM match_changed WHERE is_superseded UNION SELECT deal_id FROM match_gone);"
        ),
        format!(
            "UPDATE _snowferry.opportunity_matches SET is_gone = true, matched_at = {MOMENT}\n\
             WHERE sync_id = {sync} AND deal_id IN (SELECT deal_id FROM match_gone);"
        ),
        format!(
            "DELETE FROM _snowferry.opportunity_matches\n\
             WHERE sync_id = {sync} AND deal_id IN (SELECT deal_id FROM match_changed);"
        ),
        format!(
            "INSERT INTO _snowferry.opportunity_matches (sync_id, deal_id, {inputs}, {outcome}, was_matched, is_gone, settings, matched_at)\n\
             SELECT {sync}, deal_id, {inputs}, {outcome}, was_matched, false, {}, {MOMENT} FROM match_changed;",
            settings(matching)
        ),
        format!(
            "DELETE FROM _snowferry.match_keys WHERE sync_id = {sync} AND (match_rule, key_value) IN (SELECT match_rule, key_value FROM match_changed_keys);"
        ),
        format!(
            "INSERT INTO _snowferry.match_keys (sync_id, match_rule, key_value, activity_count, fingerprint)\n\
             SELECT {sync}, now.match_rule, now.key_value, now.activity_count, now.fingerprint FROM match_keys AS now\n\
             JOIN match_changed_keys AS changed ON changed.match_rule = now.match_rule AND changed.key_value = now.key_value;"
        ),
    ]
}
