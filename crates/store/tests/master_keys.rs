//! Where the master key may come from, and what is said where it does not.

use std::os::unix::fs::PermissionsExt;

use store::{MasterKey, MasterKeySource};

/// 32 bytes, in base64 as `openssl rand -base64 32` prints them.
const TEXT: &str = "c2VjcmV0LWNhbmFyeS1zZWNyZXQtY2FuYXJ5LTEyMzQ=";

fn command(words: &[&str]) -> MasterKeySource {
    MasterKeySource::Command(words.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn the_key_is_the_same_wherever_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("master.key");
    std::fs::write(&file, format!("{TEXT}\n")).unwrap();
    let expected = MasterKey::parse(TEXT.as_bytes()).unwrap();
    let script = folder.path().join("kms");
    std::fs::write(&script, format!("#!/bin/sh\necho {TEXT}\necho chatter >&2\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    for source in [
        MasterKeySource::File(file.clone()),
        command(&["cat", file.to_str().unwrap()]),
        command(&[script.to_str().unwrap(), "decrypt"]),
    ] {
        assert_eq!(MasterKey::read(&source).unwrap().id(), expected.id(), "{source:?}");
    }
    assert_eq!(MasterKey::parse(TEXT.trim_end_matches('=').as_bytes()).unwrap().id(), expected.id());
    assert!(!format!("{expected:?}").contains("c2Vj") && !expected.id().contains("secret"));
}

#[test]
fn a_key_that_is_missing_or_wrong_is_said_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let short = folder.path().join("short");
    std::fs::write(&short, "c2VjcmV0LWNhbmFyeQ==").unwrap();
    let big = folder.path().join("big");
    std::fs::write(&big, "A".repeat(100_000)).unwrap();
    for (source, code, words) in [
        (
            MasterKeySource::Environment("SNOWFERRY_UNSET_KEY".into()),
            "master_key_missing",
            "SNOWFERRY_UNSET_KEY",
        ),
        (MasterKeySource::File(folder.path().join("none")), "master_key_missing", "none"),
        (MasterKeySource::File(short), "master_key_invalid", "32 bytes"),
        (MasterKeySource::File(big), "master_key_invalid", "32 bytes"),
        (command(&["false"]), "master_key_missing", "`false` failed"),
        (command(&["no-such-program-73"]), "master_key_missing", "no-such-program-73"),
        (command(&[]), "master_key_missing", "empty"),
        (command(&["echo", "secret-canary"]), "master_key_invalid", "32 bytes"),
    ] {
        let error = MasterKey::read(&source).unwrap_err();
        assert_eq!(error.code(), code, "{source:?}: {error}");
        assert!(error.message().contains(words) && error.remedy().is_some(), "{source:?}: {error}");
        assert!(!format!("{error} {error:?}").contains("secret-canary"), "{error:?}");
    }
}

#[test]
fn a_new_key_is_another_one_each_time() {
    let (one, other) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    assert_ne!(one.expose(), other.expose());
    MasterKey::parse(one.expose().as_bytes()).unwrap();
}
