//! Comparing both sides, in memory and between an emulated account and a tenant's DuckDB file.

mod account;
mod faults;
mod heals;
mod types;
