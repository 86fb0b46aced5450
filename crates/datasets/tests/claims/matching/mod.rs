//! Deals matched to activity, in a vendor database that holds what imports have landed.

mod cases;
pub(crate) mod inputs;
mod landing;
mod oracle;
mod random;

use datasets::{MatchConfig, MatchReport, MatchScope, Matching, OwnActions, model_views, unmatch_sql};
use duckdb::Connection;

use landing::{create_sql, tables};

/// The sync that imports the deals.
const SYNC: &str = "deals";

/// A vendor database in memory with a table of deals and one of actions.
pub(crate) struct Vendor {
    connection: Connection,
}

/// A deal as it is landed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deal<'a> {
    pub(crate) id: &'a str,
    pub(crate) email: Option<&'a str>,
    pub(crate) company: Option<&'a str>,
    /// What stands in its JSON object.
    pub(crate) properties: &'a str,
}

/// An action as it is landed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Action<'a> {
    pub(crate) id: &'a str,
    pub(crate) deal: Option<&'a str>,
    pub(crate) email: Option<&'a str>,
    pub(crate) company: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) at: &'a str,
}

impl Vendor {
    pub(crate) fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        let vendor = Self { connection };
        vendor.run("ATTACH ':memory:' AS vendor; USE vendor;");
        vendor.run(&create_sql());
        vendor
    }

    pub(crate) fn run(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }

    /// Makes the model's views with the vendor's own table, whose columns are these.
    pub(crate) fn has_own(&self, columns: &[(&str, &str)]) {
        let columns = columns.iter().map(|(name, data_type)| ((*name).to_owned(), (*data_type).to_owned()));
        let own = OwnActions::new(columns.collect()).unwrap();
        self.run(&model_views(&tables(), Some(&own)));
    }

    /// Lands a deal, in place of one with the same id.
    pub(crate) fn deal(&self, deal: &Deal<'_>) {
        let Deal { id, email, company, properties } = deal;
        self.delete_deal(id);
        self.run(&format!(
            "INSERT INTO imports.{SYNC} (_row_id, object_type, object_id, identity, email, company_domain, properties, _synced_at, _sync_id)
             VALUES ('{id}', 'deal', '{id}', {0}, {0}, {1}, {2}, '2026-06-01', '{SYNC}')",
            text(*email),
            text(*company),
            text(Some(properties))
        ));
    }

    pub(crate) fn delete_deal(&self, id: &str) {
        self.run(&format!("DELETE FROM imports.{SYNC} WHERE object_id = '{id}'"));
    }

    /// Lands an action, in place of one with the same id.
    pub(crate) fn action(&self, action: &Action<'_>) {
        let Action { id, deal, email, company, name, at } = action;
        self.delete_action(id);
        self.run(&format!(
            "INSERT INTO imports.activity (_row_id, deal_id, identity, email, company_id, action_type, action_name, action_date, _synced_at)
             VALUES ('{id}', {}, {1}, {1}, {2}, 'custom', {3}, '{at}', '2026-06-01')",
            text(*deal),
            text(*email),
            text(*company),
            text(Some(name))
        ));
    }

    pub(crate) fn delete_action(&self, id: &str) {
        self.run(&format!("DELETE FROM imports.activity WHERE _row_id = '{id}'"));
    }

    /// Matches, and gives the report.
    pub(crate) fn matched(&self, config: &str, scope: MatchScope) -> MatchReport {
        let config: MatchConfig = serde_saphyr::from_str(config).unwrap();
        assert_eq!(config.mistake(), None);
        self.match_by(&Matching { sync_id: SYNC.to_owned(), config }, scope)
    }

    pub(crate) fn match_by(&self, matching: &Matching, scope: MatchScope) -> MatchReport {
        let script = matching.script(scope);
        self.run("BEGIN");
        for statement in &script.statements {
            self.run(statement);
        }
        let answer: String = self
            .connection
            .query_row(&script.answer, [], |row| row.get(0))
            .unwrap_or_else(|e| panic!("{e}\n{}", script.answer));
        self.run("COMMIT");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    pub(crate) fn unmatch(&self) {
        self.run(&unmatch_sql(SYNC));
    }

    /// The rows of a query, each as the texts of its columns with bars between them.
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        let sql = format!("SELECT coalesce(COLUMNS(*)::VARCHAR, '-') FROM ({query})");
        let mut statement = self.connection.prepare(&sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let mut rows = statement.query([]).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let count = row.as_ref().column_count();
            let texts: Vec<String> = (0..count).map(|column| row.get(column).unwrap()).collect();
            found.push(texts.join(" | "));
        }
        found
    }

    /// Which action each deal is matched to and by what rule, or why there is none.
    pub(crate) fn matches(&self) -> Vec<String> {
        self.rows(
            "SELECT deal_id, matched_action_id AS what, match_rule AS why FROM model.opportunity_revenue
             UNION ALL SELECT deal_id, NULL, reason FROM model.opportunity_unmatched ORDER BY ALL",
        )
    }
}

fn text(value: Option<&str>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")))
}
