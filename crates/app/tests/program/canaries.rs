//! Canaries: secrets and row values that are known, and must not be in anything that a failing program says or leaves.

use std::path::{Path, PathBuf};

use emulator::{Action, EmulatorConfig, FaultRule, OauthClient, PublicKey, Route, User};

use crate::push_world::Push;
use crate::world::{DEALS, Deal, Ended, World};

/// What each kind of log-in proves itself with, and a value of a row.
const PASSWORD: &str = "canary-Password-81c2";
const PASSCODE: &str = "canary-Passcode-4477";
const PASSPHRASE: &str = "canary-Passphrase-0b7e";
const ACCESS_TOKEN: &str = "canary-AccessToken-93aa";
const OAUTH_TOKEN: &str = "canary-OAuthToken-5d10";
const CLIENT_SECRET: &str = "canary-ClientSecret-77f4";
const ROW: &str = "canary-Row-e9b3";

/// The variable that the secret of a log-in is read from.
const VARIABLE: &str = "SNOWFERRY_TEST_CANARY";

/// A way to log in: its lines in a sync file, and the secret in the variable.
struct Proof {
    name: &'static str,
    log_in: String,
    secret: String,
    /// Further texts that must not come out, such as the lines of a private key.
    others: Vec<String>,
}

/// An account that takes every kind of proof, with a table whose rows repeat their key.
async fn world() -> (World, Vec<Proof>) {
    let client = OauthClient {
        id: "snowferry".to_owned(),
        secret: CLIENT_SECRET.to_owned(),
        user: "CLIENT".to_owned(),
        token_validity: std::time::Duration::from_secs(600),
    };
    let config = EmulatorConfig { oauth_clients: vec![client], ..EmulatorConfig::default() };
    let world = World::start_with(config).await;
    let key = snowflake::PrivateKey::generate(snowflake::KeyBits::Rsa2048).unwrap();
    let public_key = PublicKey::parse(&key.public_key_body().unwrap()).unwrap();
    for user in [
        User::new("PASSWORD").with_password(PASSWORD).with_mfa_passcode(PASSCODE),
        User::new("KEY").with_public_key(public_key),
        User::new("TOKEN").with_access_token(ACCESS_TOKEN),
        User::new("OAUTH").with_oauth_token(OAUTH_TOKEN),
        User::new("CLIENT"),
    ] {
        world.emulator.users().add(user.with_default_role("ACCOUNTADMIN"));
    }
    let deal = |name: &str| Deal { id: 1, name: Some(name.to_owned()), updated_at: None };
    world.set_deals(&[deal(ROW), deal(&format!("{ROW} again"))]);
    let proofs = proofs(&world, &key);
    (world, proofs)
}

fn proofs(world: &World, key: &snowflake::PrivateKey) -> Vec<Proof> {
    let pem = key.to_pkcs8_pem().unwrap().expose().to_owned();
    let lines: Vec<String> = pem.lines().filter(|line| !line.starts_with("--")).map(str::to_owned).collect();
    let from = format!("{{ env: {VARIABLE} }}");
    let proof = |name, log_in: String, secret: &str, others: Vec<String>| Proof {
        name,
        log_in,
        secret: secret.to_owned(),
        others,
    };
    std::fs::write(world.folder().join("passcode"), PASSCODE).unwrap();
    vec![
        proof(
            "password",
            format!("user: PASSWORD\n    password: {from}\n    passcode: {{ file: passcode }}"),
            PASSWORD,
            vec![PASSCODE.to_owned()],
        ),
        proof(
            "key pair",
            format!("user: KEY\n    private_key: {{ env: {VARIABLE}, passphrase: {{ file: passphrase }} }}"),
            &pem,
            lines.into_iter().chain([PASSPHRASE.to_owned()]).collect(),
        ),
        proof("access token", format!("user: TOKEN\n    access_token: {from}"), ACCESS_TOKEN, Vec::new()),
        proof("OAuth token", format!("user: OAUTH\n    oauth_token: {from}"), OAUTH_TOKEN, Vec::new()),
        proof(
            "OAuth client",
            format!(
                "user: CLIENT\n    oauth_client: {{ token_url: \"{}/oauth/token-request\", id: snowferry, secret: {from} }}",
                world.emulator.url()
            ),
            CLIENT_SECRET,
            Vec::new(),
        ),
    ]
}

/// Runs the program with everything that it can log.
async fn run(world: &World, proof: &Proof, secret: &str, arguments: &[&str]) -> Ended {
    let mut command = world.command(&[arguments, &["-vvv"]].concat());
    let command = command.env(VARIABLE, secret).env("RUST_BACKTRACE", "full");
    let ended = Ended::from(command.output().await.unwrap());
    assert!(ended.stderr.contains("TRACE") || ended.stderr.contains("DEBUG"), "nothing was logged");
    assert!(!ended.stderr.contains("panicked"), "{}: {}", proof.name, ended.stderr);
    ended
}

/// Nothing that was said, and no file that was left, holds a canary.
#[track_caller]
fn assert_silent(world: &World, proof: &Proof, secret: &str, ended: &Ended, when: &str) {
    let mut secrets: Vec<&str> = proof.others.iter().map(String::as_str).collect();
    secrets.extend(secret.lines().filter(|line| !line.starts_with("--")));
    let forbidden = secrets.iter().chain(&[ROW, "ver:1", "eyJ"]);
    for canary in forbidden {
        for (said, stream) in [(&ended.stdout, "stdout"), (&ended.stderr, "stderr")] {
            let place = said.lines().find(|line| line.contains(canary));
            assert_eq!(place, None, "{} {when}: `{canary}` is on {stream}", proof.name);
        }
    }
    for path in files(&world.folder().join("data")) {
        let bytes = std::fs::read(&path).unwrap();
        for secret in &secrets {
            let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{} {when}: `{secret}` is in {}", proof.name, path.display());
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

fn echo(code: &str, message: String) -> Action {
    Action::Error { code: code.to_owned(), sql_state: Some("22018".to_owned()), message }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_failing_run_says_what_it_proved_itself_with_or_what_stood_in_a_row() {
    let (world, proofs) = world().await;
    for proof in &proofs {
        let file = world.sync_as(&proof.log_in, DEALS);
        let file = file.to_str().unwrap();
        if proof.name == "key pair" {
            // An encrypted key would need its passphrase; a plain one takes none and must not show it either.
            std::fs::write(world.folder().join("passphrase"), PASSPHRASE).unwrap();
        }
        let secret = proof.secret.as_str();
        for arguments in [vec!["run", "-f", file], vec!["run", "-f", file, "--json"]] {
            let ended = run(&world, proof, secret, &arguments).await;
            assert_eq!(ended.code, Some(7), "{}: {}", proof.name, ended.stderr);
            assert_silent(&world, proof, secret, &ended, "whose rows repeat a key");

            let quoted = echo("100038", format!("Numeric value '{ROW}' is not recognized"));
            world.emulator.faults().add(FaultRule::on(Route::Query, quoted).statement("SELECT \"ID\""));
            let ended = run(&world, proof, secret, &arguments).await;
            assert_eq!(ended.code, Some(7), "{}: {}", proof.name, ended.stderr);
            assert_silent(&world, proof, secret, &ended, "with a value in Snowflake's message");

            // A service that repeats what it was sent.
            let repeated = format!("Incorrect {secret} {} was specified.", proof.others.join(" "));
            let refusal = Action::Error { code: "390100".to_owned(), sql_state: None, message: repeated };
            if proof.name != "key pair" {
                world.emulator.faults().add(FaultRule::on(Route::Login, refusal));
                let ended = run(&world, proof, secret, &arguments).await;
                assert_eq!(ended.code, Some(4), "{}: {}", proof.name, ended.stderr);
                assert_silent(&world, proof, secret, &ended, "refused with an echo");
            }
        }
        let ended = run(&world, proof, secret, &["check", "-f", file, "--json"]).await;
        assert_silent(&world, proof, secret, &ended, "as a check");
        let ended = run(&world, proof, secret, &["plan", "-f", file]).await;
        assert_silent(&world, proof, secret, &ended, "as a plan");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_proof_is_refused_without_being_said() {
    let (world, proofs) = world().await;
    for proof in &proofs {
        let file = world.sync_as(&proof.log_in, DEALS);
        std::fs::write(world.folder().join("passphrase"), PASSPHRASE).unwrap();
        let wrong = match proof.name {
            "key pair" => {
                "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LXdyb25nLWtleQ==\n-----END PRIVATE KEY-----".to_owned()
            }
            _ => format!("wrong-{}", proof.secret),
        };
        for command in ["run", "check", "discover"] {
            let ended = run(&world, proof, &wrong, &[command, "-f", file.to_str().unwrap()]).await;
            assert!(matches!(ended.code, Some(3 | 4)), "{} {command}: {}", proof.name, ended.stderr);
            assert_silent(&world, proof, &wrong, &ended, command);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_refused_says_keys_and_columns_and_no_value() {
    let world = World::start().await;
    let push = Push::new(&world, "ACTIONS", ("write: upsert\nread: { key: [id] }\n", "INSERT, UPDATE"));
    // The column takes thirty characters.
    push.vendor(&format!("INSERT INTO product.actions VALUES (1, '{ROW} and much more than fits', NULL)"));
    for flags in [&["-vvv"][..], &["-vvv", "--json"]] {
        let ended = push.run(flags).await;
        assert_eq!(ended.code, Some(7), "{}", ended.stderr);
        for said in [&ended.stdout, &ended.stderr] {
            let place = said.lines().find(|line| line.contains(ROW) || line.contains(crate::world::PASSWORD));
            assert_eq!(place, None);
        }
    }
}
