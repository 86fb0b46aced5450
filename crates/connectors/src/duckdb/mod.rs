//! DuckDB as vendor database: one file per tenant.

mod database;
mod destination;
mod error;
mod sql;
mod types;

pub use database::TenantFile;
pub use destination::DuckDbDestination;
