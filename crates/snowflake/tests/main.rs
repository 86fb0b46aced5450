//! The client against scripted replies, over real sockets.

mod abort;
mod emulated;
mod heartbeat;
mod log_in;
mod oauth;
mod printed;
mod recorded;
mod renewal;
mod replay;
mod server;
mod statements;
