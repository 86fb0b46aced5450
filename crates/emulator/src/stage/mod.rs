//! Snowflake stages: their files on disk, and the keys under which clients encrypt them.

mod credentials;
mod envelope;
mod error;
mod file;
mod id;
mod key;
mod store;
mod transfer;

pub(crate) use self::credentials::{Credentials, Issued, Scope, StageCredentials};
pub(crate) use self::error::StageError;
pub(crate) use self::file::{DIGEST, FileTags, MATERIAL, StageFile, VECTOR, WRAPPED_KEY};
pub(crate) use self::id::StageId;
pub use self::key::KeySize;
pub(crate) use self::key::{EncryptionMaterial, StageKey};
pub(crate) use self::store::StageStore;
pub(crate) use self::transfer::{Direction, GrantedTransfer, StageDialect};
pub use self::transfer::{StageAccess, Transfer};
