//! Statements from submission to the last fetch of their results.

use std::time::Duration;

use arrow_array::cast::AsArray;
use emulator::{Action, CannedResult, EmulatorConfig, FaultRule, Route};
use serde_json::json;

use crate::client::{Client, config, inline_batches, start, start_with, uuid};
use crate::rows::{self, INTEGER, TEXT};

/// Long enough for the machine, short enough for a test.
const HOLD: Duration = Duration::from_millis(50);

fn held(text: &str) -> FaultRule {
    FaultRule::on(Route::Query, Action::HoldExecution { gate: "gate".to_owned() }).statement(text)
}

#[tokio::test]
async fn select_one_comes_back_as_arrow() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("select 1").await.succeeded();
    assert_eq!(reply.data()["queryResultFormat"], "arrow");
    assert_eq!(reply.data()["total"], 1);
    assert_eq!(inline_batches(&reply)[0].num_rows(), 1);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_ones_result() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let id = uuid();
    let first = client.submit(&id, json!({ "sqlText": "select 1" })).await.succeeded();
    let second = client.submit(&id, json!({ "sqlText": "select 1" })).await.succeeded();
    assert_eq!(first.data()["queryId"], second.data()["queryId"]);
    let other = client.query("select 1").await.succeeded();
    assert_ne!(first.data()["queryId"], other.data()["queryId"]);
}

#[tokio::test]
async fn a_repeat_of_a_running_request_waits_for_it_instead_of_running_twice() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(held("select 1"));
    let id = uuid();
    let body = json!({ "sqlText": "select 1" });
    let (first, second, ()) =
        tokio::join!(client.submit(&id, body.clone()), client.submit(&id, body), async {
            emulator.faults().reached("gate", 1).await;
            emulator.faults().release("gate");
        });
    assert_eq!(first.succeeded().data()["queryId"], second.succeeded().data()["queryId"]);
}

#[tokio::test]
async fn a_statement_longer_than_the_hold_is_polled_for() {
    let emulator = start_with(EmulatorConfig { hold: HOLD, ..config() }).await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(held("select 1"));
    let first = client.query("select 1").await.succeeded();
    assert_eq!(first.code(), "333333");
    let url = first.data()["getResultUrl"].as_str().unwrap();
    let second = client.get(url).await.succeeded();
    assert_eq!(second.code(), "333334");
    assert_eq!(second.data()["queryId"], first.data()["queryId"]);
    let (third, ()) = tokio::join!(client.get(url), async { emulator.faults().release("gate") });
    assert_eq!(third.succeeded().data()["total"], 1);
}

#[tokio::test]
async fn an_asynchronous_statement_is_monitored_and_fetched_by_its_id() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(held("select 1"));
    let reply = client.submit(&uuid(), json!({ "sqlText": "select 1", "asyncExec": true })).await.succeeded();
    assert_eq!(reply.code(), "333334");
    let id = reply.data()["queryId"].as_str().unwrap();
    emulator.faults().reached("gate", 1).await;
    let state = client.get(&format!("/monitoring/queries/{id}")).await.succeeded();
    assert_eq!(state.data()["queries"][0]["status"], "RUNNING");
    emulator.faults().release("gate");
    let result = client.get(&format!("/queries/{id}/result")).await.succeeded();
    assert_eq!(result.data()["queryId"], id);
    let state = client.get(&format!("/monitoring/queries//{id}")).await.succeeded();
    assert_eq!(state.data()["queries"][0]["status"], "SUCCESS");
    let nothing = client.get("/monitoring/queries/01c0").await.succeeded();
    assert_eq!(nothing.data()["queries"], json!([]));
}

#[tokio::test]
async fn a_failed_asynchronous_statement_says_so_when_it_is_fetched() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.submit(&uuid(), json!({ "sqlText": "selec 1", "asyncExec": true })).await.succeeded();
    let id = reply.data()["queryId"].as_str().unwrap();
    let result = client.get(&format!("/queries/{id}/result")).await;
    assert_eq!(result.code(), "001003");
    let state = client.get(&format!("/monitoring/queries/{id}")).await;
    assert_eq!(state.data()["queries"][0]["status"], "FAILED_WITH_ERROR");
    assert_eq!(state.data()["queries"][0]["errorCode"], "001003");
}

#[tokio::test]
async fn an_aborted_statement_ends_with_000604_and_cannot_be_aborted_again() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(held("select 1"));
    let id = uuid();
    let abort = json!({ "sqlText": "select 1", "requestId": id });
    let (reply, aborted) = tokio::join!(client.submit(&id, json!({ "sqlText": "select 1" })), async {
        emulator.faults().reached("gate", 1).await;
        client.post("/queries/v1/abort-request?requestId=1", abort.clone()).await
    });
    aborted.succeeded();
    assert_eq!(reply.code(), "000604");
    assert_eq!(reply.data()["sqlState"], "57014");
    assert_eq!(client.post("/queries/v1/abort-request?requestId=2", abort).await.code(), "000605");
}

#[tokio::test]
async fn a_statement_is_aborted_by_its_own_id() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(held("select 1"));
    let reply = client.submit(&uuid(), json!({ "sqlText": "select 1", "asyncExec": true })).await;
    let id = reply.data()["queryId"].as_str().unwrap();
    client.post(&format!("/queries/{id}/abort-request"), json!({})).await.succeeded();
    assert_eq!(client.get(&format!("/queries/{id}/result")).await.code(), "000604");
}

#[tokio::test]
async fn a_statement_past_its_timeout_ends_with_000630() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(held("select 1"));
    let body = json!({ "sqlText": "select 1", "parameters": { "STATEMENT_TIMEOUT_IN_SECONDS": 1 } });
    let reply = client.submit(&uuid(), body).await;
    assert_eq!(reply.code(), "000630");
    assert!(reply.body["message"].as_str().unwrap().contains("timeout of 1 second(s)"));
}

#[tokio::test]
async fn a_session_runs_one_statement_at_a_time() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(held("select 1"));
    let first = client.submit(&uuid(), json!({ "sqlText": "select 1", "asyncExec": true })).await;
    emulator.faults().reached("gate", 1).await;
    let second = client.submit(&uuid(), json!({ "sqlText": "select 2", "asyncExec": true })).await;
    let path = format!("/monitoring/queries/{}", second.data()["queryId"].as_str().unwrap());
    assert_eq!(client.get(&path).await.data()["queries"][0]["status"], "QUEUED");
    let other = Client::logged_in(&emulator).await;
    other.query("select 3").await.succeeded();
    emulator.faults().release("gate");
    let path = format!("/queries/{}/result", second.data()["queryId"].as_str().unwrap());
    client.get(&path).await.succeeded();
    let path = format!("/queries/{}/result", first.data()["queryId"].as_str().unwrap());
    client.get(&path).await.succeeded();
}

#[tokio::test]
async fn logging_out_stops_the_statements_that_somebody_waits_for() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.faults().add(held("select 1"));
    let (reply, out) = tokio::join!(client.query("select 1"), async {
        emulator.faults().reached("gate", 1).await;
        client.post("/session?delete=true", json!({})).await
    });
    out.succeeded();
    assert_eq!(reply.code(), "000604");
}

#[tokio::test]
async fn a_result_can_be_fetched_for_a_day_and_then_no_more() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("select 1").await;
    let path = format!("/queries/{}/result", reply.data()["queryId"].as_str().unwrap());
    client.get(&path).await.succeeded();
    emulator.clock().advance(Duration::from_secs(24 * 3600));
    let later = Client::logged_in(&emulator).await;
    assert_eq!(later.get(&path).await.code(), "000612");
}

#[tokio::test]
async fn describing_gives_the_columns_and_runs_nothing() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let reply =
        client.submit(&uuid(), json!({ "sqlText": "select 1", "describeOnly": true })).await.succeeded();
    assert_eq!(reply.data()["rowtype"][0]["type"], "fixed");
    assert_eq!(reply.data()["total"], 0);
    assert_eq!(reply.data()["rowsetBase64"], "");
}

#[tokio::test]
async fn several_statements_at_once_must_be_announced_and_have_a_result_each() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let text = "select 1; select 2;";
    assert_eq!(client.query(text).await.code(), "000008");
    let body = json!({ "sqlText": text, "parameters": { "MULTI_STATEMENT_COUNT": 2 } });
    let reply = client.submit(&uuid(), body).await.succeeded();
    assert_eq!(reply.data()["statementTypeId"], 0xA000);
    assert_eq!(reply.data()["resultTypes"], "4096,4096");
    for (id, name) in reply.data()["resultIds"].as_str().unwrap().split(',').zip(["1", "2"]) {
        let result = client.get(&format!("/queries/{id}/result")).await.succeeded();
        assert_eq!(result.data()["rowtype"][0]["name"], name);
    }
}

#[tokio::test]
async fn a_failing_statement_says_code_state_and_query_id() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("selec 1").await;
    assert_eq!(reply.body["success"], false);
    assert_eq!(reply.code(), "001003");
    assert_eq!(reply.data()["sqlState"], "42000");
    assert_eq!(reply.data()["errorCode"], "001003");
    assert!(reply.data()["queryId"].as_str().unwrap().starts_with("01c"));
}

#[tokio::test]
async fn a_change_answers_in_json_with_its_counts_whatever_the_client_asked() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let ty = emulator::outcome::SnowType::Fixed { precision: 19, scale: 0 };
    let (columns, batches) =
        rows::columns(vec![("number of rows inserted", ty, rows::decimals([Some(3)], 19, 0))]);
    let stats = Some(emulator::outcome::DmlStats { inserted: 3, ..Default::default() });
    let text = "insert into t values (1), (2), (3)";
    emulator.serve_canned(
        text,
        CannedResult { columns, batches, statement_type_id: 0x3100, is_json_forced: true, stats },
    );
    let reply = client.query(text).await.succeeded();
    assert_eq!(reply.data()["rowset"], json!([["3"]]));
    assert_eq!(reply.data()["stats"]["numRowsInserted"], 3);
    assert_eq!(reply.data()["arrayBindSupported"], true);
    assert_eq!(reply.data()["queryResultFormat"], "json");
}

#[tokio::test]
async fn each_client_family_gets_the_format_it_reads() {
    let emulator = start().await;
    let (columns, batches) = rows::columns(vec![
        ("A", INTEGER, rows::integers([Some(1)])),
        ("B", TEXT, rows::texts(&[Some("x")])),
    ]);
    emulator.serve_result("select *", columns, batches);
    let json_go = json!({ "GO_QUERY_RESULT_FORMAT": "JSON" });
    let cases = [
        ("Go", json!({}), "arrow"),
        ("PythonConnector", json!({}), "arrow"),
        ("JavaScript", json!({}), "json"),
        ("SomethingElse", json!({}), "json"),
        ("SomethingElse", json!({ "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "ARROW" }), "arrow"),
        ("Go", json_go.clone(), "json"),
        ("PythonConnector", json_go, "arrow"),
    ];
    for (family, parameters, format) in cases {
        let client = Client::logged_in_as(&emulator, family, parameters.clone()).await;
        let reply = client.query("select *").await.succeeded();
        assert_eq!(reply.data()["queryResultFormat"], format, "{family} {parameters}");
    }
    let client = Client::logged_in(&emulator).await;
    let body = json!({ "sqlText": "select *", "parameters": { "GO_QUERY_RESULT_FORMAT": "JSON" } });
    assert_eq!(client.submit(&uuid(), body).await.data()["rowset"], json!([["1", "x"]]));
}

#[tokio::test]
async fn the_query_history_tells_whether_a_tagged_statement_runs_or_ended_and_how() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    for setup in ["create warehouse if not exists wh", "create database if not exists d"] {
        client.query(setup).await.succeeded();
    }
    let asking = Client::logged_in(&emulator).await;
    asking.query("use warehouse wh").await.succeeded();
    emulator.faults().add(held("select 7"));
    let status = async |tag: &str| {
        let text = format!(
            "select execution_status from table(d.information_schema.query_history()) where query_tag = '{tag}'"
        );
        let reply = asking.query(&text).await.succeeded();
        inline_batches(&reply)[0].column(0).as_string::<i32>().value(0).to_owned()
    };
    let tagged = |text: &str, tag: &str| json!({ "sqlText": text, "parameters": { "QUERY_TAG": tag } });
    let id = uuid();
    let (first, ()) = tokio::join!(client.submit(&id, tagged("select 7", "push-1")), async {
        emulator.faults().reached("gate", 1).await;
        assert_eq!(status("push-1").await, "RUNNING");
        emulator.faults().release("gate");
    });
    first.succeeded();
    let second = client.submit(&uuid(), tagged("select nonsense", "push-2")).await;
    assert_eq!(second.body["success"], false);
    assert_eq!(status("push-1").await, "SUCCESS");
    assert_eq!(status("push-2").await, "FAILED_WITH_ERROR");
}
