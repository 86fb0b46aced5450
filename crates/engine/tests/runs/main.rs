//! Runs over memory connectors, and pushes into an emulated account: what ends up in the destination, whatever fails on
//! the way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod appends;
#[path = "../both/mod.rs"]
mod both;
mod changes;
mod drift;
mod faults;
mod push;
mod runs;
mod verify;
mod world;
