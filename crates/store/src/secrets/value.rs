//! Text that cannot be printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

/// A secret in memory: wiped when dropped, hidden in `Debug`, without `Display`.
#[derive(Clone)]
pub struct SecretValue(SecretString);

impl SecretValue {
    /// The secret itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Takes over bytes that were text before they were sealed, and wipes what is left of them where they were not.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        match String::from_utf8(bytes) {
            Ok(text) => Some(Self::from(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }
}

impl From<String> for SecretValue {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl<'de> Deserialize<'de> for SecretValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(hidden)")
    }
}
