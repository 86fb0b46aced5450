//! One call of the service: sent until it is answered, refused, or no longer worth waiting for.

use std::fmt;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::HeaderValue;
use tokio::time::Instant;
use tracing::{Instrument as _, trace_span};
use uuid::Uuid;

use super::attempt::Outcome;
use super::{Network, RetryPolicy, Setback, random};
use crate::endpoint::Endpoint;
use crate::wire::envelope::Envelope;
use crate::{Error, ErrorKind, Result, Secret};

/// Bodies from this size on are sent compressed: bulk binds shrink well, small requests are not worth it.
const GZIP_BYTES_MIN: usize = 16 * 1024;
/// A failover answers with one redirect on the same host; a chain of them is a loop.
const REDIRECTS_MAX: u32 = 5;
/// A body cut short is asked for once more; twice is no accident.
const TRUNCATED_MAX: u32 = 1;

/// Talks to one endpoint.
pub(crate) struct Http {
    pub(super) network: Network,
    pub(super) endpoint: Endpoint,
    pub(super) retry: RetryPolicy,
    pub(super) user_agent: HeaderValue,
    pub(super) client_id: HeaderValue,
    pub(super) client_version: HeaderValue,
    /// The last `x-snowflake-session` the service sent: it leads back to the front end that knows the session.
    pub(super) sticky: Mutex<Option<HeaderValue>>,
}

/// What to send, and how patiently.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(&'static str, String)>,
    /// The same on every try: the service recognises a repetition by it.
    pub(crate) request_id: Uuid,
    pub(crate) body: Body<'a>,
    pub(crate) token: Option<&'a Secret>,
    pub(crate) accept: &'static str,
    /// Time to the first byte of the reply, and between two bytes of it.
    pub(crate) wait_max: Duration,
    /// All tries together; the policy's own budget may be shorter.
    pub(crate) budget: Duration,
    pub(crate) attempts_max: u32,
    pub(crate) reply_bytes_max: usize,
}

/// The body of a call.
pub(crate) enum Body<'a> {
    Empty,
    Json {
        bytes: Bytes,
        is_gzip: bool,
    },
    /// Made anew for every try: it holds a token that does not live long.
    Fresh(&'a (dyn Fn() -> Result<Bytes> + Send + Sync)),
}

/// An answer of the service.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Absent where the body was not the service's JSON.
    pub(crate) envelope: Option<Envelope>,
    /// How far the service's clock is ahead of ours.
    pub(crate) clock_skew: Option<SignedDuration>,
}

/// What happened to a call so far.
#[derive(Clone, Copy)]
pub(super) struct Tries {
    pub(super) count: u32,
    pub(super) first_at: Timestamp,
    pub(super) reason: u16,
    last_delay: Duration,
    redirects: u32,
    truncated: u32,
}

impl Body<'_> {
    /// A JSON body, compressed where that pays.
    pub(crate) fn json(bytes: Vec<u8>) -> Self {
        if bytes.len() < GZIP_BYTES_MIN {
            return Self::Json { bytes: bytes.into(), is_gzip: false };
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
        match encoder.write_all(&bytes).and_then(|()| encoder.finish()) {
            Ok(compressed) => Self::Json { bytes: compressed.into(), is_gzip: true },
            Err(_) => Self::Json { bytes: bytes.into(), is_gzip: false },
        }
    }
}

impl Http {
    /// Over `network` to `endpoint`, in the name of the given client.
    pub(crate) fn new(
        network: Network,
        endpoint: Endpoint,
        retry: RetryPolicy,
        client: &crate::ClientIdentity,
    ) -> Result<Self> {
        let header = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| Error::new(ErrorKind::Config, "the client's name does not fit into a header"))
        };
        Ok(Self {
            network,
            endpoint,
            retry,
            user_agent: header(&client.user_agent())?,
            client_id: header(&client.id)?,
            client_version: header(&client.version)?,
            sticky: Mutex::new(None),
        })
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// Sends until there is an answer, and returns it whether it says success or not.
    pub(crate) async fn call(&self, call: &Call<'_>) -> Result<Reply> {
        let started = Instant::now();
        let mut tries = Tries::new();
        let mut moved: Option<String> = None;
        loop {
            tries.count += 1;
            let path = moved.as_deref().unwrap_or(call.path);
            let attempted = self.attempt(call, path, &tries);
            match attempted.instrument(trace_span!(target: "timings", "request")).await {
                Outcome::Answered(reply) => return Ok(reply),
                Outcome::Failed(error) => return Err(error),
                Outcome::Moved(path) => moved = Some(tries.follow(path)?),
                Outcome::Truncated => tries.repeat_truncated()?,
                Outcome::Passing(setback, error) => {
                    let delay = self.delay(call, &tries, started.elapsed(), setback).ok_or(error)?;
                    tracing::debug!(
                        path = call.path,
                        attempt = tries.count,
                        reason = setback.reason,
                        delay_ms = delay.as_millis() as u64,
                        "sending the request again"
                    );
                    tokio::time::sleep(delay).await;
                    tries.reason = setback.reason;
                    tries.last_delay = delay;
                }
            }
        }
    }

    fn delay(&self, call: &Call<'_>, tries: &Tries, spent: Duration, setback: Setback) -> Option<Duration> {
        let policy = RetryPolicy {
            budget: self.retry.budget.min(call.budget),
            attempts_max: self.retry.attempts_max.min(call.attempts_max),
            ..self.retry
        };
        policy.next_delay(tries.count, spent, tries.last_delay, setback, random())
    }
}

impl Tries {
    fn new() -> Self {
        Self {
            count: 0,
            first_at: Timestamp::now(),
            reason: 0,
            last_delay: Duration::ZERO,
            redirects: 0,
            truncated: 0,
        }
    }

    fn follow(&mut self, path: String) -> Result<String> {
        self.redirects += 1;
        match self.redirects > REDIRECTS_MAX {
            true => Err(Error::new(ErrorKind::Unavailable, "the service redirects in a circle")),
            false => Ok(path),
        }
    }

    fn repeat_truncated(&mut self) -> Result<()> {
        self.truncated += 1;
        self.reason = 200;
        match self.truncated > TRUNCATED_MAX {
            true => Err(Error::new(ErrorKind::Protocol, "the service's reply was cut short twice")),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
