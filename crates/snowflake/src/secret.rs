//! A secret that cannot be printed: passwords, tokens, passphrases and key text.

use std::fmt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

/// The longest file that is read as a secret; a private key of 8192 bits with its chain stays far below.
const SECRET_FILE_BYTES_MAX: u64 = 256 * 1024;

/// Text that is wiped from memory when dropped and never shows up in `Debug`, errors or logs.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes over `text` as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Reads the environment variable `name`.
    pub fn from_env(name: &str) -> Result<Self> {
        match std::env::var(name) {
            Ok(text) => Ok(Self::new(text)),
            Err(std::env::VarError::NotPresent) => {
                Err(Error::new(ErrorKind::Config, format!("the environment variable {name} is not set")))
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Error::new(ErrorKind::Config, format!("the environment variable {name} is not UTF-8")))
            }
        }
    }

    /// Reads a text file, without its final line break.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let bytes = read_secret_file(path.as_ref())?;
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Error::new(ErrorKind::Config, format!("{} is not a UTF-8 text file", path.as_ref().display()))
        })?;
        Ok(Self::new(text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))))
    }

    /// The secret itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Reads a small file whose bytes are wiped when dropped.
pub(crate) fn read_secret_file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |source: std::io::Error| {
        Error::new(ErrorKind::Config, format!("cannot read {}", path.display())).with_source(source)
    };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > SECRET_FILE_BYTES_MAX {
        let message = format!("{} has {length} bytes, too long for a key or a token", path.display());
        return Err(Error::new(ErrorKind::Config, message));
    }
    std::fs::read(path).map(Zeroizing::new).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let printed = format!("{:?}", Some(Secret::new("hunter2")));
        assert_eq!(printed, "Some(Secret(hidden))");
    }

    #[test]
    fn a_file_is_read_without_its_final_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "abc \r\n").unwrap();
        assert_eq!(Secret::from_file(&path).unwrap().expose(), "abc ");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Secret::from_file("/nowhere/token").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("/nowhere/token"));
    }
}
