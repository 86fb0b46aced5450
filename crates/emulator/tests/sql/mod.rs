//! Statements run through a SQL session directly, without the protocol around it.

mod catalog;
mod changes;
mod compute;
mod errors;
mod kinds;
mod load;
mod privileges;
mod queries;
mod stages;
mod transactions;
mod travel;
mod values;
mod verification;

use std::collections::BTreeMap;

use arrow_cast::display::{ArrayFormatter, FormatOptions};
use emulator::outcome::{Column, Outcome, SqlError};
use emulator::sql::{Binding, Database, SessionStart, SqlRequest, SqlSession};
use emulator::{FinishedResults, Users};

/// A session with what tests ask of it most.
pub(crate) struct Session {
    pub sql: SqlSession,
    next_id: u32,
}

pub(crate) fn start(user: &str, role: Option<&str>) -> SessionStart {
    let mut parameters = BTreeMap::new();
    parameters.insert("TIMEZONE".to_owned(), "UTC".to_owned());
    SessionStart {
        session_id: 1,
        user: user.to_owned(),
        role: role.map(str::to_owned),
        warehouse: None,
        database: None,
        schema: None,
        parameters,
        validate_defaults: false,
        users: Users::default(),
        results: FinishedResults::default(),
    }
}

/// A new account with a virtual warehouse and a database, and its administrator's session.
pub(crate) fn session() -> Session {
    let database = Database::open(None).unwrap();
    let mut session = on(&database, &start("ADMIN", None));
    session.ok("CREATE WAREHOUSE WH");
    session.ok("CREATE DATABASE D");
    session
}

pub(crate) fn on(database: &Database, start: &SessionStart) -> Session {
    Session { sql: database.session(start).unwrap(), next_id: 0 }
}

/// Two sessions of one account, the second one in the first one's schema.
pub(crate) fn two() -> (Session, Session) {
    let database = Database::open(None).unwrap();
    let mut first = on(&database, &start("ADMIN", None));
    first.ok("CREATE WAREHOUSE WH");
    first.ok("CREATE DATABASE D");
    let second = SessionStart {
        session_id: 2,
        warehouse: Some("WH".to_owned()),
        database: Some("D".to_owned()),
        ..start("ADMIN", None)
    };
    let second = on(&database, &second);
    (first, second)
}

impl Session {
    pub(crate) fn run(&mut self, text: &str) -> Result<Outcome, SqlError> {
        self.run_with(text, BTreeMap::new())
    }

    pub(crate) fn run_with(
        &mut self,
        text: &str,
        bindings: BTreeMap<String, Binding>,
    ) -> Result<Outcome, SqlError> {
        self.next_id += 1;
        let query_id = format!("query-{}-{}", self.sql.session_id(), self.next_id);
        self.sql.execute(&SqlRequest {
            query_id,
            text: text.to_owned(),
            bindings,
            parameters: BTreeMap::new(),
        })
    }

    pub(crate) fn ok(&mut self, text: &str) {
        self.run(text).unwrap_or_else(|failure| panic!("{text}\n{failure:?}"));
    }

    pub(crate) fn columns(&mut self, text: &str) -> Vec<Column> {
        self.run(text).unwrap_or_else(|failure| panic!("{text}\n{failure:?}")).rows.columns
    }

    /// Rows with their cells parted by `|`; NULL is `∅`.
    pub(crate) fn rows(&mut self, text: &str) -> Vec<String> {
        let outcome = self.run(text).unwrap_or_else(|failure| panic!("{text}\n{failure:?}"));
        shown(outcome).unwrap_or_else(|failure| panic!("{text}\n{failure:?}"))
    }

    pub(crate) fn cell(&mut self, text: &str) -> String {
        self.rows(text).join("\n")
    }

    pub(crate) fn fails(&mut self, text: &str) -> SqlError {
        match self.run(text).and_then(shown) {
            Ok(rows) => panic!("{text}\nshould fail, but gives {rows:?}"),
            Err(failure) => failure,
        }
    }
}

pub(crate) fn shown(outcome: Outcome) -> Result<Vec<String>, SqlError> {
    let options = FormatOptions::new().with_null("∅");
    let mut rows = Vec::new();
    for batch in outcome.rows.batches {
        let batch = batch?;
        let cells: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|array| ArrayFormatter::try_new(array, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let row: Vec<String> = cells.iter().map(|cell| cell.value(row).to_string()).collect();
            rows.push(row.join("|"));
        }
    }
    Ok(rows)
}
