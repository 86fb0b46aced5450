//! Client-side encryption read back: the file's key is unwrapped, the body decrypted, its digest compared.

use std::io::{Read, Write};

use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, StreamingDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest;
use aws_lc_rs::iv::FixedLength;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::error::StageError;
use super::file::{DIGEST, FileTags, MATERIAL, VECTOR, WRAPPED_KEY};
use super::key::{EncryptionMaterial, KeySize, StageKey};

/// Bytes decrypted at a time.
const STEP_BYTES: usize = 64 * 1024;
const BLOCK_BYTES: usize = 16;

/// How one file is encrypted, as its metadata say.
pub(super) struct Envelope {
    wrapped_key: Vec<u8>,
    vector: [u8; BLOCK_BYTES],
    description: MaterialDescription,
    size: KeySize,
    /// Of the plain bytes, where the client knew it.
    digest: Option<String>,
}

/// Names the master key. Every value is a string, as Snowflake writes and reads them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MaterialDescription {
    query_id: String,
    smk_id: String,
    key_size: String,
}

fn unreadable(reason: impl Into<String>) -> StageError {
    StageError::Unreadable(reason.into())
}

impl Envelope {
    pub(super) fn of(tags: &FileTags) -> Result<Self, StageError> {
        let text = |key: &str| tags.text(key).ok_or_else(|| unreadable(format!("the metadata lack {key}")));
        let bytes =
            |key: &str| STANDARD.decode(text(key)?).map_err(|_| unreadable(format!("{key} is not base64")));
        let description: MaterialDescription = serde_json::from_str(text(MATERIAL)?)
            .map_err(|_| unreadable(format!("{MATERIAL} is not {{queryId, smkId, keySize}} with texts")))?;
        let size = match description.key_size.as_str() {
            "128" => KeySize::Bits128,
            "256" => KeySize::Bits256,
            other => return Err(unreadable(format!("there are no keys of {other} bits"))),
        };
        let vector = <[u8; BLOCK_BYTES]>::try_from(bytes(VECTOR)?)
            .map_err(|_| unreadable(format!("{VECTOR} is not 16 bytes long")))?;
        let digest = tags.text(DIGEST).map(str::to_owned);
        Ok(Self { wrapped_key: bytes(WRAPPED_KEY)?, vector, description, size, digest })
    }

    /// The master key that a client needs to read the file.
    pub(super) fn material(&self, key: &StageKey) -> EncryptionMaterial {
        key.material(&self.description.query_id, self.size)
    }

    /// Writes the plain bytes, and fails in the end where they are not what the digest says.
    pub(super) fn decrypt(
        &self,
        key: &StageKey,
        mut from: impl Read,
        mut to: impl Write,
    ) -> Result<(), StageError> {
        let file_key = self.file_key(key)?;
        let broken = |_| unreadable("the body does not decrypt");
        let context = DecryptionContext::Iv128(FixedLength::from(self.vector));
        let mut cipher = StreamingDecryptingKey::cbc_pkcs7(file_key, context).map_err(broken)?;
        let mut sum = digest::Context::new(&digest::SHA256);
        let (mut input, mut output) = (vec![0; STEP_BYTES], vec![0; STEP_BYTES + BLOCK_BYTES]);
        loop {
            let read = from.read(&mut input)?;
            if read == 0 {
                break;
            }
            let update = cipher.update(&input[..read], &mut output).map_err(broken)?;
            sum.update(update.written());
            to.write_all(update.written())?;
        }
        let last = cipher.finish(&mut output).map_err(broken)?;
        sum.update(last.written());
        to.write_all(last.written())?;
        to.flush()?;
        let sum = STANDARD.encode(sum.finish());
        if self.digest.as_ref().is_none_or(|digest| *digest == sum) {
            Ok(())
        } else {
            Err(unreadable(format!("the decrypted body does not have the SHA-256 of {DIGEST}")))
        }
    }

    fn file_key(&self, key: &StageKey) -> Result<UnboundCipherKey, StageError> {
        if !key.has_id(&self.description.smk_id) {
            return Err(unreadable("smkId is not the one that the stage's replies give"));
        }
        let algorithm = match self.size {
            KeySize::Bits128 => &AES_128,
            KeySize::Bits256 => &AES_256,
        };
        let refused = |_| unreadable("the file's key does not unwrap with the statement's master key");
        let master = key.master(&self.description.query_id, self.size);
        let master = UnboundCipherKey::new(algorithm, &master).map_err(refused)?;
        let mut wrapped = self.wrapped_key.clone();
        let unwrapped = PaddedBlockDecryptingKey::ecb_pkcs7(master)
            .and_then(|master| master.decrypt(&mut wrapped, DecryptionContext::None))
            .map_err(refused)?;
        UnboundCipherKey::new(algorithm, unwrapped)
            .map_err(|_| unreadable("the file's key does not unwrap to one of the master key's length"))
    }
}

/// Compares the digest of a file that is stored as it is, where the client sent one.
pub(super) fn check_plain(tags: &FileTags, mut from: impl Read) -> Result<(), StageError> {
    let Some(expected) = tags.text(DIGEST) else { return Ok(()) };
    let mut sum = digest::Context::new(&digest::SHA256);
    let mut step = vec![0; STEP_BYTES];
    loop {
        let read = from.read(&mut step)?;
        if read == 0 {
            break;
        }
        sum.update(&step[..read]);
    }
    if STANDARD.encode(sum.finish()) == expected {
        Ok(())
    } else {
        Err(unreadable(format!("the body does not have the SHA-256 of {DIGEST}")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use aws_lc_rs::cipher::{PaddedBlockEncryptingKey, StreamingEncryptingKey};

    use super::*;

    const QUERY: &str = "01c00000-0000-0000-0000-000000000001";

    fn encrypt(key: &StageKey, size: KeySize, plain: &[u8]) -> (FileTags, Vec<u8>) {
        let algorithm = if size == KeySize::Bits128 { &AES_128 } else { &AES_256 };
        let file_key: Vec<u8> = (0..size.bytes()).map(|n| u8::try_from(n).unwrap() + 32).collect();
        let vector = [64; BLOCK_BYTES];
        let context = aws_lc_rs::cipher::EncryptionContext::Iv128(FixedLength::from(vector));
        let mut cipher = StreamingEncryptingKey::less_safe_cbc_pkcs7(
            UnboundCipherKey::new(algorithm, &file_key).unwrap(),
            context,
        )
        .unwrap();
        let mut body = vec![0; plain.len() + 2 * BLOCK_BYTES];
        let written = cipher.update(plain, &mut body).unwrap().written().len();
        let (_, last) = cipher.finish(&mut body[written..]).unwrap();
        let length = written + last.written().len();
        body.truncate(length);
        let material = key.material(QUERY, size);
        let master = UnboundCipherKey::new(algorithm, &key.master(QUERY, size)).unwrap();
        let mut wrapped = file_key;
        PaddedBlockEncryptingKey::ecb_pkcs7(master).unwrap().encrypt(&mut wrapped).unwrap();
        let description = format!(
            r#"{{"queryId":"{QUERY}","smkId":"{}","keySize":"{}"}}"#,
            material.smk_id,
            size.bytes() * 8
        );
        let metadata = BTreeMap::from([
            (WRAPPED_KEY.to_owned(), STANDARD.encode(&wrapped)),
            (VECTOR.to_owned(), STANDARD.encode(vector)),
            (MATERIAL.to_owned(), description),
            (DIGEST.to_owned(), STANDARD.encode(digest::digest(&digest::SHA256, plain))),
        ]);
        (FileTags { content_type: None, metadata }, body)
    }

    fn decrypt(key: &StageKey, tags: &FileTags, body: &[u8]) -> Result<Vec<u8>, StageError> {
        let mut plain = Vec::new();
        Envelope::of(tags)?.decrypt(key, body, &mut plain)?;
        Ok(plain)
    }

    #[test]
    fn what_a_client_encrypts_decrypts_for_both_key_sizes_and_every_length() {
        let key = StageKey::new();
        for size in [KeySize::Bits128, KeySize::Bits256] {
            for length in [0, 15, 16, 65_536, 65_537] {
                let plain = vec![7; length];
                let (tags, body) = encrypt(&key, size, &plain);
                assert_eq!(body.len(), length + BLOCK_BYTES - length % BLOCK_BYTES);
                assert_eq!(decrypt(&key, &tags, &body).unwrap(), plain);
            }
        }
    }

    #[test]
    fn every_wrong_piece_is_refused() {
        let key = StageKey::new();
        let (tags, body) = encrypt(&key, KeySize::Bits128, b"rows");
        assert!(decrypt(&StageKey::new(), &tags, &body).is_err(), "another stage's key");
        assert!(decrypt(&key, &tags, b"rows").is_err(), "a plain body");
        for name in [WRAPPED_KEY, VECTOR, MATERIAL] {
            let mut less = tags.clone();
            less.metadata.remove(name);
            assert!(decrypt(&key, &less, &body).is_err(), "without {name}");
        }
        let mut number = tags.clone();
        let description = tags.text(MATERIAL).unwrap().replace("\"128\"", "128");
        number.metadata.insert(MATERIAL.to_owned(), description);
        assert!(decrypt(&key, &number, &body).is_err(), "a number where Snowflake wants a text");
        let mut other = tags.clone();
        other.metadata.insert(DIGEST.to_owned(), STANDARD.encode([0; 32]));
        assert!(decrypt(&key, &other, &body).is_err(), "another file's digest");
    }
}
