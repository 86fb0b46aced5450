//! Tokens that nobody can guess: shown once, and kept as a hash.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Error, Result};

use crate::secrets::SecretValue;

/// Bits of chance: nobody guesses that, so a hash without salt or stretching keeps it.
const TOKEN_BYTES: usize = 32;

/// A token that begins with `prefix`.
pub(crate) fn new_token(prefix: &str) -> Result<SecretValue> {
    let mut bytes = zeroize::Zeroizing::new([0; TOKEN_BYTES]);
    rand::fill(bytes.as_mut()).map_err(|_| Error::internal("the system gave no random numbers"))?;
    Ok(SecretValue::from(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(*bytes))))
}

/// Looked up by an index: what an attacker could learn from its timing is a hash, not a token.
pub(crate) fn hashed(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}
