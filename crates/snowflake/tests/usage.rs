//! What statements take of virtual warehouses, and how that is found out.

use serde_json::{Value, json};
use snowflake::{Session, StatementUse, UsageMeter};

use crate::server::{QUERY, Server, rows, running, success};

async fn metered(server: &Server) -> (Session, UsageMeter) {
    let meter = UsageMeter::default();
    (Session::connect(server.config().usage(meter.clone())).await.unwrap(), meter)
}

fn ran(query_id: &str, size: Value) -> Value {
    success(json!({ "queries": [{
        "id": query_id, "status": "SUCCESS", "startTime": 1_000, "endTime": 4_500, "totalDuration": 3_500,
        "errorCode": "", "warehouseName": "WH", "warehouseExternalSize": size,
    }] }))
}

fn seconds(statement: &StatementUse) -> f64 {
    let time = statement.virtual_warehouse.as_ref().unwrap();
    time.ended_at.duration_since(time.started_at).as_secs_f64()
}

#[tokio::test]
async fn a_log_out_asks_what_each_statement_took_and_sends_no_statement_for_it() {
    let server = Server::start().await;
    server.then_json(QUERY, rows("01a1", &["x"]));
    server.then_json(QUERY, rows("01a2", &["x"]));
    server.then_json("/monitoring/queries/01a1", ran("01a1", json!("Small")));
    server.then_json("/monitoring/queries/01a2", ran("01a2", Value::Null));
    let (session, meter) = metered(&server).await;
    session.query("SELECT 1").await.unwrap();
    session.query("SELECT 2").await.unwrap();
    session.close().await.unwrap();
    assert_eq!(server.asked(QUERY).len(), 2);
    let (statements, further) = meter.take();
    let time = statements[0].virtual_warehouse.clone().unwrap();
    assert_eq!((time.name.as_deref(), time.size.as_deref()), (Some("WH"), Some("Small")));
    assert_eq!((seconds(&statements[0]), further), (3.5, 0));
    assert_eq!(statements[1].virtual_warehouse, None, "without a size it needed none");
    assert!(meter.take().0.is_empty());
}

#[tokio::test]
async fn statements_that_need_no_virtual_warehouse_are_not_asked_about() {
    let server = Server::start().await;
    let mut shown = rows("01a1", &["x"]);
    shown["data"]["statementTypeId"] = json!(0x4400);
    server.then_json(QUERY, shown);
    server.then_json(QUERY, rows("01a2", &[]));
    let (session, meter) = metered(&server).await;
    session.query("SHOW TABLES").await.unwrap();
    session.describe("SELECT 1").await.unwrap();
    session.close().await.unwrap();
    let (statements, _) = meter.take();
    let ids: Vec<&str> = statements.iter().map(|statement| statement.query_id.as_str()).collect();
    assert_eq!(ids, ["01a1", "01a2"]);
    assert!(statements.iter().all(|statement| statement.virtual_warehouse.is_none()));
    assert!(server.all().iter().all(|asked| !asked.path.starts_with("/monitoring")));
}

#[tokio::test]
async fn a_statement_that_failed_or_was_left_counts_and_one_of_an_earlier_run_does_not() {
    let server = Server::start().await;
    let mut failed = crate::server::failure("000604", "canceled");
    failed["data"] = json!({ "queryId": "01a1" });
    server.then_json(QUERY, failed);
    server.then_json(QUERY, running("333334", "01a2", "/queries/01a2/result"));
    server.then_json("/queries/01a3/result", rows("01a3", &["x"]));
    for id in ["01a1", "01a2"] {
        server.then_json(&format!("/monitoring/queries/{id}"), ran(id, json!("X-Small")));
    }
    let (session, meter) = metered(&server).await;
    session.query("SELECT 1").await.unwrap_err();
    session.submit("SELECT 2").await.unwrap();
    session.result("01a3").await.unwrap();
    session.close().await.unwrap();
    let (statements, _) = meter.take();
    assert_eq!(statements.iter().take(2).map(seconds).sum::<f64>(), 7.0);
    assert_eq!(
        statements[2],
        StatementUse { query_id: "01a3".to_owned(), virtual_warehouse: None },
        "its time is that of the run that began it"
    );
}

#[tokio::test]
async fn where_the_account_does_not_say_the_size_is_unknown_and_our_own_clock_counts() {
    let server = Server::start().await;
    server.then_json(QUERY, rows("01a1", &["x"]));
    server.then_json("/monitoring/queries/01a1", crate::server::failure("003001", "not allowed"));
    let (session, meter) = metered(&server).await;
    session.query("SELECT 1").await.unwrap();
    session.close().await.unwrap();
    let (statements, _) = meter.take();
    let time = statements[0].virtual_warehouse.clone().unwrap();
    assert_eq!((time.size, time.name), (None, None));
    assert!(time.ended_at >= time.started_at);
}
