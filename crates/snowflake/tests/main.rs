//! The client against scripted replies, over real sockets.

// Helpers are tests too, but lints only know functions that are marked so.
#![allow(clippy::unwrap_used)]

mod abort;
mod account;
mod emulated;
mod fakesnow;
mod heartbeat;
mod log_in;
mod oauth;
mod peer;
mod printed;
mod recorded;
mod renewal;
mod replay;
mod server;
mod stage;
mod statements;
mod types;
mod usage;
