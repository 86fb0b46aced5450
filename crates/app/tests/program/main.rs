//! The program itself, as a process, against an emulated Snowflake.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alert_tests;
mod alerts;
mod applies;
mod backfills;
mod canaries;
mod changes;
mod chaos;
mod checks;
mod closings;
mod connects;
mod crashes;
mod demos;
mod deploys;
mod documents;
mod explained;
mod explanations;
mod exports;
mod fleet;
mod froms;
mod full_disks;
mod fuzzes;
mod handovers;
mod http;
mod imports;
mod interruptions;
mod matches;
mod merged_properties;
mod mistakes;
mod profiles;
mod pulls;
mod push_crashes;
mod push_mistakes;
mod push_world;
mod pushes;
mod ranges;
mod reports;
mod restarts;
mod rotations;
mod samples;
mod schedules;
mod schemas;
#[path = "../../../store/tests/server.rs"]
mod server;
mod services;
mod traces;
mod untrusted;
mod verifications;
mod world;
