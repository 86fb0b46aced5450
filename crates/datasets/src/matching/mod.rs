//! Revenue of deals matched to the activity that came before it: which deal belongs to which action, by what rule, and why
//! not where there is none.
//!
//! All of it is a [`MatchScript`], statements that run in the vendor database in one transaction. Nothing is matched row by
//! row here. What the statements keep between two runs lets the next one match again only what has changed.

mod activity;
mod changes;
mod config;
mod deals;
mod dialect;
mod report;
mod results;
mod rules;
mod tables;

use serde::Deserialize;

pub(crate) use activity::activity_sql;
pub use config::{Lookback, MatchConfig, MatchRule, Rates, Recurring};
pub(crate) use dialect::{fingerprint, literal, moment, moment_or_failure};
pub use report::{Counted, MatchReport, Money, UnmatchedDeal};
pub(crate) use tables::{CREATE_TABLES, VIEWS};

/// What a sync has its deals matched by.
#[derive(Clone, Debug, PartialEq)]
pub struct Matching {
    /// The sync that imports the deals.
    pub sync_id: String,
    pub config: MatchConfig,
}

/// Which deals are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchScope {
    /// Those of which something has changed since the last time, or whose activity has.
    Changed,
    /// All of them. The outcome is the same.
    Full,
}

/// Statements to be run in order in one transaction of the vendor database, and one whose answer is a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchScript {
    pub statements: Vec<String>,
    pub answer: String,
}

impl Matching {
    /// The statements that bring the matches up to date, and the report on them.
    pub fn script(&self, scope: MatchScope) -> MatchScript {
        let mut statements = vec![CREATE_TABLES.to_owned(), deals::deals_sql(self), activity::keys_sql(self)];
        statements.push(changes::changed_keys_sql(self));
        statements.push(changes::todo_sql(self, scope));
        statements.push(changes::work_sql());
        statements.extend(rules::rules_sql(self));
        statements.push(results::results_sql(self));
        statements.extend(results::keep_sql(self));
        MatchScript { statements, answer: report::report_sql(self, true) }
    }

    /// The report on the matches that there are.
    pub fn report_sql(&self) -> String {
        report::report_sql(self, false)
    }

    /// Notes the matching, so that every import of the tenant brings it up to date.
    pub fn note_sql(&self) -> String {
        let config = serde_json::to_string(&self.config).expect("names and numbers can be written");
        let sync = self.sync();
        format!(
            "{CREATE_TABLES}\nDELETE FROM _snowferry.matchings WHERE sync_id = {sync};\n\
             INSERT INTO _snowferry.matchings VALUES ({sync}, {});",
            literal(&config)
        )
    }

    /// The sync's name as a literal.
    fn sync(&self) -> String {
        literal(&self.sync_id)
    }
}

/// Removes the note and the matches of a sync whose deals are not matched any more.
pub fn unmatch_sql(sync_id: &str) -> String {
    let sync = literal(sync_id);
    let tables = ["matchings", "opportunity_matches", "opportunity_history", "match_keys"];
    let deletes = tables.map(|table| format!("DELETE FROM _snowferry.{table} WHERE sync_id = {sync};"));
    format!("{CREATE_TABLES}\n{}", deletes.join("\n"))
}

/// Asks for all matchings that are noted, as a JSON text that [`noted`] reads.
pub const NOTED_SQL: &str = "SELECT coalesce(json_group_array(json_object('sync_id', sync_id, 'config', config::JSON)), '[]')::VARCHAR \
    FROM (FROM _snowferry.matchings ORDER BY sync_id)";

/// The matchings that [`NOTED_SQL`] found.
pub fn noted(answer: &str) -> Result<Vec<Matching>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Noted {
        sync_id: String,
        config: MatchConfig,
    }
    let noted: Vec<Noted> = serde_json::from_str(answer)?;
    Ok(noted.into_iter().map(|Noted { sync_id, config }| Matching { sync_id, config }).collect())
}
