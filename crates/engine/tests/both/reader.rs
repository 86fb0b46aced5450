//! An emulated account with a role that may read and nothing else.

use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_cast::display::array_value_to_string;
use emulator::{Emulator, EmulatorConfig, RunningEmulator, User};
use snowflake::{ConnectionConfig, Credentials, Endpoint, RetryPolicy, Session};

const PASSWORD: &str = "secret";

pub(crate) struct Account {
    pub(crate) emulator: RunningEmulator,
}

impl Account {
    /// An account with the schema `CRM.PUBLIC`, in which the role `READING` may read everything.
    pub(crate) async fn with(config: EmulatorConfig) -> Self {
        let reader = User::new("READER").with_password(PASSWORD).with_default_role("READING");
        let config = EmulatorConfig { users: vec![reader], ..config };
        let account = Self { emulator: Emulator::start(config).await.unwrap() };
        account.sql(&[
            "CREATE WAREHOUSE IF NOT EXISTS WH",
            "CREATE DATABASE CRM",
            "CREATE ROLE READING",
            "GRANT ROLE READING TO USER READER",
            "GRANT USAGE ON WAREHOUSE WH TO ROLE READING",
            "GRANT USAGE ON DATABASE CRM TO ROLE READING",
            "GRANT USAGE ON SCHEMA CRM.PUBLIC TO ROLE READING",
            "GRANT SELECT ON FUTURE TABLES IN SCHEMA CRM.PUBLIC TO ROLE READING",
            "GRANT SELECT ON FUTURE VIEWS IN SCHEMA CRM.PUBLIC TO ROLE READING",
        ]);
        account
    }

    /// Runs statements as the administrator.
    pub(crate) fn sql(&self, statements: &[&str]) {
        let statements: Vec<_> = statements.iter().map(|text| (*text).to_owned().into()).collect();
        tokio::task::block_in_place(|| emulator::sample::run(&self.emulator, statements)).unwrap();
    }

    /// How the reader connects. It gives up soon, so that faults end in attempts and not in patience.
    pub(crate) fn config(&self) -> ConnectionConfig {
        let retry = RetryPolicy {
            attempts_max: 3,
            delay_min: Duration::from_millis(1),
            delay_max: Duration::from_millis(5),
            ..RetryPolicy::default()
        };
        ConnectionConfig::new("acme-prod".parse().unwrap(), "READER", Credentials::password(PASSWORD))
            .endpoint(Endpoint::parse(self.emulator.url()).unwrap())
            .allow_http_loopback(true)
            .role("READING")
            .virtual_warehouse("WH")
            .retry(retry)
    }

    /// The reader's statements so far for which a virtual warehouse was used, as the account's own history tells.
    pub(crate) async fn in_virtual_warehouse(&self) -> Vec<String> {
        const HISTORY: &str = "SELECT QUERY_TEXT FROM TABLE(CRM.INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 10000)) \
                               WHERE USER_NAME = 'READER' AND WAREHOUSE_SIZE IS NOT NULL";
        let session = Session::connect(self.config()).await.unwrap();
        let batches = session.query(HISTORY).await.unwrap().collect().await.unwrap();
        session.close().await.unwrap();
        let text = |batch: &RecordBatch, row| array_value_to_string(batch.column(0), row).unwrap();
        let texts = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| text(batch, row)));
        texts.filter(|text| text != HISTORY).collect()
    }
}
