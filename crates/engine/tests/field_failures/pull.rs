//! Pulls from an emulated account into a vendor's file.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::array_value_to_string;
use async_trait::async_trait;
use connectors::duckdb::{DuckDbDestination, TenantFile};
use engine::{RunProgress, RunReport, Sync, run};
use model::{
    BatchStream, NullCursor, ReadSpec, Result, Source, StreamName, StreamPlan, StreamSpec, TableName,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::account::Account;
use crate::both::retries::attempts;
use crate::read_by::{ReadBy, Reader};

/// A table of the account, followed by one of its columns.
pub(crate) fn by_cursor(table: &str, cursor_column: &str, key: &[&str]) -> StreamSpec {
    StreamSpec {
        read: ReadSpec::Incremental {
            cursor_column: cursor_column.to_owned(),
            lookback: Duration::ZERO,
            null_cursor: NullCursor::Include,
        },
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        ..whole(table)
    }
}

/// A table of the account, read anew each time.
pub(crate) fn whole(table: &str) -> StreamSpec {
    let stream = StreamName::Table(TableName::in_snowflake("CRM", "PUBLIC", table));
    StreamSpec {
        max_shrink_percent: 100,
        ..StreamSpec::new(stream, TableName::in_vendor_database("crm", "rows"))
    }
}

/// The same with another policy, or another lookback.
pub(crate) fn reading(mut spec: StreamSpec, policy: NullCursor, hours: u64) -> StreamSpec {
    if let ReadSpec::Incremental { lookback, null_cursor, .. } = &mut spec.read {
        *lookback = Duration::from_secs(hours * 3600);
        *null_cursor = policy;
    }
    spec
}

/// A sync of its own, whose process starts anew with each run.
pub(crate) struct Pull<'a> {
    pub(crate) account: &'a Account,
    pub(crate) spec: StreamSpec,
    folder: TempDir,
}

impl<'a> Pull<'a> {
    pub(crate) fn new(account: &'a Account, spec: StreamSpec) -> Self {
        Self { account, spec, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self) -> TenantFile {
        TenantFile::new(self.folder.path(), "acme").unwrap()
    }

    /// One run that is patient.
    pub(crate) async fn run(&self) -> Result<RunReport> {
        self.run_with(4, None).await
    }

    /// One run whose process ends with the first error.
    pub(crate) async fn run_once(&self) -> Result<RunReport> {
        self.run_with(1, None).await
    }

    /// One run during which something happens: right after the account has taken its snapshot of the rows.
    pub(crate) async fn run_while(&self, act: impl FnOnce() + Send + 'static) -> Result<RunReport> {
        self.run_with(4, Some(Box::new(act))).await
    }

    async fn run_with(&self, attempts_max: u32, act: Option<Act>) -> Result<RunReport> {
        let inner = self.account.source();
        let source = Interrupted::source(Arc::clone(&inner) as Arc<dyn Source>, act);
        let destination = Arc::new(DuckDbDestination::open(self.file()).unwrap());
        let sync = Sync { source, destination, spec: self.spec.clone() };
        let (progress, _watched) = watch::channel(RunProgress::default());
        let report = run(&sync, &attempts(attempts_max), &progress, &CancellationToken::new()).await;
        inner.close().await;
        report
    }

    /// The rows of a query over the vendor's file.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let rows = connectors::duckdb::query(&self.file(), sql, usize::MAX).unwrap();
        rows.batches.iter().flat_map(texts).collect()
    }

    /// The values of one column, in order.
    pub(crate) fn landed(&self, column: &str) -> Vec<String> {
        self.rows(&format!("SELECT \"{column}\" FROM crm.rows ORDER BY 1"))
    }

    pub(crate) fn count(&self) -> String {
        self.rows("SELECT count(*) FROM crm.rows").concat()
    }
}

/// Rows as text, with a bar between their values.
fn texts(rows: &RecordBatch) -> Vec<String> {
    let text = |column: &ArrayRef, row: usize| match column.is_null(row) {
        true => "NULL".to_owned(),
        false => array_value_to_string(column, row).unwrap_or_else(|error| error.to_string()),
    };
    let row = |row| rows.columns().iter().map(|column| text(column, row)).collect::<Vec<_>>().join(" | ");
    (0..rows.num_rows()).map(row).collect()
}

pub(crate) type Act = Box<dyn FnOnce() + Send>;

/// Something happens during the first read.
pub(crate) struct Interrupted(Mutex<Option<Act>>);

impl Interrupted {
    pub(crate) fn source(inner: Arc<dyn Source>, act: Option<Act>) -> Arc<dyn Source> {
        Arc::new(ReadBy { inner, reader: Self(Mutex::new(act)) })
    }
}

#[async_trait]
impl Reader for Interrupted {
    async fn read(&self, inner: &dyn Source, plan: &StreamPlan) -> Result<BatchStream> {
        let read = inner.read(plan).await?;
        if let Some(act) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            tokio::task::block_in_place(act);
        }
        Ok(read)
    }
}
