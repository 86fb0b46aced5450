//! The one place that talks HTTP with the service.

mod attempt;
mod call;
mod network;
mod retry;

pub(crate) use self::call::{Body, Call, Http, Reply};
pub use self::network::{Network, Proxy};
pub use self::retry::RetryPolicy;
pub(crate) use self::retry::{Setback, is_passing, random, retry_after};
