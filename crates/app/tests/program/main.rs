//! The program itself, as a process, against an emulated Snowflake.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod crashes;
mod documents;
mod mistakes;
mod pulls;
mod world;
