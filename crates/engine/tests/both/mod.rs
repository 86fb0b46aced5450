//! What both of this crate's test programs need.

pub(crate) mod reader;
pub(crate) mod retries;
