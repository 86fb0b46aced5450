//! What two systems need so that they find the same hashes for the same rows: one statement in two dialects, and the
//! canonical texts of values in memory.

mod answer;
mod canonical;
mod dialect;
mod statement;

pub(crate) use answer::{marks, summaries};
pub(crate) use canonical::row_marks;
pub(crate) use dialect::{Dialect, TEXT_BYTES_MAX};
pub(crate) use statement::{bucket_condition, key_text, marks_sql, summary_sql};
