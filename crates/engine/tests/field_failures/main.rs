//! What went wrong in other products, one test for each report, and any history of a table against any settings of a
//! sync. `docs/field-failures.md` lists the reports.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod account;
#[path = "../both/mod.rs"]
mod both;
mod cursors;
mod histories;
mod long_reads;
mod names;
mod page;
mod pull;
mod ranges;
mod read_by;
mod types;
