//! The API: REST under `/v1`, with a document that is made from the same handlers that answer.
//!
//! It operates what is there: syncs are written in files and come by `snowferry apply`. A request that could name a file,
//! a variable or a host would make the process read what its bearer may not.

mod access;
mod audit;
mod connections;
mod document;
mod handovers;
mod idempotency;
pub(crate) mod input;
mod keys;
mod page;
pub(crate) mod problem;
pub(crate) mod rate;
mod runs;
mod syncs;
mod tenants;
mod tokens;
mod workers;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use store::{Queue, Store};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use document::openapi;

use self::problem::Problem;
use self::rate::RateLimit;
use crate::asked::GoesBack;
use crate::keys::Keys;
use crate::metrics::Metrics;

/// What every handler may use.
#[derive(Clone, Debug)]
struct Api {
    store: Store,
    queue: Queue,
    metrics: Metrics,
    rate: Arc<RateLimit>,
    goes_back: Option<GoesBack>,
    keys: Arc<dyn Keys>,
}

/// How the API behaves.
#[derive(Clone, Copy, Debug)]
pub struct ApiOptions {
    /// Requests that one token may make in a second, on average.
    pub requests_per_second_max: u32,
    /// Who says whether a sync can read once more from a moment on; without it the run finds out.
    pub goes_back: Option<GoesBack>,
}

impl Default for ApiOptions {
    /// A page of a dashboard every few seconds, and then some.
    fn default() -> Self {
        Self { requests_per_second_max: 50, goes_back: None }
    }
}

/// The routes of the API.
pub fn api(
    (store, queue, metrics): (Store, Queue, Metrics),
    keys: Arc<dyn Keys>,
    options: ApiOptions,
) -> Router {
    let rate = Arc::new(RateLimit::new(options.requests_per_second_max));
    let api = Api { store, queue, metrics, rate, goes_back: options.goes_back, keys };
    let (router, _document) = routes().split_for_parts();
    let guarded = router
        .layer(from_fn_with_state(api.clone(), idempotency::remembered))
        .layer(from_fn_with_state(api.clone(), access::authenticated))
        .with_state(api.clone());
    let document = openapi();
    Router::new()
        .route("/v1/openapi.json", get(move || async move { Json(document) }))
        .merge(guarded)
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(api, measured))
        .layer(middleware::map_response(with_headers))
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(tenants::list))
        .routes(routes!(tenants::show, tenants::change))
        .routes(routes!(connections::list))
        .routes(routes!(connections::show))
        .routes(routes!(connections::close))
        .routes(routes!(connections::mend))
        .routes(routes!(handovers::create))
        .routes(routes!(keys::access))
        .routes(routes!(keys::rotate))
        .routes(routes!(syncs::list))
        .routes(routes!(syncs::show))
        .routes(routes!(syncs::why))
        .routes(routes!(syncs::trigger))
        .routes(routes!(syncs::pause))
        .routes(routes!(syncs::resume))
        .routes(routes!(runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::cancel))
        .routes(routes!(audit::list))
        .routes(routes!(workers::list))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
}

async fn unknown() -> Problem {
    Problem::new(404, "route_unknown", "there is nothing at this address")
}

async fn other_method() -> Problem {
    Problem::new(405, "method_unknown", "this address does not take that method")
}

/// Nothing of an answer belongs into a cache or is anything but what it says it is.
pub(crate) async fn with_headers(mut response: Response) -> Response {
    use axum::http::HeaderValue;
    use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn measured(
    State(api): State<Api>,
    method: Method,
    uri: Uri,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let response = next.run(request).await.into_response();
    let (route, status) = (route_of(uri.path()), response.status().as_u16());
    api.metrics.request(known_method(&method), &route, status, began.elapsed());
    response
}

/// The words of addresses; everything else in one is somebody's name or id.
const WORDS: [&str; 20] = [
    "",
    "v1",
    "openapi.json",
    "tenants",
    "connections",
    "syncs",
    "runs",
    "audit",
    "workers",
    "tokens",
    "why",
    "trigger",
    "pause",
    "resume",
    "cancel",
    "close",
    "mend",
    "handover",
    "access",
    "rotate",
];

/// Segments of the longest address, and one more.
const SEGMENTS_MAX: usize = 8;

/// The pattern of an address. A stranger cannot make series of their own.
fn route_of(path: &str) -> String {
    if !path.starts_with("/v1/") {
        return "other".to_owned();
    }
    let segment = |segment| if WORDS.contains(&segment) { segment } else { "{}" };
    path.split('/').take(SEGMENTS_MAX).map(segment).collect::<Vec<_>>().join("/")
}

fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
