//! A Snowflake to hold in the hand: the same HTTP protocol over an embedded DuckDB, with faults on demand.

pub mod outcome;
pub mod sample;
