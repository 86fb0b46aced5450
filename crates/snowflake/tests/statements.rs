//! Statements: how they are sent, waited for, come back to, and what refusals become.

use arrow_array::cast::AsArray as _;
use serde_json::json;
use snowflake::{Bind, ErrorKind, QueryResult, QueryState, Statement};
use uuid::Uuid;

use crate::server::{Answer, QUERY, Server, failure, rows, running, success};

async fn values(result: &QueryResult) -> Vec<String> {
    let batches = result.collect().await.unwrap();
    batches
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_string::<i32>()
                .iter()
                .map(|value| value.unwrap().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test]
async fn a_long_query_is_polled_to_its_end() {
    let server = Server::start().await;
    server.then_json(QUERY, running("333334", "01a1", "/queries/01a1/result?a=1"));
    server.then_json("/queries/01a1/result", running("333333", "01a1", "/queries/01a1/other"));
    server.then("/queries/01a1/other", Answer::Dropped);
    server.then_json("/queries/01a1/other", rows("01a1", &["x", "y"]));
    let session = server.session().await;
    let result = session.query("SELECT 1").await.unwrap();
    assert_eq!(values(&result).await, ["x", "y"]);
    assert_eq!(session.context().schema.as_deref(), Some("PUBLIC"));
    assert_eq!(server.asked("/queries/01a1/result")[0].query["a"], "1");
    let polls = server.asked("/queries/01a1/other");
    assert_eq!((polls[0].method.as_str(), polls[0].request_id()), ("GET", polls[1].request_id()));
}

#[tokio::test]
async fn a_result_address_on_another_host_is_refused() {
    let stranger = Server::start().await;
    for url in [format!("{}/queries/01a1/result", stranger.address()), "//evil.example/x".to_owned()] {
        let server = Server::start().await;
        server.then_json(QUERY, running("333334", "01a1", &url));
        let error = server.session().await.query("SELECT 1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
    assert!(stranger.all().is_empty());
}

#[tokio::test]
async fn a_submitted_query_can_be_followed_cancelled_and_fetched() {
    let server = Server::start().await;
    server.then_json(QUERY, running("333334", "01a1", "/queries/01a1/result"));
    let session = server.session().await;
    let handle = session.submit("SELECT 1").await.unwrap();
    assert_eq!(handle.query_id(), "01a1");
    let body = &server.asked(QUERY)[0].body;
    assert_eq!(
        (&body["asyncExec"], &body["parameters"]["ABORT_DETACHED_QUERY"]),
        (&json!(true), &json!(false))
    );

    server.then_json("/monitoring/queries/01a1", success(json!({ "queries": [] })));
    server.then_json(
        "/monitoring/queries/01a1",
        success(json!({ "queries": [{ "id": "01a1", "status": "RUNNING", "errorCode": "", "stats": { "producedRows": 7 } }] })),
    );
    assert_eq!(handle.status().await.unwrap().state, QueryState::Unknown);
    let status = session.query_status("01a1").await.unwrap();
    assert_eq!((status.state, status.rows_produced, status.error_code), (QueryState::Running, Some(7), None));

    assert!(handle.cancel().await.unwrap());
    server.then_json("/queries/01a1/abort-request", failure("000605", "not executing"));
    assert!(!session.cancel("01a1").await.unwrap());

    server.then_json("/queries/01a1/result", running("333333", "01a1", "/queries/01a1/result"));
    server.then_json("/queries/01a1/result", rows("01a1", &["x"]));
    assert_eq!(values(&handle.wait().await.unwrap()).await, ["x"]);
}

#[tokio::test]
async fn a_submitted_query_may_be_done_at_once() {
    let server = Server::start().await;
    server.then_json(QUERY, rows("01a1", &["x"]));
    let handle = server.session().await.submit("SELECT 1").await.unwrap();
    assert_eq!(values(&handle.wait().await.unwrap()).await, ["x"]);
    assert_eq!(server.asked("/queries/01a1/result").len(), 0);
}

#[tokio::test]
async fn a_result_is_found_again_by_its_query_id() {
    let server = Server::start().await;
    server.then_json("/queries/01a1/result", rows("01a1", &["x"]));
    let session = server.session().await;
    assert_eq!(values(&session.result("01a1").await.unwrap()).await, ["x"]);
    server.then_json("/queries/01a2/result", failure("612", "Result not found"));
    assert_eq!(session.result("01a2").await.unwrap_err().kind(), ErrorKind::ResultGone);
    for bad in ["", "../session", "01a1/result?x", "01a1%2f", &"a".repeat(65)] {
        assert_eq!(session.result(bad).await.unwrap_err().kind(), ErrorKind::Statement);
    }
}

#[tokio::test]
async fn a_statement_travels_with_its_values_and_settings() {
    let server = Server::start().await;
    server.then_json(QUERY, rows("01a1", &[]));
    let id = Uuid::new_v4();
    let statement = Statement::new("INSERT INTO t VALUES (?, ?)")
        .bind_column(vec![1.into(), Bind::Null])
        .bind_column(vec!["a".into(), "b".into()])
        .query_tag("job 7")
        .parameter("lock_timeout", 5)
        .request_id(id);
    server.session().await.query(statement).await.unwrap();
    let asked = &server.asked(QUERY)[0];
    assert_eq!(asked.request_id(), id.to_string());
    assert_eq!(
        asked.body["bindings"],
        json!({ "1": { "type": "FIXED", "value": ["1", null] }, "2": { "type": "TEXT", "value": ["a", "b"] } })
    );
    assert_eq!(asked.body["parameters"], json!({ "QUERY_TAG": "job 7", "LOCK_TIMEOUT": 5 }));
    assert_eq!(asked.body["sqlText"], "INSERT INTO t VALUES (?, ?)");
    assert_eq!(asked.headers["accept"], "application/snowflake");
    assert_eq!(asked.authorization(), "Snowflake Token=\"session-1\"");
}

#[tokio::test]
async fn a_large_statement_travels_compressed() {
    let server = Server::start().await;
    server.then_json(QUERY, rows("01a1", &[]));
    let statement = Statement::new("SELECT ?").bind("long ".repeat(20_000));
    server.session().await.query(statement).await.unwrap();
    let asked = &server.asked(QUERY)[0];
    assert_eq!(asked.headers["content-encoding"], "gzip");
    assert!(asked.raw.len() < 10_000);
    assert_eq!(asked.body["sqlText"], "SELECT ?");
}

#[tokio::test]
async fn columns_are_described_without_running() {
    let server = Server::start().await;
    let mut reply = rows("01a1", &[]);
    reply["data"]["rowset"] = json!(null);
    server.then_json(QUERY, reply);
    let columns = server.session().await.describe("SELECT v FROM t").await.unwrap();
    assert_eq!(columns.len(), 1);
    assert_eq!(server.asked(QUERY)[0].body["describeOnly"], true);
}

#[tokio::test]
async fn several_statements_in_one_request_are_refused() {
    let server = Server::start().await;
    server.then_json(
        QUERY,
        failure("000008", "Actual statement count 2 did not match the desired statement count 1."),
    );
    let mut parent = rows("01a1", &["Multiple statements executed successfully."]);
    parent["data"]["resultIds"] = json!("01a2,01a3");
    parent["data"]["statementTypeId"] = json!(0xA000);
    server.then_json(QUERY, parent);
    let session = server.session().await;
    for _ in 0..2 {
        let error = session.query("SELECT 1; SELECT 2").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Statement);
    }
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let server = Server::start().await;
    let session = server.session().await;
    for (code, message, kind, remedy) in [
        ("002003", "Object 'DB.S.T' does not exist or not authorized.", ErrorKind::NotFound, "USAGE"),
        ("003001", "Insufficient privileges to operate on table 'T'", ErrorKind::Permission, "privilege"),
        (
            "000606",
            "No active warehouse selected in the current session.",
            ErrorKind::Config,
            "virtual warehouse",
        ),
        ("000604", "SQL execution canceled", ErrorKind::Cancelled, ""),
        ("100038", "Numeric value 'jane' is not recognized", ErrorKind::Data, "column"),
    ] {
        server.then_json(QUERY, failure(code, message));
        let error = session.query("SELECT 1").await.unwrap_err();
        assert_eq!((error.kind(), error.code(), error.query_id()), (kind, Some(code), Some("01a1-f")));
        assert!(error.remedy().unwrap_or_default().contains(remedy), "{code}");
        assert!(!error.to_string().contains("jane"));
    }
}
