//! Snowferry as a service: what looks at the schedules, works on runs, and answers requests.
//!
//! Everything goes through the [`store`]: any number of processes may do the same at once. How a stored sync is run is not
//! known here; a [`Runner`] does it.

mod api;
mod metrics;
mod runner;
mod scheduler;
mod server;
mod why;
mod worker;

pub use api::{ApiOptions, api, openapi};
pub use metrics::Metrics;
pub use runner::{Job, Runner};
pub use scheduler::Scheduler;
pub use server::Server;
pub use why::{Explanation, explain};
pub use worker::{Worker, WorkerOptions};
