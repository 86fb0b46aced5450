//! The emulator over HTTP, as a client that shares none of its code sees it; and its SQL without the protocol.
#![allow(clippy::unwrap_used, reason = "what a test cannot go on without may end it")]

mod chunks;
mod client;
mod encoding;
mod faults;
mod judges;
mod login;
mod recorded;
mod rows;
mod session;
mod sql;
mod staged;
mod stages;
mod statements;
