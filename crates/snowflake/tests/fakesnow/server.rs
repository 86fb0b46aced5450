//! A fakesnow server of its own for each test.

use std::path::{Path, PathBuf};
use std::process::Command;

use snowflake::{ConnectionConfig, Credentials, Endpoint, Session};

use crate::peer::{Peer, environment};

pub(super) struct Fakesnow {
    peer: Peer,
    environment: PathBuf,
}

impl Fakesnow {
    /// Starts one and waits until it takes connections; `None`, with a word on the screen, where it is not installed.
    pub(super) fn start() -> Option<Self> {
        let environment = environment("classic")?;
        let peer = Peer::start(|port| {
            let mut command = Command::new(environment.join("bin").join("fakesnow"));
            command.args(["-s", "--host", "127.0.0.1", "-p", &port.to_string()]);
            command
        });
        Some(Self { peer, environment })
    }

    /// A session of our client in the database that the witness uses too.
    pub(super) async fn session(&self) -> Session {
        let endpoint = Endpoint::parse(&self.peer.url()).unwrap();
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
        command.arg(script).args([&self.peer.port().to_string(), form, sql]);
        command.env("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true").env("NO_PROXY", "127.0.0.1");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}
