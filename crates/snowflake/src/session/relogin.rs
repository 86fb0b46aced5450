//! A new log-in in place of a session that is gone, for work that needs nothing of the old one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::core::Core;
use crate::auth::log_in;
use crate::{Error, ErrorKind, Result};

impl Core {
    /// Does `work`, and once more after a new log-in where the session is gone and both the configuration and the
    /// work allow it.
    pub(crate) async fn with_relogin<T, F: Future<Output = Result<T>>>(
        self: &Arc<Self>,
        is_repeatable: bool,
        work: impl Fn() -> F,
    ) -> Result<T> {
        let login = self.logins.load(Ordering::Acquire);
        let error = match work().await {
            Err(error) if error.kind() == ErrorKind::SessionExpired => error,
            outcome => return outcome,
        };
        let is_closed = self.is_closed.load(Ordering::Acquire);
        if is_closed || !self.config.relogin || !is_repeatable {
            return Err(error);
        }
        let core = Arc::clone(self);
        // In a task of its own, like a renewal.
        tokio::spawn(async move { core.logged_in_anew(login).await }).await.map_err(|source| {
            Error::new(ErrorKind::Internal, "the log-in was interrupted").with_source(source)
        })??;
        work().await
    }

    /// Once for all who lost the session. `login` is the number of the log-in that the caller relied on.
    async fn logged_in_anew(&self, login: u64) -> Result<()> {
        let _alone = self.renewing.lock().await;
        if self.logins.load(Ordering::Acquire) != login {
            return Ok(());
        }
        let logged_in = log_in(&self.config, &self.http).await?;
        tracing::info!("logged in anew: the session was gone");
        *self.tokens.lock().expect("no holder of this lock panics") = logged_in.tokens;
        *self.context.lock().expect("no holder of this lock panics") = logged_in.context;
        self.session_id.store(logged_in.session_id.unwrap_or_default(), Ordering::Release);
        self.is_gone.store(false, Ordering::Release);
        self.logins.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}
