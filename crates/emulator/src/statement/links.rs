//! Links to the chunks of one result: who holds a fresh link and the key headers may fetch.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use jiff::Timestamp;

use crate::random;

/// The header with the key under which the chunk is stored.
pub(super) const KEY_HEADER: &str = "x-amz-server-side-encryption-customer-key";
/// The header with that key's checksum.
pub(super) const KEY_CHECKSUM_HEADER: &str = "x-amz-server-side-encryption-customer-key-md5";
/// Signatures remembered for one result: one for each reply that carried links.
const SIGNATURES_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Links {
    pub key: String,
    pub key_checksum: String,
    signatures: Mutex<VecDeque<(String, Timestamp)>>,
}

impl Links {
    pub(super) fn new() -> Self {
        Self {
            key: random::base64::<32>(),
            key_checksum: random::base64::<16>(),
            signatures: Mutex::default(),
        }
    }

    /// A new signature for the links of one reply.
    pub(super) fn sign(&self, expires_at: Timestamp) -> String {
        let signature = random::token();
        let mut signatures = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
        if signatures.len() == SIGNATURES_MAX {
            signatures.pop_front();
        }
        signatures.push_back((signature.clone(), expires_at));
        signature
    }

    pub(super) fn is_valid(&self, signature: &str, now: Timestamp) -> bool {
        let signatures = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
        signatures.iter().any(|(known, expires_at)| known == signature && now < *expires_at)
    }

    /// Lets every link handed out so far expire.
    pub(crate) fn expire(&self) {
        self.signatures.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn has_keys(&self, headers: &HeaderMap) -> bool {
        let is = |name: &str, value: &str| {
            headers.get(name).is_some_and(|given| given.as_bytes() == value.as_bytes())
        };
        is(KEY_HEADER, &self.key) && is(KEY_CHECKSUM_HEADER, &self.key_checksum)
    }
}
