//! Many tenants on one emulated Snowflake, a state database, and processes that work on them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use connectors::duckdb::{TenantFile, query_json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::world::{Deal, Ended, PASSWORD, World};

/// 32 bytes in base64.
const MASTER_KEY: &str = "c25vd2ZlcnJ5IHRlc3QgbWFzdGVyIGtleSAzMiBieXQ=";

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Fleet {
    pub(crate) world: World,
    pub(crate) store: String,
}

/// A process that works, with what it logs.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) address: Option<String>,
    pub(crate) log: tokio::task::JoinHandle<String>,
}

impl Fleet {
    /// On SQLite.
    pub(crate) async fn start() -> Self {
        Self::on("sqlite:state.db".to_owned()).await
    }

    pub(crate) async fn on(store: String) -> Self {
        Self { world: World::start().await, store }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.world.folder()
    }

    /// Writes a sync file of a tenant below `customers`.
    pub(crate) fn file(&self, tenant: &str, name: &str, rest: &str) -> PathBuf {
        let vendor = "{ duckdb: { path: ../../data } }";
        let account = self.account(tenant);
        self.write(tenant, name, &format!("source:\n{account}destination: {vendor}\n{rest}"))
    }

    /// The same of a push.
    pub(crate) fn push_file(&self, tenant: &str, name: &str, rest: &str) -> PathBuf {
        let vendor = "{ duckdb: { path: ../../data } }";
        let account = self.account(tenant);
        self.write(tenant, name, &format!("source: {vendor}\ndestination:\n{account}{rest}"))
    }

    fn account(&self, tenant: &str) -> String {
        self.world.snowflake_side(&format!("{tenant}-prod"), "ACCOUNTADMIN")
    }

    fn write(&self, tenant: &str, name: &str, rest: &str) -> PathBuf {
        let folder = self.folder().join("customers").join(tenant);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("password"), PASSWORD).unwrap();
        let text = format!("tenant: {tenant}\n{rest}");
        let path = folder.join(format!("{name}.yaml"));
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = self.world.command(arguments);
        command.env("SNOWFERRY_STORE", &self.store).env("SNOWFERRY_MASTER_KEY", MASTER_KEY);
        command
    }

    pub(crate) async fn program(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().await.unwrap())
    }

    pub(crate) async fn apply(&self) -> Ended {
        self.program(&["apply", "-f", "customers"]).await.succeeded()
    }

    /// Starts `serve` on a free port.
    pub(crate) async fn serve(&self, arguments: &[&str]) -> Process {
        self.serve_with(&[], arguments).await
    }

    /// The same with further variables.
    pub(crate) async fn serve_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Process {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.envs(variables.iter().copied());
        let mut child = command.args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        let mut said = String::new();
        while let Some(line) = log.next_line().await.unwrap() {
            said.push_str(&format!("{line}\n"));
            if let Some((_, at)) = line.split_once("server.address=") {
                address = Some(at.trim().to_owned());
                break;
            }
        }
        // Whatever else it says must not fill the pipe.
        let log = tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                said.push_str(&format!("{line}\n"));
            }
            said
        });
        Process { child, address, log }
    }

    /// The latest runs of a tenant or sync, as `runs --json` shows them.
    pub(crate) async fn runs(&self, of: &str) -> Vec<serde_json::Value> {
        let shown = self.program(&["runs", of, "--count", "1000", "--json"]).await.succeeded().stdout;
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until the latest run of a sync is in `state`.
    pub(crate) async fn until(&self, of: &str, state: &str) -> serde_json::Value {
        let began = Instant::now();
        loop {
            let runs = self.runs(of).await;
            if let Some(run) = runs.first().filter(|run| run["state"] == state) {
                return run.clone();
            }
            assert!(began.elapsed() < PATIENCE, "{of} is not {state}: {:?}", runs.first());
        }
    }

    /// What has landed in a table of a tenant's file, by id.
    pub(crate) fn landed(&self, tenant: &str, table: &str) -> Vec<Deal> {
        let file = TenantFile::new(&self.folder().join("data"), tenant).unwrap();
        let sql = format!(
            r#"SELECT "ID" AS id, "NAME" AS name, "UPDATED_AT"::VARCHAR AS updated_at FROM {table} ORDER BY 1"#
        );
        let rows = query_json(&file, &sql, usize::MAX).unwrap();
        let mut deals = Vec::new();
        for batch in &rows.batches {
            for row in 0..batch.num_rows() {
                let text = arrow_cast::display::array_value_to_string(batch.column(0), row).unwrap();
                let json: serde_json::Value = serde_json::from_str(&text).unwrap();
                let text = |name: &str| json[name].as_str().map(str::to_owned);
                deals.push(Deal {
                    id: json["id"].as_i64().unwrap(),
                    name: text("name"),
                    updated_at: text("updated_at"),
                });
            }
        }
        deals
    }
}

impl Process {
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Ends it as an operator does, and waits.
    pub(crate) async fn stop(mut self) -> Option<i32> {
        self.signal("-TERM");
        self.child.wait().await.unwrap().code()
    }

    /// Ends it, and gives all that it has logged.
    pub(crate) async fn stop_and_read_log(mut self) -> String {
        self.signal("-TERM");
        self.child.wait().await.unwrap();
        self.log.await.unwrap()
    }

    pub(crate) fn address(&self) -> &str {
        self.address.as_deref().expect("it says where it listens")
    }
}
