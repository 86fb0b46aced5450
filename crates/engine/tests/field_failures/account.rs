//! The customer's side: an emulated account with a role that may read and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_cast::display::array_value_to_string;
use connectors::snowflake::SnowflakeSource;
use emulator::{Emulator, EmulatorConfig, ResultSizes, Route, RunningEmulator, User};
use snowflake::{ConnectionConfig, Credentials, Endpoint, RetryPolicy, Session};

const PASSWORD: &str = "secret";
/// Small enough that a handful of rows comes in several chunks.
const CHUNK_ROWS: usize = 3;

/// Parameters that an administrator may set for everybody, each to something that no client expects.
pub(crate) const HOSTILE: &[(&str, &str)] = &[
    ("TIMEZONE", "America/St_Johns"),
    ("TIMESTAMP_TYPE_MAPPING", "TIMESTAMP_TZ"),
    ("TIMESTAMP_INPUT_FORMAT", "DD/MM/YYYY HH12:MI:SS AM"),
    ("DATE_INPUT_FORMAT", "DD/MM/YYYY"),
    ("TIME_INPUT_FORMAT", "HH12:MI AM"),
    ("TIMESTAMP_OUTPUT_FORMAT", "DY, DD MON YYYY"),
    ("TIMESTAMP_NTZ_OUTPUT_FORMAT", "DD/MM/YY"),
    ("TIMESTAMP_LTZ_OUTPUT_FORMAT", "HH12"),
    ("TIMESTAMP_TZ_OUTPUT_FORMAT", "MON"),
    ("DATE_OUTPUT_FORMAT", "DD.MM.YY"),
    ("TIME_OUTPUT_FORMAT", "HH12"),
    ("BINARY_OUTPUT_FORMAT", "BASE64"),
    ("QUOTED_IDENTIFIERS_IGNORE_CASE", "true"),
    ("AUTOCOMMIT", "false"),
    ("TWO_DIGIT_CENTURY_START", "2000"),
    ("WEEK_START", "3"),
    ("ROWS_PER_RESULTSET", "0"),
];

pub(crate) struct Account {
    pub(crate) emulator: RunningEmulator,
}

impl Account {
    /// An account with the schema `CRM.PUBLIC`, in which the role `READING` may read everything.
    pub(crate) async fn start() -> Self {
        Self::with_parameters(&[]).await
    }

    /// The same, where every session starts with these parameters.
    pub(crate) async fn with_parameters(parameters: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let reader = User::new("READER").with_password(PASSWORD).with_default_role("READING");
        let config = EmulatorConfig {
            users: vec![reader],
            parameters: parameters.iter().map(own).collect::<BTreeMap<_, _>>(),
            results: ResultSizes { inline_rows_max: 1, chunk_rows_max: CHUNK_ROWS, ..ResultSizes::default() },
            ..EmulatorConfig::default()
        };
        Self::set_up(config).await
    }

    /// The same, where results are cut as the service cuts them.
    pub(crate) async fn with_large_chunks() -> Self {
        let reader = User::new("READER").with_password(PASSWORD).with_default_role("READING");
        Self::set_up(EmulatorConfig { users: vec![reader], ..EmulatorConfig::default() }).await
    }

    async fn set_up(config: EmulatorConfig) -> Self {
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

    pub(crate) fn source(&self) -> Arc<SnowflakeSource> {
        Arc::new(SnowflakeSource::new(self.config()))
    }

    /// Every statement that was sent so far, each once however often its request was repeated.
    pub(crate) fn statements(&self) -> Vec<String> {
        let mut known = BTreeSet::new();
        let requests = self.emulator.requests().into_iter().filter(|request| request.route == Route::Query);
        let first = requests.filter(|request| known.insert(request.query.get("requestId").cloned()));
        first.filter_map(|request| request.statement).collect()
    }

    /// The statements among them that read rows by name of their columns.
    pub(crate) fn reads(&self) -> Vec<String> {
        self.statements().into_iter().filter(|text| text.starts_with("SELECT \"")).collect()
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
