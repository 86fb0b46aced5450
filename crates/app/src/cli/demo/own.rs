//! What the vendor has gathered itself: its own actions in its own database.

use std::fmt::Write;

use connectors::duckdb::{TenantDatabase, TenantFile};
use emulator::sample::{Gathered, Sample, gathered};
use model::{Error, Result};

/// The vendor's own table; docs/imports.md says which columns the model takes.
const CREATE: &str = "
CREATE SCHEMA own;
CREATE TABLE own.actions (
    action_id VARCHAR PRIMARY KEY, identity VARCHAR NOT NULL, company_id VARCHAR, deal_id VARCHAR,
    action_type VARCHAR NOT NULL, action_name VARCHAR NOT NULL, action_date TIMESTAMP NOT NULL,
    page_url VARCHAR, utm_source VARCHAR
);
";
/// Rows of one statement.
const ROWS_MAX: usize = 1_000;

/// The vendor's program writes what it has gathered.
pub(super) fn write(tenant_file: &TenantFile, sample: Sample) -> Result<()> {
    let failed = |error| Error::internal("the vendor's own rows could not be made").with_source(error);
    let database = TenantDatabase::open(tenant_file.clone())?;
    let connection = database.connect()?;
    connection.execute_batch(CREATE).map_err(failed)?;
    let actions: Vec<Gathered> = gathered(sample).collect();
    for actions in actions.chunks(ROWS_MAX) {
        connection.execute_batch(&insert(actions)).map_err(failed)?;
    }
    Ok(())
}

fn insert(actions: &[Gathered]) -> String {
    let mut sql = "INSERT INTO own.actions VALUES ".to_owned();
    for (number, action) in actions.iter().enumerate() {
        let action_type = if action.page_url.is_some() { "enter-page" } else { "custom" };
        let values = [
            Some(&action.id),
            Some(&action.identity),
            action.company.as_ref(),
            action.deal.as_ref(),
            Some(&action_type.to_owned()),
            Some(&action.name),
            Some(&action.at),
            action.page_url.as_ref(),
            action.utm_source.as_ref(),
        ]
        .map(literal);
        let _ = write!(sql, "{}({})", if number == 0 { "" } else { ", " }, values.join(", "));
    }
    sql
}

fn literal(value: Option<&String>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")))
}
