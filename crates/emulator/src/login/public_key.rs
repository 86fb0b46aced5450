//! The public half of a user's key pair.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// An RSA public key as `RSA_PUBLIC_KEY` holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// `SubjectPublicKeyInfo` in DER.
    der: Vec<u8>,
}

/// A text that is not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA public key of at least 2048 bits in PEM or base64")]
pub struct NotAPublicKey;

impl PublicKey {
    /// Reads a PEM file's text, or its body alone as SQL takes it.
    pub fn parse(text: &str) -> Result<Self, NotAPublicKey> {
        let body: String = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("-----"))
            .collect::<Vec<_>>()
            .concat();
        let der = STANDARD.decode(body).map_err(|_| NotAPublicKey)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der).parse().map_err(|_| NotAPublicKey)?;
        Ok(Self { der })
    }

    /// `SHA256:` and base64, as `RSA_PUBLIC_KEY_FP` shows it and a JWT's issuer ends in it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD.encode(digest::digest(&digest::SHA256, &self.der)))
    }

    /// True where the RS256 signature over the message is this key's.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.der).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.fingerprint()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_key_is_refused() {
        assert_eq!(PublicKey::parse("MIIB"), Err(NotAPublicKey));
        assert_eq!(
            PublicKey::parse("-----BEGIN PUBLIC KEY-----\n%\n-----END PUBLIC KEY-----"),
            Err(NotAPublicKey)
        );
    }
}
