//! What the checks of a push accept is loaded into an emulated account, by the way that a push takes, and read back.

mod account;
mod cells;
mod comparable;
mod random;
mod samples;
