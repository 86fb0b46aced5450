//! The rules: each finds the main activity of the deals that no rule before it found one for.

use super::Matching;
use super::activity::activity_sql;
use super::config::MatchRule;
use super::dialect::{literal, scratch};

/// Statements that fill `match_found`, rule after rule.
pub(super) fn rules_sql(matching: &Matching) -> Vec<String> {
    let empty = "SELECT CAST(NULL AS VARCHAR) AS deal_id, CAST(NULL AS VARCHAR) AS match_rule, CAST(NULL AS BIGINT) AS candidates,\n\
         CAST(NULL AS VARCHAR) AS action_id, CAST(NULL AS BIGINT) AS tied WHERE 1 = 0";
    let mut statements = vec![scratch("match_found", empty)];
    let activity = activity_sql(&matching.config);
    for rule in matching.config.rules() {
        statements.push(candidates_sql(*rule, &activity));
        statements.push(choice_sql(*rule, &activity));
    }
    statements
}

/// How many actions of the window a deal has by this rule, and the place of the best one.
fn candidates_sql(rule: MatchRule, activity: &str) -> String {
    let column = rule.column();
    let query = format!(
        "SELECT deal.deal_id, count(*) AS candidates, min(activity.order_key) AS best FROM match_work AS deal\n\
         JOIN (\n{activity}\n) AS activity ON activity.{column} = deal.{column}\n\
         AND activity.action_date >= deal.window_start AND activity.action_date < deal.closed_until\n\
         WHERE deal.problem IS NULL AND deal.refund_of IS NULL\n\
         AND NOT EXISTS (SELECT 1 FROM match_found AS found WHERE found.deal_id = deal.deal_id)\n\
         GROUP BY deal.deal_id"
    );
    scratch("match_best", &query)
}

/// Of the actions in the best place the one with the lowest id; there is more than one only where name and moment are equal.
fn choice_sql(rule: MatchRule, activity: &str) -> String {
    let column = rule.column();
    format!(
        "INSERT INTO match_found\n\
         SELECT deal.deal_id, {}, best.candidates, min(activity.action_id), count(*) FROM match_best AS best\n\
         JOIN match_work AS deal ON deal.deal_id = best.deal_id\n\
         JOIN (\n{activity}\n) AS activity ON activity.{column} = deal.{column} AND activity.order_key = best.best\n\
         GROUP BY deal.deal_id, best.candidates;",
        literal(rule.name())
    )
}
