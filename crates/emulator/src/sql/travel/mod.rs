//! Time travel: every version of every row within its table's retention, and the instants between which it held.
//!
//! A table's DuckDB table has two hidden columns: `v_from`, the number of the transaction that wrote the version, and
//! `v_row`, the row's own number, which an update keeps. Versions that ended stand in a second table with `v_to`, the
//! transaction that ended them. `emulator_commits` says when each transaction was committed. So nothing has to be
//! rewritten at COMMIT, and reading what is there now costs nothing more.

mod clause;
mod commits;
mod history;
mod instants;
mod statements;
mod versions;

pub(crate) use self::clause::{Interval, Point, is_at_timestamp};
pub(crate) use self::commits::{
    begin_snapshot, forget_missing, log as log_commit, prepare, purge, touched_at,
};
pub(crate) use self::history::{appended_sql, at_sql, changes_sql};
pub(crate) use self::instants::{Held, Instants};
pub(crate) use self::statements::StatementInstants;
pub(crate) use self::versions::{
    ROW_FUNCTION, Versions, complete_sql, copied_sql, create_sql, drop_sql, history_of,
};
