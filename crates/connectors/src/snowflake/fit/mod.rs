//! Which rows fit into a customer's table, and in which form they get there: decided from types and values alone,
//! without IO.
//!
//! A [`Mapping`] lays a plan's columns beside the live table's and gives each pair a [`Verdict`]. What may be sent
//! is scanned ([`Mapping::check`]), brought into the form of the file ([`Mapping::file_rows`]), written as Parquet
//! ([`ParquetFile`]) and cast by the expressions of a `COPY` ([`Mapping::copy_expressions`]). Whatever is accepted
//! loads and reads back equal; `docs/type-fit.md` is the complete table.

mod created;
mod decision;
mod form;
mod mapping;
mod names;
mod numbers;
mod offset_text;
mod parquet_file;
mod route;
mod rule;
mod scan;
mod semi_structured;
mod target;
mod temporal;
mod texts;

pub use created::created_columns;
pub use mapping::{ChangedValues, ColumnMapping, Mapping, Misfit};
pub use parquet_file::{EncodedFile, ParquetFile};
pub use rule::Rule;
pub use target::{TargetColumn, Verdict};

#[cfg(test)]
mod tests;
