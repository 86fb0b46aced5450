//! Programs by others that tests run: installed by `cargo xtask peers`, each on a free port, ended with the test.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// They take a few seconds alone, longer beside a build.
const START_TIME_MAX: Duration = Duration::from_secs(90);
const POLL_EVERY: Duration = Duration::from_millis(50);

/// A server that listens.
pub(crate) struct Peer {
    process: Child,
    port: u16,
}

impl Peer {
    /// Starts what `command` makes of a free port, and waits until it takes connections.
    pub(crate) fn start(command: impl FnOnce(u16) -> Command) -> Self {
        // Free when asked for; the system does not hand out the same port again at once.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = command(port);
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut peer = Self { process: command.spawn().unwrap(), port };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(peer.process.try_wait().unwrap().is_none(), "{name} ended before it listened");
            assert!(started.elapsed() < START_TIME_MAX, "{name} does not listen");
            thread::sleep(POLL_EVERY);
        }
        peer
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The folder of an environment; where it is missing the test is skipped, or fails if that is asked for.
pub(crate) fn environment(name: &str) -> Option<PathBuf> {
    let peers = std::env::var_os("SNOWFERRY_PEERS").map(PathBuf::from);
    let peers = peers.or_else(|| Some(std::env::home_dir()?.join(".cache").join("snowferry").join("peers")));
    let folder = peers.map(|peers| peers.join(name)).filter(|folder| folder.join("installed").exists());
    let is_required = std::env::var_os("SNOWFERRY_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(folder.is_some() || !is_required, "the peers in {name:?} are not installed");
    if folder.is_none() {
        println!("skipped: the peers in {name:?} are not installed; `cargo xtask test` installs them");
    }
    folder
}
