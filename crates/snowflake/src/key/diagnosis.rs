//! What a document is, how to open it, and what to tell its owner when it is not a usable key.

use aws_lc_rs::error::KeyRejected;
use pkcs8::der::asn1::{AnyRef, ObjectIdentifier};
use pkcs8::der::{Decode, Reader, SliceReader, Tag, Tagged};
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::PlainKey;
use super::pem::Document;
use crate::{Error, ErrorKind, Result, Secret};

const TO_PKCS8: &str = "openssl pkcs8 -topk8 -nocrypt -in key.pem -out key.p8";
const TO_PBES2: &str = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in key.p8 -out new.p8";
const FROM_OPENSSH: &str = "ssh-keygen -p -m PKCS8 -f key";
const NEW_KEY: &str = "openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt -out key.p8";

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
/// PKCS#5 version 1 and PKCS#12 schemes: both are "PBES1" to the people who meet them.
const PBES1_PREFIXES: &[&str] = &["1.2.840.113549.1.5.", "1.2.840.113549.1.12.1."];

/// The most rounds of PBKDF2 that a key may ask for. Whoever made it chose the number, and a passphrase is tried before it is
/// known to be right; RFC 8018 calls this many fit for especially critical keys.
const PBKDF2_ROUNDS_MAX: u32 = 10_000_000;

/// The most memory that scrypt may ask for, all its lanes together. OpenSSL takes a quarter of it.
const SCRYPT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The shapes of DER that people hand in, told apart by their first fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Pkcs8,
    Pkcs8Encrypted(ObjectIdentifier),
    Pkcs1,
    EllipticKey,
    PublicKey,
    CertificateOrRequest,
    Unknown,
}

/// Opens the document, with the passphrase where it needs one.
pub(super) fn plain_key(document: &Document, passphrase: Option<&Secret>) -> Result<PlainKey> {
    if let Some(label) = &document.label {
        check_label(label)?;
    }
    match shape_of(&document.der) {
        Shape::Pkcs8 => plain_pkcs8(Zeroizing::new(document.der.to_vec())),
        Shape::Pkcs8Encrypted(scheme) => decrypted(&document.der, scheme, passphrase),
        Shape::Pkcs1 => Ok(PlainKey::Pkcs1(Zeroizing::new(document.der.to_vec()))),
        Shape::EllipticKey => Err(elliptic()),
        Shape::PublicKey => Err(public_key()),
        Shape::CertificateOrRequest => Err(certificate()),
        Shape::Unknown => Err(not_a_key()),
    }
}

/// What the cryptographic library did not like.
pub(super) fn rejected(rejected: &KeyRejected) -> Error {
    match rejected.description_() {
        "TooSmall" => too_small(),
        "TooLarge" => refused("it is longer than 8192 bits"),
        "WrongAlgorithm" => elliptic(),
        _ => refused("its numbers do not form a valid RSA key"),
    }
}

pub(super) fn too_small() -> Error {
    refused(&format!("it is too small: Snowflake needs 2048 bits or more; make a new one: {NEW_KEY}"))
}

pub(super) fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Auth, format!("the private key cannot be used: {why}"))
}

pub(super) fn not_a_key() -> Error {
    refused("it is neither PEM nor base64 of a key; paste the whole file, with its BEGIN and END lines")
}

pub(super) fn legacy_encryption() -> Error {
    refused(&format!("it has the old OpenSSL encryption (DEK-Info); convert it: {TO_PBES2}"))
}

pub(super) fn openssh_public() -> Error {
    refused("this is an OpenSSH public key; paste the private key")
}

fn check_label(label: &str) -> Result<()> {
    match label {
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" => Ok(()),
        "OPENSSH PRIVATE KEY" => Err(refused(&format!("this is an OpenSSH key; convert it: {FROM_OPENSSH}"))),
        "EC PRIVATE KEY" => Err(elliptic()),
        "DSA PRIVATE KEY" => Err(refused(&format!("this is a DSA key, RSA is needed: {NEW_KEY}"))),
        "PUBLIC KEY" | "RSA PUBLIC KEY" | "SSH2 PUBLIC KEY" => Err(public_key()),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" | "CERTIFICATE REQUEST" => {
            Err(certificate())
        }
        "PGP PRIVATE KEY BLOCK" => Err(refused(&format!("this is a PGP key, RSA is needed: {NEW_KEY}"))),
        _ => Err(refused("its BEGIN line names something that is not a private key")),
    }
}

fn public_key() -> Error {
    refused(
        "this is a public key; paste the private key (its public half goes to ALTER USER … SET RSA_PUBLIC_KEY)",
    )
}

fn certificate() -> Error {
    refused("this is a certificate; paste the private key that belongs to it")
}

fn elliptic() -> Error {
    refused(&format!("this is not an RSA key; make one: {NEW_KEY}"))
}

/// Reads no further than the first fields, which differ in every shape.
fn shape_of(der: &[u8]) -> Shape {
    let Ok(outer) = AnyRef::from_der(der) else { return Shape::Unknown };
    if outer.tag() != Tag::Sequence {
        return Shape::Unknown;
    }
    let Ok(mut fields) = SliceReader::new(outer.value()) else { return Shape::Unknown };
    let first: Option<AnyRef<'_>> = fields.decode().ok();
    let second: Option<AnyRef<'_>> = fields.decode().ok();
    let tag = |any: Option<&AnyRef<'_>>| any.map(Tagged::tag);
    match (tag(first.as_ref()), tag(second.as_ref())) {
        (Some(Tag::Integer), Some(Tag::Sequence)) => Shape::Pkcs8,
        (Some(Tag::Integer), Some(Tag::Integer)) => Shape::Pkcs1,
        (Some(Tag::Integer), Some(Tag::OctetString)) => Shape::EllipticKey,
        (Some(Tag::Sequence), Some(Tag::OctetString)) => {
            scheme_of(first).map_or(Shape::Unknown, Shape::Pkcs8Encrypted)
        }
        (Some(Tag::Sequence), Some(Tag::BitString)) => Shape::PublicKey,
        (Some(Tag::Sequence), Some(Tag::Sequence)) => Shape::CertificateOrRequest,
        _ => Shape::Unknown,
    }
}

fn scheme_of(algorithm: Option<AnyRef<'_>>) -> Option<ObjectIdentifier> {
    let algorithm = algorithm?;
    SliceReader::new(algorithm.value()).ok()?.decode().ok()
}

fn plain_pkcs8(der: Zeroizing<Vec<u8>>) -> Result<PlainKey> {
    let key = PrivateKeyInfoRef::from_der(&der).map_err(|_| refused("it is cut off or damaged"))?;
    match key.algorithm.oid {
        RSA => Ok(PlainKey::Pkcs8(der)),
        RSA_PSS => {
            Err(refused(&format!("it is bound to RSA-PSS; Snowflake needs a plain RSA key: {NEW_KEY}")))
        }
        ELLIPTIC => Err(elliptic()),
        _ => Err(elliptic()),
    }
}

fn decrypted(der: &[u8], scheme: ObjectIdentifier, passphrase: Option<&Secret>) -> Result<PlainKey> {
    if scheme != PBES2 {
        let name = scheme.to_string();
        let is_old = PBES1_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        let what = if is_old { "the old PBES1 encryption" } else { "an encryption that is not known here" };
        return Err(refused(&format!("it has {what}; convert it: {TO_PBES2}")));
    }
    let Some(passphrase) = passphrase.filter(|passphrase| !passphrase.is_empty()) else {
        return Err(refused("it is encrypted and needs its passphrase"));
    };
    let key = EncryptedPrivateKeyInfoRef::from_der(der)
        .map_err(|_| refused(&format!("its encryption is not known here; convert it: {TO_PBES2}")))?;
    let kdf = key.encryption_algorithm.pbes2().map(|parameters| &parameters.kdf);
    if !kdf.is_some_and(is_bearable) {
        return Err(refused(&format!(
            "opening it would take far too much time or memory; encrypt it with a usual cost: {TO_PBES2}"
        )));
    }
    let plain = key.decrypt(passphrase.expose()).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }) => {
            refused(&format!("its encryption is not known here; convert it: {TO_PBES2}"))
        }
        _ => wrong_passphrase(),
    })?;
    let plain = Zeroizing::new(plain.as_bytes().to_vec());
    // One wrong passphrase in 256 leaves valid padding behind: what comes out is then no key.
    if shape_of(&plain) != Shape::Pkcs8 {
        return Err(wrong_passphrase());
    }
    plain_pkcs8(plain)
}

/// Whether a passphrase may be tried at the cost that the key itself names: the library tries it at any.
fn is_bearable(kdf: &Kdf) -> bool {
    match kdf {
        Kdf::Pbkdf2(parameters) => (1..=PBKDF2_ROUNDS_MAX).contains(&parameters.iteration_count),
        Kdf::Scrypt(parameters) => {
            let lanes = u64::from(parameters.block_size) * u64::from(parameters.parallelization);
            let bytes = parameters.cost_parameter.checked_mul(128).and_then(|bytes| bytes.checked_mul(lanes));
            // Zero is no power of two, which the library expects there.
            parameters.cost_parameter.is_power_of_two()
                && bytes.is_some_and(|bytes| (1..=SCRYPT_BYTES_MAX).contains(&bytes))
        }
        _ => false,
    }
}

fn wrong_passphrase() -> Error {
    refused(&format!("wrong passphrase; without one: {TO_PKCS8}"))
}
