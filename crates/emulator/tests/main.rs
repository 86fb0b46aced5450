//! The emulator over HTTP, as a client that shares none of its code sees it.

mod client;
mod login;
mod session;
mod statements;
