//! The two public keys that a user may have, for a new one to take the place of another without a gap.

use model::{Error, Result};
use snowflake::{ConnectionConfig, Identifier, Session, string_literal};

use super::identity::{SLOTS, current_user, fingerprints};
use crate::snowflake::error::from_client;

/// A user's slots for public keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySlots {
    user: Identifier,
    /// As `DESC USER` shows them.
    pub fingerprints: [Option<String>; 2],
}

/// Logs in, and asks what is in both slots of the user.
pub async fn key_slots(config: &ConnectionConfig) -> Result<KeySlots> {
    let session = Session::connect(config.clone()).await.map_err(from_client)?;
    let slots = ask(&session).await;
    if let Err(error) = session.close().await {
        tracing::debug!(error = %error, "log-out failed");
    }
    slots
}

async fn ask(session: &Session) -> Result<KeySlots> {
    let user = current_user(session).await?;
    let fingerprints = fingerprints(session, &user).await?;
    let user = Identifier::new(user).map_err(|error| Error::internal(error.message().to_owned()))?;
    Ok(KeySlots { user, fingerprints })
}

impl KeySlots {
    /// The slot that holds the key of this fingerprint.
    pub fn holding(&self, fingerprint: &str) -> Option<usize> {
        self.fingerprints.iter().position(|slot| slot.as_deref() == Some(fingerprint))
    }

    /// The statement that puts a public key into a slot.
    pub fn addition(&self, slot: usize, public_key: &str) -> String {
        format!("ALTER USER {} SET {} = {};", self.user, SLOTS[slot], string_literal(public_key))
    }

    /// The statement that empties a slot.
    pub fn removal(&self, slot: usize) -> String {
        format!("ALTER USER {} UNSET {};", self.user, SLOTS[slot])
    }
}
