//! A sync as its owner writes it: one YAML file, checked while it is read so that every error points at its line.

mod name;
mod secret;
mod snowflake;
mod span;
mod sync;

pub(crate) use sync::SyncFile;
