//! The customer's side: an emulated account with a role that may do no more than it has to.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::array_value_to_string;
use connectors::snowflake::SnowflakeDestination;
use connectors::snowflake::push::PushSettings;
use emulator::{Emulator, EmulatorConfig, RunningEmulator, User};
use model::{Journal, TableName};
use snowflake::{ConnectionConfig, Credentials, Endpoint, RetryPolicy, Session, StageLocation};

const PASSWORD: &str = "secret";
/// How long a publishing statement may be under way: recoveries wait as long, so tests keep it short.
const PUBLISH_WINDOW: Duration = Duration::from_millis(400);

pub(crate) struct Account {
    pub(crate) emulator: RunningEmulator,
}

impl Account {
    /// An account with the schema `CRM.OUT`, in which the role `PUSHING` sees nothing but what is granted to it.
    pub(crate) async fn start() -> Self {
        let pusher = User::new("PUSHER").with_password(PASSWORD).with_default_role("PUSHING");
        let admin = User::new("ADMIN").with_password(PASSWORD).with_default_role("ACCOUNTADMIN");
        let config = EmulatorConfig { users: vec![pusher, admin], ..EmulatorConfig::default() };
        let account = Self { emulator: Emulator::start(config).await.unwrap() };
        account.admin(&[
            "CREATE WAREHOUSE IF NOT EXISTS WH",
            "CREATE DATABASE CRM",
            "CREATE SCHEMA CRM.OUT",
            "CREATE ROLE PUSHING",
            "GRANT ROLE PUSHING TO USER PUSHER",
            "GRANT USAGE ON WAREHOUSE WH TO ROLE PUSHING",
            "GRANT USAGE ON DATABASE CRM TO ROLE PUSHING",
            "GRANT USAGE ON SCHEMA CRM.OUT TO ROLE PUSHING",
        ]);
        account
    }

    /// A table in `CRM.OUT`, with privileges on it for the role.
    pub(crate) fn table(&self, name: &str, columns: &str, privileges: &str) -> TableName {
        self.admin(&[
            &format!("CREATE OR REPLACE TABLE CRM.OUT.{name} ({columns})"),
            &format!("GRANT {privileges} ON TABLE CRM.OUT.{name} TO ROLE PUSHING"),
        ]);
        TableName::in_snowflake("CRM", "OUT", name.trim_matches('"'))
    }

    /// Runs statements as the administrator.
    pub(crate) fn admin(&self, statements: &[&str]) {
        let statements: Vec<_> = statements.iter().map(|text| (*text).to_owned().into()).collect();
        tokio::task::block_in_place(|| emulator::sample::run(&self.emulator, statements)).unwrap();
    }

    /// How the pushing user connects. It gives up soon, so that faults end in attempts and not in patience.
    pub(crate) fn config(&self) -> ConnectionConfig {
        let retry = RetryPolicy {
            attempts_max: 3,
            delay_min: Duration::from_millis(5),
            delay_max: Duration::from_millis(20),
            ..RetryPolicy::default()
        };
        self.connection("PUSHER").role("PUSHING").virtual_warehouse("WH").retry(retry)
    }

    fn connection(&self, user: &str) -> ConnectionConfig {
        ConnectionConfig::new("acme-prod".parse().unwrap(), user, Credentials::password(PASSWORD))
            .endpoint(Endpoint::parse(self.emulator.url()).unwrap())
            .allow_http_loopback(true)
    }

    pub(crate) fn destination(
        &self,
        journal: Arc<dyn Journal>,
        settings: PushSettings,
    ) -> SnowflakeDestination {
        SnowflakeDestination::new(self.config(), journal, settings).with_publish_window(PUBLISH_WINDOW)
    }

    /// The rows of a query as text, seen by the administrator.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let session = Session::connect(self.connection("ADMIN").virtual_warehouse("WH")).await.unwrap();
        let result = session.query(sql).await.unwrap().collect().await.unwrap();
        session.close().await.unwrap();
        result.iter().flat_map(texts).collect()
    }

    /// The first column of a table's rows, in order.
    pub(crate) async fn ids(&self, table: &TableName) -> Vec<i64> {
        let rows = self.rows(&format!("SELECT ID FROM {table} ORDER BY ID")).await;
        rows.iter().map(|row| row[0].parse().unwrap()).collect()
    }

    /// The names of the files that the pushing user has in its Snowflake stage.
    pub(crate) async fn staged(&self) -> Vec<String> {
        let session = Session::connect(self.config()).await.unwrap();
        let files = session.list_stage(&StageLocation::user("").unwrap()).await.unwrap();
        session.close().await.unwrap();
        files.into_iter().map(|file| file.name).collect()
    }
}

/// Rows as text.
pub(crate) fn texts(rows: &RecordBatch) -> Vec<Vec<String>> {
    let text = |column: &ArrayRef, row: usize| match column.is_null(row) {
        true => "NULL".to_owned(),
        // The formatter knows no names of zones.
        false => array_value_to_string(column, row).unwrap_or_else(|error| error.to_string()),
    };
    let texts = |row| rows.columns().iter().map(|column| text(column, row)).collect();
    (0..rows.num_rows()).map(texts).collect()
}
