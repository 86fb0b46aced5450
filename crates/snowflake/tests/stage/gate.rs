//! A gate in front of an object store: it lets requests through, or refuses some of them as a cloud would.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use tokio::net::TcpListener;

/// A request as it arrived at the gate.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

impl Passed {
    pub(super) fn is_part(&self) -> bool {
        self.method == Method::PUT && self.uri.query().is_some_and(|query| query.contains("partNumber="))
    }
}

/// Whether to refuse, with what status and body.
type Rule = Box<dyn FnMut(&Passed) -> Option<(u16, String)> + Send>;

#[derive(Clone)]
pub(super) struct Gate {
    pub(super) origin: String,
    behind: String,
    http: reqwest::Client,
    rules: Arc<Mutex<Vec<Rule>>>,
    log: Arc<Mutex<Vec<Passed>>>,
}

impl Gate {
    pub(super) async fn before(behind: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            behind: behind.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            rules: Arc::default(),
            log: Arc::default(),
        };
        let router = Router::new().fallback(pass).with_state(gate.clone()).layer(DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        gate
    }

    /// Refuses every request for which `rule` says so.
    pub(super) fn refuse(
        &self,
        rule: impl FnMut(&Passed) -> Option<(u16, String)> + Send + 'static,
    ) -> &Self {
        self.rules.lock().unwrap().push(Box::new(rule));
        self
    }

    /// Refuses the first requests that `is_meant`, `count` of them.
    pub(super) fn refuse_first(
        &self,
        count: usize,
        status: u16,
        code: &str,
        is_meant: impl Fn(&Passed) -> bool + Send + 'static,
    ) -> &Self {
        let body = format!("<Error><Code>{code}</Code></Error>");
        let mut left = count;
        self.refuse(move |passed| {
            if left == 0 || !is_meant(passed) {
                return None;
            }
            left -= 1;
            Some((status, body.clone()))
        })
    }

    pub(super) fn passed(&self) -> Vec<Passed> {
        self.log.lock().unwrap().clone()
    }
}

async fn pass(
    State(gate): State<Gate>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let passed = Passed { method: method.clone(), uri: uri.clone(), headers: headers.clone() };
    gate.log.lock().unwrap().push(passed.clone());
    let refusal = gate.rules.lock().unwrap().iter_mut().find_map(|rule| rule(&passed));
    if let Some((status, body)) = refusal {
        return Response::builder().status(status).body(Body::from(body)).unwrap();
    }
    let mut forwarded = gate.http.request(method, format!("{}{uri}", gate.behind));
    for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
        forwarded = forwarded.header(name, value);
    }
    let answer = forwarded.body(body).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}
