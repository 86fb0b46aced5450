//! One try of one call: send, read within bounds, and say what came of it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION,
    RETRY_AFTER, USER_AGENT,
};
use reqwest::{RequestBuilder, Response};
use uuid::Uuid;

use super::call::{Body, Call, Http, Reply, Tries};
use super::retry::http_date;
use super::{Setback, is_passing, retry_after};
use crate::wire::envelope::{BadBody, Envelope};
use crate::{Error, ErrorKind, Result, Secret};

const STICKY: &str = "x-snowflake-session";
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What came of one try.
pub(super) enum Outcome {
    Answered(Reply),
    /// The body ended too early.
    Truncated,
    /// The same host wants the same request at another path.
    Moved(String),
    /// Trying again may help; the error is for when it does not.
    Passing(Setback, Error),
    /// Trying again is of no use.
    Failed(Error),
}

impl Http {
    pub(super) async fn attempt(&self, call: &Call<'_>, path: &str, tries: &Tries) -> Outcome {
        let request = match self.request(call, path, tries) {
            Ok(request) => request,
            Err(error) => return Outcome::Failed(error),
        };
        let response = match within(call.wait_max, request.send()).await {
            Some(Ok(response)) => response,
            Some(Err(error)) => return not_sent(error),
            None => return timed_out(),
        };
        let status = response.status().as_u16();
        tracing::debug!(path = call.path, status, attempt = tries.count, "the service answered");
        self.keep_sticky(response.headers());
        if is_passing(status) {
            return unwell(status, response.headers());
        }
        if matches!(status, 301 | 302 | 303 | 307 | 308) {
            return self.moved(status, response.headers());
        }
        let clock_skew = clock_skew(response.headers());
        match read(response, call).await {
            Ok(body) => answered(status, &body, clock_skew),
            Err(outcome) => outcome,
        }
    }

    fn request(&self, call: &Call<'_>, path: &str, tries: &Tries) -> Result<RequestBuilder> {
        let mut url = self.endpoint.join(path)?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("requestId", &call.request_id.to_string());
            query.append_pair("request_guid", &Uuid::new_v4().to_string());
            for (name, value) in &call.query {
                query.append_pair(name, value);
            }
            if tries.count > 1 {
                query.append_pair("clientStartTime", &tries.first_at.as_millisecond().to_string());
                query.append_pair("retryCount", &(tries.count - 1).to_string());
                query.append_pair("retryReason", &tries.reason.to_string());
            }
        }
        let mut request = self
            .network
            .service
            .request(call.method.clone(), url)
            .header(USER_AGENT, &self.user_agent)
            .header(ACCEPT, call.accept)
            .header("CLIENT_APP_ID", &self.client_id)
            .header("CLIENT_APP_VERSION", &self.client_version);
        if let Some(token) = call.token {
            request = request.header(AUTHORIZATION, authorization(token)?);
        }
        if let Some(sticky) = self.sticky.lock().expect("no holder of this lock panics").clone() {
            request = request.header(STICKY, sticky);
        }
        with_body(request, &call.body)
    }

    fn keep_sticky(&self, headers: &HeaderMap) {
        if let Some(sticky) = headers.get(STICKY) {
            let mut sticky = sticky.clone();
            sticky.set_sensitive(true);
            *self.sticky.lock().expect("no holder of this lock panics") = Some(sticky);
        }
    }

    /// 307 and 308 keep method and body, and are only followed on this host; without a usable place to go they
    /// are what a failover answers while it is under way.
    fn moved(&self, status: u16, headers: &HeaderMap) -> Outcome {
        let keeps_method = matches!(status, 307 | 308);
        match headers.get(LOCATION).and_then(|location| location.to_str().ok()) {
            Some(location) if keeps_method => match self.endpoint.join(location) {
                // Its query repeats ours, which is added anew.
                Ok(url) => Outcome::Moved(url.path().to_owned()),
                Err(_) => Outcome::Failed(Error::new(
                    ErrorKind::Config,
                    "the service redirects to another host; nothing was sent there",
                )),
            },
            None if keeps_method => unwell(status, headers),
            _ => Outcome::Failed(Error::new(
                ErrorKind::Config,
                format!("HTTP {status} instead of an answer: this host does not look like Snowflake's"),
            )),
        }
    }
}

fn authorization(token: &Secret) -> Result<HeaderValue> {
    let text = format!("Snowflake Token=\"{}\"", token.expose());
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Error::new(ErrorKind::Protocol, "the session's token does not fit into a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn with_body(request: RequestBuilder, body: &Body<'_>) -> Result<RequestBuilder> {
    Ok(match body {
        Body::Empty => request,
        Body::Json { bytes, is_gzip: false } => request.header(CONTENT_TYPE, JSON).body(bytes.clone()),
        Body::Json { bytes, is_gzip: true } => {
            request.header(CONTENT_TYPE, JSON).header(CONTENT_ENCODING, "gzip").body(bytes.clone())
        }
        Body::Fresh(make) => request.header(CONTENT_TYPE, JSON).body(make()?),
    })
}

pub(super) async fn within<T>(wait_max: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(wait_max, future).await.ok()
}

/// Reads the body piece by piece, so that neither a stalled nor an endless one gets through.
async fn read(mut response: Response, call: &Call<'_>) -> Result<Bytes, Outcome> {
    let mut body = BytesMut::new();
    loop {
        match within(call.wait_max, response.chunk()).await {
            None => return Err(timed_out()),
            Some(Err(error)) => return Err(not_sent(error)),
            Some(Ok(None)) => return Ok(body.freeze()),
            Some(Ok(Some(piece))) if body.len() + piece.len() > call.reply_bytes_max => {
                let message = format!("the service's reply is longer than {} bytes", call.reply_bytes_max);
                return Err(Outcome::Failed(Error::new(ErrorKind::Protocol, message)));
            }
            Some(Ok(Some(piece))) => body.extend_from_slice(&piece),
        }
    }
}

fn answered(status: u16, body: &[u8], clock_skew: Option<jiff::SignedDuration>) -> Outcome {
    match (status, Envelope::parse(body)) {
        (_, Ok(envelope)) => Outcome::Answered(Reply { status, envelope: Some(envelope), clock_skew }),
        (200, Err(BadBody::Truncated)) => Outcome::Truncated,
        (200, Err(BadBody::NotJson)) => Outcome::Failed(Error::new(
            ErrorKind::Config,
            "the host answers with something that is not Snowflake's JSON: a proxy's page, or another service",
        )),
        (_, Err(_)) => Outcome::Answered(Reply { status, envelope: None, clock_skew }),
    }
}

pub(super) fn clock_skew(headers: &HeaderMap) -> Option<jiff::SignedDuration> {
    let date = http_date(headers.get(DATE)?.to_str().ok()?)?;
    Some(date.duration_since(Timestamp::now()))
}

fn unwell(status: u16, headers: &HeaderMap) -> Outcome {
    let asked = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry_after(value, Timestamp::now()));
    let kind = if status == 429 { ErrorKind::Throttled } else { ErrorKind::Unavailable };
    let mut error = Error::new(kind, format!("the service answered HTTP {status}"));
    if let Some(asked) = asked {
        error = error.with_retry_after(asked);
    }
    Outcome::Passing(Setback { reason: status, retry_after: asked }, error)
}

fn timed_out() -> Outcome {
    let error = Error::new(ErrorKind::Unavailable, "the service did not answer in time");
    Outcome::Passing(Setback { reason: 0, retry_after: None }, error)
}

/// The request did not get there, or the reply did not get here; which of the two cannot be told.
fn not_sent(error: reqwest::Error) -> Outcome {
    let error = lost(error);
    match error.kind() {
        ErrorKind::Unavailable => Outcome::Passing(Setback { reason: 0, retry_after: None }, error),
        _ => Outcome::Failed(error),
    }
}

/// What a failure to send or to receive means.
pub(super) fn lost(error: reqwest::Error) -> Error {
    let error = error.without_url();
    if error.is_builder() {
        return Error::new(ErrorKind::Internal, "the request could not be made").with_source(error);
    }
    if is_untrusted(&error) {
        let message = "the service's certificate is not trusted: behind a proxy that opens TLS, add its root certificate";
        return Error::new(ErrorKind::Config, message).with_source(error);
    }
    let message =
        if error.is_connect() { "the service cannot be reached" } else { "the connection was lost" };
    Error::new(ErrorKind::Unavailable, message).with_source(error)
}

/// The TLS library's errors are behind several layers; their text is all that reaches the surface.
pub(crate) fn is_untrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("invalid peer certificate") {
            return true;
        }
        cause = error.source();
    }
    false
}
