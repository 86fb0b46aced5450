//! Every source and destination Snowferry knows: one folder per system, and one conformance suite that each passes.

mod audit;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod duckdb;
#[cfg(feature = "conformance")]
pub mod faulty;
mod followed;
mod guard;
pub mod memory;
pub mod snowflake;
mod watermark;
