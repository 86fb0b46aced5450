//! Functions that DuckDB calls back into: Snowflake's rules where DuckDB's own differ or lose digits.

mod divide;
pub(crate) mod format;
mod json;
mod moments;
mod row;
mod row_number;
mod texts;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use duckdb::Connection;

pub(crate) use json::canonical_json;

use row::register;

/// Registers every function, for all connections of the database.
pub(crate) fn register_all(connection: &Connection, numbers: &Arc<AtomicI64>) -> duckdb::Result<()> {
    row_number::register(connection, numbers)?;
    register::<moments::ParseDate>(connection)?;
    register::<moments::ParseTime>(connection)?;
    register::<moments::ParseNanoseconds>(connection)?;
    register::<moments::ParseMicroseconds>(connection)?;
    register::<moments::ParseOffset>(connection)?;
    register::<moments::Format>(connection)?;
    register::<moments::FormatTime>(connection)?;
    register::<moments::ZoneOffset>(connection)?;
    register::<moments::ToLocal>(connection)?;
    register::<moments::ToUtc>(connection)?;
    register::<moments::Add>(connection)?;
    register::<moments::Truncate>(connection)?;
    register::<moments::Scale>(connection)?;
    register::<moments::Difference>(connection)?;
    register::<moments::Part>(connection)?;
    register::<texts::Boolean>(connection)?;
    register::<texts::Decfloat>(connection)?;
    register::<texts::FloatText>(connection)?;
    register::<texts::InitCap>(connection)?;
    register::<texts::RandomText>(connection)?;
    register::<texts::Fail>(connection)?;
    register::<json::Canonical>(connection)?;
    register::<json::WithoutNulls>(connection)?;
    register::<json::Float>(connection)?;
    register::<json::TypeOf>(connection)?;
    divide::register(connection)
}
