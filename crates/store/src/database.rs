//! The connection to either database, and transactions that know what time it is.

use std::time::Duration;

use jiff::Timestamp;
use model::{Error, Result};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyPool, Transaction};

use crate::clock::{StoreClock, timestamp};
use crate::error::failed;
use crate::row::Columns;

/// Enough for a process whose decisions take a millisecond each. SQLite has one writer anyway.
const CONNECTIONS_MAX: u32 = 8;

/// How long a decision may wait for a connection: longer than a restart of Postgres usually takes.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// Decisions on the queue follow each other, so that limits hold exactly. Any number that nobody else uses.
const QUEUE_LOCK: &str = "SELECT pg_advisory_xact_lock(7366)";

/// Readers do not wait for the writer, and what is committed survives a loss of power.
const SQLITE_SETTINGS: &[&str] = &["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"];

/// A process that is stopped in the middle of a decision, as a paused machine is, holds everybody up no longer than this.
/// Decisions take milliseconds, and no lease is as short.
const POSTGRES_SETTINGS: &[&str] = &["SET idle_in_transaction_session_timeout = '5s'"];

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseKind {
    Sqlite,
    Postgres,
}

/// A pool of connections to the state database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) pool: AnyPool,
    pub(crate) kind: DatabaseKind,
    clock: StoreClock,
}

/// A statement with its parameters.
pub(crate) type Statement = Query<'static, Any, AnyArguments>;

/// A statement; parameters are `$1` and so on, in both databases.
pub(crate) fn sql(text: &'static str) -> Statement {
    sqlx::query(text)
}

impl Database {
    /// Connects to `url`: `sqlite:PATH`, or `postgres://…`.
    pub(crate) async fn connect(url: &str, clock: StoreClock) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let (kind, url) = recognise(url)?;
        let options = AnyPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(ACQUIRE_TIMEOUT);
        let options = options.after_connect(move |connection, _| {
            Box::pin(async move {
                let settings = match kind {
                    DatabaseKind::Sqlite => SQLITE_SETTINGS,
                    DatabaseKind::Postgres => POSTGRES_SETTINGS,
                };
                for setting in settings {
                    sqlx::query(*setting).execute(&mut *connection).await?;
                }
                Ok(())
            })
        });
        let pool = options.connect(&url).await.map_err(cannot_open)?;
        Ok(Self { pool, kind, clock })
    }

    /// Begins to write. On SQLite the right to write is taken at once: a transaction that reads first and then finds
    /// another writer in its way would have to start over.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        let begin = match self.kind {
            DatabaseKind::Sqlite => "BEGIN IMMEDIATE",
            DatabaseKind::Postgres => "BEGIN",
        };
        let transaction = self.pool.begin_with(begin).await.map_err(failed)?;
        let mut tx = Tx { transaction, now: Timestamp::UNIX_EPOCH, kind: self.kind };
        tx.now = self.read_clock(&mut tx).await?;
        Ok(tx)
    }

    /// Begins a decision on the queue. Postgres takes the lock in a statement of its own: a statement that locks and
    /// reads at once reads what was there before it got the lock.
    pub(crate) async fn begin_queue_decision(&self) -> Result<Tx> {
        let mut tx = self.begin().await?;
        if self.kind == DatabaseKind::Postgres {
            tx.execute(sql(QUEUE_LOCK)).await?;
            // The wait for the lock may have been long.
            tx.now = self.read_clock(&mut tx).await?;
        }
        Ok(tx)
    }

    async fn read_clock(&self, tx: &mut Tx) -> Result<Timestamp> {
        if let Some(now) = self.clock.by_hand_now() {
            return now;
        }
        let now = match self.kind {
            DatabaseKind::Sqlite => "SELECT CAST(unixepoch('subsec') * 1000000 AS BIGINT) AS now",
            DatabaseKind::Postgres => {
                "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS now"
            }
        };
        let row = tx.one(sql(now)).await?.ok_or_else(|| Error::internal("the database has no clock"))?;
        timestamp(row.number("now")?)
    }

    pub(crate) async fn one(&self, statement: Statement) -> Result<Option<AnyRow>> {
        statement.fetch_optional(&self.pool).await.map_err(failed)
    }

    pub(crate) async fn all(&self, statement: Statement) -> Result<Vec<AnyRow>> {
        statement.fetch_all(&self.pool).await.map_err(failed)
    }
}

/// A transaction, and the time at which it decides. Dropped without a commit it has changed nothing.
pub(crate) struct Tx {
    transaction: Transaction<'static, Any>,
    pub(crate) now: Timestamp,
    pub(crate) kind: DatabaseKind,
}

impl Tx {
    /// Runs a statement and answers how many rows it touched.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        self.try_execute(statement).await.map_err(failed)
    }

    /// The same for callers that know what to say about some errors.
    pub(crate) async fn try_execute(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        Ok(statement.execute(&mut *self.transaction).await?.rows_affected())
    }

    pub(crate) async fn one(&mut self, statement: Statement) -> Result<Option<AnyRow>> {
        statement.fetch_optional(&mut *self.transaction).await.map_err(failed)
    }

    pub(crate) async fn all(&mut self, statement: Statement) -> Result<Vec<AnyRow>> {
        statement.fetch_all(&mut *self.transaction).await.map_err(failed)
    }

    pub(crate) async fn commit(self) -> Result<()> {
        self.transaction.commit().await.map_err(failed)
    }

    pub(crate) fn now_micros(&self) -> i64 {
        self.now.as_microsecond()
    }

    /// The moment that is so long from now.
    pub(crate) fn after(&self, delay: Duration) -> i64 {
        let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
        self.now_micros().saturating_add(micros)
    }
}

fn recognise(url: &str) -> Result<(DatabaseKind, String)> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains(":memory:") {
            return Err(unknown_url());
        }
        let path = utf8_percent_encode(path, NON_ALPHANUMERIC);
        return Ok((DatabaseKind::Sqlite, format!("sqlite://{path}?mode=rwc")));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((DatabaseKind::Postgres, url.to_owned()));
    }
    Err(unknown_url())
}

/// The URL may hold a password, so it is not repeated.
fn unknown_url() -> Error {
    Error::config("state_url", "the state database is not named by a URL that is known")
        .with_remedy("use `sqlite:PATH` for one process, or `postgres://USER@HOST/DATABASE` for several")
}

fn cannot_open(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Configuration(_) => unknown_url(),
        sqlx::Error::Database(database) if !matches!(database.code().as_deref(), Some("5")) => {
            let code = database.code().unwrap_or_default().into_owned();
            Error::config("state_unopened", format!("the state database cannot be opened (code {code})"))
                .with_remedy("check that the path or database exists and that this user may write to it")
        }
        _ => failed(error),
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("now", &self.now).field("kind", &self.kind).finish_non_exhaustive()
    }
}
