//! Nothing that is secret or that stood in a row is ever printed: not in errors, not in `Debug`, not in logs.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use serde_json::{Value, json};
use snowflake::{
    Bind, Credentials, OAuthClient, PrivateKey, Secret, Session, StageLocation, Statement, UploadOptions,
};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::OptionalWriter;

use crate::server::{Answer, LOGIN, QUERY, RENEW, Server, failure, renewed, rows, session_of, success};

/// Every marked text that must not come out.
const MARKED: &[&str] = &[
    "MARKED-PASSWORD",
    "MARKED-PASSCODE",
    "MARKED-PAT",
    "MARKED-OAUTH",
    "MARKED-CLIENT-SECRET",
    "MARKED-SESSION",
    "MARKED-MASTER",
    "MARKED-STATEMENT",
    "MARKED-BIND",
    "MARKED-ROW",
    "MARKED-STICKY",
    "MARKED-AWS",
    "MARKED-SAS",
    "MARKED-GCS",
    "MARKED-LINK",
    "MARKED-FILE",
    // The master key of a stage: the sixteen bytes of MARKED-MASTERKEY in base64.
    STAGE_KEY,
];

const STAGE_KEY: &str = "TUFSS0VELU1BU1RFUktFWQ==";

/// The words of a service that repeats what it was sent.
fn echo(credentials: &Credentials) -> String {
    let sent = match credentials {
        Credentials::Password { .. } => "password 'MARKED-PASSWORD' and passcode MARKED-PASSCODE",
        Credentials::ProgrammaticAccessToken(_) => "token MARKED-PAT",
        Credentials::OAuthToken(_) | Credentials::OAuthClient(_) => "token=MARKED-OAUTH",
        Credentials::KeyPair(_) => "JWT 'eyJhbGciOiJSUzI1NiJ9.x.y'",
    };
    format!("Incorrect {sent} was specified.")
}

/// What is printed on the thread that made it: the subscriber is that of the whole process, because a scoped one can
/// miss what another test's thread came across first.
#[derive(Clone)]
struct Captured(Arc<Mutex<Vec<u8>>>, ThreadId);

impl Captured {
    fn note(&self, printed: impl std::fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{printed:?}").unwrap();
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = OptionalWriter<Self>;

    fn make_writer(&'a self) -> OptionalWriter<Self> {
        let is_ours = thread::current().id() == self.1;
        is_ours.then(|| self.clone()).into()
    }
}

fn proofs(server: &Server) -> Vec<Credentials> {
    vec![
        Credentials::Password {
            password: "MARKED-PASSWORD".into(),
            passcode: Some("MARKED-PASSCODE".into()),
        },
        Credentials::ProgrammaticAccessToken(Secret::new("MARKED-PAT")),
        Credentials::OAuthToken(Secret::new("MARKED-OAUTH")),
        Credentials::OAuthClient(OAuthClient {
            token_url: format!("{}/idp/token", server.address()),
            client_id: "id".into(),
            client_secret: Secret::new("MARKED-CLIENT-SECRET"),
            scope: None,
        }),
        Credentials::KeyPair(PrivateKey::parse(include_str!("keys/plain.p8"), None).unwrap()),
    ]
}

/// Runs everything that can go well or wrong with this proof, and notes all that can be printed.
async fn exercise(server: &Server, credentials: Credentials, captured: &Captured) {
    let config = server.config_with(credentials);
    captured.note(&config);
    server.then_json("/idp/token", json!({ "access_token": "MARKED-OAUTH" }));
    server.then_json(LOGIN, failure("390100", &echo(&config.credentials)));
    let error = Session::connect(config.clone()).await.unwrap_err();
    captured.note((error.to_string(), error));
    server.then_json("/idp/token", json!({ "access_token": "MARKED-OAUTH" }));
    let body = session_of("MARKED-SESSION", "MARKED-MASTER").to_string().into_bytes();
    server.then(LOGIN, Answer::Status(200, vec![("x-snowflake-session", "MARKED-STICKY".into())], body));
    let session = Session::connect(config).await.unwrap();
    captured.note(&session);
    let statement = Statement::new("SELECT 'MARKED-STATEMENT' FROM t WHERE v = ?").bind("MARKED-BIND");
    captured.note((&statement, Bind::from("MARKED-BIND")));
    server
        .then_json(QUERY, failure("390112", "expired"))
        .then_json(RENEW, renewed("MARKED-SESSION-2", "MARKED-MASTER-2"));
    server.then(QUERY, Answer::Dropped).then(QUERY, Answer::Status(503, Vec::new(), b"MARKED-ROW".to_vec()));
    server.then_json(QUERY, rows("01a1", &["MARKED-ROW"]));
    let result = session.query(statement.clone()).await.unwrap();
    captured.note(&result);
    captured.note(result.collect().await.unwrap().len());
    for (code, message) in [
        ("100038", "Numeric value 'MARKED-ROW' is not recognized"),
        ("100090", "Duplicate row detected during DML action\nRow Values: [1, \"MARKED-ROW\"]"),
        ("001003", "syntax error line 1 at position 7 unexpected ''MARKED-STATEMENT''."),
        ("001044", "Invalid argument types for function '=': ('MARKED-STATEMENT', NUMBER)"),
    ] {
        server.then_json(QUERY, failure(code, message));
        captured.note(session.query(statement.clone()).await.unwrap_err());
    }
    let mut broken = rows("01a1", &[]);
    broken["data"]["rowset"] = json!([[{ "MARKED-ROW": "MARKED-ROW" }]]);
    broken["data"]["total"] = json!(1);
    server.then_json(QUERY, broken).then_json(QUERY, json!({ "success": true, "data": "MARKED-ROW" }));
    match session.query(statement.clone()).await {
        Ok(result) => captured.note(result.collect().await.unwrap_err()),
        Err(error) => captured.note(error),
    }
    captured.note(session.query(statement.clone()).await.unwrap_err());
    captured.note(session.close().await);
}

/// The reply to a transfer with these keys; the store is the server itself.
fn transfer(server: &Server, command: &str, cloud: &str, keys: Value) -> Value {
    let stage = json!({ "locationType": cloud, "location": "bucket/prefix", "region": "us-west-2", "creds": keys,
        "storageAccount": "acc", "endPoint": server.address(),
        "presignedUrl": format!("{}/bucket/prefix/f?sig=MARKED-LINK", server.address()) });
    let material = json!({ "queryStageMasterKey": STAGE_KEY, "queryId": "01a1", "smkId": 1 });
    let links = json!([format!("{}/bucket/prefix/f?sig=MARKED-LINK", server.address())]);
    success(json!({ "command": command, "src_locations": ["f"], "stageInfo": stage, "presignedUrls": links,
        "encryptionMaterial": if command == "UPLOAD" { material } else { json!([material]) } }))
}

/// Uploads and downloads that go well or wrong, in every cloud; the store repeats what it was sent.
async fn exercise_stages(server: &Server, captured: &Captured) {
    let session = server.session().await;
    let folder = StageLocation::user("run/").unwrap();
    for (cloud, path, keys) in [
        (
            "S3",
            "/bucket/prefix/f",
            json!({ "AWS_KEY_ID": "MARKED-AWS-ID", "AWS_SECRET_KEY": "MARKED-AWS-SECRET", "AWS_TOKEN": "MARKED-AWS-TOKEN" }),
        ),
        ("AZURE", "/acc/bucket/prefix/f", json!({ "AZURE_SAS_TOKEN": "?sv=1&sig=MARKED-SAS" })),
        ("GCS", "/bucket/prefix%2Ff", json!({ "GCS_ACCESS_TOKEN": "MARKED-GCS" })),
        ("GCS", "/bucket/prefix/f", json!({})),
    ] {
        server.then_json(QUERY, transfer(server, "UPLOAD", cloud, keys.clone()));
        let uploads = session.begin_uploads(&folder, UploadOptions::default()).await.unwrap();
        captured.note((&uploads, &folder));
        let echo = "<Error><Code>MARKED-AWS SAS</Code><Token>MARKED-AWS MARKED-SAS MARKED-GCS MARKED-LINK</Token></Error>";
        let etag =
            || vec![("etag", "1".to_owned()), ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT".to_owned())];
        for status in [400, 401, 403, 404, 503, 200] {
            server.always(path, Answer::Status(status, etag(), echo.as_bytes().to_vec()));
            server.then_json(QUERY, transfer(server, "UPLOAD", cloud, keys.clone()));
            server.then_json(QUERY, transfer(server, "UPLOAD", cloud, keys.clone()));
            captured.note(uploads.upload("f", "MARKED-FILE".into()).await);
            server.forget(QUERY);
        }
        server.then_json(QUERY, transfer(server, "DOWNLOAD", cloud, keys.clone()));
        let downloads = session.begin_downloads(&folder, None).await.unwrap();
        server.always(path, Answer::Status(200, etag(), b"MARKED-FILE".to_vec()));
        captured.note((&downloads, downloads.download("f").await.unwrap()));
    }
}

#[test]
fn no_secret_and_no_row_value_is_printed() {
    let captured = Captured(Arc::default(), thread::current().id());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(captured.clone())
        .finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::set_global_default(subscriber).expect("no other test sets one");
    // One thread, so that the library, the HTTP client and every task are seen.
    runtime.block_on(async {
        let server = Server::start().await;
        for credentials in proofs(&server) {
            exercise(&server, credentials, &captured).await;
        }
        exercise_stages(&server, &captured).await;
    });
    let text = captured.text();
    assert!(text.contains("the service answered"), "logs were captured");
    assert!(text.contains("390100") && text.contains("100038"), "errors were captured");
    assert!(
        text.contains("cloud storage answered") && text.contains("GCS answered HTTP 403"),
        "stages were captured"
    );
    let body: String = include_str!("keys/plain.p8").lines().skip(2).take(1).collect();
    for marked in MARKED.iter().copied().chain([body.as_str(), "eyJ"]) {
        if let Some(line) = text.lines().find(|line| line.contains(marked)) {
            panic!("{marked} was printed: {line}");
        }
    }
}
