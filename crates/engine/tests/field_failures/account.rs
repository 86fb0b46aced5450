//! The customer's side: what these tests start an account with, and what was asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connectors::snowflake::SnowflakeSource;
use emulator::{EmulatorConfig, ResultSizes, Route};

pub(crate) use crate::both::reader::Account;

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

impl Account {
    pub(crate) async fn start() -> Self {
        Self::with_parameters(&[]).await
    }

    /// An account where every session starts with these parameters.
    pub(crate) async fn with_parameters(parameters: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self::with(EmulatorConfig {
            parameters: parameters.iter().map(own).collect::<BTreeMap<_, _>>(),
            results: ResultSizes { inline_rows_max: 1, chunk_rows_max: CHUNK_ROWS, ..ResultSizes::default() },
            ..EmulatorConfig::default()
        })
        .await
    }

    /// An account where results are cut as the service cuts them.
    pub(crate) async fn with_large_chunks() -> Self {
        Self::with(EmulatorConfig::default()).await
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
}
