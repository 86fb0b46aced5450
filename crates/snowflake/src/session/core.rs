//! What the clones of a session share: configuration, connection, tokens and the sending of authorised calls.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use tokio::task::AbortHandle;
use uuid::Uuid;

use super::{SessionContext, Tokens};
use crate::auth::LoggedIn;
use crate::config::ConnectionConfig;
use crate::error_code::{is_session_gone, is_session_token_expired};
use crate::http::{Body, Call, Http, Reply};
use crate::result::LinkPolicy;
use crate::wire::envelope::Envelope;
use crate::wire::result::ResultData;
use crate::{Error, ErrorKind, Result};

/// One expiry is normal; a token that is refused again right after its renewal is not.
const RENEWALS_PER_CALL_MAX: u32 = 2;
/// Manifests of very large results reach some 130 MB; anything beyond this is not one.
const REPLY_BYTES_MAX: usize = 512 * 1024 * 1024;
/// No answer within this is no answer to a long poll either.
const CALL_BUDGET: Duration = Duration::from_secs(600);

pub(crate) struct Core {
    pub(crate) config: ConnectionConfig,
    pub(crate) http: Http,
    pub(super) tokens: Mutex<Tokens>,
    pub(super) context: Mutex<SessionContext>,
    /// Held while tokens are renewed or replaced: whoever waits finds the work done.
    pub(super) renewing: tokio::sync::Mutex<()>,
    pub(super) is_closed: AtomicBool,
    /// A renewal was refused: nobody else needs to ask.
    pub(super) is_gone: AtomicBool,
    /// Log-ins so far, so that of many callers who lost one session only the first logs in anew.
    pub(super) logins: AtomicU64,
    pub(super) heartbeat: Mutex<Option<AbortHandle>>,
    pub(super) session_id: AtomicI64,
    pub(super) server_version: Option<String>,
    sequence: AtomicU64,
}

/// A call on behalf of the session: what differs from one to the next.
pub(crate) struct Errand<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) request_id: Uuid,
    pub(crate) body: Body<'a>,
    pub(crate) attempts_max: u32,
    pub(crate) wait_max: Option<Duration>,
    /// Asks for results in Arrow, except where the reply is no result.
    pub(crate) accept: &'static str,
}

impl<'a> Errand<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            request_id: Uuid::new_v4(),
            body: Body::Empty,
            attempts_max: u32::MAX,
            wait_max: None,
            accept: "application/snowflake",
        }
    }

    pub(crate) fn post(path: &'a str, body: Body<'a>) -> Self {
        Self { method: Method::POST, body, ..Self::get(path) }
    }
}

impl Core {
    pub(super) fn new(config: ConnectionConfig, http: Http, logged_in: LoggedIn) -> Self {
        Self {
            config,
            http,
            tokens: Mutex::new(logged_in.tokens),
            context: Mutex::new(logged_in.context),
            renewing: tokio::sync::Mutex::new(()),
            is_closed: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
            logins: AtomicU64::new(1),
            heartbeat: Mutex::new(None),
            session_id: AtomicI64::new(logged_in.session_id.unwrap_or_default()),
            server_version: logged_in.server_version,
            sequence: AtomicU64::new(0),
        }
    }

    /// Sends with the session's token. An expired token is renewed and the same request sent again, with the same
    /// request id. The reply may still be a failure of the errand itself.
    pub(crate) async fn run(self: &std::sync::Arc<Self>, errand: Errand<'_>) -> Result<Envelope> {
        let mut renewals = 0;
        loop {
            if self.is_closed.load(Ordering::Acquire) {
                return Err(Error::new(ErrorKind::SessionExpired, "the session was closed"));
            }
            let tokens = self.tokens();
            let reply = self.http.call(&self.call(&errand, &tokens)).await?;
            if !is_expired(&reply) {
                return settled(reply);
            }
            renewals += 1;
            if renewals > RENEWALS_PER_CALL_MAX {
                let message = "the service refuses the session's token right after its renewal";
                return Err(Error::new(ErrorKind::SessionExpired, message));
            }
            self.renewed(tokens).await?;
        }
    }

    /// Which links of a reply may be followed.
    pub(crate) fn link_policy(&self) -> LinkPolicy {
        let endpoint = self.http.endpoint();
        let is_local = self.config.allow_http_loopback && endpoint.is_loopback();
        let links = LinkPolicy::new(endpoint.host()).with_loopback(is_local);
        self.config.storage_hosts.iter().fold(links, |links, host| links.with_host(host))
    }

    /// The number of the next statement, which the service wants but does not use.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes over what a result says is current now.
    pub(crate) fn note_context(&self, data: &ResultData) {
        let mut context = self.context.lock().expect("no holder of this lock panics");
        let note = |slot: &mut Option<String>, name: &Option<String>| {
            if name.is_some() {
                slot.clone_from(name);
            }
        };
        note(&mut context.database, &data.final_database_name);
        note(&mut context.schema, &data.final_schema_name);
        note(&mut context.virtual_warehouse, &data.final_warehouse_name);
        note(&mut context.role, &data.final_role_name);
    }

    pub(super) fn tokens(&self) -> Tokens {
        self.tokens.lock().expect("no holder of this lock panics").clone()
    }

    pub(super) fn is_replaced(&self, stale: &Tokens) -> bool {
        self.tokens().session.expose() != stale.session.expose()
    }

    fn call<'a>(&self, errand: &'a Errand<'a>, tokens: &'a Tokens) -> Call<'a> {
        Call {
            method: errand.method.clone(),
            path: errand.path,
            query: Vec::new(),
            request_id: errand.request_id,
            body: match &errand.body {
                Body::Empty => Body::Empty,
                Body::Json { bytes, is_gzip } => Body::Json { bytes: bytes.clone(), is_gzip: *is_gzip },
                Body::Fresh(make) => Body::Fresh(*make),
            },
            token: Some(&tokens.session),
            accept: errand.accept,
            wait_max: errand.wait_max.unwrap_or(self.config.reply_wait_max),
            budget: CALL_BUDGET,
            attempts_max: errand.attempts_max,
            reply_bytes_max: REPLY_BYTES_MAX,
        }
    }
}

/// An expired session token, in either way of saying so. A 401 with another code means what the code says.
fn is_expired(reply: &Reply) -> bool {
    match reply.envelope.as_ref().and_then(Envelope::code) {
        Some(code) => is_session_token_expired(code),
        None => reply.status == 401,
    }
}

fn settled(reply: Reply) -> Result<Envelope> {
    let Some(envelope) = reply.envelope else {
        let message = format!("the service answered HTTP {}", reply.status);
        let kind = if reply.status == 403 { ErrorKind::Permission } else { ErrorKind::Protocol };
        return Err(Error::new(kind, message));
    };
    match envelope.code() {
        Some(code) if is_session_gone(code) => Err(envelope.into_error()),
        _ => Ok(envelope),
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(heartbeat) = self.heartbeat.lock().expect("no holder of this lock panics").take() {
            heartbeat.abort();
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("http", &self.http).finish_non_exhaustive()
    }
}
