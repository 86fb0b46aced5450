//! A bare client: just enough HTTP to say what Snowflake's drivers say.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use emulator::{Emulator, EmulatorConfig, RunningEmulator};
use flate2::read::GzDecoder;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// The configuration that tests start from.
pub(crate) fn config() -> EmulatorConfig {
    EmulatorConfig::default()
}

pub(crate) async fn start() -> RunningEmulator {
    start_with(config()).await
}

pub(crate) async fn start_with(config: EmulatorConfig) -> RunningEmulator {
    Emulator::start(config).await.unwrap()
}

/// One client: an address, and a session's tokens once it has logged in.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    pub(crate) token: String,
    pub(crate) master: String,
}

/// A reply's status and JSON body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Reply {
    async fn of(response: Response) -> Self {
        let status = response.status();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, body }
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// The reply, which must be a success.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        assert_eq!(self.body["success"], true, "{}", self.body);
        self
    }
}

impl Client {
    pub(crate) fn new(emulator: &RunningEmulator) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, url: emulator.url().to_owned(), token: String::new(), master: String::new() }
    }

    /// Logs in as the emulator's default user.
    pub(crate) async fn logged_in(emulator: &RunningEmulator) -> Self {
        Self::logged_in_as(emulator, "Go", json!({})).await
    }

    pub(crate) async fn logged_in_as(emulator: &RunningEmulator, client: &str, parameters: Value) -> Self {
        let mut this = Self::new(emulator);
        let mut body = password("snowferry", "snowferry");
        body["CLIENT_APP_ID"] = json!(client);
        body["SESSION_PARAMETERS"] = parameters;
        this.adopt(&this.log_in(body).await.succeeded());
        this
    }

    /// Uses the tokens of a log-in's reply.
    pub(crate) fn adopt(&mut self, reply: &Reply) {
        self.token = reply.data()["token"].as_str().unwrap().to_owned();
        self.master = reply.data()["masterToken"].as_str().unwrap().to_owned();
    }

    pub(crate) async fn log_in(&self, data: Value) -> Reply {
        self.log_in_at("/session/v1/login-request", data).await
    }

    pub(crate) async fn log_in_at(&self, path: &str, data: Value) -> Reply {
        let request = self.http.post(format!("{}{path}", self.url)).json(&json!({ "data": data }));
        Reply::of(request.send().await.unwrap()).await
    }

    /// A request with this session's token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("Authorization", format!("Snowflake Token=\"{}\"", self.token))
    }

    /// A request without a token.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        self.http.request(method, url)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        Reply::of(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn renew(&self) -> Reply {
        let request = self
            .bare(Method::POST, "/session/token-request")
            .header("Authorization", format!("Snowflake Token=\"{}\"", self.master))
            .json(&json!({ "oldSessionToken": self.token, "requestType": "RENEW" }));
        Reply::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn query(&self, text: &str) -> Reply {
        self.submit(&uuid(), json!({ "sqlText": text })).await
    }

    pub(crate) async fn submit(&self, request_id: &str, body: Value) -> Reply {
        self.post(&format!("/queries/v1/query-request?requestId={request_id}"), body).await
    }

    /// Fetches one chunk of a reply as a client must.
    pub(crate) async fn chunk(&self, reply: &Reply, index: usize) -> Response {
        let data = reply.data();
        let mut request = self.bare(Method::GET, data["chunks"][index]["url"].as_str().unwrap());
        for (name, value) in data["chunkHeaders"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        request.send().await.unwrap()
    }
}

pub(crate) async fn reply_of(request: RequestBuilder) -> Reply {
    Reply::of(request.send().await.unwrap()).await
}

pub(crate) fn password(user: &str, password: &str) -> Value {
    json!({ "ACCOUNT_NAME": "emulator", "LOGIN_NAME": user, "PASSWORD": password, "CLIENT_APP_ID": "Go" })
}

pub(crate) fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Rows of an inline Arrow stream or of a chunk's body.
pub(crate) fn arrow_batches(stream: &[u8]) -> Vec<arrow_array::RecordBatch> {
    arrow_ipc::reader::StreamReader::try_new(stream, None).unwrap().map(Result::unwrap).collect()
}

pub(crate) fn inline_batches(reply: &Reply) -> Vec<arrow_array::RecordBatch> {
    let text = reply.data()["rowsetBase64"].as_str().unwrap();
    if text.is_empty() { Vec::new() } else { arrow_batches(&STANDARD.decode(text).unwrap()) }
}

pub(crate) fn gunzip(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(body).read_to_end(&mut plain).unwrap();
    plain
}
