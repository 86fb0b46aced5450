//! The files of a key pair that is being rotated: the key in use, the next one beside it, and the former one.
//!
//! At every moment the file in use is there and whole, so runs may begin at any time; whatever interrupts a rotation, the
//! next step finds out from the files where it was.

use std::path::{Path, PathBuf};

use model::{Error, Result};
use snowflake::{KeyBits, KeySource, PrivateKey, Secret};

use super::snowflake::{lifted, make_key};

/// The file of a private key, and those beside it.
#[derive(Clone, Debug)]
pub(crate) struct KeyFiles {
    current: PathBuf,
    /// Opens the key in use, and is to open the next one.
    passphrase: Option<Secret>,
}

impl KeyFiles {
    pub(super) fn new(current: PathBuf, passphrase: Option<Secret>) -> Self {
        Self { current, passphrase }
    }

    pub(crate) fn next_path(&self) -> PathBuf {
        self.beside("next")
    }

    pub(crate) fn former_path(&self) -> PathBuf {
        self.beside("old")
    }

    /// The key that runs log in with.
    pub(crate) fn current(&self) -> Result<PrivateKey> {
        self.load(&self.current)
    }

    /// The key that is to take its place, where it was made.
    pub(crate) fn next(&self) -> Result<Option<PrivateKey>> {
        self.existing(&self.next_path())
    }

    /// The key whose place was taken, where it was not removed yet.
    pub(crate) fn former(&self) -> Result<Option<PrivateKey>> {
        self.existing(&self.former_path())
    }

    /// Makes the next key.
    pub(crate) fn make_next(&self, bits: KeyBits) -> Result<PrivateKey> {
        make_key(&self.next_path(), bits, self.passphrase.as_ref())
    }

    /// Puts the next key in place; the one in use is kept as the former.
    pub(crate) fn switch(&self) -> Result<()> {
        let failed = |error: std::io::Error| unwritten(&self.current, &error);
        let former = self.former_path();
        // A link left by a switch that was interrupted is to the file that is still in use.
        if former.exists() {
            std::fs::remove_file(&former).map_err(failed)?;
        }
        // Where the file system has no links, a copy keeps the mode too.
        std::fs::hard_link(&self.current, &former)
            .or_else(|_| std::fs::copy(&self.current, &former).map(|_bytes| ()))
            .map_err(failed)?;
        std::fs::rename(self.next_path(), &self.current).map_err(failed)
    }

    /// Deletes the former key.
    pub(crate) fn forget_former(&self) -> Result<()> {
        std::fs::remove_file(self.former_path()).map_err(|error| unwritten(&self.former_path(), &error))
    }

    fn existing(&self, path: &Path) -> Result<Option<PrivateKey>> {
        path.exists().then(|| self.load(path)).transpose()
    }

    fn load(&self, path: &Path) -> Result<PrivateKey> {
        KeySource::File(path.to_owned()).load(self.passphrase.as_ref()).map_err(|error| lifted(&error))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.current.clone().into_os_string();
        name.push(".");
        name.push(suffix);
        name.into()
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Error {
    Error::config("key_unwritten", format!("{} cannot be replaced: {error}", path.display()))
        .with_remedy("make sure that its folder can be written, and run the same command again")
}
