//! A customer's Snowflake account in a sync file: where it is, who logs in, and with which proof.

use std::io::Write;
use std::path::{Path, PathBuf};

use model::{Error, Result};
use serde::Deserialize;
use snowflake::{
    Account, ConnectionConfig, ConnectionsFile, Credentials, Endpoint, KeyBits, MemoryBudget, OAuthClient,
    PrivateKey,
};

use super::key_files::KeyFiles;
use super::secret::SecretReference;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnowflakeConfig {
    account: Option<AccountName>,
    user: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) virtual_warehouse: Option<String>,
    /// A connection of `~/.snowflake/connections.toml`, instead of everything above.
    connection: Option<String>,
    private_key: Option<PrivateKeyConfig>,
    access_token: Option<SecretReference>,
    oauth_token: Option<SecretReference>,
    oauth_client: Option<OAuthClientConfig>,
    password: Option<SecretReference>,
    passcode: Option<SecretReference>,
    /// Another address than the account's own, for private links and for the emulator.
    endpoint: Option<EndpointUrl>,
    /// Development only: plain http on this machine.
    #[serde(default)]
    allow_http_loopback: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateKeyConfig {
    env: Option<String>,
    file: Option<std::path::PathBuf>,
    keychain: Option<super::secret::KeychainEntry>,
    passphrase: Option<SecretReference>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OAuthClientConfig {
    token_url: String,
    id: String,
    secret: SecretReference,
    scope: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct AccountName(Account);

impl TryFrom<String> for AccountName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: snowflake::Error| error.message().to_owned())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct EndpointUrl(Endpoint);

impl TryFrom<String> for EndpointUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Endpoint::parse(&text).map(Self).map_err(|error| error.message().to_owned())
    }
}

impl SnowflakeConfig {
    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(crate) fn account(&self) -> Option<&str> {
        let account = self.account.as_ref().map(|AccountName(account)| account.identifier());
        account.or(self.connection.as_deref())
    }

    /// The key pair of this user. Where its file is not there yet, it is made, for the owner of the file to read alone.
    pub(crate) fn key_pair(&self, folder: &Path, bits: KeyBits) -> Result<KeyPair> {
        let Some(key) = &self.private_key else {
            return Err(Error::config("private_key_missing", "the sync file names no private key")
                .with_remedy("add `private_key: { file: keys/NAME.p8 }`; the key is made there"));
        };
        match &key.file {
            Some(file) if !folder.join(file).exists() => {
                let path = folder.join(file);
                key.refuse_passphrase(&path)?;
                Ok(KeyPair { key: make_key(&path, bits)?, made: Some(path) })
            }
            _ => Ok(KeyPair { key: key.load(folder)?, made: None }),
        }
    }

    /// The files of this user's key, for a new one to take its place.
    pub(crate) fn key_files(&self, folder: &Path) -> Result<KeyFiles> {
        let Some(PrivateKeyConfig { file: Some(file), passphrase: None, .. }) = &self.private_key else {
            let message = "only a private key in a file, without a passphrase, is rotated";
            return Err(Error::config("rotate_unsupported", message).with_remedy(
                "for any other, make the key yourself, put it into the second slot, and change over by hand",
            ));
        };
        Ok(KeyFiles::new(folder.join(file)))
    }

    /// What the client needs to connect; secrets are read now. Relative files are looked for in `folder`.
    pub(crate) fn connection_config(
        &self,
        folder: &Path,
        memory_budget: MemoryBudget,
    ) -> Result<ConnectionConfig> {
        let mut config = match &self.connection {
            Some(name) => self.of_connections_file(name)?,
            None => self.of_fields(folder)?,
        };
        if let Some(role) = &self.role {
            config = config.role(role);
        }
        if let Some(virtual_warehouse) = &self.virtual_warehouse {
            config = config.virtual_warehouse(virtual_warehouse);
        }
        if let Some(EndpointUrl(endpoint)) = &self.endpoint {
            config = config.endpoint(endpoint.clone());
        }
        config = config.allow_http_loopback(self.allow_http_loopback).memory_budget(memory_budget);
        config.check().map_err(|error| lifted(&error))?;
        Ok(config)
    }

    fn of_connections_file(&self, name: &str) -> Result<ConnectionConfig> {
        if self.account.is_some() || self.user.is_some() || self.proofs() > 0 {
            return Err(Error::config("connection_twice", "`connection` replaces account, user and proof")
                .with_remedy("keep either `connection` or the others"));
        }
        let connections = ConnectionsFile::read_default().map_err(|error| lifted(&error))?;
        connections.connection(name).map_err(|error| lifted(&error))
    }

    fn of_fields(&self, folder: &Path) -> Result<ConnectionConfig> {
        let Some(AccountName(account)) = &self.account else {
            return Err(Error::config("account_missing", "`account` is missing")
                .with_remedy("write it as organisation-account, as in the address of Snowflake's web page"));
        };
        let credentials = self.credentials(folder)?;
        Ok(ConnectionConfig::new(account.clone(), self.user.clone().unwrap_or_default(), credentials))
    }

    fn proofs(&self) -> usize {
        [
            self.private_key.is_some(),
            self.access_token.is_some(),
            self.oauth_token.is_some(),
            self.oauth_client.is_some(),
            self.password.is_some(),
        ]
        .into_iter()
        .filter(|is_given| *is_given)
        .count()
    }

    fn credentials(&self, folder: &Path) -> Result<Credentials> {
        if self.proofs() != 1 {
            let message =
                "exactly one of private_key, access_token, oauth_token, oauth_client and password is needed";
            return Err(Error::config("credentials_count", message)
                .with_remedy("a private key is the right one for a service user"));
        }
        if let Some(key) = &self.private_key {
            return Ok(Credentials::KeyPair(key.load(folder)?));
        }
        if let Some(token) = &self.access_token {
            return Ok(Credentials::ProgrammaticAccessToken(token.read(folder)?));
        }
        if let Some(token) = &self.oauth_token {
            return Ok(Credentials::OAuthToken(token.read(folder)?));
        }
        if let Some(client) = &self.oauth_client {
            return client.credentials(folder);
        }
        let password = self.password.as_ref().map(|password| password.read(folder)).transpose()?;
        let passcode = self.passcode.as_ref().map(|passcode| passcode.read(folder)).transpose()?;
        match password {
            Some(password) => Ok(Credentials::Password { password, passcode }),
            None => Err(Error::internal("no proof is left to log in with")),
        }
    }
}

/// A key, and where it was put if it was made just now.
pub(crate) struct KeyPair {
    pub(crate) key: PrivateKey,
    pub(crate) made: Option<PathBuf>,
}

/// Makes a key in a new file.
pub(super) fn make_key(path: &Path, bits: KeyBits) -> Result<PrivateKey> {
    let key = PrivateKey::generate(bits).map_err(|error| lifted(&error))?;
    let pem = key.to_pkcs8_pem().map_err(|error| lifted(&error))?;
    write_for_owner(path, pem.expose().as_bytes()).map_err(|error| {
        Error::config("key_unwritten", format!("{} cannot be written: {error}", path.display()))
            .with_remedy("make its folder, or name another file")
    })?;
    Ok(key)
}

impl PrivateKeyConfig {
    fn refuse_passphrase(&self, path: &Path) -> Result<()> {
        if self.passphrase.is_none() {
            return Ok(());
        }
        let message = format!("{} does not exist, and keys are made without a passphrase", path.display());
        Err(Error::config("key_passphrase", message).with_remedy(
            "remove `passphrase`, or make the key with `openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes256`",
        ))
    }

    fn load(&self, folder: &Path) -> Result<PrivateKey> {
        let passphrase = self.passphrase.as_ref().map(|passphrase| passphrase.read(folder)).transpose()?;
        let key = match (&self.file, &self.env, &self.keychain) {
            // A file may be DER, which is no text.
            (Some(path), None, None) => {
                snowflake::KeySource::File(folder.join(path)).load(passphrase.as_ref())
            }
            (None, Some(name), None) => snowflake::KeySource::Env(name.clone()).load(passphrase.as_ref()),
            (None, None, Some(entry)) => {
                let text = SecretReference::Keychain(entry.clone()).read(folder)?;
                snowflake::KeySource::Value(text).load(passphrase.as_ref())
            }
            _ => {
                return Err(Error::config(
                    "private_key_source",
                    "`private_key` needs one of file, env and keychain",
                ));
            }
        };
        key.map_err(|error| lifted(&error))
    }
}

impl OAuthClientConfig {
    fn credentials(&self, folder: &Path) -> Result<Credentials> {
        let client = OAuthClient {
            token_url: self.token_url.clone(),
            client_id: self.id.clone(),
            client_secret: self.secret.read(folder)?,
            scope: self.scope.clone(),
        };
        Ok(Credentials::OAuthClient(client))
    }
}

/// A new file that nobody else can read, from its first moment on. An existing one is never overwritten.
fn write_for_owner(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

pub(super) fn lifted(error: &snowflake::Error) -> Error {
    let lifted = Error::config("connection_config", error.message().to_owned());
    match error.remedy() {
        Some(remedy) => lifted.with_remedy(remedy),
        None => lifted,
    }
}
