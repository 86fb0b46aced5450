//! A session: logged in once, shared by clones, renewed as long as it is used.

mod core;
mod heartbeat;
mod relogin;
mod renewal;
mod tokens;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(crate) use self::core::{Core, Errand};
pub use self::tokens::SessionContext;
pub(crate) use self::tokens::Tokens;
use crate::auth::log_in;
use crate::column::Column;
use crate::config::ConnectionConfig;
use crate::http::{Body, Http};
use crate::reachability;
use crate::result::QueryResult;
use crate::stage::{
    StageDownloads, StageFile, StageLocation, StageUploads, UploadOptions, download, listing, upload,
};
use crate::statement::{QueryHandle, QueryStatus, Statement, run};
use crate::usage;
use crate::{ErrorKind, Result};

/// A log-out that takes longer is not waited for: the session ends by itself.
const LOGOUT_WAIT_MAX: Duration = Duration::from_secs(5);

/// A session with one Snowflake account.
///
/// Clones share it, and may run statements side by side. Expired tokens are renewed on the way; a session that
/// cannot be renewed surfaces as [`ErrorKind::SessionExpired`](crate::ErrorKind::SessionExpired). Call
/// [`Session::close`] at the end: dropping the last clone stops the heartbeat but leaves the session to expire.
#[derive(Clone)]
pub struct Session {
    core: Arc<Core>,
}

impl Session {
    /// Logs in.
    pub async fn connect(config: ConnectionConfig) -> Result<Self> {
        config.check()?;
        let endpoint = config.target();
        let network = reachability::network(&config)?;
        let http = Http::new(network, endpoint, config.retry, &config.client)?;
        let logged_in = log_in(&config, &http).await?;
        let core = Arc::new(Core::new(config, http, logged_in));
        if core.config.keep_alive {
            heartbeat::start(&core);
        }
        Ok(Self { core })
    }

    /// Runs a statement and returns its result once the first rows are there.
    ///
    /// Dropping the future cancels the query.
    pub async fn query(&self, statement: impl Into<Statement>) -> Result<QueryResult> {
        let statement = statement.into();
        let work = || run::query(&self.core, &statement);
        let data = self.core.with_relogin(statement.is_repeatable(), work).await?;
        run::result(&self.core, data)
    }

    /// Starts a statement and returns as soon as it has a query id. The query goes on even if this program ends.
    pub async fn submit(&self, statement: impl Into<Statement>) -> Result<QueryHandle> {
        let statement = statement.into();
        self.core.with_relogin(statement.is_repeatable(), || run::submit(&self.core, &statement)).await
    }

    /// The result of a query that was started earlier, by this session or another one of the same user, waiting for
    /// it where it still runs. Results are kept for 24 hours.
    pub async fn result(&self, query_id: &str) -> Result<QueryResult> {
        let data = run::attach(&self.core, query_id).await?;
        run::result(&self.core, data)
    }

    /// How a query is getting on.
    pub async fn query_status(&self, query_id: &str) -> Result<QueryStatus> {
        run::status(&self.core, query_id).await
    }

    /// Cancels a query. Returns whether it was still running.
    pub async fn cancel(&self, query_id: &str) -> Result<bool> {
        run::cancel(&self.core, query_id).await
    }

    /// The columns a statement would return, without running it.
    pub async fn describe(&self, statement: impl Into<Statement>) -> Result<Vec<Column>> {
        run::describe(&self.core, &statement.into()).await
    }

    /// Opens a folder of a Snowflake stage for uploads. The service is asked once; its keys serve for all files there.
    pub async fn begin_uploads(
        &self,
        folder: &StageLocation,
        options: UploadOptions,
    ) -> Result<StageUploads> {
        upload::begin(&self.core, folder, options).await
    }

    /// Finds the files at a place of a Snowflake stage, to be fetched: all of them, or those whose whole path fits
    /// the regular expression `pattern`.
    pub async fn begin_downloads(
        &self,
        location: &StageLocation,
        pattern: Option<&str>,
    ) -> Result<StageDownloads> {
        download::begin(&self.core, location, pattern).await
    }

    /// The files at a place of a Snowflake stage.
    pub async fn list_stage(&self, location: &StageLocation) -> Result<Vec<StageFile>> {
        listing::list(self, location).await
    }

    /// Removes the files at a place of a Snowflake stage, all or those whose whole path fits the regular expression
    /// `pattern`, and returns their paths. Without any there, it does nothing.
    pub async fn remove_from_stage(
        &self,
        location: &StageLocation,
        pattern: Option<&str>,
    ) -> Result<Vec<String>> {
        listing::remove(self, location, pattern).await
    }

    /// What is current in the session now: database, schema, virtual warehouse and role.
    pub fn context(&self) -> SessionContext {
        self.core.context.lock().expect("no holder of this lock panics").clone()
    }

    /// The session's number, as the account's history shows it.
    pub fn session_id(&self) -> i64 {
        self.core.session_id.load(Ordering::Acquire)
    }

    /// The version of the service.
    pub fn server_version(&self) -> Option<&str> {
        self.core.server_version.as_deref()
    }

    /// What this session was made from.
    pub fn config(&self) -> &ConnectionConfig {
        &self.core.config
    }

    /// Logs out, for all clones. Queries of the session that still run are aborted, except submitted ones. The
    /// session is over even when this fails.
    pub async fn close(&self) -> Result<()> {
        usage::ask(&self.core).await;
        let errand = Errand {
            attempts_max: 1,
            wait_max: Some(LOGOUT_WAIT_MAX),
            ..Errand::post("/session?delete=true", Body::json(b"{}".to_vec()))
        };
        let outcome = self.core.run(errand).await;
        self.core.is_closed.store(true, Ordering::Release);
        if let Some(heartbeat) = self.core.heartbeat.lock().expect("no holder of this lock panics").take() {
            heartbeat.abort();
        }
        match outcome {
            // Gone already, by itself or by another clone: that is what was asked for.
            Err(error) if error.kind() == ErrorKind::SessionExpired => Ok(()),
            Err(error) => Err(error),
            Ok(envelope) if envelope.is_success() => Ok(()),
            Ok(envelope) => Err(envelope.into_error()),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("endpoint", self.core.http.endpoint()).finish_non_exhaustive()
    }
}
