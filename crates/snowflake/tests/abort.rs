//! A query whose caller goes away is cancelled.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use snowflake::{ErrorKind, Statement};
use tokio::sync::Notify;

use crate::server::{ABORT, Answer, QUERY, Server, failure, rows, running, success};

fn never() -> Answer {
    Answer::Held(Arc::new(Notify::new()), Box::new(Answer::Json(success(json!(null)))))
}

#[tokio::test]
async fn dropping_a_running_query_cancels_it() {
    let server = Server::start().await;
    server
        .then_json(QUERY, running("333334", "01a1", "/queries/01a1/result"))
        .then("/queries/01a1/result", never());
    // The first cancellation overtakes the query.
    server.then_json(ABORT, failure("000605", "Identified SQL statement is not currently executing."));
    let session = server.session().await;
    let query = tokio::spawn(async move { session.query("SELECT 1").await.map(|_| ()) });
    server.wait_for("/queries/01a1/result", 1).await;
    query.abort();
    let aborts = server.wait_for(ABORT, 2).await;
    let request_id = server.asked(QUERY)[0].request_id().to_owned();
    for abort in &aborts {
        assert_eq!(abort.body["requestId"], json!(request_id));
        assert_ne!(abort.request_id(), request_id);
    }
}

#[tokio::test]
async fn a_finished_query_is_not_cancelled() {
    let server = Server::start().await;
    server.then_json(QUERY, rows("01a1", &["x"])).then_json(QUERY, failure("001003", "syntax error"));
    let session = server.session().await;
    session.query("SELECT 1").await.unwrap();
    session.query("x").await.unwrap_err();
    session.close().await.unwrap();
    assert!(server.asked(ABORT).is_empty());
}

#[tokio::test]
async fn a_time_limit_is_the_services_to_enforce() {
    let server = Server::start().await;
    server.then_json(
        QUERY,
        failure("000630", "Statement reached its statement or warehouse timeout of 7 second(s)"),
    );
    let statement = Statement::new("SELECT 1").timeout(Duration::from_secs(7));
    let error = server.session().await.query(statement).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(server.asked(QUERY)[0].body["parameters"]["STATEMENT_TIMEOUT_IN_SECONDS"], 7);
}
