//! The SQL side of an emulated account: Snowflake's statements over an embedded DuckDB.

pub(crate) mod account;
mod bind;
mod catalog;
mod compute;
mod database;
mod ddl;
mod dml;
mod error;
mod functions;
mod history;
mod information;
mod kept;
mod listing;
mod load;
mod locks;
mod names;
mod parameters;
mod parse;
mod physical;
mod request;
mod result;
mod retention;
mod run;
mod session;
mod show;
mod stage;
mod state;
mod statement;
mod travel;

pub use self::compute::UsedWarehouse;
pub use self::database::Database;
pub use self::parameters::Parameter;
pub use self::request::{Binding, QueryRecord, SessionContext, SessionStart, SqlRequest};
pub use self::run::Interrupt;
pub use self::session::SqlSession;
