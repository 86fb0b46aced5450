//! Secrets of connections, sealed at rest.
//!
//! Each tenant has a data key that seals its secrets; a master key, which is not in the database, wraps the data keys.
//! What is sealed is bound to tenant, connection and field: moved anywhere else in the database it cannot be opened.
//! Whoever has a copy of the database and not the master key has nothing.

mod envelope;
mod master_key;
mod value;
mod vault;

pub use master_key::{MasterKey, MasterKeySource};
pub use value::SecretValue;
pub use vault::Vault;
