//! OAuth client credentials: an access token fetched with a client id and secret.

use std::fmt;
use std::time::Duration;

use reqwest::header::{ACCEPT, RETRY_AFTER};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::endpoint::Endpoint;
use crate::http::{Network, RetryPolicy, Setback, is_passing, random, retry_after};
use crate::{Error, ErrorKind, Result, Secret};

/// One try of the token request.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// Token replies are a few kilobytes.
const REPLY_BYTES_MAX: usize = 256 * 1024;

/// A client of an OAuth authorization server that gives out tokens for Snowflake.
#[derive(Clone)]
pub struct OAuthClient {
    /// The server's token endpoint.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// The scope to ask for; `session:role:ROLE` of the connection's role where absent.
    pub scope: Option<String>,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: Option<Secret>,
    /// Words such as `invalid_client`; the free text beside it may quote the request and is left out.
    error: Option<String>,
}

impl OAuthClient {
    /// Fetches a new access token.
    pub(super) async fn fetch(
        &self,
        network: &Network,
        policy: &RetryPolicy,
        role: Option<&str>,
    ) -> Result<Secret> {
        let started = Instant::now();
        let (mut attempts, mut last_delay) = (0, Duration::ZERO);
        loop {
            attempts += 1;
            let (setback, error) = match self.try_fetch(network, role).await {
                Ok(token) => return Ok(token),
                Err((None, error)) => return Err(error),
                Err((Some(setback), error)) => (setback, error),
            };
            let delay =
                policy.next_delay(attempts, started.elapsed(), last_delay, setback, random()).ok_or(error)?;
            tracing::debug!(attempt = attempts, reason = setback.reason, "asking for the OAuth token again");
            tokio::time::sleep(delay).await;
            last_delay = delay;
        }
    }

    pub(super) fn check(&self, allow_http_loopback: bool) -> Result<()> {
        let url = Url::parse(&self.token_url)
            .map_err(|_| Error::new(ErrorKind::Config, "the OAuth token address cannot be read"))?;
        // Only the origin decides whether the secret may travel there.
        Endpoint::parse(&url.origin().ascii_serialization())?.check(allow_http_loopback)
    }

    async fn try_fetch(
        &self,
        network: &Network,
        role: Option<&str>,
    ) -> Result<Secret, (Option<Setback>, Error)> {
        let lost = |error: reqwest::Error| {
            let error = Error::new(ErrorKind::Unavailable, "the OAuth server cannot be reached")
                .with_source(error.without_url());
            (Some(Setback { reason: 0, retry_after: None }), error)
        };
        let scope = self.scope.clone().or_else(|| role.map(|role| format!("session:role:{role}")));
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        form.extend(scope.map(|scope| ("scope", scope)));
        let mut response = network
            .service
            .post(&self.token_url)
            .basic_auth(&self.client_id, Some(self.client_secret.expose()))
            .header(ACCEPT, "application/json")
            .timeout(WAIT_MAX)
            .form(&form)
            .send()
            .await
            .map_err(lost)?;
        let status = response.status().as_u16();
        if is_passing(status) {
            let value = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let asked = value.and_then(|value| retry_after(value, jiff::Timestamp::now()));
            let error =
                Error::new(ErrorKind::Unavailable, format!("the OAuth server answered HTTP {status}"));
            return Err((Some(Setback { reason: status, retry_after: asked }), error));
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(lost)? {
            if body.len() + piece.len() > REPLY_BYTES_MAX {
                return Err((None, refused("a reply that is too long")));
            }
            body.extend_from_slice(&piece);
        }
        token_of(status, &body).map_err(|error| (None, error))
    }
}

fn token_of(status: u16, body: &[u8]) -> Result<Secret> {
    let reply: TokenReply =
        serde_json::from_slice(body).map_err(|_| refused(&format!("HTTP {status} without JSON")))?;
    match reply {
        TokenReply { access_token: Some(token), .. } if (200..300).contains(&status) => Ok(token),
        TokenReply { error: Some(error), .. } if is_error_word(&error) => Err(refused(&error)),
        _ => Err(refused(&format!("HTTP {status} without a token"))),
    }
}

/// RFC 6749 names the errors with plain words; anything else could be an echo.
fn is_error_word(word: &str) -> bool {
    word.len() <= 64 && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn refused(what: &str) -> Error {
    Error::new(ErrorKind::Auth, format!("the OAuth server gave no token: {what}"))
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
