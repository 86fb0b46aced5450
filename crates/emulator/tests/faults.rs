//! Faults on demand: each does what its name says, and only to the requests that its rule matches.

use emulator::{Action, EmulatorConfig, FaultRule, ResultSizes, Route, RunningEmulator};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::{Client, arrow_batches, config, inline_batches, reply_of, start, start_with, uuid};
use crate::rows::{self, INTEGER};

async fn with_chunks() -> (RunningEmulator, Client) {
    let results = ResultSizes { inline_rows_max: 10, chunk_rows_max: 50, ..ResultSizes::default() };
    let emulator = start_with(EmulatorConfig { results, ..config() }).await;
    let (columns, batches) = rows::one_column(INTEGER, rows::integers((0..100).map(Some)));
    emulator.serve_result("select *", columns, batches);
    let client = Client::logged_in(&emulator).await;
    (emulator, client)
}

#[tokio::test]
async fn a_status_answers_in_place_of_the_statement_which_does_not_run() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator
        .faults()
        .add(FaultRule::on(Route::Query, Action::Status { status: 429, retry_after_s: Some(7) }));
    let id = uuid();
    let request = client
        .request(Method::POST, &format!("/queries/v1/query-request?requestId={id}"))
        .json(&json!({ "sqlText": "select 1" }));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "7");
    let aborted = client.post("/queries/v1/abort-request", json!({ "requestId": id })).await;
    assert_eq!(aborted.code(), "000605", "nothing runs under the request id");
    client.query("select 1").await.succeeded();
}

#[tokio::test]
async fn a_connection_dropped_before_leaves_nothing_behind() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::DropBefore));
    let request = client.request(Method::POST, "/queries/v1/query-request?requestId=1");
    assert!(request.json(&json!({ "sqlText": "select 1" })).send().await.is_err());
    client.query("select 1").await.succeeded();
    let statuses: Vec<_> = emulator.requests().iter().map(|request| request.route).collect();
    assert_eq!(statuses, [Route::Login, Route::Query, Route::Query]);
}

#[tokio::test]
async fn a_connection_dropped_after_leaves_a_statement_that_the_same_request_finds() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(
        FaultRule::on(Route::Query, Action::HoldReply { gate: "reply".to_owned() }).and(Action::DropAfter),
    );
    let body = json!({ "sqlText": "select 1", "asyncExec": true });
    let request = client.request(Method::POST, "/queries/v1/query-request?requestId=1").json(&body);
    let (lost, ()) = tokio::join!(request.send(), async {
        emulator.faults().reached("reply", 1).await;
        emulator.faults().release("reply");
    });
    assert!(lost.is_err(), "no reply came");
    emulator.faults().add(FaultRule::on(Route::Query, Action::HoldExecution { gate: "run".to_owned() }));
    let found = client.submit("1", body).await.succeeded();
    let path = format!("/queries/{}/result", found.data()["queryId"].as_str().unwrap());
    client.get(&path).await.succeeded();
}

#[tokio::test]
async fn an_expired_session_is_renewed_and_goes_on() {
    let emulator = start().await;
    let mut client = Client::logged_in(&emulator).await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::ExpireSession).statement("select 2"));
    client.query("select 1").await.succeeded();
    assert_eq!(client.query("select 2").await.code(), "390112");
    let renewed = client.renew().await.succeeded();
    client.token = renewed.data()["sessionToken"].as_str().unwrap().to_owned();
    client.query("select 2").await.succeeded();
}

#[tokio::test]
async fn an_expired_master_token_ends_in_390114_and_an_ended_session_in_390111() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::ExpireMaster));
    assert_eq!(client.query("select 1").await.code(), "390112");
    assert_eq!(client.renew().await.code(), "390114");
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::EndSession));
    assert_eq!(client.query("select 1").await.code(), "390111");
}

#[tokio::test]
async fn an_error_reply_has_the_code_that_the_rule_gives() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let error = Action::Error {
        code: "000606".to_owned(),
        sql_state: Some("57P03".to_owned()),
        message: "No active warehouse selected in the current session.".to_owned(),
    };
    emulator.faults().add(FaultRule::on(Route::Query, error));
    let reply = client.query("select 1").await;
    assert_eq!((reply.status, reply.code()), (StatusCode::OK, "000606"));
    assert_eq!(reply.data()["sqlState"], "57P03");
}

#[tokio::test]
async fn expired_chunk_links_stay_refused_until_the_result_is_fetched_again() {
    let (emulator, client) = with_chunks().await;
    let reply = client.query("select *").await.succeeded();
    emulator
        .faults()
        .add(FaultRule::on(Route::Chunk, Action::ExpireChunkLinks).statement("select *").skip(1));
    assert_eq!(client.chunk(&reply, 0).await.status(), StatusCode::OK);
    assert_eq!(client.chunk(&reply, 1).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(client.chunk(&reply, 1).await.status(), StatusCode::FORBIDDEN);
    let path = format!("/queries/{}/result", reply.data()["queryId"].as_str().unwrap());
    let fresh = client.get(&path).await.succeeded();
    assert_eq!(client.chunk(&fresh, 1).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_truncated_chunk_ends_in_the_middle_of_its_compression() {
    let (emulator, client) = with_chunks().await;
    let reply = client.query("select *").await.succeeded();
    emulator.faults().add(FaultRule::on(Route::Chunk, Action::Truncate { bytes: 40 }));
    assert!(client.chunk(&reply, 0).await.bytes().await.is_err());
    assert!(client.chunk(&reply, 0).await.bytes().await.is_ok());
}

#[tokio::test]
async fn a_cut_body_breaks_the_connection_in_the_middle() {
    let (emulator, client) = with_chunks().await;
    let reply = client.query("select *").await.succeeded();
    emulator.faults().add(FaultRule::on(Route::Chunk, Action::CutBody { bytes: 40 }));
    assert!(client.chunk(&reply, 0).await.bytes().await.is_err());
}

#[tokio::test]
async fn a_chunk_with_fewer_rows_is_otherwise_valid() {
    let (emulator, client) = with_chunks().await;
    let reply = client.query("select *").await.succeeded();
    emulator.faults().add(FaultRule::on(Route::Chunk, Action::KeepRows { rows: 7 }));
    let body = client.chunk(&reply, 0).await.bytes().await.unwrap();
    assert_eq!(arrow_batches(&body).iter().map(|batch| batch.num_rows()).sum::<usize>(), 7);
    let json = Client::logged_in_as(&emulator, "JavaScript", json!({})).await;
    let reply = json.query("select *").await.succeeded();
    emulator.faults().add(FaultRule::on(Route::Chunk, Action::KeepRows { rows: 2 }));
    assert_eq!(json.chunk(&reply, 0).await.text().await.unwrap(), "[\"10\"],[\"11\"]");
}

#[tokio::test]
async fn a_reply_with_fewer_rows_inside_keeps_its_total() {
    let (emulator, client) = with_chunks().await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::KeepInlineRows { rows: 0 }));
    emulator.faults().add(FaultRule::on(Route::Query, Action::KeepInlineRows { rows: 3 }));
    let reply = client.query("select *").await.succeeded();
    assert_eq!((&reply.data()["rowsetBase64"], &reply.data()["total"]), (&json!(""), &json!(100)));
    let reply = client.query("select *").await.succeeded();
    assert_eq!(inline_batches(&reply)[0].num_rows(), 3);
    let path = format!("/queries/{}/result", reply.data()["queryId"].as_str().unwrap());
    assert_eq!(inline_batches(&client.get(&path).await)[0].num_rows(), 10, "fetching again heals it");
}

#[tokio::test]
async fn a_truncated_reply_is_not_json() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::Truncate { bytes: 100 }));
    let reply = client.query("select 1").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.body.is_string(), "not parsed");
}

#[tokio::test]
async fn an_ended_statement_can_claim_to_be_running() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::StillRunning));
    emulator.faults().add(FaultRule::on(Route::Result, Action::StillRunning).times(2));
    let reply = client.query("select 1").await.succeeded();
    let url = reply.data()["getResultUrl"].as_str().unwrap();
    let codes = [client.get(url).await, client.get(url).await, client.get(url).await];
    assert_eq!(codes.map(|reply| reply.code().to_owned()), ["333333", "333333", ""]);
}

#[tokio::test]
async fn a_chunk_can_come_without_saying_that_it_is_compressed() {
    let (emulator, client) = with_chunks().await;
    let reply = client.query("select *").await.succeeded();
    emulator.faults().add(FaultRule::on(Route::Chunk, Action::OmitContentEncoding));
    let response = client.chunk(&reply, 0).await;
    assert!(!response.headers().contains_key("content-encoding"));
    assert_eq!(&response.bytes().await.unwrap()[..2], [0x1f, 0x8b]);
}

#[tokio::test]
async fn a_held_log_in_waits_for_its_gate() {
    let emulator = start().await;
    emulator.faults().add(FaultRule::on(Route::Login, Action::Hold { gate: "door".to_owned() }));
    let (client, ()) = tokio::join!(Client::logged_in(&emulator), async {
        emulator.faults().reached("door", 1).await;
        assert_eq!(emulator.session_count(), 0);
        emulator.faults().release("door");
    });
    client.query("select 1").await.succeeded();
}

#[tokio::test]
async fn faults_and_the_request_log_work_over_http_too() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let rule = json!({ "route": "query", "statement": "SELECT 1", "actions": [{ "kind": "status", "status": 503 }] });
    let added = client.bare(Method::POST, "/emulator/faults").json(&rule).send().await.unwrap();
    assert_eq!(added.status(), StatusCode::NO_CONTENT);
    assert_eq!(client.query("select 1").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let log = reply_of(client.bare(Method::GET, "/emulator/requests")).await;
    let entry = log.body.as_array().unwrap().iter().find(|entry| entry["route"] == "query").unwrap();
    assert_eq!((&entry["status"], &entry["faults"]), (&json!(503), &json!(["status"])));
    assert_eq!(entry["headers"]["authorization"], "Snowflake", "the token is left out");
    let wrong = client.bare(Method::POST, "/emulator/faults").json(&json!({ "rout": "query" }));
    assert_eq!(wrong.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn shutting_down_frees_the_port_while_a_statement_runs() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::HoldExecution { gate: "run".to_owned() }));
    let running = tokio::spawn(async move { client.query("select 1").await.body });
    emulator.faults().reached("run", 1).await;
    let address = emulator.address();
    emulator.shutdown().await;
    assert!(std::net::TcpListener::bind(address).is_ok());
    running.abort();
}
