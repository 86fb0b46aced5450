//! The shapes of Snowflake's JSON, as they travel; nothing outside this crate sees them.

pub(crate) mod result;
