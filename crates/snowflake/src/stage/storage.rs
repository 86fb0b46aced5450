//! Every request to cloud storage goes through here: signed with the newest keys, sent again while that helps, and sorted.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use object_store::ClientOptions;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use tokio::time::Instant;
use url::Url;

use super::address::Address;
use super::cloud::Cloud;
use super::keys::{StorageKey, StorageKeys};
use super::verdict::{Verdict, code_in, printable_code, verdict};
use crate::http::{Network, RetryPolicy, Setback, is_untrusted, random, retry_after};
use crate::result::LinkPolicy;
use crate::{Error, ErrorKind, Result, Secret};

/// New keys that are refused too are refused for another reason; Azure tells the two apart only this way.
const RENEWALS_MAX: u32 = 1;
/// A bucket is in one region; a second redirect is a circle.
const REDIRECTS_MAX: u32 = 1;
/// What an answer to an upload may take besides the time for its bytes.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(120);
/// An upload that is slower than this is taken for stalled.
const UPLOAD_BYTES_PER_S_MIN: u64 = 64 * 1024;
/// Error bodies are a few hundred bytes of XML; more is not read.
const ERROR_BODY_BYTES_MAX: usize = 64 * 1024;
const REGION_HEADER: &str = "x-amz-bucket-region";
const TOKEN_HEADER: &str = "x-amz-security-token";
const AZURE_CODE_HEADER: &str = "x-ms-error-code";

/// One place in cloud storage, and how it is reached.
pub(super) struct Storage {
    network: Network,
    pub(super) retry: RetryPolicy,
    policy: LinkPolicy,
    pub(super) address: Address,
    pub(super) keys: StorageKeys,
    /// Where S3 said that the bucket really is.
    moved: Mutex<Option<Address>>,
}

/// Why one try failed.
struct Failure {
    verdict: Verdict,
    error: Error,
    setback: Setback,
    region: Option<String>,
}

impl Storage {
    /// `policy` decides which signed links may be followed.
    pub(super) fn new(
        network: Network,
        retry: RetryPolicy,
        policy: LinkPolicy,
        address: Address,
        keys: StorageKeys,
    ) -> Self {
        Self { network, retry, policy, address, keys, moved: Mutex::new(None) }
    }

    /// Sends until there is a success or no hope of one.
    pub(super) async fn send(&self, request: &HttpRequest) -> Result<HttpResponse> {
        let started = Instant::now();
        let (mut tries, mut renewals, mut redirects) = (1, 0, 0);
        let mut last_delay = Duration::ZERO;
        let mut newest = self.keys.newest().await;
        loop {
            let failure = match self.attempt(request, &newest.key).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            match failure.verdict {
                Verdict::KeyExpired if renewals < RENEWALS_MAX => {
                    renewals += 1;
                    newest = self.keys.newer(&newest).await?;
                }
                Verdict::Elsewhere if redirects < REDIRECTS_MAX => {
                    redirects += 1;
                    self.follow(failure)?;
                }
                Verdict::Passing => {
                    let spent = started.elapsed();
                    let delay = self.retry.next_delay(tries, spent, last_delay, failure.setback, random());
                    let delay = delay.ok_or(failure.error)?;
                    tracing::debug!(
                        attempt = tries,
                        reason = failure.setback.reason,
                        delay_ms = delay.as_millis() as u64,
                        "sending to cloud storage again"
                    );
                    tokio::time::sleep(delay).await;
                    (tries, last_delay) = (tries + 1, delay);
                }
                _ => return Err(failure.error),
            }
        }
    }

    fn follow(&self, failure: Failure) -> Result<()> {
        let region = failure.region.as_deref().unwrap_or(&self.address.region);
        let moved = self.address.in_region(region).ok_or(failure.error)?;
        tracing::debug!(region, "the bucket is in another region");
        *self.moved.lock().expect("no holder of this lock panics") = Some(moved);
        Ok(())
    }

    async fn attempt(&self, request: &HttpRequest, key: &StorageKey) -> Result<HttpResponse, Failure> {
        let is_download = matches!(*request.method(), Method::GET | Method::HEAD);
        let http = if is_download { &self.network.storage } else { &self.network.uploads };
        let wait_max = ANSWER_WAIT_MAX
            + Duration::from_secs(request.body().content_length() as u64 / UPLOAD_BYTES_PER_S_MIN);
        let signed = self.signed(request, key).map_err(Failure::final_)?;
        let response = match tokio::time::timeout(wait_max, http.call(signed)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Failure::lost(error)),
            Err(_) => return Err(Failure::passing("cloud storage did not answer in time")),
        };
        let status = response.status().as_u16();
        tracing::debug!(method = %request.method(), status, "cloud storage answered");
        let is_presigned = matches!(key, StorageKey::Presigned(_));
        match verdict(self.address.cloud, is_presigned, status, None) {
            Verdict::Done => Ok(response),
            _ => Err(self.refused(response, is_presigned).await),
        }
    }

    /// The request with everything that proves who we are.
    fn signed(&self, request: &HttpRequest, key: &StorageKey) -> Result<HttpRequest> {
        let mut request = request.clone();
        match key {
            StorageKey::Aws { id, secret, token } => {
                self.sign_for_s3(&mut request, id, secret, token.as_ref())?;
            }
            StorageKey::AzureSas(sas) => {
                let uri = request.uri();
                let separator = if uri.query().is_some() { '&' } else { '?' };
                let uri = format!("{uri}{separator}{}", sas.expose());
                *request.uri_mut() = uri.parse().map_err(|_| unsendable())?;
            }
            StorageKey::GcsToken(token) => {
                if self.address.is_bucket_in_host {
                    let uri = without_bucket(request.uri(), &self.address)?;
                    *request.uri_mut() = uri.parse().map_err(|_| unsendable())?;
                }
                let mut bearer =
                    HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| unsendable())?;
                bearer.set_sensitive(true);
                request.headers_mut().insert(AUTHORIZATION, bearer);
            }
            StorageKey::Presigned(link) => {
                *request.uri_mut() =
                    self.policy.check(link.expose())?.as_str().parse().map_err(|_| unsendable())?;
            }
        }
        Ok(request)
    }

    fn sign_for_s3(
        &self,
        request: &mut HttpRequest,
        id: &Secret,
        secret: &Secret,
        token: Option<&Secret>,
    ) -> Result<()> {
        let moved = self.moved.lock().expect("no holder of this lock panics").clone();
        let address = moved.as_ref().unwrap_or(&self.address);
        if moved.is_some() {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let origin = address.base.as_str().trim_end_matches('/');
            *request.uri_mut() = format!("{origin}{path}").parse().map_err(|_| unsendable())?;
        }
        let credential = AwsCredential {
            key_id: id.expose().to_owned(),
            secret_key: secret.expose().to_owned(),
            token: token.map(|token| token.expose().to_owned()),
        };
        // The body goes unsigned: TLS protects it, and hashing it again would cost as much as encrypting it.
        AwsAuthorizer::new(&credential, "s3", &address.region)
            .with_sign_payload(false)
            .try_authorize(request, None)
            .map_err(|_| Error::new(ErrorKind::Internal, "a request to S3 cannot be signed"))?;
        for name in [AUTHORIZATION.as_str(), TOKEN_HEADER] {
            if let Some(value) = request.headers_mut().get_mut(name) {
                value.set_sensitive(true);
            }
        }
        Ok(())
    }

    async fn refused(&self, response: HttpResponse, is_presigned: bool) -> Failure {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let code = match text_of(&headers, AZURE_CODE_HEADER).and_then(printable_code) {
            Some(code) => Some(code),
            None => code_in(&error_body(response).await),
        };
        let verdict = verdict(self.address.cloud, is_presigned, status, code.as_deref());
        let asked = text_of(&headers, RETRY_AFTER.as_str())
            .and_then(|value| retry_after(value, jiff::Timestamp::now()));
        Failure {
            verdict,
            error: refusal(self.address.cloud, verdict, status, code.as_deref()),
            setback: Setback { reason: status, retry_after: asked },
            region: text_of(&headers, REGION_HEADER).map(str::to_owned),
        }
    }
}

impl Failure {
    fn final_(error: Error) -> Self {
        let setback = Setback { reason: 0, retry_after: None };
        Self { verdict: Verdict::Failed(error.kind()), error, setback, region: None }
    }

    fn passing(message: &'static str) -> Self {
        let error = Error::new(ErrorKind::Unavailable, message);
        Self { verdict: Verdict::Passing, ..Self::final_(error) }
    }

    /// The request did not get there, or the reply did not get here. The same bytes are stored if it is sent again.
    fn lost(error: HttpError) -> Self {
        if is_untrusted(&error) {
            let message = "the certificate of cloud storage is not trusted: behind a proxy that opens TLS, add its root certificate";
            return Self::final_(Error::new(ErrorKind::Config, message).with_source(error));
        }
        let message = match error.kind() {
            HttpErrorKind::Connect => "cloud storage cannot be reached",
            _ => "the connection to cloud storage was lost",
        };
        let error = Error::new(ErrorKind::Unavailable, message).with_source(error);
        Self { verdict: Verdict::Passing, ..Self::final_(error) }
    }
}

fn refusal(cloud: Cloud, verdict: Verdict, status: u16, code: Option<&str>) -> Error {
    let kind = match verdict {
        Verdict::Failed(kind) => kind,
        Verdict::Passing if status == 429 => ErrorKind::Throttled,
        Verdict::Done | Verdict::Passing => ErrorKind::Unavailable,
        Verdict::KeyExpired => ErrorKind::Permission,
        Verdict::Elsewhere => ErrorKind::Protocol,
    };
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    Error::new(kind, format!("{cloud} answered HTTP {status}{code} to a request for the Snowflake stage"))
}

/// The same address without the bucket in its path: it is in the host already.
fn without_bucket(uri: &impl ToString, address: &Address) -> Result<String> {
    let url = Url::parse(&uri.to_string()).map_err(|_| unsendable())?;
    let rest = &url[url::Position::BeforePath..];
    let rest = rest.strip_prefix('/').and_then(|rest| rest.split_once('/')).map_or("", |(_, rest)| rest);
    Ok(format!("{}{rest}", address.base))
}

async fn error_body(response: HttpResponse) -> Vec<u8> {
    let mut body = Vec::new();
    let mut pieces = response.into_body().bytes_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        let room = ERROR_BODY_BYTES_MAX - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() >= room {
            break;
        }
    }
    body
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn unsendable() -> Error {
    Error::new(ErrorKind::Protocol, "a request for the Snowflake stage cannot be written")
}

/// Lets the object store's clients send through a [`Storage`].
#[derive(Clone)]
pub(super) struct StorageService(pub(super) Arc<Storage>);

/// An error of ours on its way through the object store's clients, which add their own around it.
pub(super) struct Carried(Mutex<Option<Error>>);

impl Carried {
    pub(super) fn take(&self) -> Option<Error> {
        self.0.lock().expect("no holder of this lock panics").take()
    }
}

#[async_trait]
impl HttpService for StorageService {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // Never a kind that would be tried again: that has been done here.
        self.0
            .send(&request)
            .await
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, Carried(Mutex::new(Some(error)))))
    }
}

impl HttpConnector for StorageService {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl fmt::Debug for StorageService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageService").field("cloud", &self.0.address.cloud).finish_non_exhaustive()
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carried")
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error of cloud storage")
    }
}

impl std::error::Error for Carried {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_in_the_host_is_not_in_the_path_too() {
        let address = Address {
            cloud: Cloud::Gcs,
            base: Url::parse("https://b-1.storage.googleapis.com").unwrap(),
            bucket: "b-1".into(),
            is_bucket_in_host: true,
            account: String::new(),
            prefix: String::new(),
            region: "us-west-2".into(),
        };
        let uri = "https://b-1.storage.googleapis.com/b%2D1/run%2Ff?uploadId=1".to_owned();
        assert_eq!(
            without_bucket(&uri, &address).unwrap(),
            "https://b-1.storage.googleapis.com/run%2Ff?uploadId=1"
        );
    }

    #[test]
    fn a_refusal_names_the_cloud_the_status_and_the_code() {
        for (verdict, status, code, kind, text) in [
            (
                Verdict::Failed(ErrorKind::Permission),
                403,
                Some("AccessDenied"),
                ErrorKind::Permission,
                "S3 answered HTTP 403 (AccessDenied)",
            ),
            (
                Verdict::KeyExpired,
                400,
                Some("ExpiredToken"),
                ErrorKind::Permission,
                "S3 answered HTTP 400 (ExpiredToken)",
            ),
            (Verdict::Passing, 429, None, ErrorKind::Throttled, "S3 answered HTTP 429 to"),
            (Verdict::Passing, 503, None, ErrorKind::Unavailable, "S3 answered HTTP 503 to"),
        ] {
            let error = refusal(Cloud::S3, verdict, status, code);
            assert_eq!(error.kind(), kind);
            assert!(error.message().starts_with(text), "{error}");
        }
    }
}
