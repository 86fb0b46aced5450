//! Where a customer hands over a secret by a link that is good once.
//!
//! The token is in the fragment of the link, which no browser sends: it is in no log of a proxy and in no `Referer`. It comes here in
//! the body of a request, is kept as a hash, and is used up by the secret that comes with it.

mod page;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::routing::{get, post};
use axum::{Json, Router};
use model::{Error, Result};
use serde::{Deserialize, Serialize};
use store::{Actor, Connection, Handover, IssuedHandover, SecretValue, Store, Vault};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::api::input::read_secret_body;
use crate::api::problem::{Answer, Problem};
use crate::api::rate::RateLimit;
use crate::api::with_headers;

/// Requests in a second that one link may make, and all strangers together whose tokens nobody knows.
const REQUESTS_PER_SECOND_MAX: u32 = 5;

/// Secrets that are looked at at the same time: opening an encrypted key may keep a core busy for seconds.
const ACCEPTING_MAX: usize = 2;

/// For how many hours a link is good unless somebody says otherwise: a customer may need a weekend.
pub const HANDOVER_HOURS_DEFAULT: u16 = 72;

/// For how many hours a link may be good at most: a month, so that a forgotten one does no harm for ever.
pub const HANDOVER_HOURS_MAX: u16 = 720;

/// Makes of what a customer has entered what is sealed, or says why it cannot be: field, secret and passphrase.
pub type Accept = fn(&str, &SecretValue, Option<&SecretValue>) -> Result<SecretValue>;

/// What takes secrets.
#[derive(Clone)]
struct Desk {
    store: Store,
    vault: Vault,
    accept: Accept,
    accepting: Arc<Semaphore>,
    rate: Arc<RateLimit>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// The page and what it asks.
pub fn handovers(store: Store, vault: Vault, accept: Accept) -> Router {
    let rate = Arc::new(RateLimit::new(REQUESTS_PER_SECOND_MAX));
    let accepting = Arc::new(Semaphore::new(ACCEPTING_MAX));
    Router::new()
        .route("/handover", get(page::page).post(take))
        .route("/handover/look", post(look))
        .with_state(Desk { store, vault, accept, accepting, rate })
        .layer(map_response(with_headers))
}

/// The field of a connection's proof, where its files leave that to the vault.
pub fn proof_in_vault(connection: &Connection) -> Option<&str> {
    let is_in_vault = connection.settings.get("is_in_vault").is_some_and(|is| is.as_bool() == Some(true));
    connection.settings.get("log_in").and_then(|proof| proof.as_str()).filter(|_| is_in_vault)
}

/// Makes a link for the proof of a connection, where its files leave that to the vault.
pub async fn make_handover(
    store: &Store,
    connection: &Connection,
    hours: u16,
    by: &Actor,
) -> Result<IssuedHandover> {
    if !(1..=HANDOVER_HOURS_MAX).contains(&hours) {
        let message = format!("a link is not good for {hours} hours");
        return Err(Error::config("handover_hours", message)
            .with_remedy(format!("choose 1 to {HANDOVER_HOURS_MAX} hours")));
    }
    let Some(field) = proof_in_vault(connection) else {
        let message =
            format!("the files of {} say where its secret is, and that is not the vault", connection.name);
        return Err(Error::config("handover_unwanted", message)
            .with_remedy("write `vault: true` there, such as `password: { vault: true }`, and apply them"));
    };
    let lasting = Duration::from_secs(u64::from(hours) * 3_600);
    store.make_handover(&connection.tenant, &connection.id, field, lasting, by).await
}

/// The part of the link behind the host.
pub fn handover_path(issued: &IssuedHandover) -> SecretValue {
    SecretValue::from(format!("/handover#{}", issued.token.expose()))
}

/// What the page asks first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    token: String,
}

/// What is handed over. Wiped when dropped, whatever becomes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    token: SecretValue,
    secret: SecretValue,
    passphrase: Option<SecretValue>,
}

/// What a link is for.
#[derive(Debug, Serialize)]
struct Asked {
    field: String,
    account: String,
    user: Option<String>,
    expires_at: String,
}

async fn look(State(desk): State<Desk>, request: Request) -> Answer<Json<Asked>> {
    let body: Look = body(request).await?;
    let handover = desk.known(&body.token).await?;
    let connection = desk.store.connection(&handover.tenant, &handover.connection).await?;
    let setting = |name: &str| connection.settings.get(name)?.as_str().map(str::to_owned);
    Ok(Json(Asked {
        field: handover.field,
        account: setting("account").unwrap_or_default(),
        user: setting("user"),
        expires_at: handover.expires_at.to_string(),
    }))
}

async fn take(State(desk): State<Desk>, request: Request) -> Answer<StatusCode> {
    let Entered { token, secret, passphrase } = body(request).await?;
    let handover = desk.known(token.expose()).await?;
    // Before the link is used up: somebody who has pasted half a key may try again.
    let accepted = desk.accepted(handover.field, secret, passphrase).await?;
    let taken = desk.vault.take_handover(token.expose(), &accepted).await?;
    tracing::info!(connection.id = %taken.connection, "a secret was handed over");
    Ok(StatusCode::NO_CONTENT)
}

impl Desk {
    /// The link of a token. Strangers who guess are slowed down together, and never those who have a link.
    async fn known(&self, token: &str) -> Answer<Handover> {
        let found = self.store.handover(token).await;
        let whose = match &found {
            Ok(handover) => handover.id.as_str(),
            Err(_) => "strangers",
        };
        if !self.rate.admits(whose, Instant::now()) {
            return Err(
                Problem::new(429, "too_many_requests", "too many requests").with_remedy("wait a second")
            );
        }
        Ok(found?)
    }

    /// What is to be sealed. It is found out beside the tasks of this process, which all share a few threads.
    async fn accepted(
        &self,
        field: String,
        secret: SecretValue,
        passphrase: Option<SecretValue>,
    ) -> Result<SecretValue> {
        let _turn = self.accepting.acquire().await;
        let accept = self.accept;
        let accepted = spawn_blocking(move || accept(&field, &secret, passphrase.as_ref()));
        accepted.await.map_err(|_| Error::internal("a secret that was handed over could not be looked at"))?
    }
}

/// A JSON body; what is wrong with it is told without any of it.
async fn body<T: for<'de> Deserialize<'de>>(request: Request) -> Answer<T> {
    let bytes = read_secret_body(request).await?;
    serde_json::from_slice(&bytes)
        .map_err(|_| Problem::new(400, "body_invalid", "the body is not what it should be"))
}
