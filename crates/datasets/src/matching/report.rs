//! What a run of matching came to.

use serde::{Deserialize, Serialize};

use super::Matching;

/// How well a sync's deals are matched, and what the last run changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchReport {
    pub sync_id: String,
    /// Deals that are revenue, refunds among them.
    pub deals: u64,
    pub matched: u64,
    /// Matched deals for which only the id of the action decided between several.
    pub ambiguous: u64,
    /// Deals by the rule that matched them.
    pub by_rule: Vec<Counted>,
    /// Deals by the reason why nothing matched them.
    pub by_reason: Vec<Counted>,
    pub main_currency: Option<String>,
    /// Deals in a currency without a rate to the main one.
    pub without_rate: u64,
    pub matched_revenue: Vec<Money>,
    pub unmatched_revenue: Vec<Money>,
    /// The largest deals that nothing matched.
    pub largest_unmatched: Vec<UnmatchedDeal>,
    /// Deals that were looked at by this run; absent where none was made.
    pub looked_at: Option<u64>,
    /// Deals whose match is new or another one since this run.
    pub changed: Option<u64>,
    /// Deals that are no revenue any more since this run.
    pub gone: Option<u64>,
}

/// How many deals have a word in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub word: String,
    pub deals: u64,
}

/// Amounts of one currency, summed up. The number is exact, so it is a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub currency: Option<String>,
    pub deals: u64,
    pub amount: String,
}

/// A deal without a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmatchedDeal {
    pub deal_id: String,
    pub amount: Option<String>,
    pub currency: Option<String>,
    pub reason: String,
}

/// The deals that are told by name.
const LARGEST_MAX: u32 = 10;

/// Asks for a [`MatchReport`] as a JSON text. What a run changed is known only behind its statements.
pub(super) fn report_sql(matching: &Matching, is_of_run: bool) -> String {
    let of_run = |query: &str| match is_of_run {
        true => format!("({query})"),
        false => "NULL".to_owned(),
    };
    let main_currency = matching.config.main_currency.as_deref().map(super::literal);
    let without_rate = match main_currency {
        Some(_) => "(SELECT count(*) FROM kept WHERE amount IS NOT NULL AND amount_in_main_currency IS NULL)",
        None => "0",
    };
    let counted = |column: &str| {
        format!(
            "(SELECT coalesce(json_group_array(json_object('word', word, 'deals', deals)), '[]'::JSON) FROM (\n\
             SELECT {column} AS word, count(*) AS deals FROM kept WHERE {column} IS NOT NULL GROUP BY {column} ORDER BY deals DESC, word))"
        )
    };
    let money = |condition: &str| {
        format!(
            "(SELECT coalesce(json_group_array(json_object('currency', currency, 'deals', deals, 'amount', amount)), '[]'::JSON) FROM (\n\
             SELECT currency, count(*) AS deals, sum(amount)::VARCHAR AS amount FROM kept\n\
             WHERE {condition} AND amount IS NOT NULL GROUP BY currency ORDER BY deals DESC, currency))"
        )
    };
    format!(
        "WITH kept AS (SELECT * FROM _snowferry.opportunity_matches WHERE sync_id = {sync} AND NOT is_gone)\n\
         SELECT json_object('sync_id', {sync}, 'deals', (SELECT count(*) FROM kept),\n\
         'matched', (SELECT count(matched_action_id) FROM kept), 'ambiguous', (SELECT count(*) FROM kept WHERE tied > 1),\n\
         'by_rule', {by_rule}, 'by_reason', {by_reason}, 'main_currency', {main_currency}, 'without_rate', {without_rate},\n\
         'matched_revenue', {matched}, 'unmatched_revenue', {unmatched},\n\
         'largest_unmatched', (SELECT coalesce(json_group_array(json_object('deal_id', deal_id, 'amount', amount, 'currency', currency,\n\
         'reason', reason)), '[]'::JSON) FROM (\n\
         SELECT deal_id, amount::VARCHAR AS amount, currency, reason FROM kept WHERE matched_action_id IS NULL\n\
         ORDER BY coalesce(amount_in_main_currency, amount) DESC NULLS LAST, deal_id LIMIT {LARGEST_MAX})),\n\
         'looked_at', {looked_at}, 'changed', {changed}, 'gone', {gone})::VARCHAR",
        sync = matching.sync(),
        by_rule = counted("match_rule"),
        by_reason = counted("reason"),
        main_currency = main_currency.unwrap_or_else(|| "NULL".to_owned()),
        matched = money("matched_action_id IS NOT NULL"),
        unmatched = money("matched_action_id IS NULL"),
        looked_at = of_run("SELECT count(*) FROM match_work"),
        changed = of_run("SELECT count(*) FROM match_changed"),
        gone = of_run("SELECT count(*) FROM match_gone"),
    )
}
