//! DuckDB as vendor database: one file per tenant.

mod appending;
mod audit;
mod bound;
mod bulk;
mod canonical;
mod catalog;
mod comparisons;
mod database;
mod deletes;
mod destination;
mod drift;
mod error;
mod group;
mod imports;
mod journal;
mod key_hash;
mod model_script;
mod position;
mod query;
mod read;
mod read_sql;
mod read_type;
mod read_values;
mod replace_from;
mod source;
mod sql;
mod types;
mod withdraw;

pub use comparisons::{ComparisonKind, ComparisonOutcome};
pub use database::{TenantConnection, TenantDatabase, TenantFile};
pub use destination::{DuckDbDestination, progress};
pub use imports::{Import, ImportedTable};
pub use journal::DuckDbJournal;
pub use model_script::ModelScript;
pub use query::{QueryRows, query, query_json};
pub use source::DuckDbSource;
