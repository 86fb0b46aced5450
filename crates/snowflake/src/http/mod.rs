//! The one place that talks HTTP with the service.

mod attempt;
mod call;
mod greeting;
mod network;
mod retry;
mod trust;

pub(crate) use self::attempt::is_untrusted;
pub(crate) use self::call::{Body, Call, Http, Reply};
pub use self::network::{Network, Proxy};
pub use self::retry::RetryPolicy;
pub(crate) use self::retry::{Setback, http_date, is_passing, random, retry_after};
