//! The way of traces to their collector: the HTTP client that the program has anyway, on a thread of its own, since the
//! exporter's thread has no runtime.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use model::{Error, Result};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use reqwest::redirect::Policy;
use tokio::runtime::Runtime;

use super::traces::said;

/// The variables with the most milliseconds that one batch may take, the one for traces first, and what it is without them: those
/// of OpenTelemetry.
const TIMEOUT_VARIABLES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// An answer says which spans were refused; a longer one is no collector's.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Sends batches of spans. What cannot be sent is dropped, and said once until it works again.
#[derive(Debug)]
pub(super) struct Courier {
    client: reqwest::Client,
    runtime: Runtime,
    is_failing: AtomicBool,
}

impl Courier {
    pub(super) fn new() -> Result<Self> {
        let timeout = timeout(|name| said(&[name]));
        let client = reqwest::Client::builder().redirect(Policy::none()).timeout(timeout).build();
        let client = client.map_err(|error| {
            Error::internal("the client for traces cannot be set up").with_source(error.without_url())
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime
            .map_err(|error| Error::internal("the thread for traces cannot be started").with_source(error))?;
        Ok(Self { client, runtime, is_failing: AtomicBool::new(false) })
    }

    fn note(&self, failure: Option<&str>) {
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(failure) if !was_failing => {
                tracing::warn!(failure, "traces cannot be sent; they are dropped");
            }
            None if was_failing => tracing::info!("traces are sent again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.runtime.spawn(send(self.client.clone(), request)).await;
        let sent = sent.map_err(HttpError::from).and_then(|sent| sent.map_err(HttpError::from));
        match &sent {
            Ok(answer) if answer.status().is_success() => self.note(None),
            Ok(answer) => {
                self.note(Some(&format!("the collector answered HTTP {}", answer.status().as_u16())));
            }
            Err(error) => self.note(Some(&error.to_string())),
        }
        sent
    }
}

async fn send(client: reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let request = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    // The address may hold a password.
    let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            break;
        }
        body.extend_from_slice(&piece);
    }
    let mut answer = Response::new(body.freeze());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

fn timeout(variable: impl Fn(&str) -> Option<String>) -> Duration {
    let said = TIMEOUT_VARIABLES.into_iter().find_map(variable);
    said.and_then(|text| text.parse().ok()).map_or(TIMEOUT_DEFAULT, Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_for_traces_goes_before_the_one_for_all_signals() {
        let with = |said: &[(&str, &str)]| {
            timeout(|name| said.iter().find(|(said, _)| *said == name).map(|(_, value)| (*value).to_owned()))
        };
        let (traces, all) =
            (("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2500"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "700"));
        assert_eq!(with(&[all, traces]), Duration::from_millis(2_500));
        assert_eq!(with(&[all]), Duration::from_millis(700));
        assert_eq!(with(&[]), TIMEOUT_DEFAULT);
    }
}
