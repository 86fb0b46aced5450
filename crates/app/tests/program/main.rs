//! The program itself, as a process, against an emulated Snowflake.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod applies;
mod backfills;
mod changes;
mod chaos;
mod connects;
mod crashes;
mod documents;
mod fleet;
mod fuzzes;
mod http;
mod imports;
mod interruptions;
mod mistakes;
mod profiles;
mod pulls;
mod push_crashes;
mod push_mistakes;
mod push_world;
mod pushes;
mod ranges;
mod schedules;
mod schemas;
#[path = "../../../store/tests/server.rs"]
mod server;
mod services;
mod verifications;
mod world;
