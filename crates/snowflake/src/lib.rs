//! An asynchronous Snowflake client: log-in, statements, and results as a stream of Arrow batches.

mod error;

pub use error::{Error, ErrorKind, Result};
