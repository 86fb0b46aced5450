use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::{Decode, Encode};
use pkcs8::pkcs5::pbes2::Kdf;
use proptest::prelude::*;

use super::*;

const PLAIN: &str = include_str!("../../tests/keys/plain.p8");
const FINGERPRINT: &str = "SHA256:WbyX6A0LALpxnMc7uBYNw1SnbSPwmMva4NfVMctqr9s=";

fn passphrase() -> Secret {
    Secret::new("correct-horse")
}

fn refusal(text: &str, passphrase: Option<&Secret>) -> String {
    let error = PrivateKey::parse(text, passphrase).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    error.to_string()
}

fn body() -> String {
    PLAIN.lines().filter(|line| !line.starts_with('-')).collect()
}

#[test]
fn every_pasted_shape_is_the_same_key() {
    let body = body();
    let one_line = format!("-----BEGIN PRIVATE KEY-----{body}-----END PRIVATE KEY-----");
    let shapes = [
        ("as openssl wrote it", PLAIN.to_owned()),
        ("carriage returns", PLAIN.replace('\n', "\r\n")),
        ("spaces for line breaks", PLAIN.trim().replace('\n', " ")),
        ("written-out line breaks", PLAIN.replace('\n', "\\n")),
        ("written-out carriage returns", PLAIN.replace('\n', "\\r\\n")),
        ("double quotes", format!("\"{}\"", PLAIN.replace('\n', "\\n"))),
        ("single quotes", format!("'{PLAIN}'")),
        ("one line", one_line),
        ("indented", PLAIN.replace('\n', "\n    ")),
        ("byte order mark", format!("\u{feff}{PLAIN}")),
        ("no markers", body.clone()),
        (
            "no markers, wrapped",
            body.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line) + "\n").collect(),
        ),
        ("base64 of the file", BASE64.encode(PLAIN)),
        ("text around it", format!("Bag Attributes\n  x: y\n{PLAIN}\nthanks")),
        ("a certificate before it", format!("{}{PLAIN}", include_str!("../../tests/keys/cert.pem"))),
        ("PKCS#1", include_str!("../../tests/keys/pkcs1.pem").to_owned()),
    ];
    for (shape, text) in shapes {
        let key = PrivateKey::parse(&text, None).unwrap_or_else(|error| panic!("{shape}: {error}"));
        assert_eq!(key.fingerprint(), FINGERPRINT, "{shape}");
    }
    let der = BASE64.decode(body).unwrap();
    assert_eq!(PrivateKey::from_bytes(&der, None).unwrap().fingerprint(), FINGERPRINT);
}

#[test]
fn encrypted_keys_open_with_their_passphrase_only() {
    for text in [
        include_str!("../../tests/keys/pbes2.p8"),
        include_str!("../../tests/keys/des3.p8"),
        include_str!("../../tests/keys/scrypt.p8"),
    ] {
        assert_eq!(PrivateKey::parse(text, Some(&passphrase())).unwrap().fingerprint(), FINGERPRINT);
        assert!(refusal(text, None).contains("needs its passphrase"));
        assert!(refusal(text, Some(&Secret::new(""))).contains("needs its passphrase"));
        for wrong in 0..8 {
            assert!(refusal(text, Some(&Secret::new(format!("wrong {wrong}")))).contains("wrong passphrase"));
        }
    }
}

/// An encrypted key whose cost was written anew by whoever hands it in.
fn at_cost(pem: &str, write: impl FnOnce(&mut Kdf)) -> String {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64.decode(body).unwrap();
    let mut key = EncryptedPrivateKeyInfoRef::from_der(&der).unwrap();
    let mut parameters = key.encryption_algorithm.pbes2().unwrap().clone();
    write(&mut parameters.kdf);
    key.encryption_algorithm = parameters.into();
    BASE64.encode(key.to_der().unwrap())
}

#[test]
fn a_key_that_asks_for_far_too_much_is_refused_before_any_passphrase_is_tried() {
    let rounds = |rounds: u32| {
        at_cost(include_str!("../../tests/keys/pbes2.p8"), |kdf| match kdf {
            Kdf::Pbkdf2(parameters) => parameters.iteration_count = rounds,
            other => panic!("{other:?}"),
        })
    };
    let scrypt = |(n, r, p): (u64, u16, u16)| {
        at_cost(include_str!("../../tests/keys/scrypt.p8"), |kdf| match kdf {
            Kdf::Scrypt(parameters) => {
                (parameters.cost_parameter, parameters.block_size, parameters.parallelization) = (n, r, p);
            }
            other => panic!("{other:?}"),
        })
    };
    for rounds in [0, 10_000_001, u32::MAX].map(rounds) {
        assert!(refusal(&rounds, Some(&passphrase())).contains("far too much time or memory"));
    }
    let unbearable = [
        (0, 8, 1),
        (3, 8, 1),
        (1 << 17, 8, 1),
        (1 << 40, 8, 1),
        (1 << 63, u16::MAX, u16::MAX),
        (1024, 0, 1),
        (1024, 8, 0),
        (1024, 8, u16::MAX),
    ];
    for cost in unbearable {
        let message = refusal(&scrypt(cost), Some(&passphrase()));
        assert!(message.contains("far too much time or memory"), "{cost:?}: {message}");
    }
    // What was written anew at a usual cost is still looked at, and is another key by then.
    assert!(refusal(&rounds(2_049), Some(&passphrase())).contains("wrong passphrase"));
    assert!(refusal(&scrypt((2_048, 8, 1)), Some(&passphrase())).contains("wrong passphrase"));
}

#[test]
fn a_passphrase_for_a_plain_key_does_no_harm() {
    PrivateKey::parse(PLAIN, Some(&passphrase())).unwrap();
}

#[test]
fn what_is_not_a_key_is_named() {
    for (text, expected) in [
        (include_str!("../../tests/keys/pub.pem"), "this is a public key"),
        (include_str!("../../tests/keys/cert.pem"), "this is a certificate"),
        (include_str!("../../tests/keys/ec.p8"), "not an RSA key"),
        (include_str!("../../tests/keys/ec.pem"), "not an RSA key"),
        (include_str!("../../tests/keys/small.p8"), "too small"),
        (include_str!("../../tests/keys/pbes1.p8"), "openssl pkcs8 -topk8 -v2 aes-256-cbc"),
        (include_str!("../../tests/keys/legacy.pem"), "DEK-Info"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
            "ssh-keygen -p -m PKCS8",
        ),
        ("ssh-rsa AAAAB3NzaC1yc2E me@host", "OpenSSH public key"),
        ("", "it is empty"),
        ("hunter2", "neither PEM nor base64"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "END line is missing"),
        ("MIIE\n-----END PRIVATE KEY-----", "BEGIN line is missing"),
        ("-----BEGIN PRIVATE KEY-----\n%%%%\n-----END PRIVATE KEY-----", "not base64"),
    ] {
        let message = refusal(text, Some(&passphrase()));
        assert!(message.contains(expected), "{message} does not say {expected}");
    }
}

#[test]
fn shapes_without_markers_are_told_apart_too() {
    let bare = |pem: &str| -> String { pem.lines().filter(|line| !line.starts_with('-')).collect() };
    assert!(refusal(&bare(include_str!("../../tests/keys/pub.pem")), None).contains("this is a public key"));
    assert!(
        refusal(&bare(include_str!("../../tests/keys/cert.pem")), None).contains("this is a certificate")
    );
    assert!(refusal(&bare(include_str!("../../tests/keys/pbes2.p8")), None).contains("needs its passphrase"));
    let half = &body()[..400];
    assert!(refusal(half, None).contains("cannot be used"));
}

#[test]
fn a_made_key_reads_back_and_gives_its_public_half() {
    let key = PrivateKey::generate(KeyBits::Rsa2048).unwrap();
    assert_eq!(key.bits(), 2048);
    let pem = key.to_pkcs8_pem().unwrap();
    let again = PrivateKey::parse(pem.expose(), None).unwrap();
    assert_eq!(again.fingerprint(), key.fingerprint());
    let der = BASE64.decode(key.public_key_body().unwrap()).unwrap();
    let digest = BASE64.encode(digest::digest(&digest::SHA256, &der));
    assert_eq!(key.fingerprint(), format!("SHA256:{digest}"));
}

#[test]
fn the_public_half_is_what_openssl_writes() {
    let expected: String =
        include_str!("../../tests/keys/pub.pem").lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(PrivateKey::parse(PLAIN, None).unwrap().public_key_body().unwrap(), expected);
}

#[test]
fn a_key_is_never_printed() {
    let printed = format!("{:?}", PrivateKey::parse(PLAIN, None).unwrap());
    assert!(printed.contains(FINGERPRINT) && !printed.contains(&body()[40..80]));
}

#[test]
fn a_key_is_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.p8");
    std::fs::write(&path, PLAIN).unwrap();
    assert_eq!(KeySource::File(path).load(None).unwrap().fingerprint(), FINGERPRINT);
    assert!(KeySource::Env("SNOWFLAKE_TEST_NO_SUCH_VARIABLE".into()).load(None).is_err());
}

proptest! {
    #[test]
    fn whatever_is_pasted_is_answered_and_never_quoted(
        text in "(-----BEGIN [A-Z ]{0,20}-----)?[A-Za-z0-9+/=\\\\n\n ]{20,200}(-----END [A-Z ]{0,20}-----)?",
        flip in 30..1600_usize,
    ) {
        let error = PrivateKey::parse(&text, Some(&passphrase())).unwrap_err();
        prop_assert!(!error.to_string().contains(text.trim()));
        let mut damaged = PLAIN.as_bytes().to_vec();
        damaged[flip] = damaged[flip].wrapping_add(1);
        if let Ok(key) = PrivateKey::from_bytes(&damaged, None) {
            prop_assert!(!key.fingerprint().is_empty());
        }
    }
}

#[test]
fn an_encrypted_key_is_opened_by_its_passphrase_alone() {
    let key = PrivateKey::generate(KeyBits::Rsa2048).unwrap();
    let pem = key.to_encrypted_pkcs8_pem(&Secret::new("canary-phrase")).unwrap();
    assert!(pem.expose().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let again = PrivateKey::parse(pem.expose(), Some(&Secret::new("canary-phrase"))).unwrap();
    assert_eq!(again.fingerprint(), key.fingerprint());
    assert!(PrivateKey::parse(pem.expose(), Some(&Secret::new("another"))).is_err());
    assert!(PrivateKey::parse(pem.expose(), None).is_err());
}
