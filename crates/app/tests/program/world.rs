//! An emulated Snowflake, a folder with sync files, and the program to run on them.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use connectors::duckdb::{TenantDatabase, TenantFile, query_json};
use emulator::sample::{SampleStatement, run};
use emulator::{Emulator, EmulatorConfig, ResultSizes, RunningEmulator, User};
use tempfile::TempDir;
use tokio::process::{Child, Command};

pub(crate) const USER: &str = "SYNC";
pub(crate) const PASSWORD: &str = "open-sesame-73";

/// The sync of the tests: deals, incrementally by UPDATED_AT, merged by ID.
pub(crate) const DEALS: &str = "
stream: CRM.SALES.DEALS
read:
  incremental: { cursor: UPDATED_AT, lookback: 1m }
  key: [ID]
";

/// The same in full each time.
pub(crate) const ALL_DEALS: &str = "
stream: CRM.SALES.DEALS
read: { full_refresh: { max_shrink_percent: 100 }, key: [ID] }
";

/// One row of the table of deals: id, name, and the last change in seconds of its day with nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deal {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
    pub(crate) updated_at: Option<String>,
}

pub(crate) struct World {
    pub(crate) emulator: RunningEmulator,
    folder: TempDir,
}

impl World {
    /// Chunks of 100 rows, so that a thousand rows already come in ten of them.
    pub(crate) async fn start() -> Self {
        Self::start_with(EmulatorConfig::default()).await
    }

    pub(crate) async fn start_with(config: EmulatorConfig) -> Self {
        let sizes = ResultSizes { inline_rows_max: 50, chunk_rows_max: 100, ..ResultSizes::default() };
        Self::start_with_results(config, sizes).await
    }

    /// The same, where results are cut as told.
    pub(crate) async fn start_with_results(config: EmulatorConfig, results: ResultSizes) -> Self {
        let user = User::new(USER).with_password(PASSWORD).with_default_role("ACCOUNTADMIN");
        let emulator = Emulator::start(EmulatorConfig { users: vec![user], results, ..config });
        let world = Self { emulator: emulator.await.unwrap(), folder: tempfile::tempdir().unwrap() };
        world.sql(&[
                "CREATE WAREHOUSE IF NOT EXISTS WH",
                "CREATE DATABASE CRM",
                "CREATE SCHEMA CRM.SALES",
                "CREATE TABLE CRM.SALES.DEALS (ID NUMBER(18,0) NOT NULL, NAME VARCHAR, UPDATED_AT TIMESTAMP_NTZ(9))",
            ]);
        world
    }

    /// Runs statements in the customer's account.
    pub(crate) fn sql(&self, statements: &[&str]) {
        let statements = statements.iter().map(|text| SampleStatement::from((*text).to_owned())).collect();
        self.statements(statements);
    }

    /// A session of the customer's administrator, as any client has it.
    pub(crate) async fn customer(&self) -> snowflake::Session {
        let credentials = snowflake::Credentials::password(PASSWORD);
        let config = snowflake::ConnectionConfig::new("acme-prod".parse().unwrap(), USER, credentials)
            .role("ACCOUNTADMIN")
            .endpoint(snowflake::Endpoint::parse(self.emulator.url()).unwrap())
            .allow_http_loopback(true);
        snowflake::Session::connect(config).await.unwrap()
    }

    /// Runs a script as the customer's administrator, statement by statement in one session.
    pub(crate) async fn run_script(&self, script: &str) {
        let customer = self.customer().await;
        let lines: Vec<&str> = script.lines().filter(|line| !line.starts_with("--")).collect();
        let script = lines.join("\n") + "\n";
        for statement in script.split(";\n").map(str::trim).filter(|text| !text.is_empty()) {
            let done = customer.query(snowflake::Statement::new(statement.trim_end_matches(';'))).await;
            done.unwrap_or_else(|error| panic!("{error}\n{statement}"));
        }
    }

    fn statements(&self, statements: Vec<SampleStatement>) {
        tokio::task::block_in_place(|| run(&self.emulator, statements)).unwrap();
    }

    /// Replaces all deals in the customer's account.
    pub(crate) fn set_deals(&self, deals: &[Deal]) {
        let delete = SampleStatement::from("DELETE FROM CRM.SALES.DEALS".to_owned());
        let columns = vec![
            deals.iter().map(|deal| Some(deal.id.to_string())).collect(),
            deals.iter().map(|deal| deal.name.clone()).collect(),
            deals.iter().map(|deal| deal.updated_at.clone()).collect(),
        ];
        let text = "INSERT INTO CRM.SALES.DEALS VALUES (?, ?, ?)".to_owned();
        let mut statements = vec![delete];
        if !deals.is_empty() {
            statements.push(SampleStatement { text, columns });
        }
        self.statements(statements);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The customer's account as a side of a sync, with a password in a file beside the sync's.
    pub(crate) fn snowflake_side(&self, account: &str, role: &str) -> String {
        self.snowflake_side_as(account, &format!("user: {USER}\n    password: {{ file: password }}"), role)
    }

    fn snowflake_side_as(&self, account: &str, log_in: &str, role: &str) -> String {
        format!(
            "  snowflake:
    account: {account}
    {log_in}
    role: {role}
    virtual_warehouse: WH
    endpoint: {}
    allow_http_loopback: true
",
            self.emulator.url()
        )
    }

    /// Writes a sync file: how to log in, and then `rest`.
    pub(crate) fn sync(&self, rest: &str) -> PathBuf {
        self.sync_as(&format!("user: {USER}\n    password: {{ file: password }}"), rest)
    }

    pub(crate) fn sync_as(&self, log_in: &str, rest: &str) -> PathBuf {
        std::fs::write(self.folder().join("password"), PASSWORD).unwrap();
        let side = self.snowflake_side_as("acme-prod", log_in, "ACCOUNTADMIN");
        let text =
            format!("tenant: acme\nsource:\n{side}destination: {{ duckdb: {{ path: data }} }}\n{rest}");
        let path = self.folder().join("deals.yaml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program with these arguments, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snowferry"));
        command.args(arguments).current_dir(self.folder()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs the program to its end.
    pub(crate) async fn program(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().await.unwrap())
    }

    /// Starts the program and leaves it running.
    pub(crate) fn start_program(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub(crate) fn tenant_file(&self) -> TenantFile {
        TenantFile::new(&self.folder().join("data"), "acme").unwrap()
    }

    /// Runs statements in the vendor database.
    pub(crate) fn vendor(&self, sql: &str) {
        self.vendor_of("acme", sql);
    }

    /// The same of another tenant.
    pub(crate) fn vendor_of(&self, tenant: &str, sql: &str) {
        let file = TenantFile::new(&self.folder().join("data"), tenant).unwrap();
        TenantDatabase::open(file).unwrap().connect().unwrap().execute_batch(sql).unwrap();
    }

    /// The vendor database must hold exactly these deals.
    #[track_caller]
    pub(crate) fn assert_landed(&self, expected: &[Deal], when: &str) {
        let landed = self.landed().unwrap_or_default();
        let first = landed.iter().zip(expected).find(|(landed, expected)| landed != expected);
        assert_eq!(first, None, "{when}: the first deal that differs");
        assert_eq!(landed.len(), expected.len(), "{when}: the number of deals");
    }

    /// The deals in the vendor database, by id; `None` where there is no such table.
    pub(crate) fn landed(&self) -> Option<Vec<Deal>> {
        let sql =
            r#"SELECT "ID" AS id, "NAME" AS name, "UPDATED_AT"::VARCHAR AS updated_at FROM sales.deals"#;
        let rows = query_json(&self.tenant_file(), sql, usize::MAX).ok()?;
        let mut deals: Vec<Deal> = Vec::new();
        for batch in &rows.batches {
            let column = batch.column(0);
            for row in 0..batch.num_rows() {
                let text = arrow_cast::display::array_value_to_string(column, row).unwrap();
                let json: serde_json::Value = serde_json::from_str(&text).unwrap();
                let text = |name: &str| json[name].as_str().map(str::to_owned);
                deals.push(Deal {
                    id: json["id"].as_i64().unwrap(),
                    name: text("name"),
                    updated_at: text("updated_at"),
                });
            }
        }
        deals.sort();
        Some(deals)
    }

    /// How many statements with this in their text were sent.
    pub(crate) fn statements_sent(&self, part: &str) -> usize {
        let requests = self.emulator.requests();
        let is_sent = |request: &&emulator::LoggedRequest| {
            request.route == emulator::Route::Query
                && request.statement.as_ref().is_some_and(|statement| statement.contains(part))
        };
        requests.iter().filter(is_sent).count()
    }
}

/// Deals with ids from 1, names that come again, some without a name or a time, and times with nanoseconds.
pub(crate) fn deals(count: i64) -> Vec<Deal> {
    (1..=count).map(|id| deal(id, id)).collect()
}

/// One deal, last changed at `tick`.
pub(crate) fn deal(id: i64, tick: i64) -> Deal {
    let name = (id % 7 != 0).then(|| format!("deal {} ünï 'quoted'", id % 50));
    // Without trailing zeros, as DuckDB writes it.
    let updated_at = (id % 31 != 0).then(|| {
        let (day, hour, minute) = (1 + tick / 1440 % 28, tick / 60 % 24, tick % 60);
        let text = format!("2026-03-{day:02} {hour:02}:{minute:02}:00.{:09}", 123_456_789 + id);
        text.trim_end_matches('0').to_owned()
    });
    Deal { id, name, updated_at }
}

/// How a run of the program ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    /// The end must have been a good one.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }
}
