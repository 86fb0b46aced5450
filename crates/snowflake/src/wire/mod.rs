//! The shapes of Snowflake's JSON, as they travel; nothing outside this crate sees them.

pub(crate) mod envelope;
pub(crate) mod login;
pub(crate) mod query;
pub(crate) mod result;
pub(crate) mod stage;

#[cfg(test)]
mod refusals;
