//! Why the model says what it says of one person, company or deal: the rows that it was made from, and the rules.

use crate::matching::{MatchRule, Matching, activity_sql};
use crate::normal::{domain, email};

/// What is explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person, by e-mail address.
    Person(String),
    /// A company, by domain.
    Company(String),
    /// A deal, by its id.
    Deal(String),
}

/// A part of an explanation: what it tells, the rule behind it, and the query whose rows show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub title: &'static str,
    pub rule: &'static str,
    pub sql: String,
}

/// Rows of a section; more would not be read.
const ROWS_MAX: u32 = 20;

impl Subject {
    /// A person by an address that is written in any way.
    pub fn person(written: &str) -> Option<Self> {
        email::normalised(written).map(|address| Self::Person(address.into_owned()))
    }

    /// A company by a domain that is written in any way.
    pub fn company(written: &str) -> Option<Self> {
        domain::normalised(written).map(|domain| Self::Company(domain.into_owned()))
    }

    /// What to look at, in order.
    pub fn sections(&self, matchings: &[Matching]) -> Vec<Section> {
        match self {
            Subject::Person(address) => person(&literal(address)),
            Subject::Company(domain) => company(&literal(domain)),
            Subject::Deal(id) => deal(&literal(id), matchings),
        }
    }
}

fn section(title: &'static str, rule: &'static str, sql: String) -> Section {
    Section { title, rule, sql: format!("{sql} LIMIT {ROWS_MAX}") }
}

fn person(email: &str) -> Vec<Section> {
    vec![
        section(
            "the person",
            "the company is that of the `user` object, and without one that of the latest action",
            format!(
                "SELECT email, company_domain, user_id, action_count, first_action_at, last_action_at FROM model.people WHERE email = {email}"
            ),
        ),
        section(
            "what says so",
            "of several `user` objects with one address the one that changed last counts, then the lowest id",
            format!(
                "SELECT 'object' AS source, sync_id, object_id AS user_id, company_domain, updated_at AS last_at, 1 AS row_count, properties FROM model.objects\n\
                 WHERE object_type = 'user' AND email = {email}\n\
                 UNION ALL SELECT 'actions', sync_id, user_id, company_id, max(action_date), count(*), NULL FROM model.actions\n\
                 WHERE email = {email} GROUP BY sync_id, user_id, company_id ORDER BY source DESC, last_at DESC"
            ),
        ),
        section(
            "known as one",
            "ids and companies that came in one row with the address; an id is followed to no other address",
            format!(
                "SELECT user_id, company_domain, first_seen_at, last_seen_at FROM model.identities WHERE email = {email} ORDER BY last_seen_at DESC"
            ),
        ),
        section(
            "deals",
            "those whose identity is the address",
            format!(
                "SELECT deal_id, company_domain, updated_at, properties, sync_id FROM model.deals WHERE email = {email} ORDER BY updated_at DESC"
            ),
        ),
    ]
}

fn company(domain: &str) -> Vec<Section> {
    vec![
        section(
            "the company",
            "one domain is one company; sub-domains and country variants are companies of their own",
            format!(
                "SELECT company_domain, company_id, action_count, people_count, first_action_at, last_action_at FROM model.companies\n\
                 WHERE company_domain = {domain}"
            ),
        ),
        section(
            "what says so",
            "of several `company` objects with one domain the one that changed last counts, then the lowest id",
            format!(
                "SELECT 'object' AS source, sync_id, object_id AS company_id, updated_at AS last_at, 1 AS row_count, properties FROM model.objects\n\
                 WHERE object_type = 'company' AND company_domain = {domain}\n\
                 UNION ALL SELECT 'actions', sync_id, NULL, max(action_date), count(*), NULL FROM model.actions\n\
                 WHERE company_id = {domain} GROUP BY sync_id ORDER BY source DESC, last_at DESC"
            ),
        ),
        section(
            "its people",
            "those whose address has the domain, or whose row names it",
            format!(
                "SELECT email, user_id, action_count, last_action_at FROM model.people WHERE company_domain = {domain} ORDER BY last_action_at DESC, email"
            ),
        ),
        section(
            "its deals",
            "those whose row names the domain, or whose identity has it",
            format!(
                "SELECT deal_id, identity, updated_at, properties, sync_id FROM model.deals WHERE company_domain = {domain} ORDER BY updated_at DESC"
            ),
        ),
    ]
}

fn deal(id: &str, matchings: &[Matching]) -> Vec<Section> {
    let mut sections = vec![
        section(
            "the deal",
            "of several rows of one record the one that changed last counts",
            format!(
                "SELECT deal_id, identity, company_domain, updated_at, sync_id, properties FROM model.deals WHERE deal_id = {id}"
            ),
        ),
        section(
            "its match",
            "the first rule that finds activity in the window counts",
            format!(
                "SELECT CASE WHEN is_gone THEN 'no revenue any more' WHEN matched_action_id IS NULL THEN 'not matched' ELSE 'matched' END AS outcome,\n\
                 coalesce(match_rule, reason) AS because, matched_action_id, candidates, tied, amount::VARCHAR AS amount, currency, closed_at, refund_of, matched_at\n\
                 FROM _snowferry.opportunity_matches WHERE deal_id = {id}"
            ),
        ),
    ];
    for matching in matchings {
        let sync = literal(&matching.sync_id);
        let branches: Vec<String> = matching
            .config
            .rules()
            .iter()
            .enumerate()
            .map(|(at, rule)| activity_of(at, *rule, matching, id))
            .collect();
        sections.push(section(
            "the activity that it could be matched to",
            "in order: the rule, then the name's place in `priority`, then the later one, then the lower id",
            format!(
                "SELECT match_rule, activity.action_id, action.action_name, activity.action_date,\n\
                 CASE WHEN activity.action_date >= closed_until THEN 'after the close' WHEN activity.action_date < window_start THEN 'before the window'\n\
                 ELSE 'in the window' END AS place FROM (\n{}\n) AS activity JOIN model.actions AS action ON action.action_id = activity.action_id\n\
                 WHERE activity.sync_id = {sync}\n\
                 ORDER BY activity.action_date < window_start OR activity.action_date >= closed_until, rule_at, order_key, activity.action_id",
                branches.join("\nUNION ALL\n")
            ),
        ));
    }
    sections.push(section(
        "what it was before",
        "a row for each time that something of it changed",
        format!(
            "SELECT superseded_at, amount::VARCHAR AS amount, currency, coalesce(match_rule, reason) AS because, matched_action_id, matched_at\n\
             FROM model.opportunity_history WHERE deal_id = {id} ORDER BY superseded_at DESC"
        ),
    ));
    sections
}

/// All activity that a rule would look at for the deal, whenever it was.
fn activity_of(at: usize, rule: MatchRule, matching: &Matching, id: &str) -> String {
    let column = rule.name();
    format!(
        "SELECT {at} AS rule_at, '{column}' AS match_rule, activity.action_id, activity.action_date, activity.order_key, deal.closed_until,\n\
         deal.closed_at - to_seconds({}) AS window_start, deal.sync_id\n\
         FROM (SELECT * FROM _snowferry.opportunity_matches WHERE deal_id = {id} AND NOT is_gone) AS deal JOIN (\n{}\n) AS activity\n\
         ON activity.{column} = deal.{column}",
        matching.config.lookback.seconds,
        activity_sql(&matching.config)
    )
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
