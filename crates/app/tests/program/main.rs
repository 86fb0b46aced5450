//! The program itself, as a process, against an emulated Snowflake.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alert_tests;
mod backfills;
mod canaries;
mod changes;
mod checks;
mod connects;
mod crashes;
mod documents;
mod explanations;
mod exports;
mod explained;
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
mod samples;
mod rotations;
mod schedules;
mod verifications;
mod world;
