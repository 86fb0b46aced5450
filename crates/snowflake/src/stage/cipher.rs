//! Client-side encryption of stage files: a fresh key for each file, wrapped with the stage's master key.

use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, StreamingDecryptingKey, StreamingEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use zeroize::Zeroizing;

use crate::wire::stage::{SmkId, WireMaterial};
use crate::{Error, ErrorKind, Result};

/// The block of AES, and so the length of an IV and the most that padding adds.
pub(super) const BLOCK_BYTES: usize = 16;

/// The master key of a stage, and the names by which the service finds it again.
pub(super) struct Material {
    master: Zeroizing<Vec<u8>>,
    query_id: String,
    smk_id: String,
}

/// What goes with an encrypted file: its key, wrapped, and the first block of the chain. Both are in the clear in
/// cloud storage, and worthless without the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) wrapped_key: String,
    pub(super) iv: String,
}

/// The key of one file, with the first block of the chain.
pub(super) struct FileKey {
    key: UnboundCipherKey,
    iv: [u8; BLOCK_BYTES],
}

/// Encrypts one file, piece by piece.
pub(super) struct Encryption {
    key: StreamingEncryptingKey,
}

/// Decrypts one file, piece by piece.
pub(super) struct Decryption {
    key: StreamingDecryptingKey,
}

impl Material {
    pub(super) fn new(wire: &WireMaterial) -> Result<Self> {
        let master = BASE64_STANDARD
            .decode(wire.query_stage_master_key.expose().trim())
            .map(Zeroizing::new)
            .map_err(|_| malformed("the stage's master key is not base64"))?;
        algorithm(&master)?;
        let smk_id = match &wire.smk_id {
            Some(SmkId::Number(number)) => number.to_string(),
            Some(SmkId::Text(text)) => text.clone(),
            None => String::new(),
        };
        Ok(Self { master, query_id: wire.query_id.clone().unwrap_or_default(), smk_id })
    }

    /// Which master key this is, as the service wants it beside each file.
    pub(super) fn description(&self) -> String {
        // Written by hand because the order is part of the format.
        format!(
            r#"{{"queryId":{},"smkId":{},"keySize":"{}"}}"#,
            serde_json::Value::from(self.query_id.as_str()),
            serde_json::Value::from(self.smk_id.as_str()),
            self.master.len() * 8
        )
    }

    /// A new key and IV for one file.
    pub(super) fn seal(&self) -> Result<(FileKey, Envelope)> {
        let mut file_key = Zeroizing::new(vec![0; self.master.len()]);
        let mut iv = [0; BLOCK_BYTES];
        aws_lc_rs::rand::fill(&mut file_key)
            .and_then(|()| aws_lc_rs::rand::fill(&mut iv))
            .map_err(|_| broken("no random bytes"))?;
        self.seal_with(&file_key, iv)
    }

    fn seal_with(&self, file_key: &[u8], iv: [u8; BLOCK_BYTES]) -> Result<(FileKey, Envelope)> {
        let mut wrapped = file_key.to_vec();
        PaddedBlockEncryptingKey::ecb_pkcs7(self.master_key()?)
            .and_then(|master| master.encrypt(&mut wrapped))
            .map_err(|_| broken("the file's key cannot be wrapped"))?;
        let key = UnboundCipherKey::new(algorithm(file_key)?, file_key).map_err(unusable)?;
        let envelope =
            Envelope { wrapped_key: BASE64_STANDARD.encode(&wrapped), iv: BASE64_STANDARD.encode(iv) };
        Ok((FileKey { key, iv }, envelope))
    }

    /// The key of a file that was encrypted under this master key.
    pub(super) fn open(&self, envelope: &Envelope) -> Result<Decryption> {
        let decode =
            |text: &str| BASE64_STANDARD.decode(text).map_err(|_| not_decrypted("its key is not base64"));
        let mut wrapped = Zeroizing::new(decode(&envelope.wrapped_key)?);
        let iv: [u8; BLOCK_BYTES] = decode(&envelope.iv)?
            .try_into()
            .map_err(|_| not_decrypted("its first block does not have 16 bytes"))?;
        let file_key = PaddedBlockDecryptingKey::ecb_pkcs7(self.master_key()?)
            .and_then(|master| master.decrypt(&mut wrapped, DecryptionContext::None))
            .map_err(|_| not_decrypted("its key does not fit the stage's master key"))?;
        let key = UnboundCipherKey::new(algorithm(file_key)?, file_key)
            .and_then(|key| {
                StreamingDecryptingKey::cbc_pkcs7(key, DecryptionContext::Iv128(FixedLength::from(iv)))
            })
            .map_err(|_| not_decrypted("its key cannot be used"))?;
        Ok(Decryption { key })
    }

    fn master_key(&self) -> Result<UnboundCipherKey> {
        UnboundCipherKey::new(algorithm(&self.master)?, &self.master)
            .map_err(|_| broken("the master key cannot be used"))
    }
}

impl FileKey {
    /// Encrypts a whole file where it is.
    pub(super) fn encrypt(self, mut content: BytesMut) -> Result<Bytes> {
        let context = self.first_block();
        PaddedBlockEncryptingKey::cbc_pkcs7(self.key)
            .and_then(|key| key.less_safe_encrypt(&mut content, context))
            .map_err(not_encrypted)?;
        Ok(content.freeze())
    }

    /// Encrypts a file that comes in pieces.
    pub(super) fn piecewise(self) -> Result<Encryption> {
        let context = self.first_block();
        let key = StreamingEncryptingKey::less_safe_cbc_pkcs7(self.key, context).map_err(unusable)?;
        Ok(Encryption { key })
    }

    fn first_block(&self) -> EncryptionContext {
        EncryptionContext::Iv128(FixedLength::from(self.iv))
    }
}

impl Encryption {
    /// The next bytes of the file, as far as they fill whole blocks.
    pub(super) fn update(&mut self, plain: &[u8]) -> Result<Bytes> {
        let mut output = vec![0; plain.len() + BLOCK_BYTES];
        let written = self.key.update(plain, &mut output).map_err(not_encrypted)?.written().len();
        output.truncate(written);
        Ok(output.into())
    }

    /// The last bytes of the file and the padding.
    pub(super) fn finish(mut self, plain: &[u8]) -> Result<Bytes> {
        let mut output = vec![0; plain.len() + 2 * BLOCK_BYTES];
        let written = self.key.update(plain, &mut output).map_err(not_encrypted)?.written().len();
        let (_, padding) = self.key.finish(&mut output[written..]).map_err(not_encrypted)?;
        let total = written + padding.written().len();
        output.truncate(total);
        Ok(output.into())
    }
}

impl Decryption {
    /// Appends what the next bytes of the body decrypt to.
    pub(super) fn update(&mut self, body: &[u8], plain: &mut Vec<u8>) -> Result<()> {
        let start = plain.len();
        plain.resize(start + body.len() + BLOCK_BYTES, 0);
        let written = self.key.update(body, &mut plain[start..]).map_err(|_| bad_body())?.written().len();
        plain.truncate(start + written);
        Ok(())
    }

    /// Takes off the padding.
    pub(super) fn finish(self, plain: &mut Vec<u8>) -> Result<()> {
        let start = plain.len();
        plain.resize(start + BLOCK_BYTES, 0);
        let written = self.key.finish(&mut plain[start..]).map_err(|_| bad_body())?.written().len();
        plain.truncate(start + written);
        Ok(())
    }
}

/// How long a file of this length is once encrypted: padding is always added.
pub(super) fn encrypted_len(plain: usize) -> usize {
    plain + BLOCK_BYTES - plain % BLOCK_BYTES
}

/// The digest that goes with every file: of the bytes before encryption.
pub(super) fn digest_of(plain: &[u8]) -> String {
    BASE64_STANDARD.encode(digest::digest(&digest::SHA256, plain))
}

/// Keys of files are as long as the master key.
fn algorithm(key: &[u8]) -> Result<&'static Algorithm> {
    match key.len() {
        16 => Ok(&AES_128),
        32 => Ok(&AES_256),
        _ => Err(malformed("a key of the stage has neither 128 nor 256 bits")),
    }
}

fn malformed(why: &'static str) -> Error {
    Error::new(ErrorKind::Protocol, why)
}

fn broken(why: &'static str) -> Error {
    Error::new(ErrorKind::Internal, format!("a file cannot be encrypted: {why}"))
}

fn unusable(_: Unspecified) -> Error {
    broken("the file's key cannot be used")
}

fn not_encrypted(_: Unspecified) -> Error {
    broken("the cipher failed")
}

fn not_decrypted(why: &'static str) -> Error {
    Error::new(ErrorKind::Protocol, format!("a file of the Snowflake stage cannot be decrypted: {why}"))
}

fn bad_body() -> Error {
    not_decrypted("its body is cut or damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material(bytes: usize) -> Material {
        let key: Vec<u8> = (0..bytes).map(|byte| byte as u8).collect();
        let wire = WireMaterial {
            query_stage_master_key: BASE64_STANDARD.encode(key).into(),
            query_id: Some("01b2".into()),
            smk_id: Some(SmkId::Number(92_019_681_909_886)),
        };
        Material::new(&wire).unwrap()
    }

    fn encrypted(key: FileKey, plain: &[u8], step: usize) -> Vec<u8> {
        let mut encryption = key.piecewise().unwrap();
        let mut body = Vec::new();
        let mut rest = plain;
        while rest.len() > step {
            let (piece, after) = rest.split_at(step);
            body.extend_from_slice(&encryption.update(piece).unwrap());
            rest = after;
        }
        body.extend_from_slice(&encryption.finish(rest).unwrap());
        body
    }

    fn decrypted(mut decryption: Decryption, body: &[u8], step: usize) -> Result<Vec<u8>> {
        let mut plain = Vec::new();
        for piece in body.chunks(step) {
            decryption.update(piece, &mut plain)?;
        }
        decryption.finish(&mut plain)?;
        Ok(plain)
    }

    #[test]
    fn the_known_answer_comes_out() {
        let file_key: Vec<u8> = (0x20..0x40).collect();
        let iv: [u8; 16] = std::array::from_fn(|index| 0x40 + index as u8);
        let (key, envelope) = material(32).seal_with(&file_key, iv).unwrap();
        assert_eq!(envelope.iv, "QEFCQ0RFRkdISUpLTE1OTw==");
        assert_eq!(envelope.wrapped_key, "YaaTbk6PEBwcwfmTtUKg1OJ0Dor61OTRXQ1mGzguyomfO3UEkm+L024xGOkDpM1K");
        let body = encrypted(key, b"hello snowflake\n", 5);
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "8370a5722ad7df6dc1edf18dc8c452eafbb73a4a9fbf810edc3290c7cc65d135");
        assert_eq!(digest_of(b"hello snowflake\n"), "mhfHzdgxCvvDKi1TKBHkIKZo0+cHipIztczPDCTXDUk=");
        let opened = material(32).open(&envelope).unwrap();
        assert_eq!(decrypted(opened, &body, 7).unwrap(), b"hello snowflake\n");
    }

    #[test]
    fn every_length_comes_back_under_both_key_sizes() {
        for key_bytes in [16, 32] {
            for length in [0, 1, 15, 16, 17, 65_536, 65_537] {
                let plain: Vec<u8> = (0..length).map(|index| (index * 7 % 251) as u8).collect();
                let (key, envelope) = material(key_bytes).seal().unwrap();
                let body = encrypted(key, &plain, 4096);
                assert_eq!(body.len(), encrypted_len(length));
                let opened = material(key_bytes).open(&envelope).unwrap();
                assert_eq!(decrypted(opened, &body, 1000).unwrap(), plain, "{key_bytes} {length}");
            }
        }
    }

    #[test]
    fn a_file_that_is_encrypted_where_it_is_comes_out_as_one_in_pieces() {
        let key_bytes = [3; 16];
        for length in [0, 1, 15, 16, 17, 65_537] {
            let plain: Vec<u8> = (0..length).map(|index| (index * 7 % 251) as u8).collect();
            let sealed = || material(16).seal_with(&key_bytes, [5; 16]).unwrap().0;
            let at_once = sealed().encrypt(BytesMut::from(&plain[..])).unwrap();
            assert_eq!(at_once, encrypted(sealed(), &plain, 4096), "{length}");
        }
    }

    #[test]
    fn no_two_files_share_a_key_or_a_first_block() {
        let material = material(16);
        let (_, first) = material.seal().unwrap();
        let (_, second) = material.seal().unwrap();
        assert_ne!(first.wrapped_key, second.wrapped_key);
        assert_ne!(first.iv, second.iv);
    }

    #[test]
    fn a_cut_body_and_a_strange_key_are_errors() {
        let (key, envelope) = material(16).seal().unwrap();
        let body = encrypted(key, b"some rows that are longer than one block", 1000);
        let opened = material(16).open(&envelope).unwrap();
        assert!(decrypted(opened, &body[..body.len() - 1], 1000).is_err());
        let foreign = Envelope { wrapped_key: BASE64_STANDARD.encode([7; 32]), ..envelope };
        assert!(material(16).open(&foreign).is_err());
    }

    #[test]
    fn the_description_is_compact_ordered_and_all_text() {
        assert_eq!(
            material(16).description(),
            r#"{"queryId":"01b2","smkId":"92019681909886","keySize":"128"}"#
        );
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for key in ["", "AAEC", "not base64!"] {
            let wire = WireMaterial { query_stage_master_key: key.into(), query_id: None, smk_id: None };
            assert_eq!(Material::new(&wire).err().unwrap().kind(), ErrorKind::Protocol);
        }
    }
}
