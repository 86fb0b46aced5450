//! A fakesnow server of its own for each test, killed with it.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use snowflake::{ConnectionConfig, Credentials, Endpoint, Session};

/// It takes about three seconds alone, longer beside a build.
const START_TIME_MAX: Duration = Duration::from_secs(90);
const POLL_EVERY: Duration = Duration::from_millis(50);

pub(super) struct Fakesnow {
    process: Child,
    port: u16,
    environment: PathBuf,
}

impl Fakesnow {
    /// Starts one and waits until it takes connections; `None`, with a word on the screen, where it is not installed.
    pub(super) fn start() -> Option<Self> {
        let environment = installed()?;
        // Free when asked for; the system does not hand out the same port again at once.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(environment.join("bin").join("fakesnow"));
        command.args(["-s", "--host", "127.0.0.1", "-p", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut fakesnow = Self { process: command.spawn().unwrap(), port, environment };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(fakesnow.process.try_wait().unwrap().is_none(), "fakesnow ended before it listened");
            assert!(started.elapsed() < START_TIME_MAX, "fakesnow does not listen");
            thread::sleep(POLL_EVERY);
        }
        Some(fakesnow)
    }

    /// A session of our client in the database that the witness uses too.
    pub(super) async fn session(&self) -> Session {
        let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap();
        let config = ConnectionConfig::new("fake".parse().unwrap(), "fake", Credentials::password("snow"))
            .endpoint(endpoint)
            .allow_http_loopback(true)
            .keep_alive(false)
            .database("WITNESS")
            .schema("PUBLIC");
        Session::connect(config).await.unwrap()
    }

    /// The rows of a query as its own Python client reads them, one JSON array of texts a row.
    pub(super) fn rows(&self, sql: &str) -> Vec<String> {
        self.witness("rows", sql).lines().map(str::to_owned).collect()
    }

    /// How many rows it reads, and the SHA-256 of those lines.
    pub(super) fn digest(&self, sql: &str) -> (usize, String) {
        let printed = self.witness("digest", sql);
        let (count, digest) = printed.trim().split_once(' ').expect("two words");
        (count.parse().unwrap(), digest.to_owned())
    }

    fn witness(&self, form: &str, sql: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("fakesnow").join("witness.py");
        let mut command = Command::new(self.environment.join("bin").join("python"));
        command.arg(script).args([&self.port.to_string(), form, sql]);
        command.env("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true").env("NO_PROXY", "127.0.0.1");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Fakesnow {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The environment that holds it; where it is missing the test is skipped, or fails if that is asked for.
fn installed() -> Option<PathBuf> {
    let peers = std::env::var_os("SNOWFERRY_PEERS").map(PathBuf::from);
    let peers = peers.or_else(|| Some(std::env::home_dir()?.join(".cache").join("snowferry").join("peers")));
    let folder = peers.map(|peers| peers.join("classic")).filter(|folder| folder.join("installed").exists());
    let is_required = std::env::var_os("SNOWFERRY_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(folder.is_some() || !is_required, "fakesnow is not installed");
    if folder.is_none() {
        println!("skipped: fakesnow is not installed; `cargo xtask test` installs it");
    }
    folder
}
