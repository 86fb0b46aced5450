//! What every connector promises, as one public function per claim; each connector's tests run them all.

#![allow(
    clippy::unwrap_used,
    reason = "a claim is a test, though it stands among the sources for others to run"
)]

mod buckets;
pub mod destination;
pub mod journal;
mod rows;

pub use rows::{every_type, in_any_order, people, people_schema, people_spec};
