//! The emulator's own object store: as much of S3 as a client of Snowflake stages uses, with signatures verified.

mod chunked;
mod download;
mod error;
mod link;
mod listing;
mod multipart;
mod request;
mod signature;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use self::error::S3Error;
pub(crate) use self::link::link;
pub(crate) use self::multipart::Multiparts;
use self::request::StoreRequest;
use crate::account::Account;

/// The only bucket. Drivers ask buckets of other names for transfer acceleration first.
pub(crate) const BUCKET: &str = "sfc-emulator";
pub(crate) const REGION: &str = "us-west-2";

/// Everything below `/sfc-emulator`.
pub(crate) async fn serve(State(account): State<Arc<Account>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return S3Error::internal("the body could not be read").into_response();
    };
    match answer(&account, &head, body).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn answer(account: &Arc<Account>, head: &Parts, body: Bytes) -> Result<Response, S3Error> {
    let issued = match link::key_id(head.uri.query()) {
        Some(key_id) => link::verify(account, head, &key_id)?,
        None => signature::verify(account, head)?,
    };
    let body = request::payload(head, body)?;
    let request = StoreRequest::of(head)?;
    let Some(name) = request.name_within(&issued.scope)? else {
        return match head.method {
            Method::GET => blocking(account, move |account| listing::list(account, &request, &issued)).await,
            _ => Err(S3Error::not_implemented("this on a bucket")),
        };
    };
    let has = |name: &str| request.query.contains_key(name);
    let is_reading = matches!(head.method, Method::GET | Method::HEAD);
    if !is_reading && !issued.scope.may_write {
        return Err(S3Error::access_denied());
    }
    match head.method {
        Method::GET if !has("uploadId") => {
            blocking(account, move |account| download::get(account, &request, &issued, &name)).await
        }
        Method::HEAD => {
            blocking(account, move |account| download::head(account, &request, &issued, &name)).await
        }
        Method::PUT if has("partNumber") => {
            blocking(account, move |account| multipart::put_part(account, &request, &name, &body)).await
        }
        Method::PUT => {
            blocking(account, move |account| upload::put(account, &request, &issued, &name, &body)).await
        }
        Method::POST if has("uploads") => multipart::create(account, &request, &issued, &name),
        Method::POST if has("uploadId") => {
            blocking(account, move |account| multipart::complete(account, &request, &issued, &name, &body))
                .await
        }
        Method::DELETE if has("uploadId") => multipart::abort(account, &request, &name),
        Method::DELETE => blocking(account, move |account| upload::delete(account, &issued, &name)).await,
        _ => Err(S3Error::not_implemented("this on an object")),
    }
}

/// Runs what reads and writes files off the threads that serve connections.
async fn blocking(
    account: &Arc<Account>,
    work: impl FnOnce(&Account) -> Result<Response, S3Error> + Send + 'static,
) -> Result<Response, S3Error> {
    let account = Arc::clone(account);
    match tokio::task::spawn_blocking(move || work(&account)).await {
        Ok(done) => done,
        Err(_) => Err(S3Error::internal("the store panicked")),
    }
}

/// The value of a header, where it is text.
fn header<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

/// Query parameters, decoded; one without a value has an empty one.
type Queries = BTreeMap<String, String>;

/// The id of the credentials that a request names, in its link or in its signature.
pub(crate) fn key_id(head: &Parts) -> Option<String> {
    link::key_id(head.uri.query()).or_else(|| signature::key_id(&head.headers).map(str::to_owned))
}

/// The statement whose credentials a request uses, for rules and the request log.
pub(crate) fn statement(account: &Account, head: &Parts) -> Option<String> {
    let issued = account.stage_credentials.by_key_id(&key_id(head)?)?;
    Some(issued.scope.statement)
}
