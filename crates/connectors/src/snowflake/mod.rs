//! A customer's Snowflake account: reads with USAGE and SELECT alone, and creates nothing there.

mod catalog;
mod error;
pub mod fit;
mod position;
mod read;
mod source;
mod sql;
mod types;

pub use source::SnowflakeSource;
