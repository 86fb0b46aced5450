//! COPY INTO a table, and staged files in queries: from the files of a Snowflake stage to rows.

mod execute;
mod failure;
mod files;
mod format;
pub(crate) mod history;
mod option;
mod parquet;
mod part;
mod query;
mod report;
mod shape;
mod source;
mod statement;

pub(crate) use self::execute::execute;
pub(crate) use self::query::query_source;
pub(crate) use self::report::columns;
pub(crate) use self::source::StagedRelation;

/// Snowflake's statement type of COPY.
const COPY: u64 = 0x3600;
