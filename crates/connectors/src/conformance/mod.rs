//! What every connector promises, as one public function per claim; each connector's tests run them all.

pub mod destination;
mod rows;

pub use rows::{every_type, in_any_order, people, people_schema, people_spec};
