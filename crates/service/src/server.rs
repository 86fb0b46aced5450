//! The address that the process listens on: health and figures for everybody, the API for those with a token.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use model::{Error, Result};
use store::{Queue, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// What is asked without a token.
#[derive(Clone, Debug)]
struct Open {
    store: Store,
    queue: Queue,
    metrics: Metrics,
    shutdown: CancellationToken,
}

/// A process's address, open already.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    router: Router,
}

impl Server {
    /// Opens `address` for health and figures, and for `api` where there is one.
    pub async fn open(
        address: SocketAddr,
        (store, queue, metrics): (Store, Queue, Metrics),
        api: Option<Router>,
        shutdown: &CancellationToken,
    ) -> Result<Self> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Error::config("address_unusable", format!("{address} cannot be listened on"))
                .with_remedy("choose another --listen, or end the program that uses it")
                .with_source(error)
        })?;
        let open = Open { store, queue, metrics, shutdown: shutdown.clone() };
        let router = Router::new()
            .route("/healthz", get(healthy))
            .route("/readyz", get(ready))
            .route("/metrics", get(figures))
            .with_state(open)
            .merge(api.unwrap_or_default());
        Ok(Self { listener, router })
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(|error| Error::internal("no address").with_source(error))
    }

    /// Answers until `shutdown`, and what was asked before.
    pub async fn run(self, shutdown: CancellationToken) -> Result<()> {
        let served =
            axum::serve(self.listener, self.router).with_graceful_shutdown(shutdown.cancelled_owned());
        served.await.map_err(|error| Error::internal("the server stopped").with_source(error))
    }
}

/// The process lives. It says nothing about others, so that an outage of theirs restarts nobody.
async fn healthy() -> &'static str {
    "ok\n"
}

/// The state database answers, and this process is not about to end.
async fn ready(State(open): State<Open>) -> Response {
    if open.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    match open.queue.depth().await {
        Ok(_) => "ok\n".into_response(),
        Err(error) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}: {error}\n", error.code())).into_response()
        }
    }
}

/// Figures of this process, and of the whole service where the state database answers.
async fn figures(State(open): State<Open>) -> Response {
    let depth = open.queue.depth().await.ok();
    let standings = open.store.count_standings().await.ok();
    match open.metrics.text(depth.as_ref(), standings.as_ref()) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
