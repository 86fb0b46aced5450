//! Where a private key is: in the configuration itself, in a file or in the environment.

use std::path::PathBuf;

use super::PrivateKey;
use crate::secret::read_secret_file;
use crate::{Result, Secret};

/// Where to read a private key from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// The key's own text.
    Value(Secret),
    /// A file, PEM or DER.
    File(PathBuf),
    /// The name of an environment variable that holds the text.
    Env(String),
}

impl KeySource {
    /// Reads and opens the key.
    pub fn load(&self, passphrase: Option<&Secret>) -> Result<PrivateKey> {
        match self {
            Self::Value(text) => PrivateKey::parse(text.expose(), passphrase),
            Self::File(path) => PrivateKey::from_bytes(&read_secret_file(path)?, passphrase),
            Self::Env(name) => PrivateKey::parse(Secret::from_env(name)?.expose(), passphrase),
        }
    }
}
