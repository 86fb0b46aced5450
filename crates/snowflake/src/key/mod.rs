//! RSA private keys: read in every shape people paste them, made anew, and used to sign.

mod diagnosis;
mod pem;
mod source;

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2::Parameters;
use zeroize::Zeroizing;

use self::pem::Document;
pub use self::source::KeySource;
use crate::{Error, ErrorKind, Result, Secret};

/// Snowflake refuses shorter keys.
const MODULUS_BITS_MIN: usize = 2048;

/// OWASP's advice for PBKDF2 with SHA-256.
const PBKDF2_ROUNDS: u32 = 600_000;

/// An RSA private key, ready to sign. Cheap to clone; cannot be printed.
#[derive(Clone)]
pub struct PrivateKey {
    pair: Arc<KeyPair>,
    fingerprint: String,
}

/// The size of a key that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyBits {
    /// 2048 bits: the least Snowflake takes, and the fastest to sign with.
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// 4096 bits.
    Rsa4096,
}

impl PrivateKey {
    /// Reads a key from text as people paste it: PKCS#8 or PKCS#1, encrypted (PBES2) or not, PEM with or without
    /// line breaks, `\n` written out, quotes around it, or bare base64. The passphrase is only used where needed.
    ///
    /// An error says what was found instead (a public key, a certificate, an OpenSSH key, …) and which `openssl`
    /// command converts it.
    pub fn parse(text: &str, passphrase: Option<&Secret>) -> Result<Self> {
        Self::from_document(&Document::read_text(text)?, passphrase)
    }

    /// Reads a key file: everything [`PrivateKey::parse`] takes, and binary DER.
    pub fn from_bytes(bytes: &[u8], passphrase: Option<&Secret>) -> Result<Self> {
        Self::from_document(&Document::read_bytes(bytes)?, passphrase)
    }

    /// Makes a new key.
    pub fn generate(bits: KeyBits) -> Result<Self> {
        let size = match bits {
            KeyBits::Rsa2048 => KeySize::Rsa2048,
            KeyBits::Rsa3072 => KeySize::Rsa3072,
            KeyBits::Rsa4096 => KeySize::Rsa4096,
        };
        let pair = KeyPair::generate(size)
            .map_err(|_| Error::new(ErrorKind::Internal, "the cryptographic library could not make a key"))?;
        Self::from_pair(pair)
    }

    /// `SHA256:` and the digest of the public key, as `RSA_PUBLIC_KEY_FP` shows it in `DESC USER`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The public key as one line of base64: the value for `ALTER USER … SET RSA_PUBLIC_KEY = '…'`.
    pub fn public_key_body(&self) -> Result<String> {
        Ok(BASE64.encode(public_key_der(&self.pair)?))
    }

    /// The length of the modulus.
    pub fn bits(&self) -> usize {
        self.pair.public_modulus_len() * 8
    }

    /// The key as unencrypted PKCS#8 PEM, for whoever stores it.
    pub fn to_pkcs8_pem(&self) -> Result<Secret> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| {
            Error::new(ErrorKind::Internal, "the cryptographic library could not write the key")
        })?;
        Ok(Secret::new(pem::write("PRIVATE KEY", der.as_ref())))
    }

    /// The key as PKCS#8 PEM that this passphrase opens: AES-256, and PBKDF2 as slow as OWASP asks for.
    pub fn to_encrypted_pkcs8_pem(&self, passphrase: &Secret) -> Result<Secret> {
        let failed = || Error::new(ErrorKind::Internal, "the key could not be encrypted");
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| failed())?;
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        rand::fill(&mut salt).and_then(|()| rand::fill(&mut iv)).map_err(|_| failed())?;
        let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ROUNDS, &salt, iv);
        let parameters = parameters.map_err(|_| failed())?;
        let key = PrivateKeyInfoRef::try_from(der.as_ref()).map_err(|_| failed())?;
        let encrypted = key.encrypt_with_params(parameters, passphrase.expose()).map_err(|_| failed())?;
        Ok(Secret::new(pem::write("ENCRYPTED PRIVATE KEY", encrypted.as_bytes())))
    }

    /// An RSASSA-PKCS1-v1_5 signature over SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &rand::SystemRandom::new(), message, &mut signature)
            .map_err(|_| Error::new(ErrorKind::Internal, "the private key could not sign"))?;
        Ok(signature)
    }

    fn from_document(document: &Document, passphrase: Option<&Secret>) -> Result<Self> {
        let der = diagnosis::plain_key(document, passphrase)?;
        let pair = match &der {
            PlainKey::Pkcs8(der) => KeyPair::from_pkcs8(der),
            PlainKey::Pkcs1(der) => KeyPair::from_der(der),
        };
        Self::from_pair(pair.map_err(|rejected| diagnosis::rejected(&rejected))?)
    }

    fn from_pair(pair: KeyPair) -> Result<Self> {
        let bits = pair.public_modulus_len() * 8;
        if bits < MODULUS_BITS_MIN {
            return Err(diagnosis::too_small());
        }
        let digest = digest::digest(&digest::SHA256, &public_key_der(&pair)?);
        let fingerprint = format!("SHA256:{}", BASE64.encode(digest));
        Ok(Self { pair: Arc::new(pair), fingerprint })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// A key in the clear, in one of the two encodings that the cryptographic library reads.
enum PlainKey {
    Pkcs8(Zeroizing<Vec<u8>>),
    Pkcs1(Zeroizing<Vec<u8>>),
}

fn public_key_der(pair: &KeyPair) -> Result<Vec<u8>> {
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| {
        Error::new(ErrorKind::Internal, "the cryptographic library could not write the public key")
    })?;
    Ok(der.as_ref().to_vec())
}

#[cfg(test)]
mod tests;
