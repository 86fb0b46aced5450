//! Claims about reading from the vendor database.

mod appends;
mod cursors;
mod queries;
mod round_trips;
mod types;
mod world;
