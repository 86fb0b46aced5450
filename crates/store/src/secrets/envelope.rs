//! Sealing and opening with AES-256-GCM: a random nonce, the bytes, and a context that is authenticated with them.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use model::{Error, Result};
use zeroize::Zeroizing;

/// Bytes of every key here.
pub(super) const KEY_BYTES: usize = 32;

/// Tells what is sealed in this way from whatever comes later.
const VERSION: &str = "1:";

/// A key of 256 bits; wiped when dropped.
#[derive(Clone)]
pub(super) struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    pub(super) fn generate() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(bytes.as_mut()).map_err(|_| Error::internal("the system gave no random numbers"))?;
        Ok(Self(bytes))
    }

    /// Nothing where there are not exactly as many bytes as a key has.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        (bytes.len() == KEY_BYTES).then(|| {
            key.copy_from_slice(bytes);
            Self(key)
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Seals `plain`, to be opened again with this key and this very context.
    pub(super) fn seal(&self, plain: &[u8], context: &Context<'_>) -> Result<String> {
        // With room for the tag: a buffer that grows would leave a copy of the secret behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
        bytes.extend_from_slice(plain);
        let nonce = self.cipher()?.seal_in_place_append_tag(Aad::from(context.bytes()), &mut *bytes);
        let nonce = nonce.map_err(|_| Error::internal("a secret could not be sealed"))?;
        Ok(format!("{VERSION}{}", STANDARD_NO_PAD.encode([nonce.as_ref(), bytes.as_slice()].concat())))
    }

    /// Opens what was sealed; nothing where the key or the context is another one, or a bit was changed.
    pub(super) fn open(&self, sealed: &str, context: &Context<'_>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let bytes = sealed.strip_prefix(VERSION).and_then(|text| STANDARD_NO_PAD.decode(text).ok());
        let Some((nonce, sealed)) = bytes.as_deref().and_then(|bytes| bytes.split_at_checked(NONCE_LEN))
        else {
            return Ok(None);
        };
        let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) else { return Ok(None) };
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let opened = self.cipher()?.open_in_place(nonce, Aad::from(context.bytes()), &mut bytes);
        let Ok(length) = opened.map(|plain| plain.len()) else { return Ok(None) };
        bytes.truncate(length);
        Ok(Some(bytes))
    }

    fn cipher(&self) -> Result<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, self.bytes())
            .map_err(|_| Error::internal("a key could not be used"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(hidden)")
    }
}

/// Where something sealed belongs. It is authenticated and not stored: it has to be known to open it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Context<'a> {
    DataKey { tenant: &'a str },
    Secret { tenant: &'a str, connection: &'a str, field: &'a str },
}

impl Context<'_> {
    /// Each part behind its length, so that no two contexts have the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let parts: &[&str] = match self {
            Context::DataKey { tenant } => &["data key", tenant],
            Context::Secret { tenant, connection, field } => &["secret", tenant, connection, field],
        };
        let length = |part: &str| (part.len() as u64).to_be_bytes();
        parts.iter().flat_map(|part| length(part).into_iter().chain(part.bytes())).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTEXT: Context<'_> = Context::Secret { tenant: "a", connection: "b", field: "c" };

    proptest! {
        #[test]
        fn what_was_sealed_is_opened_again(plain in prop::collection::vec(any::<u8>(), 0..300)) {
            let key = Key::generate().unwrap();
            let sealed = key.seal(&plain, &CONTEXT).unwrap();
            let opened = key.open(&sealed, &CONTEXT).unwrap().unwrap();
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
        }

        #[test]
        fn one_changed_character_is_noticed(place in 0_usize..60, with in "[A-Za-z0-9+/:]") {
            let key = Key::generate().unwrap();
            let mut sealed = key.seal(b"a secret of some length", &CONTEXT).unwrap();
            let place = place.min(sealed.len() - 1);
            prop_assume!(&sealed[place..=place] != with.as_str());
            sealed.replace_range(place..=place, &with);
            prop_assert!(key.open(&sealed, &CONTEXT).unwrap().is_none());
        }
    }

    #[test]
    fn another_key_or_context_opens_nothing() {
        let key = Key::generate().unwrap();
        let sealed = key.seal(b"secret", &CONTEXT).unwrap();
        assert!(Key::generate().unwrap().open(&sealed, &CONTEXT).unwrap().is_none());
        for context in [
            Context::Secret { tenant: "x", connection: "b", field: "c" },
            Context::Secret { tenant: "a", connection: "x", field: "c" },
            Context::Secret { tenant: "a", connection: "b", field: "x" },
            Context::Secret { tenant: "ab", connection: "", field: "c" },
            Context::DataKey { tenant: "a" },
        ] {
            assert!(key.open(&sealed, &context).unwrap().is_none(), "{context:?}");
        }
        for damaged in ["", "1:", "2:AAAA", "1:not base64!", "1:AAAA"] {
            assert!(key.open(damaged, &CONTEXT).unwrap().is_none(), "{damaged}");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_alike() {
        let key = Key::generate().unwrap();
        assert_ne!(key.seal(b"secret", &CONTEXT).unwrap(), key.seal(b"secret", &CONTEXT).unwrap());
    }
}
