//! Tokens over their life: shown, renewed, expired, given back.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::{Client, reply_of, start};

#[tokio::test]
async fn a_request_without_or_with_an_unknown_token_is_401() {
    let emulator = start().await;
    let client = Client::new(&emulator);
    let bare = client.bare(Method::POST, "/queries/v1/query-request").json(&json!({ "sqlText": "select 1" }));
    let reply = reply_of(bare).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::UNAUTHORIZED, "390101"));
    let reply = client.query("select 1").await;
    assert_eq!((reply.status, reply.code()), (StatusCode::UNAUTHORIZED, "390104"));
}

#[tokio::test]
async fn an_expired_session_token_is_renewed_with_the_master_token_and_both_change() {
    let emulator = start().await;
    let mut client = Client::logged_in(&emulator).await;
    emulator.clock().advance(Duration::from_secs(3600));
    let reply = client.query("select 1").await;
    assert_eq!((reply.status, reply.code()), (StatusCode::OK, "390112"));

    let renewed = client.renew().await.succeeded();
    assert_eq!(renewed.data()["validityInSecondsST"], 3600);
    assert_eq!(renewed.data()["validityInSecondsMT"], 14400);
    let old = client.clone();
    client.token = renewed.data()["sessionToken"].as_str().unwrap().to_owned();
    client.master = renewed.data()["masterToken"].as_str().unwrap().to_owned();
    client.query("select 1").await.succeeded();
    assert_eq!(old.query("select 1").await.code(), "390112", "the old session token is no longer good");
    assert_eq!(old.renew().await.code(), "390115", "the old master token is no longer good");
}

#[tokio::test]
async fn an_expired_master_token_cannot_renew() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.clock().advance(Duration::from_secs(4 * 3600));
    assert_eq!(client.renew().await.code(), "390114");
}

#[tokio::test]
async fn a_heartbeat_keeps_the_master_token_from_expiring() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    emulator.clock().advance(Duration::from_secs(3599));
    client.post("/session/heartbeat?requestId=1", json!({})).await.succeeded();
    emulator.clock().advance(Duration::from_secs(4 * 3600 - 1));
    client.renew().await.succeeded();
}

#[tokio::test]
async fn a_session_token_is_not_a_master_token_nor_the_other_way_round() {
    let emulator = start().await;
    let mut client = Client::logged_in(&emulator).await;
    std::mem::swap(&mut client.token, &mut client.master);
    assert_eq!(client.query("select 1").await.code(), "390104");
    assert_eq!(client.renew().await.code(), "390113");
}

#[tokio::test]
async fn a_session_that_logged_out_is_gone() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    client.post("/session?delete=true", json!({})).await.succeeded();
    assert_eq!(client.query("select 1").await.code(), "390111");
    assert_eq!(emulator.session_count(), 0);
}

#[tokio::test]
async fn a_session_nobody_can_renew_ends() {
    let emulator = start().await;
    let idle = Client::logged_in(&emulator).await;
    emulator.clock().advance(Duration::from_secs(4 * 3600));
    let client = Client::logged_in(&emulator).await;
    assert_eq!(emulator.session_count(), 1);
    client.query("select 1").await.succeeded();
    assert_eq!(idle.query("select 1").await.code(), "390111");
    assert_eq!(idle.renew().await.code(), "390114");
}

#[tokio::test]
async fn telemetry_is_taken_and_ignored() {
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    client.post("/telemetry/send", json!({ "logs": [] })).await.succeeded();
    client.post("/telemetry/send/sessionless", json!({ "logs": [] })).await.succeeded();
}
