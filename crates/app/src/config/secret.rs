//! Where a secret is kept: environment, file or the system's keychain; never in the sync file itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use model::{Error, Result};
use serde::Deserialize;
use snowflake::Secret;

/// Where the secrets that a file refers to are taken from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Secrets<'a> {
    /// From where the references point; relative files are looked for in this folder.
    Referenced(&'a Path),
    /// From what was sealed when the file was applied, by field.
    Kept(&'a KeptSecrets),
}

/// Secrets that were sealed and opened again, by field.
pub(crate) type KeptSecrets = BTreeMap<String, Secret>;

impl Secrets<'_> {
    /// The secret of `field`, to which the file has `reference`.
    pub(crate) fn read(self, field: &str, reference: &SecretReference) -> Result<Secret> {
        match self {
            Secrets::Referenced(folder) => reference.read(folder),
            Secrets::Kept(kept) => kept_secret(kept, field),
        }
    }
}

/// A secret that was sealed.
pub(crate) fn kept_secret(kept: &KeptSecrets, field: &str) -> Result<Secret> {
    kept.get(field).cloned().ok_or_else(|| {
        Error::config("secret_missing", format!("the connection has no secret sealed as `{field}`"))
            .with_remedy("apply its files again from where the secret can be read; where they say `vault: true`, let the customer hand it over: `snowferry handover`")
    })
}

/// A reference to a secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SecretReference {
    /// The name of an environment variable.
    Env(String),
    /// A file, relative to the sync file.
    File(PathBuf),
    /// An entry of the system's keychain.
    Keychain(KeychainEntry),
    /// The vault of the state database alone, where a customer's link or a rotation puts it.
    Vault(InVault),
}

/// `true`, which says that the vault alone has it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "bool")]
pub(crate) struct InVault;

impl TryFrom<bool> for InVault {
    type Error = &'static str;

    fn try_from(is_in_vault: bool) -> Result<Self, &'static str> {
        is_in_vault.then_some(Self).ok_or("write `vault: true`, or say where the secret is")
    }
}

/// What the keychain knows an entry by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeychainEntry {
    service: String,
    account: String,
}

impl SecretReference {
    /// Reads the secret; relative files are looked for in `folder`.
    pub(crate) fn read(&self, folder: &Path) -> Result<Secret> {
        match self {
            SecretReference::Env(name) => Secret::from_env(name).map_err(|error| unreadable(&error)),
            SecretReference::File(path) => {
                Secret::from_file(folder.join(path)).map_err(|error| unreadable(&error))
            }
            SecretReference::Keychain(entry) => entry.read(),
            SecretReference::Vault(InVault) => Err(in_vault()),
        }
    }

    /// Whether the vault of the state database alone has it.
    pub(super) fn is_in_vault(&self) -> bool {
        matches!(self, SecretReference::Vault(InVault))
    }
}

/// The secret is not to be had outside the state database.
pub(super) fn in_vault() -> Error {
    Error::config("secret_in_vault", "the file says `vault: true`: the secret is in the state database alone")
        .with_remedy("apply the file, and go by the stored sync: `snowferry trigger`, `check --stored`, `connect --stored`")
}

fn unreadable(error: &snowflake::Error) -> Error {
    Error::config("secret_missing", error.message().to_owned())
        .with_remedy("set the variable, or correct the path; a path is relative to the sync file")
}

impl KeychainEntry {
    /// Asks the keychain through the tool that comes with the system, which also asks the user where it must.
    fn read(&self) -> Result<Secret> {
        let mut command = self.command();
        let tool = command.get_program().to_string_lossy().into_owned();
        let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().map_err(|_| {
            Error::config("keychain_missing", format!("the keychain tool `{tool}` cannot be run"))
                .with_remedy(
                    "install it (on Debian: libsecret-tools), or keep the secret in a file or variable",
                )
        })?;
        let text =
            String::from_utf8(output.stdout).ok().filter(|text| output.status.success() && !text.is_empty());
        let missing = || {
            let message = format!(
                "the keychain has no entry for service {} and account {}",
                self.service, self.account
            );
            Error::config("secret_missing", message).with_remedy("add the entry, or unlock the keychain")
        };
        let text = text.ok_or_else(missing)?;
        Ok(Secret::new(text.strip_suffix('\n').unwrap_or(&text)))
    }

    #[cfg(target_os = "macos")]
    fn command(&self) -> Command {
        let mut command = Command::new("security");
        command.args(["find-generic-password", "-s", &self.service, "-a", &self.account, "-w"]);
        command
    }

    #[cfg(not(target_os = "macos"))]
    fn command(&self) -> Command {
        let mut command = Command::new("secret-tool");
        command.args(["lookup", "service", &self.service, "account", &self.account]);
        command
    }
}
