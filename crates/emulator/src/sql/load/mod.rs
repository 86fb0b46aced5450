//! COPY INTO a table, and staged files in queries: from the files of a Snowflake stage to rows.

mod csv;
mod execute;
mod failure;
mod files;
mod format;
pub(crate) mod history;
mod infer;
mod json;
mod option;
mod parquet;
mod part;
mod query;
mod reject;
mod report;
mod shape;
mod source;
mod statement;
mod text;
mod texts;

pub(crate) use self::execute::execute;
pub(crate) use self::format::{FileFormat, SettingKind};
pub(crate) use self::infer::schema as inferred_schema;
pub(crate) use self::option::read as read_options;
pub(crate) use self::query::query_source;
pub(crate) use self::report::columns;
pub(crate) use self::source::StagedRelation;

/// Snowflake's statement type of COPY.
const COPY: u64 = 0x3600;
