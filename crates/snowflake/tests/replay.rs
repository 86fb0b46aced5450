//! Lost replies and unwell services: the same request again, and only where that is right.

use std::collections::HashSet;
use std::time::Duration;

use snowflake::{ErrorKind, RetryPolicy, Session};

use crate::server::{Answer, LOGIN, QUERY, Server, failure, rows};

fn unwell(status: u16) -> Answer {
    Answer::Status(status, Vec::new(), b"try later".to_vec())
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_with_the_same_request_id() {
    let cut = Answer::Status(200, Vec::new(), br#"{"data":{"rowset":[["x"]"#.to_vec());
    for (answer, reason) in [(Answer::Dropped, "0"), (unwell(503), "503"), (unwell(408), "408"), (cut, "200")]
    {
        let server = Server::start().await;
        server.then(QUERY, answer).then_json(QUERY, rows("01a1", &["x"]));
        let result = server.session().await.query("INSERT INTO t VALUES (1)").await.unwrap();
        assert_eq!(result.total_rows(), 1);
        let asked = server.asked(QUERY);
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[0].request_id(), asked[1].request_id());
        assert_ne!(asked[0].query["request_guid"], asked[1].query["request_guid"]);
        assert_eq!(asked[0].body, asked[1].body);
        assert!(!asked[0].query.contains_key("retryCount"));
        assert_eq!(
            (asked[1].query["retryCount"].as_str(), asked[1].query["retryReason"].as_str()),
            ("1", reason)
        );
        assert!(asked[1].query["clientStartTime"].parse::<i64>().unwrap() > 1_600_000_000_000);
    }
}

#[tokio::test]
async fn a_reply_that_is_cut_twice_is_an_error() {
    let server = Server::start().await;
    for _ in 0..3 {
        server.then(QUERY, Answer::Status(200, Vec::new(), br#"{"data":{"#.to_vec()));
    }
    let error = server.session().await.query("SELECT 1").await.unwrap_err();
    assert_eq!((error.kind(), server.asked(QUERY).len()), (ErrorKind::Protocol, 2));
}

#[tokio::test]
async fn tries_are_counted() {
    let server = Server::start().await;
    for _ in 0..20 {
        server.then(QUERY, unwell(500));
    }
    let error = server.session().await.query("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let asked = server.asked(QUERY);
    assert_eq!(asked.len(), 7);
    assert_eq!(
        asked.iter().map(|asked| asked.query["request_guid"].clone()).collect::<HashSet<_>>().len(),
        7
    );
}

#[tokio::test]
async fn what_the_service_refused_is_not_sent_again() {
    for answer in [
        Answer::Json(failure("001003", "syntax error line 1 at position 0 unexpected 'x'.")),
        Answer::Status(400, Vec::new(), Vec::new()),
        Answer::Status(403, Vec::new(), Vec::new()),
    ] {
        let server = Server::start().await;
        server.then(QUERY, answer);
        server.session().await.query("x").await.unwrap_err();
        assert_eq!(server.asked(QUERY).len(), 1);
    }
}

#[tokio::test]
async fn a_wait_beyond_the_limit_is_handed_to_the_caller() {
    let server = Server::start().await;
    server.then(QUERY, Answer::Status(429, vec![("retry-after", "3600".into())], Vec::new()));
    let error = server.session().await.query("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(server.asked(QUERY).len(), 1);
}

#[tokio::test]
async fn a_redirect_is_followed_on_the_same_host_only() {
    let server = Server::start().await;
    server.then(QUERY, Answer::Status(307, vec![("location", "/elsewhere".into())], Vec::new()));
    server.then_json("/elsewhere", rows("01a1", &["x"]));
    let session = server.session().await;
    session.query("SELECT 1").await.unwrap();
    let (first, second) = (&server.asked(QUERY)[0], &server.asked("/elsewhere")[0]);
    assert_eq!((&first.method, &first.body), (&second.method, &second.body));
    assert_eq!(first.request_id(), second.request_id());

    let stranger = Server::start().await;
    let location = format!("{}{QUERY}", stranger.address());
    server.then(QUERY, Answer::Status(308, vec![("location", location)], Vec::new()));
    let error = session.query("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(stranger.all().is_empty(), "nothing reaches another host, least of all the token");
}

#[tokio::test]
async fn the_sticky_header_is_given_back() {
    let server = Server::start().await;
    let body = crate::server::logged_in().to_string().into_bytes();
    server.then(LOGIN, Answer::Status(200, vec![("x-snowflake-session", "front-7".into())], body));
    server.then_json(QUERY, rows("01a1", &["x"]));
    server.session().await.query("SELECT 1").await.unwrap();
    assert!(!server.asked(LOGIN)[0].headers.contains_key("x-snowflake-session"));
    assert_eq!(server.asked(QUERY)[0].headers["x-snowflake-session"], "front-7");
}

#[tokio::test]
async fn an_unreachable_service_is_unavailable() {
    let server = Server::start().await;
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let retry =
        RetryPolicy { attempts_max: 2, delay_min: Duration::from_millis(1), ..RetryPolicy::default() };
    let config = server.config().endpoint(snowflake::Endpoint::parse(&address).unwrap()).retry(retry);
    let error = Session::connect(config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!format!("{error:?}").contains("requestId"), "addresses carry names and ids: {error:?}");
}

#[tokio::test]
async fn an_explicit_proxy_carries_everything() {
    let proxy = Server::start().await;
    proxy.then_json(QUERY, rows("01a1", &["x"]));
    let config = proxy
        .config()
        .endpoint(snowflake::Endpoint::parse("http://127.0.0.1:1").unwrap())
        .proxy(snowflake::Proxy::Explicit { url: proxy.address().to_owned(), credentials: None });
    let session = Session::connect(config).await.unwrap();
    session.query("SELECT 1").await.unwrap();
    assert_eq!(proxy.asked(QUERY)[0].headers["host"], "127.0.0.1:1");
}
