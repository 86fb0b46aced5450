//! A sync as its owner writes it: one YAML file, checked while it is read so that every error points at its line.

mod alerts;
mod columns;
mod deletes;
mod drift;
mod duration;
mod folder;
mod key_files;
mod late;
mod name;
mod pull;
mod push;
mod ranges;
mod read;
mod schedule;
mod secret;
mod snowflake;
mod span;
mod stored;
mod stream;
mod sync;
mod tenant;
mod types;
mod verify;

pub(crate) use alerts::read_channels;
pub(crate) use folder::read_folder;
pub(crate) use key_files::KeyFiles;
pub(crate) use name::QualifiedTable;
pub(crate) use push::PushOptions;
pub(crate) use secret::KeptSecrets;
pub(crate) use snowflake::{FORMER_KEY, NEXT_KEY, PRIVATE_KEY};
pub(crate) use sync::SyncFile;

#[cfg(test)]
mod tests;
