//! A customer's Snowflake account in a sync file: where it is, who logs in, and with which proof.

use std::io::Write;
use std::path::{Path, PathBuf};

use model::{Error, Result};
use serde::Deserialize;
use snowflake::{
    Account, ConnectionConfig, ConnectionsFile, Credentials, Endpoint, KeyBits, MemoryBudget, Networks,
    OAuthClient, PrivateKey, Secret,
};
use store::SecretValue;

use super::key_files::KeyFiles;
use super::secret::{InVault, KeychainEntry, SecretReference, Secrets, in_vault, kept_secret};

/// The ways out of this process, shared by all its syncs.
static NETWORKS: Networks = Networks::new();

/// The fields of a connection that are secrets, as they are sealed.
pub(crate) const PRIVATE_KEY: &str = "private_key";
/// During a rotation: the key that is to take its place, and the one whose place was taken.
pub(crate) const NEXT_KEY: &str = "private_key.next";
pub(crate) const FORMER_KEY: &str = "private_key.former";
const ACCESS_TOKEN: &str = "access_token";
const OAUTH_TOKEN: &str = "oauth_token";
const OAUTH_SECRET: &str = "oauth_client.secret";
const PASSWORD: &str = "password";

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
    keychain: Option<KeychainEntry>,
    /// The vault of the state database alone has it.
    vault: Option<InVault>,
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
                let passphrase =
                    key.passphrase.as_ref().map(|passphrase| passphrase.read(folder)).transpose()?;
                Ok(KeyPair { key: make_key(&path, bits, passphrase.as_ref())?, made: Some(path) })
            }
            _ => Ok(KeyPair { key: key.load(Secrets::Referenced(folder))?, made: None }),
        }
    }

    /// The files of this user's key, for a new one to take its place.
    pub(crate) fn key_files(&self, folder: &Path) -> Result<KeyFiles> {
        let Some(PrivateKeyConfig { file: Some(file), passphrase, .. }) = &self.private_key else {
            let message = "only a private key in a file or in the vault is rotated";
            return Err(Error::config("rotate_unsupported", message).with_remedy(
                "for one in the vault name the connection by --stored; for any other make the key yourself, put it into the second slot, and change over by hand",
            ));
        };
        let passphrase = passphrase.as_ref().map(|passphrase| passphrase.read(folder)).transpose()?;
        Ok(KeyFiles::new(folder.join(file), passphrase))
    }

    /// What the client needs to connect; secrets are read now.
    pub(crate) fn connection_config(
        &self,
        secrets: Secrets<'_>,
        memory_budget: MemoryBudget,
    ) -> Result<ConnectionConfig> {
        let mut config = match &self.connection {
            Some(name) => self.of_connections_file(name)?,
            None => self.of_fields(secrets)?,
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
        NETWORKS.share(config).map_err(|error| lifted(&error))
    }

    /// What the state database keeps of the account: how to reach it and who logs in, and never a secret.
    pub(crate) fn stored(&self, folder: &Path) -> Result<StoredAccount> {
        self.refuse_what_is_not_stored()?;
        let Some(AccountName(account)) = &self.account else {
            return Err(account_missing());
        };
        let (proof, secrets, kept) = match self.proof_in_vault()? {
            Some(field) => (field, Vec::new(), kept_fields(field)),
            None => {
                let (field, secrets) = self.proof(Secrets::Referenced(folder))?;
                (field, secrets, Vec::new())
            }
        };
        let settings = serde_json::json!({
            "account": account.to_string(),
            "user": self.user,
            "endpoint": self.endpoint.as_ref().map(|EndpointUrl(endpoint)| endpoint.to_string()),
            "log_in": proof,
        });
        // Where it is not so, nothing is said: what was stored before differs in nothing.
        let settings = match kept.is_empty() {
            true => settings,
            false => with_vault(settings),
        };
        let words = [Some(account.to_string()), self.user.clone()];
        let name = plain_name(&words.into_iter().flatten().collect::<Vec<_>>().join("-"));
        Ok(StoredAccount { name, settings, secrets, kept })
    }

    /// The field of the proof that the vault alone has.
    fn proof_in_vault(&self) -> Result<Option<&'static str>> {
        self.refuse_other_than_one_proof()?;
        if let Some(key) = self.private_key.as_ref().filter(|key| key.vault.is_some()) {
            key.refuse_another_place()?;
            return Ok(Some(PRIVATE_KEY));
        }
        let secret = self.oauth_client.as_ref().map(|client| &client.secret);
        let fields = [
            (ACCESS_TOKEN, self.access_token.as_ref()),
            (OAUTH_TOKEN, self.oauth_token.as_ref()),
            (OAUTH_SECRET, secret),
            (PASSWORD, self.password.as_ref()),
        ];
        let is_in_vault =
            |reference: &Option<&SecretReference>| reference.is_some_and(SecretReference::is_in_vault);
        Ok(fields.into_iter().find(|(_, reference)| is_in_vault(reference)).map(|(field, _)| field))
    }

    fn refuse_what_is_not_stored(&self) -> Result<()> {
        if let Some(name) = &self.connection {
            let message = format!("`connection: {name}` is in a file of this machine, and is not stored");
            return Err(Error::config("connection_not_storable", message)
                .with_remedy("write account, user and proof into the sync file"));
        }
        if self.passcode.is_some() {
            let message = "a `passcode` is good for half a minute, and is not stored";
            return Err(Error::config("connection_not_storable", message)
                .with_remedy("let a service user log in by a key pair"));
        }
        Ok(())
    }

    /// The kind of proof, with its secret as it is sealed: a key without its passphrase, since what seals it is stronger.
    fn proof(&self, secrets: Secrets<'_>) -> Result<(&'static str, Vec<(String, SecretValue)>)> {
        let (field, secret) = match self.credentials(secrets)? {
            Credentials::KeyPair(key) => (PRIVATE_KEY, key.to_pkcs8_pem().map_err(|error| lifted(&error))?),
            Credentials::ProgrammaticAccessToken(token) => (ACCESS_TOKEN, token),
            Credentials::OAuthToken(token) => (OAUTH_TOKEN, token),
            Credentials::OAuthClient(client) => (OAUTH_SECRET, client.client_secret),
            Credentials::Password { password, .. } => (PASSWORD, password),
        };
        Ok((field, vec![(field.to_owned(), SecretValue::from(secret.expose().to_owned()))]))
    }

    fn of_connections_file(&self, name: &str) -> Result<ConnectionConfig> {
        if self.account.is_some() || self.user.is_some() || self.proofs() > 0 {
            return Err(Error::config("connection_twice", "`connection` replaces account, user and proof")
                .with_remedy("keep either `connection` or the others"));
        }
        let connections = ConnectionsFile::read_default().map_err(|error| lifted(&error))?;
        connections.connection(name).map_err(|error| lifted(&error))
    }

    fn of_fields(&self, secrets: Secrets<'_>) -> Result<ConnectionConfig> {
        let Some(AccountName(account)) = &self.account else {
            return Err(account_missing());
        };
        let credentials = self.credentials(secrets)?;
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

    fn refuse_other_than_one_proof(&self) -> Result<()> {
        if self.proofs() == 1 {
            return Ok(());
        }
        let message =
            "exactly one of private_key, access_token, oauth_token, oauth_client and password is needed";
        Err(Error::config("credentials_count", message)
            .with_remedy("a private key is the right one for a service user"))
    }

    fn credentials(&self, secrets: Secrets<'_>) -> Result<Credentials> {
        self.refuse_other_than_one_proof()?;
        if let Some(key) = &self.private_key {
            return Ok(Credentials::KeyPair(key.load(secrets)?));
        }
        if let Some(token) = &self.access_token {
            return Ok(Credentials::ProgrammaticAccessToken(secrets.read(ACCESS_TOKEN, token)?));
        }
        if let Some(token) = &self.oauth_token {
            return Ok(Credentials::OAuthToken(secrets.read(OAUTH_TOKEN, token)?));
        }
        if let Some(client) = &self.oauth_client {
            return client.credentials(secrets);
        }
        let password = self.password.as_ref().map(|password| secrets.read(PASSWORD, password)).transpose()?;
        let passcode =
            self.passcode.as_ref().map(|passcode| secrets.read("passcode", passcode)).transpose()?;
        match password {
            Some(password) => Ok(Credentials::Password { password, passcode }),
            None => Err(Error::internal("no proof is left to log in with")),
        }
    }
}

/// Settings that say that the vault alone has the proof.
fn with_vault(mut settings: serde_json::Value) -> serde_json::Value {
    settings["is_in_vault"] = true.into();
    settings
}

/// An account as it is stored, under a name that follows from it: syncs over one account and user share its limits.
#[derive(Debug)]
pub(crate) struct StoredAccount {
    pub(crate) name: String,
    pub(crate) settings: serde_json::Value,
    pub(crate) secrets: Vec<(String, SecretValue)>,
    /// Fields that the vault alone has.
    pub(crate) kept: Vec<String>,
}

/// What the vault alone has where it alone has this proof: of a key, also those of a rotation.
fn kept_fields(proof: &str) -> Vec<String> {
    let fields: &[&str] = if proof == PRIVATE_KEY { &[PRIVATE_KEY, NEXT_KEY, FORMER_KEY] } else { &[proof] };
    fields.iter().map(|field| (*field).to_owned()).collect()
}

fn account_missing() -> Error {
    Error::config("account_missing", "`account` is missing")
        .with_remedy("write it as organisation-account, as in the address of Snowflake's web page")
}

/// Letters, digits and `-`, as names in the state database are.
fn plain_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(plain).take(NAME_CHARACTERS_MAX).collect()
}

/// What a name in the state database may have.
const NAME_CHARACTERS_MAX: usize = 100;

/// A key, and where it was put if it was made just now.
pub(crate) struct KeyPair {
    pub(crate) key: PrivateKey,
    pub(crate) made: Option<PathBuf>,
}

/// Makes a key in a new file, which the passphrase opens where there is one.
pub(super) fn make_key(path: &Path, bits: KeyBits, passphrase: Option<&Secret>) -> Result<PrivateKey> {
    let key = PrivateKey::generate(bits).map_err(|error| lifted(&error))?;
    let pem = match passphrase {
        None => key.to_pkcs8_pem(),
        Some(passphrase) => key.to_encrypted_pkcs8_pem(passphrase),
    };
    let pem = pem.map_err(|error| lifted(&error))?;
    write_for_owner(path, pem.expose().as_bytes()).map_err(|error| {
        Error::config("key_unwritten", format!("{} cannot be written: {error}", path.display()))
            .with_remedy("make its folder, or name another file")
    })?;
    Ok(key)
}

impl PrivateKeyConfig {
    fn load(&self, secrets: Secrets<'_>) -> Result<PrivateKey> {
        let folder = match secrets {
            Secrets::Referenced(folder) => folder,
            Secrets::Kept(kept) => {
                let text = kept_secret(kept, PRIVATE_KEY)?;
                return PrivateKey::parse(text.expose(), None).map_err(|error| lifted(&error));
            }
        };
        let passphrase = self.passphrase.as_ref().map(|passphrase| passphrase.read(folder)).transpose()?;
        if self.vault.is_some() {
            self.refuse_another_place()?;
            return Err(in_vault());
        }
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
            _ => return Err(source_unclear()),
        };
        key.map_err(|error| lifted(&error))
    }

    /// A key in the vault is nowhere else, and has no passphrase: what seals it is stronger.
    fn refuse_another_place(&self) -> Result<()> {
        let is_elsewhere = self.file.is_some() || self.env.is_some() || self.keychain.is_some();
        if is_elsewhere || self.passphrase.is_some() { Err(source_unclear()) } else { Ok(()) }
    }
}

fn source_unclear() -> Error {
    Error::config(
        "private_key_source",
        "`private_key` needs one of file, env, keychain and vault, and the last has no passphrase",
    )
    .with_remedy("keep the one that has the key")
}

impl OAuthClientConfig {
    fn credentials(&self, secrets: Secrets<'_>) -> Result<Credentials> {
        let client = OAuthClient {
            token_url: self.token_url.clone(),
            client_id: self.id.clone(),
            client_secret: secrets.read(OAUTH_SECRET, &self.secret)?,
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
