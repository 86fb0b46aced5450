//! A webhook of a test, which keeps what it was sent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How it answers.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Takes,
    /// Never answers.
    Silent,
    /// Refuses so many requests for good before it takes the first.
    Refuses(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) url: String,
    seen: Arc<Seen>,
}

#[derive(Debug)]
struct Seen {
    manner: Manner,
    asked: AtomicUsize,
    taken: Mutex<Vec<String>>,
    changed: Notify,
}

impl Hook {
    pub(crate) async fn start() -> Self {
        Self::with(Manner::Takes).await
    }

    pub(crate) async fn silent() -> Self {
        Self::with(Manner::Silent).await
    }

    pub(crate) async fn refusing(requests: usize) -> Self {
        Self::with(Manner::Refuses(requests)).await
    }

    async fn with(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let seen = Arc::new(Seen {
            manner,
            asked: AtomicUsize::new(0),
            taken: Mutex::default(),
            changed: Notify::new(),
        });
        let router = Router::new().route("/hook", post(answer)).with_state(Arc::clone(&seen));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.taken.lock().unwrap().len()
    }

    /// Waits until it was asked at all.
    pub(crate) async fn asked(&self) {
        self.until(|| self.seen.asked.load(Ordering::SeqCst) > 0).await;
    }

    /// Waits until it has taken so many, and gives all of them.
    pub(crate) async fn received(&self, count: usize) -> Vec<String> {
        self.until(|| self.count() >= count).await;
        self.seen.taken.lock().unwrap().clone()
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        let waiting = async {
            while !is_so() {
                self.seen.changed.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the hook was not asked");
    }
}

async fn answer(State(seen): State<Arc<Seen>>, body: String) -> StatusCode {
    let before = seen.asked.fetch_add(1, Ordering::SeqCst);
    seen.changed.notify_one();
    match seen.manner {
        Manner::Silent => std::future::pending().await,
        Manner::Refuses(requests) if before < requests => return StatusCode::NOT_FOUND,
        Manner::Takes | Manner::Refuses(_) => {}
    }
    seen.taken.lock().unwrap().push(body);
    seen.changed.notify_one();
    StatusCode::OK
}
