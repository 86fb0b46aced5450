//! Starting and stopping an emulator.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::account::Account;
use crate::clock::Clock;
use crate::config::EmulatorConfig;
use crate::fault::Faults;
use crate::outcome::{Column, SqlError};
use crate::server::connection::{Connection, CuttableListener};
use crate::server::request_log::LoggedRequest;
use crate::sql::Database;
use crate::statement::canned::CannedResult;
use crate::users::Users;

/// How long open connections get to end before they are dropped.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);
const SELECT: u64 = 0x1000;

/// Starts emulated accounts.
#[derive(Debug)]
pub struct Emulator;

/// An emulated account that is listening. It stops when it is dropped.
pub struct RunningEmulator {
    account: Arc<Account>,
    url: String,
    address: SocketAddr,
    server: JoinHandle<()>,
}

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot open the database")]
    Database(#[source] SqlError),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

impl Emulator {
    /// Opens the database and listens. Must be called on a tokio runtime.
    pub async fn start(mut config: EmulatorConfig) -> Result<RunningEmulator, StartError> {
        let folder = config.data_folder.clone();
        let clock = Clock::with_offset_ms(config.clock_offset_ms);
        let told = clock.clone();
        let database =
            tokio::task::spawn_blocking(move || Database::open_with_clock(folder.as_deref(), told))
                .await
                .map_err(|_| StartError::Database(crate::encode::internal("the database panicked")))?
                .map_err(StartError::Database)?;
        let address = config.address;
        let listen = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        config.address = address;
        let account = Account::new(config, database, clock);
        account.database.restore_users(&account.users);
        let service = crate::server::router(&account).into_make_service_with_connect_info::<Connection>();
        let mut shutdown = account.shutdown.subscribe();
        let server = tokio::spawn(async move {
            let served = axum::serve(CuttableListener(listener), service)
                .with_graceful_shutdown(async move {
                    let _ = shutdown.wait_for(|is_down| *is_down).await;
                })
                .await;
            if let Err(error) = served {
                tracing::error!(%error, "the emulator stopped listening");
            }
        });
        Ok(RunningEmulator { account, url: format!("http://{address}"), address, server })
    }
}

impl RunningEmulator {
    /// Where clients connect, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn clock(&self) -> &Clock {
        &self.account.clock
    }

    pub fn users(&self) -> &Users {
        &self.account.users
    }

    pub fn database(&self) -> &Database {
        &self.account.database
    }

    /// Results that the account still keeps.
    pub fn finished_results(&self) -> crate::FinishedResults {
        self.account.statements.finished_results()
    }

    pub fn faults(&self) -> &Faults {
        &self.account.faults
    }

    /// Every request so far, the emulator's own controls included.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.account.requests.all()
    }

    /// Uploads in parts that were begun and neither completed nor given up.
    pub fn open_multipart_count(&self) -> usize {
        self.account.multiparts.open_count()
    }

    /// How many sessions are open.
    pub fn session_count(&self) -> usize {
        self.account.sessions.all().len()
    }

    /// What was wrong with a refused JWT, by the id in the reply's message.
    pub fn login_failure(&self, id: &str) -> Option<String> {
        self.account.login_failures.detail(id.parse().ok()?)
    }

    /// Answers this SELECT with these rows instead of asking DuckDB. Batches are in canonical types.
    pub fn serve_result(&self, text: &str, columns: Vec<Column>, batches: Vec<RecordBatch>) {
        let result =
            CannedResult { columns, batches, statement_type_id: SELECT, is_json_forced: false, stats: None };
        self.serve_canned(text, result);
    }

    /// Answers this statement of any kind with this result.
    pub fn serve_canned(&self, text: &str, result: CannedResult) {
        self.account.canned.insert(text, result);
    }

    /// Stops running statements, closes connections and the database, and frees the port.
    pub async fn shutdown(mut self) {
        self.stop();
        if tokio::time::timeout(SHUTDOWN_PATIENCE, &mut self.server).await.is_err() {
            self.server.abort();
        }
        let closed = self.account.database.closed();
        drop(self);
        // Whoever opens the same folder next must not meet a file that is being closed.
        if tokio::time::timeout(SHUTDOWN_PATIENCE, closed).await.is_err() {
            tracing::warn!("a statement still runs, so the database is not closed yet");
        }
    }

    fn stop(&self) {
        self.account.shutdown.send_replace(true);
        self.account.statements.abort_all();
        self.account.faults.open_gates();
    }
}

impl Drop for RunningEmulator {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for RunningEmulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningEmulator").field("url", &self.url).finish_non_exhaustive()
    }
}
