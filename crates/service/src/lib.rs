//! Snowferry as a service: what looks at the schedules, works on runs, and answers requests.
//!
//! Everything goes through the [`store`]: any number of processes may do the same at once. How a stored sync is run is not
//! known here; a [`Runner`] does it.

mod alerting;
mod api;
mod asked;
mod handover;
mod keys;
mod metrics;
mod runner;
mod scheduler;
mod server;
mod why;
mod worker;

pub use alerting::{AlertOptions, Alerting};
pub use api::{ApiOptions, api, openapi};
pub use asked::{GoesBack, RunAsked, moment_asked};
pub use handover::{
    Accept, HANDOVER_HOURS_DEFAULT, HANDOVER_HOURS_MAX, handover_path, handovers, make_handover,
    proof_in_vault,
};
pub use keys::{AccessAsked, AccessScript, Keys, Rotated, RotationStep};
pub use metrics::Metrics;
pub use runner::{DueSync, Runner, UsageSlot};
pub use scheduler::Scheduler;
pub use server::Server;
pub use why::{Explanation, explain};
pub use worker::{Worker, WorkerOptions};
