//! DuckDB as vendor database: one file per tenant.

mod bulk;
mod database;
mod destination;
mod error;
mod query;
mod sql;
mod types;

pub use database::TenantFile;
pub use destination::{DuckDbDestination, progress};
pub use query::{QueryRows, query, query_json};
