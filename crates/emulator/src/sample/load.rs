//! Loading the sample, and any other statements, straight into an account's database.

use std::collections::BTreeMap;

use super::{Sample, SampleStatement, statements};
use crate::outcome::SqlError;
use crate::running::RunningEmulator;
use crate::sql::{Binding, SessionStart, SqlRequest, SqlSession};

/// Loads the whole sample. Blocks until it is there.
pub fn load(emulator: &RunningEmulator, sample: Sample) -> Result<(), SqlError> {
    run(emulator, statements(sample))
}

/// Every new account has this one.
const VIRTUAL_WAREHOUSE: [&str; 2] =
    ["CREATE WAREHOUSE IF NOT EXISTS COMPUTE_WH", "USE WAREHOUSE COMPUTE_WH"];

/// Runs statements as the account's administrator, one after the other. Blocks until they are done.
pub fn run(
    emulator: &RunningEmulator,
    statements: impl IntoIterator<Item = SampleStatement>,
) -> Result<(), SqlError> {
    let mut session = emulator.database().session(&SessionStart {
        session_id: 0,
        user: "ADMIN".to_owned(),
        role: Some("ACCOUNTADMIN".to_owned()),
        warehouse: None,
        database: None,
        schema: None,
        parameters: BTreeMap::new(),
        validate_defaults: false,
        users: emulator.users().clone(),
        results: emulator.finished_results(),
    })?;
    let first = VIRTUAL_WAREHOUSE.map(SampleStatement::plain);
    for (number, statement) in first.into_iter().chain(statements).enumerate() {
        execute(&mut session, number, statement)?;
    }
    Ok(())
}

impl From<String> for SampleStatement {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}

fn execute(session: &mut SqlSession, number: usize, statement: SampleStatement) -> Result<(), SqlError> {
    let bindings = statement.columns.into_iter().enumerate().map(|(index, values)| {
        let binding = Binding { ty: "TEXT".to_owned(), values, is_array: true };
        ((index + 1).to_string(), binding)
    });
    let request = SqlRequest {
        query_id: format!("sample-{number}"),
        text: statement.text,
        bindings: bindings.collect(),
        parameters: BTreeMap::new(),
    };
    let outcome = session.execute(&request)?;
    outcome.rows.batches.into_iter().try_for_each(|batch| batch.map(drop))
}
