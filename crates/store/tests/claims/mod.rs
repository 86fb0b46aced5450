//! What both databases promise. Each claim takes an empty store.

pub(crate) mod answers;
pub(crate) mod applies;
pub(crate) mod fairness;
pub(crate) mod handovers;
pub(crate) mod queue;
pub(crate) mod schedules;
pub(crate) mod schema;
pub(crate) mod sealed;
pub(crate) mod standings;
pub(crate) mod tenancy;
pub(crate) mod tokens;
