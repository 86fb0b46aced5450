//! Time travel and change tracking.

mod changes;
mod history;
mod random;
mod retention;

use emulator::sql::Database;
use emulator::{Clock, sql::SessionStart};

use super::{Session, on, start};

/// A session over a database whose clock the test moves.
pub(crate) fn with_clock() -> (Session, Clock) {
    let clock = Clock::default();
    let mut session = on(&Database::open_with_clock(None, clock.clone()).unwrap(), &start("ADMIN", None));
    session.ok("CREATE WAREHOUSE WH");
    session.ok("CREATE DATABASE D");
    (session, clock)
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
    /// The time now as a constant.
    pub(crate) fn now(&mut self) -> String {
        let text = self.cell("SELECT TO_VARCHAR(CURRENT_TIMESTAMP(), 'YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM')");
        format!("'{text}'::TIMESTAMP_TZ")
    }
}
