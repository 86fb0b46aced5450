//! The emulator over HTTP, as a client that shares none of its code sees it.

mod chunks;
mod client;
mod encoding;
mod faults;
mod login;
mod recorded;
mod rows;
mod session;
mod statements;
