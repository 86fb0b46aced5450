//! Time travel and change tracking.

mod changes;
mod history;
mod random;
mod retention;

use emulator::Clock;
use emulator::sql::Database;

use super::{Session, on, start};

/// A session over a database whose clock the test moves.
pub(crate) fn with_clock() -> (Session, Clock) {
    let clock = Clock::default();
    let mut session = on(&Database::open_with_clock(None, clock.clone()).unwrap(), &start("ADMIN", None));
    session.ok("CREATE WAREHOUSE WH");
    session.ok("CREATE DATABASE D");
    (session, clock)
}

impl Session {
    /// The time now as a constant.
    pub(crate) fn now(&mut self) -> String {
        let text = self.cell("SELECT TO_VARCHAR(CURRENT_TIMESTAMP(), 'YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM')");
        format!("'{text}'::TIMESTAMP_TZ")
    }
}
