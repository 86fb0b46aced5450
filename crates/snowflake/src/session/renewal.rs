//! Renewing the session's tokens: once, however many calls found them expired.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::Tokens;
use super::core::Core;
use crate::http::{Body, Call};
use crate::wire::login::RenewalData;
use crate::{Error, ErrorKind, Result};

/// A renewal does little work at the service; slower than this it is sent again.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// All tries of one renewal.
const BUDGET: Duration = Duration::from_secs(120);
/// Two tokens and some numbers.
const REPLY_BYTES_MAX: usize = 1024 * 1024;
const GONE: &str =
    "the session is gone and cannot be renewed; temporary tables and session settings are lost";

impl Core {
    /// Makes sure that `stale` is no longer the current pair. It runs in a task of its own: a caller that is dropped
    /// half-way would otherwise lose the new tokens, and with them the session.
    pub(super) async fn renewed(self: &Arc<Self>, stale: Tokens) -> Result<()> {
        let core = Arc::clone(self);
        tokio::spawn(async move { core.renew_once(stale).await }).await.map_err(|source| {
            Error::new(ErrorKind::Internal, "the renewal was interrupted").with_source(source)
        })?
    }

    async fn renew_once(&self, stale: Tokens) -> Result<()> {
        let _alone = self.renewing.lock().await;
        if self.is_replaced(&stale) {
            return Ok(());
        }
        if self.is_gone.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::SessionExpired, GONE));
        }
        let fresh = match self.renew(&stale).await {
            Ok(fresh) => fresh,
            Err(error) => {
                self.is_gone.store(error.kind() == ErrorKind::SessionExpired, Ordering::Release);
                return Err(error);
            }
        };
        *self.tokens.lock().expect("no holder of this lock panics") = fresh;
        tracing::debug!("the session's tokens were renewed");
        Ok(())
    }

    async fn renew(&self, stale: &Tokens) -> Result<Tokens> {
        let body = json!({ "oldSessionToken": stale.session.expose(), "requestType": "RENEW" });
        let call = Call {
            method: Method::POST,
            path: "/session/token-request",
            query: Vec::new(),
            request_id: Uuid::new_v4(),
            body: Body::json(body.to_string().into_bytes()),
            token: Some(&stale.master),
            accept: "application/json",
            wait_max: WAIT_MAX,
            budget: BUDGET,
            attempts_max: u32::MAX,
            reply_bytes_max: REPLY_BYTES_MAX,
        };
        let reply = self.http.call(&call).await?;
        let Some(envelope) = reply.envelope else {
            return Err(gone(Error::new(ErrorKind::Protocol, format!("HTTP {}", reply.status))));
        };
        if !envelope.is_success() {
            return Err(gone(envelope.into_error()));
        }
        let data: RenewalData = envelope.data()?;
        let (Some(session), Some(master)) = (data.session_token, data.master_token) else {
            return Err(Error::new(
                ErrorKind::Protocol,
                "the renewal succeeded but the reply holds no tokens",
            ));
        };
        let validity = data.validity_in_seconds_mt.map_or(stale.master_validity, Duration::from_secs);
        Ok(Tokens { session, master, master_validity: validity })
    }
}

/// Whatever the service says when it refuses a renewal, the session cannot be saved.
fn gone(cause: Error) -> Error {
    let error = Error::new(ErrorKind::SessionExpired, GONE);
    let error = match cause.code() {
        Some(code) => error.with_code(code.to_owned()),
        None => error,
    };
    error.with_source(cause)
}
