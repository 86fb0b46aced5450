//! Keys for the API: what `snowferry connect --stored` does, on request.

use async_trait::async_trait;
use model::{Error, Result};
use service::{AccessAsked, AccessScript, Keys, Rotated};
use snowflake::KeyBits;
use store::{Actor, Connection, Store, Vault};

use super::super::access::{NamedObjects, stored_files_of};
use super::super::connect::{Grants, with_key};
use super::super::kept_key::KeptKey;
use super::super::rotate::Rotation;

/// Makes and changes keys in the vault.
#[derive(Debug)]
pub(super) struct StoredKeys {
    store: Store,
    vault: Vault,
}

impl StoredKeys {
    pub(super) fn new(store: Store, vault: Vault) -> Self {
        Self { store, vault }
    }

    fn kept(&self, connection: &Connection, by: &Actor) -> KeptKey {
        KeptKey { vault: self.vault.clone(), connection: connection.clone(), by: by.clone() }
    }
}

#[async_trait]
impl Keys for StoredKeys {
    async fn access(&self, connection: &Connection, asked: &AccessAsked, by: &Actor) -> Result<AccessScript> {
        let bits = key_bits(asked.bits)?;
        let files = stored_files_of(&self.store, &self.vault, connection).await?;
        let grants = Grants {
            objects: NamedObjects {
                future_tables: asked.future_tables,
                tables: asked.tables.clone(),
                views: asked.views.clone(),
            },
            egress: asked.egress.clone(),
            own_virtual_warehouse: asked.own_virtual_warehouse,
            track_changes: asked.track_changes,
        };
        let onboarding = grants.onboarding(&files)?;
        onboarding.script()?;
        let (key, is_new_key) = self.kept(connection, by).current_or_new(bits).await?;
        let sql = with_key(onboarding, &key)?.script()?;
        Ok(AccessScript { sql, fingerprint: key.fingerprint().to_owned(), is_new_key })
    }

    async fn rotate(&self, connection: &Connection, bits: Option<u32>, by: &Actor) -> Result<Rotated> {
        let bits = key_bits(bits)?;
        let files = stored_files_of(&self.store, &self.vault, connection).await?;
        Rotation::of(&files[0], Some(self.kept(connection, by)), bits)?.go_on().await
    }
}

fn key_bits(bits: Option<u32>) -> Result<KeyBits> {
    match bits {
        None | Some(2048) => Ok(KeyBits::Rsa2048),
        Some(3072) => Ok(KeyBits::Rsa3072),
        Some(4096) => Ok(KeyBits::Rsa4096),
        Some(other) => Err(Error::config("key_bits", format!("a key cannot have {other} bits"))
            .with_remedy("ask for 2048, 3072 or 4096")),
    }
}
