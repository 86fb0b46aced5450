//! Runs one driver's script against an emulator of its own and collects its claims.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use emulator::{
    DEFAULT_PASSWORD, DEFAULT_USER, Emulator, EmulatorConfig, PublicKey, RunningEmulator, User, sample,
};
use serde::Deserialize;
use tempfile::TempDir;

const ACCESS_TOKEN: &str = "a-programmatic-access-token-of-the-judges";
const OAUTH_TOKEN: &str = "an-oauth-token-of-the-judges";
/// A driver that waits for longer than this waits for ever.
const SCRIPT_TIME_MAX: Duration = Duration::from_secs(240);

/// A pinned driver and the script that speaks through it.
pub(super) struct Driver {
    /// The folder below that of the installed peers.
    pub(super) environment: &'static str,
    /// The interpreter: in the environment, or a name to look up in PATH.
    pub(super) program: &'static str,
    pub(super) script: &'static str,
}

/// One line of a script's report.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Claim { claim: String, ok: bool, detail: String },
    End { end: bool },
}

impl Driver {
    /// Starts an emulator, runs one area of the script against it and asserts every claim.
    pub(super) async fn judge(&self, area: &'static str) {
        let Some(environment) = installed(self.environment) else { return };
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let folder = TempDir::new().unwrap();
        let key_file = write_key(&key, folder.path());
        let emulator = start(user(&key)).await;

        let mut command = self.command(&environment, area);
        command.env("JUDGE_URL", emulator.url()).env("JUDGE_KEY_FILE", key_file).env("HOME", folder.path());
        let report = tokio::task::spawn_blocking(move || run(command)).await.unwrap();
        emulator.shutdown().await;
        assert_claims(&report);
    }

    fn command(&self, environment: &Path, area: &str) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("judges");
        let in_environment = environment.join(self.program);
        let mut command =
            if in_environment.exists() { Command::new(in_environment) } else { Command::new(self.program) };
        command.arg(scripts.join(self.script)).arg(area);
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONWARNINGS", "ignore")
            .env("NODE_NO_WARNINGS", "1");
        command.env("NODE_PATH", environment.join("node_modules"));
        command.env("JUDGE_USER", DEFAULT_USER).env("JUDGE_PASSWORD", DEFAULT_PASSWORD);
        command.env("JUDGE_ACCESS_TOKEN", ACCESS_TOKEN).env("JUDGE_OAUTH_TOKEN", OAUTH_TOKEN);
        // Drivers look for cloud services around them otherwise, and honour a proxy even for loopback.
        command.env("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true").env("NO_PROXY", "127.0.0.1");
        command
    }
}

/// An emulator with this one user, and a virtual warehouse that the scripts name.
async fn start(user: User) -> RunningEmulator {
    let config = EmulatorConfig { users: vec![user], ..Default::default() };
    let emulator = Emulator::start(config).await.unwrap();
    let set_up = "CREATE WAREHOUSE IF NOT EXISTS COMPUTE_WH".to_owned();
    tokio::task::spawn_blocking(move || {
        sample::run(&emulator, [set_up.into()]).unwrap();
        emulator
    })
    .await
    .unwrap()
}

/// The folder of an installed environment; where it is missing the test is skipped, or fails if that is asked for.
fn installed(environment: &str) -> Option<PathBuf> {
    let peers = std::env::var_os("SNOWFERRY_PEERS").map(PathBuf::from);
    let peers = peers.or_else(|| Some(std::env::home_dir()?.join(".cache").join("snowferry").join("peers")));
    let folder =
        peers.map(|peers| peers.join(environment)).filter(|folder| folder.join("installed").exists());
    let is_required = std::env::var_os("SNOWFERRY_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(folder.is_some() || !is_required, "the peer `{environment}` is not installed");
    if folder.is_none() {
        println!("skipped: the peer `{environment}` is not installed; `cargo xtask test` installs it");
    }
    folder
}

fn user(key: &RsaKeyPair) -> User {
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let public = PublicKey::parse(&STANDARD.encode(public.as_ref())).unwrap();
    User::new(DEFAULT_USER)
        .with_password(DEFAULT_PASSWORD)
        .with_public_key(public)
        .with_access_token(ACCESS_TOKEN)
        .with_oauth_token(OAUTH_TOKEN)
}

fn write_key(key: &RsaKeyPair, folder: &Path) -> PathBuf {
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let body = STANDARD.encode(private.as_ref());
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let file = folder.join("key.p8");
    std::fs::write(
        &file,
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")),
    )
    .unwrap();
    file
}

/// Everything a script printed: its report, and what it wrote besides.
struct Report {
    lines: Vec<Line>,
    noise: String,
}

fn run(mut command: Command) -> Report {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        BufReader::new(stderr).read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut lines, mut noise) = (Vec::new(), String::new());
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(parsed) => lines.push(parsed),
                Err(_) => noise.push_str(&format!("{line}\n")),
            }
        }
        // Nobody listens any more when the script took too long.
        let _ = sender.send((lines, noise));
    });
    let collected = receiver.recv_timeout(SCRIPT_TIME_MAX);
    child.kill().unwrap();
    child.wait().unwrap();
    let (lines, noise) =
        collected.unwrap_or_else(|_| panic!("the driver did not end within {SCRIPT_TIME_MAX:?}"));
    Report { lines, noise: noise + &errors.join().unwrap() }
}

fn assert_claims(report: &Report) {
    let mut failures = Vec::new();
    let (mut held, mut has_ended) = (0, false);
    for line in &report.lines {
        match line {
            Line::Claim { ok: true, .. } => held += 1,
            Line::Claim { claim, detail, .. } => failures.push(format!("{claim}: {detail}")),
            Line::End { end } => has_ended = *end,
        }
    }
    let noise = &report.noise;
    assert!(failures.is_empty(), "{held} claims hold, these do not:\n- {}\n{noise}", failures.join("\n- "));
    assert!(has_ended && held > 1, "the script stopped before its end\n{noise}");
}
