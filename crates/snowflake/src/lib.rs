//! An asynchronous Snowflake client: log-in, statements, and results as a stream of Arrow batches.

mod column;
mod decode;
mod error;
mod result;
mod wire;

pub use column::{Column, ColumnOrigin, ColumnType, VectorElement};
pub use decode::{DecodeOptions, WideTimestamps};
pub use error::{Error, ErrorKind, Result};
pub use result::{MemoryBudget, QueryResult, ResultBatch, ResultStream, ResultSummary};
