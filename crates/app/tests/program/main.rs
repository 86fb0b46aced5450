//! The program itself, as a process, against an emulated Snowflake.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alert_tests;
mod applies;
mod backfills;
mod canaries;
mod changes;
mod chaos;
mod checks;
mod connects;
mod crashes;
mod documents;
mod explained;
mod explanations;
mod exports;
mod fleet;
mod fuzzes;
mod http;
mod imports;
mod interruptions;
mod matches;
mod mistakes;
mod profiles;
mod pulls;
mod push_crashes;
mod push_mistakes;
mod push_world;
mod pushes;
mod ranges;
mod reports;
mod rotations;
mod samples;
mod schedules;
mod schemas;
#[path = "../../../store/tests/server.rs"]
mod server;
mod services;
mod verifications;
mod world;
