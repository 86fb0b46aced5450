//! The body of one chunk over HTTP: status and content are checked first, and the whole body is retried.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Response, StatusCode};
use tracing::{Instrument as _, trace_span};

use crate::decode::Frames;
use crate::error::{Error, ErrorKind, Result};
use crate::result::access::{ChunkAccess, FetchLimits};
use crate::result::links::{Link, Links};
use crate::result::summary::SharedSummary;

/// Fetches chunks of one result.
pub(super) struct ChunkFetch {
    pub(super) access: ChunkAccess,
    pub(super) links: Links,
    pub(super) summary: SharedSummary,
}

/// Why one request failed.
enum Failure {
    /// It may pass: try again, not before the given wait.
    Passing(Error, Option<Duration>),
    /// Storage does not accept the link.
    LinkRefused(StatusCode),
    /// Trying again would not help.
    Final(Error),
}

impl ChunkFetch {
    /// The body of `chunk`, counted from 0, as it was sent: compressed or not, and `bytes_max` long at most.
    pub(super) async fn body(&self, chunk: usize, bytes_max: u64) -> Result<Frames> {
        let mut link = self.links.current(chunk).await;
        let mut has_new_link = false;
        let mut attempt = 1;
        loop {
            let requested = self.request(&link, bytes_max);
            match requested.instrument(trace_span!(target: "timings", "download")).await {
                Ok(body) => {
                    self.summary.update(|summary| summary.compressed_bytes += body.bytes_left());
                    return Ok(body);
                }
                Err(Failure::LinkRefused(_)) if !has_new_link => {
                    link = self.links.newer(chunk, link.generation).await?;
                    has_new_link = true;
                }
                Err(Failure::LinkRefused(status)) => {
                    let message =
                        format!("storage refuses a new link to a chunk with HTTP {}", status.as_u16());
                    return Err(Error::new(ErrorKind::Unavailable, message));
                }
                Err(Failure::Passing(_, wait)) if attempt < self.access.limits.attempts_max => {
                    let delay = backoff(&self.access.limits, attempt, jitter()).max(wait.unwrap_or_default());
                    tracing::debug!(chunk, attempt, ?delay, "a chunk is fetched again");
                    tokio::time::sleep(delay).await;
                    attempt += 1;
                }
                Err(Failure::Passing(error, _) | Failure::Final(error)) => return Err(error),
            }
            self.summary.update(|summary| summary.retries += 1);
        }
    }

    async fn request(&self, link: &Link, bytes_max: u64) -> Result<Frames, Failure> {
        let url = self.access.links.check(&link.url).map_err(Failure::Final)?;
        let headers = headers(&link.headers).map_err(Failure::Final)?;
        let response = self.access.http.get(url).headers(headers).send().await.map_err(unreachable)?;
        let response = accepted(response)?;
        read_body(response, bytes_max).await
    }
}

/// The response, if it holds rows.
fn accepted(response: Response) -> Result<Response, Failure> {
    let status = response.status();
    if status == StatusCode::OK {
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_xml = content_type.is_some_and(|text| text.starts_with("application/xml"));
        if is_xml {
            // Storage has reported errors under the status of a success.
            let error =
                Error::new(ErrorKind::Unavailable, "storage answered with an error instead of a chunk");
            return Err(Failure::Passing(error, None));
        }
        return Ok(response);
    }
    let message = format!("storage answered the request for a chunk with HTTP {}", status.as_u16());
    match status.as_u16() {
        300..400 => Err(Failure::Final(Error::new(ErrorKind::Protocol, message + ", a redirect"))),
        400 | 401 | 403 | 404 | 410 => Err(Failure::LinkRefused(status)),
        429 => Err(Failure::Passing(Error::new(ErrorKind::Throttled, message), retry_after(&response))),
        405 | 408 | 500.. => {
            Err(Failure::Passing(Error::new(ErrorKind::Unavailable, message), retry_after(&response)))
        }
        _ => Err(Failure::Final(Error::new(ErrorKind::Protocol, message))),
    }
}

async fn read_body(mut response: Response, bytes_max: u64) -> Result<Frames, Failure> {
    let mut body = Frames::default();
    while let Some(frame) = response.chunk().await.map_err(unreachable)? {
        body.push(frame);
        if body.bytes_left() > bytes_max {
            let message = "a chunk is larger than was announced";
            return Err(Failure::Final(Error::new(ErrorKind::Protocol, message)));
        }
    }
    Ok(body)
}

/// The headers that the service wants with a link. They may hold the storage's encryption key; the session's token is
/// never among them.
fn headers(wanted: &HashMap<String, String>) -> Result<HeaderMap> {
    let malformed =
        || Error::new(ErrorKind::Protocol, "the reply names a header for chunks that cannot be sent");
    let mut headers = HeaderMap::with_capacity(wanted.len() + 1);
    // Without this, one of the clouds would decompress on its side and send more bytes.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    for (name, value) in wanted {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| malformed())?;
        value.set_sensitive(true);
        if name != AUTHORIZATION {
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

/// A failure of the connection. The link is taken out of it.
fn unreachable(error: reqwest::Error) -> Failure {
    let error =
        Error::new(ErrorKind::Unavailable, "a chunk could not be fetched").with_source(error.without_url());
    Failure::Passing(error, None)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The wait before attempt `attempt + 1`, between half and the whole of an exponential step.
fn backoff(limits: &FetchLimits, attempt: u32, jitter: f64) -> Duration {
    let step = limits.delay_min.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(limits.delay_max);
    step.mul_f64(0.5 + jitter / 2.0)
}

/// A number from 0 to 1, so that many readers do not come back at once.
fn jitter() -> f64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    f64::from(u32::try_from(high >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_their_bounds() {
        let limits = FetchLimits::default();
        assert_eq!(backoff(&limits, 1, 0.0), Duration::from_millis(125));
        assert_eq!(backoff(&limits, 1, 1.0), Duration::from_millis(250));
        assert_eq!(backoff(&limits, 3, 1.0), Duration::from_secs(1));
        assert_eq!(backoff(&limits, 40, 1.0), Duration::from_secs(16));
        assert!((0.0..=1.0).contains(&jitter()));
    }

    #[test]
    fn the_token_of_a_session_is_never_sent_to_storage() {
        let wanted = HashMap::from([
            ("Authorization".to_owned(), "token".to_owned()),
            ("x-a".to_owned(), "1".to_owned()),
        ]);
        let headers = headers(&wanted).unwrap();
        assert!(headers.get(AUTHORIZATION).is_none());
        assert!(headers["x-a"].is_sensitive());
    }
}
