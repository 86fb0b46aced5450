//! `snowferry connect --rotate`: a new key pair in place of the one in use, through the user's second slot, so that no run fails.
//!
//! Each call finds out how far the rotation is, does the next step that can be done, and gives the SQL that the customer has
//! to run for the one after it.

use connectors::snowflake::access::{KeySlots, key_slots};
use model::{Error, ErrorKind, Result};
use service::{Rotated, RotationStep};
use snowflake::{ConnectionConfig, Credentials, KeyBits, PrivateKey};

use super::kept_key::KeptKey;
use crate::assemble;
use crate::config::{KeyFiles, SyncFile};

/// A rotation, with everything that its steps need.
pub(super) struct Rotation {
    config: ConnectionConfig,
    keys: Keys,
    bits: KeyBits,
}

/// Where the keys are.
enum Keys {
    Files(KeyFiles),
    Kept(Box<KeptKey>),
}

impl Rotation {
    pub(super) fn of(file: &SyncFile, kept: Option<KeptKey>, bits: KeyBits) -> Result<Self> {
        let keys = match kept {
            Some(kept) => Keys::Kept(Box::new(kept)),
            None => Keys::Files(file.key_files()?),
        };
        Ok(Self { config: assemble::connection_for_person(file)?, keys, bits })
    }

    pub(super) async fn go_on(&self) -> Result<Rotated> {
        if let Some(next) = self.keys.next().await? {
            return self.take_next(&next).await;
        }
        match self.keys.former().await? {
            Some(former) => self.finish(&former).await,
            None => self.begin().await,
        }
    }

    /// A new key goes beside the one in use, which has to work for that.
    async fn begin(&self) -> Result<Rotated> {
        let slots = key_slots(&self.config).await?;
        let current = self.keys.current().await?;
        slot_of(&slots, &current)?;
        let next = self.keys.make_next(self.bits).await?;
        let note = format!(
            "the next key was made in {}; once the customer has run this, do the same again",
            self.keys.next_place()
        );
        Ok(Rotated { step: RotationStep::Begun, note, sql: Some(addition(&slots, &current, &next)?) })
    }

    /// The new key takes the place of the one in use as soon as a log-in with it was accepted.
    async fn take_next(&self, next: &PrivateKey) -> Result<Rotated> {
        let current = self.keys.current().await?;
        let slots = match key_slots(&self.logging_in_with(next)).await {
            Ok(slots) => slots,
            Err(error) if error.kind() == ErrorKind::Auth => {
                let slots = key_slots(&self.config).await?;
                let note = "the next key is not accepted yet; the one in use is. Let the customer run this"
                    .to_owned();
                let sql = Some(addition(&slots, &current, next)?);
                return Ok(Rotated { step: RotationStep::NotAdded, note, sql });
            }
            Err(error) => return Err(error),
        };
        self.keys.switch().await?;
        let note = format!(
            "the next key works, and is in use from now on; the former one is kept in {} until the customer has run this",
            self.keys.former_place()
        );
        Ok(Rotated { step: RotationStep::Switched, note, sql: removal(&slots, &current) })
    }

    /// The former key is deleted once the account does not take it any more.
    async fn finish(&self, former: &PrivateKey) -> Result<Rotated> {
        let slots = key_slots(&self.config).await?;
        if slots.holding(former.fingerprint()).is_some() {
            let note = "the former key would still be accepted. Let the customer run this".to_owned();
            return Ok(Rotated { step: RotationStep::NotRemoved, note, sql: removal(&slots, former) });
        }
        self.keys.forget_former().await?;
        let note = "the rotation is done: the former key is gone from the account and from here".to_owned();
        Ok(Rotated { step: RotationStep::Done, note, sql: None })
    }

    fn logging_in_with(&self, key: &PrivateKey) -> ConnectionConfig {
        ConnectionConfig { credentials: Credentials::KeyPair(key.clone()), ..self.config.clone() }
    }
}

impl Keys {
    async fn current(&self) -> Result<PrivateKey> {
        match self {
            Keys::Files(files) => files.current(),
            Keys::Kept(kept) => kept.current().await,
        }
    }

    async fn next(&self) -> Result<Option<PrivateKey>> {
        match self {
            Keys::Files(files) => files.next(),
            Keys::Kept(kept) => kept.next().await,
        }
    }

    async fn former(&self) -> Result<Option<PrivateKey>> {
        match self {
            Keys::Files(files) => files.former(),
            Keys::Kept(kept) => kept.former().await,
        }
    }

    async fn make_next(&self, bits: KeyBits) -> Result<PrivateKey> {
        match self {
            Keys::Files(files) => files.make_next(bits),
            Keys::Kept(kept) => kept.make_next(bits).await,
        }
    }

    async fn switch(&self) -> Result<()> {
        match self {
            Keys::Files(files) => files.switch(),
            Keys::Kept(kept) => kept.switch().await,
        }
    }

    async fn forget_former(&self) -> Result<()> {
        match self {
            Keys::Files(files) => files.forget_former(),
            Keys::Kept(kept) => kept.forget_former().await,
        }
    }

    fn next_place(&self) -> String {
        match self {
            Keys::Files(files) => files.next_path().display().to_string(),
            Keys::Kept(_) => "the vault".to_owned(),
        }
    }

    fn former_place(&self) -> String {
        match self {
            Keys::Files(files) => files.former_path().display().to_string(),
            Keys::Kept(_) => "the vault".to_owned(),
        }
    }
}

/// In which slot the key in use is. A log-in with it went through, so it is in one of them.
fn slot_of(slots: &KeySlots, key: &PrivateKey) -> Result<usize> {
    slots.holding(key.fingerprint()).ok_or_else(|| {
        let message = "DESC USER does not show the public key that is in use, so the free slot is not known";
        Error::new(ErrorKind::Permission, "rotate_unseen", message)
            .with_remedy("let the customer look at DESC USER themselves, and say which slot is free")
    })
}

/// The SQL that puts the next key beside the one in use.
fn addition(slots: &KeySlots, current: &PrivateKey, next: &PrivateKey) -> Result<String> {
    let slot = 1 - slot_of(slots, current)?;
    let body = next.public_key_body().map_err(|error| Error::internal(error.message().to_owned()))?;
    let replaced = match &slots.fingerprints[slot] {
        Some(other) if other != next.fingerprint() => {
            format!("-- It takes the place of {other}, which is not in use here.\n")
        }
        _ => String::new(),
    };
    Ok(format!(
        "-- Key rotation for Snowferry, step 1 of 2: a second public key beside the one in use. Nothing stops working.\n\
         {replaced}-- DESC USER shows it as {}\n{}",
        next.fingerprint(),
        slots.addition(slot, &body)
    ))
}

/// The SQL that takes the former key away; nothing where it is gone.
fn removal(slots: &KeySlots, former: &PrivateKey) -> Option<String> {
    let slot = slots.holding(former.fingerprint())?;
    Some(format!(
        "-- Key rotation for Snowferry, step 2 of 2: the former public key goes. Run it when the runs that began before now\n\
         -- have ended: they may still have to log in anew with it.\n{}",
        slots.removal(slot)
    ))
}
