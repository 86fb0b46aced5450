//! The keys of a Snowflake stage: one secret per stage, from which each PUT or GET gets a master key of its own.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::random;

/// The length of master keys, Snowflake's `CLIENT_ENCRYPTION_KEY_SIZE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySize {
    #[default]
    Bits128,
    Bits256,
}

impl KeySize {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Bits128 => 16,
            Self::Bits256 => 32,
        }
    }
}

/// A stage's own secret, kept beside its files.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StageKey {
    secret: String,
    smk_id: u64,
}

/// What a reply tells a client to encrypt with, or to decrypt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EncryptionMaterial {
    pub query_stage_master_key: String,
    pub query_id: String,
    pub smk_id: u64,
}

impl EncryptionMaterial {
    /// As replies carry it: with the key's number as a text for drivers that say at log-in that they read one.
    pub(crate) fn reply(&self, is_smk_id_text: bool) -> Value {
        let smk_id = if is_smk_id_text { json!(self.smk_id.to_string()) } else { json!(self.smk_id) };
        json!({
            "queryStageMasterKey": self.query_stage_master_key,
            "queryId": self.query_id,
            "smkId": smk_id,
        })
    }
}

impl StageKey {
    pub(crate) fn new() -> Self {
        // Above 2^53, so that a client that reads it as a floating-point number is found out.
        Self { secret: random::base64::<32>(), smk_id: (1 << 53) | random::number() | 1 }
    }

    /// The master key of one statement.
    pub(crate) fn master(&self, query_id: &str, size: KeySize) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        hmac::sign(&key, query_id.as_bytes()).as_ref()[..size.bytes()].to_vec()
    }

    pub(crate) fn material(&self, query_id: &str, size: KeySize) -> EncryptionMaterial {
        EncryptionMaterial {
            query_stage_master_key: STANDARD.encode(self.master(query_id, size)),
            query_id: query_id.to_owned(),
            smk_id: self.smk_id,
        }
    }

    pub(crate) fn has_id(&self, smk_id: &str) -> bool {
        self.smk_id.to_string() == smk_id
    }
}
