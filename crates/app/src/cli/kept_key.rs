//! The private key of a stored connection that the vault alone has, with those of a rotation beside it.

use model::{Error, Result};
use service::proof_in_vault;
use snowflake::{KeyBits, PrivateKey};
use store::{Actor, Connection, SecretValue, Vault};

use crate::config::{FORMER_KEY, NEXT_KEY, PRIVATE_KEY};

/// A key in the vault. Every change is one transaction, so a run finds one key or the other, and never none.
#[derive(Clone, Debug)]
pub(super) struct KeptKey {
    pub(super) vault: Vault,
    pub(super) connection: Connection,
    /// Who changes it, in the audit log.
    pub(super) by: Actor,
}

impl KeptKey {
    /// The key that runs log in with.
    pub(super) async fn current(&self) -> Result<PrivateKey> {
        self.existing(PRIVATE_KEY).await?.ok_or_else(|| {
            let message = format!("the vault has no key of the connection {}", self.connection.name);
            Error::config("secret_missing", message)
                .with_remedy("`snowferry connect --stored` makes one, and prints the script for the customer")
        })
    }

    /// The key that is to take its place, where it was made.
    pub(super) async fn next(&self) -> Result<Option<PrivateKey>> {
        self.existing(NEXT_KEY).await
    }

    /// The key whose place was taken, where it was not removed yet.
    pub(super) async fn former(&self) -> Result<Option<PrivateKey>> {
        self.existing(FORMER_KEY).await
    }

    /// The key in use, made now where there is none; and whether it was.
    pub(super) async fn current_or_new(&self, bits: KeyBits) -> Result<(PrivateKey, bool)> {
        if let Some(key) = self.existing(PRIVATE_KEY).await? {
            return Ok((key, false));
        }
        self.make(PRIVATE_KEY, bits).await
    }

    /// Makes the next key, unless somebody else did at this moment.
    pub(super) async fn make_next(&self, bits: KeyBits) -> Result<PrivateKey> {
        let (key, _is_new) = self.make(NEXT_KEY, bits).await?;
        Ok(key)
    }

    /// Puts the next key in place; the one in use is kept as the former.
    pub(super) async fn switch(&self) -> Result<()> {
        let Connection { tenant, id, .. } = &self.connection;
        match self.vault.replace(tenant, id, [PRIVATE_KEY, NEXT_KEY, FORMER_KEY], &self.by).await {
            // Somebody else did it at this moment.
            Err(error) if error.code() == "secret_not_kept" => Ok(()),
            switched => switched,
        }
    }

    /// Deletes the former key.
    pub(super) async fn forget_former(&self) -> Result<()> {
        let Connection { tenant, id, .. } = &self.connection;
        self.vault.change(tenant, id, &[(FORMER_KEY, None)], &self.by).await
    }

    /// A new key, and that it is new; or that which another process has made meanwhile.
    async fn make(&self, field: &str, bits: KeyBits) -> Result<(PrivateKey, bool)> {
        self.refuse_other_place()?;
        let made = PrivateKey::generate(bits).map_err(internal)?;
        let pem = SecretValue::from(made.to_pkcs8_pem().map_err(internal)?.expose().to_owned());
        let Connection { tenant, id, .. } = &self.connection;
        let kept = self.vault.put_first(tenant, id, field, pem, &self.by).await?;
        let kept = PrivateKey::parse(kept.expose(), None).map_err(internal)?;
        let is_new = kept.fingerprint() == made.fingerprint();
        Ok((kept, is_new))
    }

    async fn existing(&self, field: &str) -> Result<Option<PrivateKey>> {
        let Some(pem) = self.get(field).await? else { return Ok(None) };
        PrivateKey::parse(pem.expose(), None).map(Some).map_err(internal)
    }

    async fn get(&self, field: &str) -> Result<Option<SecretValue>> {
        match self.vault.get(&self.connection.tenant, &self.connection.id, field).await {
            Ok(secret) => Ok(Some(secret)),
            Err(error) if error.code() == "secret_not_kept" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the files keep elsewhere, the next `apply` would put in the place of what is made here.
    fn refuse_other_place(&self) -> Result<()> {
        if proof_in_vault(&self.connection) == Some(PRIVATE_KEY) {
            return Ok(());
        }
        let message = format!("the files of {} do not leave its key to the vault", self.connection.name);
        Err(Error::config("rotate_unsupported", message).with_remedy(
            "rotate it where it is, by `snowferry connect -f FILE --rotate`, and apply its files again; or write `private_key: { vault: true }`",
        ))
    }
}

fn internal(error: snowflake::Error) -> Error {
    Error::internal(error.message().to_owned())
}
