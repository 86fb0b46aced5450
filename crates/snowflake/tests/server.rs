//! A loopback service that answers from a script and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use snowflake::{ConnectionConfig, Credentials, Endpoint, MemoryBudget, RetryPolicy, Session};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) raw: Bytes,
}

impl Asked {
    pub(crate) fn authorization(&self) -> &str {
        self.headers.get("authorization").map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.query["requestId"]
    }
}

/// What to answer.
#[derive(Clone)]
pub(crate) enum Answer {
    Json(Value),
    Status(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The connection is closed in the middle of the body.
    Dropped,
    /// No answer until the given moment comes.
    Held(Arc<Notify>, Box<Answer>),
}

type Rule = Box<dyn Fn(&Asked) -> Option<Answer> + Send>;

#[derive(Default)]
struct Script {
    queued: HashMap<String, VecDeque<Answer>>,
    standing: HashMap<String, Answer>,
    rules: Vec<Rule>,
    log: Vec<Asked>,
}

/// The service. Paths without an answer of their own get one that says success.
#[derive(Clone)]
pub(crate) struct Server {
    script: Arc<Mutex<Script>>,
    asked: Arc<Notify>,
    address: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { script: Arc::default(), asked: Arc::default(), address };
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The next answer on this path; several are given in turn.
    pub(crate) fn then(&self, path: &str, answer: Answer) -> &Self {
        self.script.lock().unwrap().queued.entry(path.to_owned()).or_default().push_back(answer);
        self
    }

    pub(crate) fn then_json(&self, path: &str, body: Value) -> &Self {
        self.then(path, Answer::Json(body))
    }

    /// An answer by rule, asked before the queued ones.
    pub(crate) fn rule(&self, rule: impl Fn(&Asked) -> Option<Answer> + Send + 'static) -> &Self {
        self.script.lock().unwrap().rules.push(Box::new(rule));
        self
    }

    /// The answer to everything on this path from now on, however often it is asked.
    pub(crate) fn always(&self, path: &str, answer: Answer) -> &Self {
        self.script.lock().unwrap().standing.insert(path.to_owned(), answer);
        self
    }

    /// Takes back the answers on this path that nobody asked for.
    pub(crate) fn forget(&self, path: &str) -> &Self {
        self.script.lock().unwrap().queued.remove(path);
        self
    }

    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        self.script.lock().unwrap().log.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    pub(crate) fn all(&self) -> Vec<Asked> {
        self.script.lock().unwrap().log.clone()
    }

    /// Waits until the path was asked this often.
    pub(crate) async fn wait_for(&self, path: &str, count: usize) -> Vec<Asked> {
        let wait = async {
            loop {
                let notified = self.asked.notified();
                let asked = self.asked(path);
                if asked.len() >= count {
                    return asked;
                }
                notified.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| {
            panic!("{path} was asked {} times, not {count}", self.asked(path).len());
        })
    }

    pub(crate) fn config(&self) -> ConnectionConfig {
        self.config_with(Credentials::password("p4ssw0rd"))
    }

    pub(crate) fn config_with(&self, credentials: Credentials) -> ConnectionConfig {
        let retry = RetryPolicy {
            delay_min: Duration::from_millis(1),
            delay_max: Duration::from_millis(5),
            ..RetryPolicy::default()
        };
        ConnectionConfig::new("myorg-acct".parse().unwrap(), "sync", credentials)
            .endpoint(Endpoint::parse(&self.address).unwrap())
            .allow_http_loopback(true)
            .retry(retry)
            .keep_alive(false)
            .memory_budget(MemoryBudget::new(16 * 1024 * 1024))
    }

    pub(crate) async fn session(&self) -> Session {
        Session::connect(self.config()).await.unwrap()
    }

    fn next(&self, asked: &Asked) -> Answer {
        let mut script = self.script.lock().unwrap();
        script.log.push(asked.clone());
        if let Some(answer) = script.rules.iter().find_map(|rule| rule(asked)) {
            return answer;
        }
        match script.queued.get_mut(&asked.path).and_then(VecDeque::pop_front) {
            Some(answer) => answer,
            None if script.standing.contains_key(&asked.path) => script.standing[&asked.path].clone(),
            None if asked.path == LOGIN => Answer::Json(logged_in()),
            None => Answer::Json(success(Value::Null)),
        }
    }
}

pub(crate) const LOGIN: &str = "/session/v1/login-request";
pub(crate) const RENEW: &str = "/session/token-request";
pub(crate) const HEARTBEAT: &str = "/session/heartbeat";
pub(crate) const LOGOUT: &str = "/session";
pub(crate) const QUERY: &str = "/queries/v1/query-request";
pub(crate) const ABORT: &str = "/queries/v1/abort-request";

async fn answer(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let raw = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let is_gzip = parts.headers.get("content-encoding").is_some_and(|value| value == "gzip");
    let text = if is_gzip { std::io::read_to_string(GzDecoder::new(&raw[..])).unwrap() } else { lossy(&raw) };
    let query = parts.uri.query().unwrap_or_default();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        raw,
    };
    let mut answer = server.next(&asked);
    server.asked.notify_waiters();
    loop {
        match answer {
            Answer::Json(value) => return plain(200, Vec::new(), value.to_string().into_bytes()),
            Answer::Status(status, headers, body) => return plain(status, headers, body),
            Answer::Dropped => return dropped(),
            Answer::Held(moment, next) => {
                moment.notified().await;
                answer = *next;
            }
        }
    }
}

fn lossy(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).into_owned()
}

fn plain(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Response {
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

/// More is promised than comes, so the connection ends in the middle of the body.
fn dropped() -> Response {
    let pieces = futures_util::stream::iter([
        Ok(Bytes::from_static(br#"{"data":{"#)),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    Response::builder().header("content-length", "1000").body(Body::from_stream(pieces)).unwrap()
}

pub(crate) fn success(data: Value) -> Value {
    json!({ "data": data, "code": null, "message": null, "success": true, "headers": null })
}

pub(crate) fn failure(code: &str, message: &str) -> Value {
    json!({ "data": { "errorCode": code, "sqlState": "42000", "queryId": "01a1-f" }, "code": code, "message": message,
            "success": false, "headers": null })
}

pub(crate) fn logged_in() -> Value {
    session_of("session-1", "master-1")
}

pub(crate) fn session_of(token: &str, master: &str) -> Value {
    success(json!({
        "token": token, "validityInSeconds": 3600, "masterToken": master, "masterValidityInSeconds": 14400,
        "sessionId": 1_172_562_260_498_i64, "serverVersion": "9.1.0", "parameters": [],
        "sessionInfo": { "databaseName": "DB", "schemaName": null, "warehouseName": "WH", "roleName": "R" },
    }))
}

pub(crate) fn renewed(token: &str, master: &str) -> Value {
    success(json!({ "sessionToken": token, "validityInSecondsST": 3600, "masterToken": master,
        "validityInSecondsMT": 14400, "sessionId": 1 }))
}

/// A result of one text column, in JSON.
pub(crate) fn rows(query_id: &str, values: &[&str]) -> Value {
    let rowset: Vec<Value> = values.iter().map(|value| json!([value])).collect();
    success(json!({
        "rowtype": [{ "name": "V", "type": "text", "nullable": true, "length": 100, "byteLength": 400,
                      "scale": null, "precision": null }],
        "rowset": rowset, "total": values.len(), "returned": values.len(), "queryId": query_id,
        "queryResultFormat": "json", "statementTypeId": 4096, "version": 1, "parameters": [],
        "finalDatabaseName": "DB", "finalSchemaName": "PUBLIC", "finalWarehouseName": "WH", "finalRoleName": "R",
    }))
}

pub(crate) fn running(code: &str, query_id: &str, url: &str) -> Value {
    json!({ "data": { "queryId": query_id, "getResultUrl": url, "queryAbortsAfterSecs": 300, "progressDesc": null },
            "code": code, "message": "Query execution in progress.", "success": true })
}
