//! Snowflake stages: their files on disk, and the keys under which clients encrypt them.

#![allow(dead_code, reason = "uploads call it in the next step")]

mod envelope;
mod error;
mod file;
mod id;
mod key;
mod store;

pub(crate) use self::error::StageError;
pub(crate) use self::file::StageFile;
pub(crate) use self::id::StageId;
pub use self::key::KeySize;
pub(crate) use self::key::{EncryptionMaterial, StageKey};
pub(crate) use self::store::StageStore;
