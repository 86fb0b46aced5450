//! A real Postgres 15, which the tests start in a temporary folder and which ends with them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where Debian's package puts the programs; elsewhere `SNOWFERRY_POSTGRES_BIN` names the folder.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// A busy machine takes a few seconds.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs a server until the standard input ends, which it does with this process however that ends. The first one on a
/// machine keeps its empty cluster for those that come after it: making one takes a second.
const SERVE: &str = r#"
set -e
programs=$1
template=${TMPDIR:-/tmp}/snowferry-postgres-template-$(id -u)
folder=$(mktemp -d "${TMPDIR:-/tmp}/snowferry-postgres-XXXXXX")
trap 'rm -rf "$folder"' EXIT
(
    flock 9
    if [ ! -d "$template" ]; then
        rm -rf "$template.new"
        "$programs/initdb" -D "$template.new" -A trust -U postgres --no-sync -E UTF8 --locale=C
        mv "$template.new" "$template"
    fi
) 9>"$template.lock" >"$folder/initdb.log" 2>&1
cp -r "$template" "$folder/data"
"$programs/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c max_connections=60 \
    >"$folder/log" 2>&1 &
echo "$folder"
cat >/dev/null
# By its folder: a test may have stopped the first one and started another.
"$programs/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
wait || true
"#;

/// A server of this process.
pub(crate) struct Postgres {
    folder: PathBuf,
    databases: AtomicU32,
    _server: Child,
}

pub(crate) fn programs() -> PathBuf {
    std::env::var_os("SNOWFERRY_POSTGRES_BIN").map_or_else(|| PROGRAMS.into(), PathBuf::from)
}

/// A command of Postgres' own. It refuses to run as root, so it runs as the user of Debian's package there.
pub(crate) fn as_postgres(program: impl AsRef<Path>) -> Command {
    use std::os::unix::fs::MetadataExt;
    let program = program.as_ref();
    if std::fs::metadata("/proc/self").map(|process| process.uid()).unwrap_or(1) != 0 {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

impl Postgres {
    /// The server, started with the first test that needs it.
    pub(crate) fn get() -> &'static Self {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    fn start() -> Self {
        let programs = programs();
        assert!(
            programs.join("initdb").exists(),
            "Postgres 15 is not in {}: run `cargo xtask setup`, or set SNOWFERRY_POSTGRES_BIN",
            programs.display()
        );
        let mut command = as_postgres("sh");
        command.args(["-c", SERVE, "serve"]).arg(programs).current_dir("/");
        let mut server =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut folder = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut folder).unwrap();
        assert!(!folder.is_empty(), "Postgres could not be started");
        Self { folder: folder.trim().into(), databases: AtomicU32::new(0), _server: server }
    }

    /// A server of one test alone, which may stop it.
    #[allow(dead_code, reason = "the store's tests, which share this file, stop none")]
    pub(crate) fn own() -> Self {
        Self::start()
    }

    /// Stops the server at once, as a crash does.
    #[allow(dead_code, reason = "the store's tests, which share this file, stop none")]
    pub(crate) fn stop(&self) {
        self.control(&["-m", "immediate", "-w", "stop"]);
    }

    /// Starts it again after that.
    #[allow(dead_code, reason = "the store's tests, which share this file, stop none")]
    pub(crate) fn start_again(&self) {
        let folder = self.folder.display();
        let options = format!("-k {folder} -c listen_addresses= -c fsync=off -c max_connections=60");
        let log = self.folder.join("log").display().to_string();
        self.control(&["-w", "-l", &log, "-o", &options, "start"]);
    }

    fn control(&self, arguments: &[&str]) {
        let mut command = as_postgres(programs().join("pg_ctl"));
        command.arg("-D").arg(self.folder.join("data")).args(arguments).current_dir("/");
        // What it starts outlives it, and must not keep its pipes open.
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "{arguments:?}");
    }

    /// The URL of a database called `name`.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("postgres://postgres@localhost/{name}?host={}", self.folder.display())
    }

    /// The folder of the server's socket, as its own programs want it.
    #[allow(dead_code, reason = "the program's tests, which share this file, do not ask")]
    pub(crate) fn socket(&self) -> &Path {
        &self.folder
    }

    /// A database that nobody has used.
    pub(crate) async fn create_database(&self) -> String {
        let name = format!("state_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        sqlx::any::install_default_drivers();
        let deadline = Instant::now() + START_TIMEOUT;
        let pool = loop {
            match sqlx::AnyPool::connect(&self.url("postgres")).await {
                Ok(pool) => break pool,
                Err(error) if Instant::now() > deadline => panic!("Postgres does not answer: {error}"),
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(&pool).await.unwrap();
        pool.close().await;
        name
    }
}
