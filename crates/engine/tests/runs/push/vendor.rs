//! The vendor's side: a tenant's DuckDB file, and runs that push from it.

use std::sync::Arc;
use std::time::Duration;

use connectors::duckdb::{DuckDbJournal, DuckDbSource, TenantDatabase, TenantFile};
use connectors::snowflake::push::PushSettings;
use engine::{RunProgress, RunReport, Sync, run};
use model::{
    ChosenColumn, Destination, Journal, NullCursor, ReadSpec, Result, StreamName, StreamSpec, TableName,
    WriteSpec,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::account::{Account, texts};
use crate::both::retries::attempts;

/// Attempts of a run that is meant to succeed.
pub(crate) const ATTEMPTS_MAX: u32 = 4;

/// A tenant's file, opened anew for each run as a process would.
pub(crate) struct Vendor {
    folder: TempDir,
}

impl Vendor {
    /// A file with these statements run in it.
    pub(crate) fn with(sql: &str) -> Self {
        let vendor = Self { folder: tempfile::tempdir().unwrap() };
        vendor.change(sql);
        vendor
    }

    /// Actions with an id, a time that no two of them share, and a text.
    pub(crate) fn with_actions(ids: std::ops::Range<i64>) -> Self {
        let vendor = Self::with(
            "CREATE SCHEMA app; CREATE TABLE app.actions (id BIGINT, happened_at TIMESTAMP, name VARCHAR);",
        );
        vendor.add_actions(ids);
        vendor
    }

    pub(crate) fn add_actions(&self, ids: std::ops::Range<i64>) {
        self.change(&format!(
            "INSERT INTO app.actions SELECT i, TIMESTAMP '2026-01-01' + INTERVAL 1 SECOND * i, 'action ' || i \
             FROM range({}, {}) AS r(i)",
            ids.start, ids.end
        ));
    }

    /// Changes the file while nobody has it open.
    pub(crate) fn change(&self, sql: &str) {
        let connection = duckdb::Connection::open(self.file().path()).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    pub(crate) fn database(&self) -> TenantDatabase {
        TenantDatabase::open(self.file()).unwrap()
    }

    /// The rows of a query over the file.
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let rows = connectors::duckdb::query(&self.file(), sql, usize::MAX).unwrap();
        rows.batches.iter().flat_map(texts).collect()
    }

    fn file(&self) -> TenantFile {
        TenantFile::new(self.folder.path(), "acme").unwrap()
    }

    /// One run that pushes into `account`, with a destination and a journal of its own.
    pub(crate) async fn push(
        &self,
        account: &Account,
        spec: &StreamSpec,
        settings: PushSettings,
    ) -> Result<RunReport> {
        let database = self.database();
        let journal: Arc<dyn Journal> = Arc::new(DuckDbJournal::new(database.clone()));
        let destination = Arc::new(account.destination(journal, settings));
        let report =
            push_into(database, Arc::clone(&destination) as Arc<dyn Destination>, spec, ATTEMPTS_MAX).await;
        destination.close().await;
        report
    }
}

/// One run over a tenant's file, with little patience between its attempts.
pub(crate) async fn push_into(
    database: TenantDatabase,
    destination: Arc<dyn Destination>,
    spec: &StreamSpec,
    attempts_max: u32,
) -> Result<RunReport> {
    let sync = Sync { source: Arc::new(DuckDbSource::new(database)), destination, spec: spec.clone() };
    let (progress, _watched) = watch::channel(RunProgress::default());
    run(&sync, &attempts(attempts_max), &progress, &CancellationToken::new()).await
}

/// The actions into a table: appended by cursor, or read whole for any other mode.
pub(crate) fn actions_into(target: &TableName, write: WriteSpec) -> StreamSpec {
    let read = match &write {
        WriteSpec::Append => ReadSpec::Incremental {
            cursor_column: "happened_at".into(),
            lookback: Duration::ZERO,
            null_cursor: NullCursor::Exclude,
        },
        _ => ReadSpec::FullRefresh,
    };
    StreamSpec {
        read,
        key: vec!["id".into()],
        write,
        ..StreamSpec::new(StreamName::Table(TableName::in_vendor_database("app", "actions")), target.clone())
    }
}

/// Columns of a sync, under their own names.
pub(crate) fn chosen(names: &[&str]) -> Vec<ChosenColumn> {
    names.iter().map(|name| ChosenColumn { source: (*name).to_owned(), target: None }).collect()
}
