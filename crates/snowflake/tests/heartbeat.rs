//! The session's life: kept while it is open, ended when it is closed.

use serde_json::json;
use snowflake::{ErrorKind, Session};

use crate::server::{HEARTBEAT, LOGIN, LOGOUT, Server, failure, session_of};

#[tokio::test]
async fn an_idle_session_is_kept_alive() {
    let server = Server::start().await;
    let mut reply = session_of("session-1", "master-1");
    reply["data"]["masterValidityInSeconds"] = json!(1);
    server.then_json(LOGIN, reply);
    let session = Session::connect(server.config().keep_alive(true)).await.unwrap();
    let beats = server.wait_for(HEARTBEAT, 2).await;
    assert_eq!(beats[0].method, "POST");
    assert_eq!(beats[0].authorization(), "Snowflake Token=\"session-1\"");
    assert_eq!(server.asked(LOGIN)[0].body["data"]["SESSION_PARAMETERS"]["CLIENT_SESSION_KEEP_ALIVE"], true);
    session.close().await.unwrap();
}

#[tokio::test]
async fn closing_logs_out_for_all_clones() {
    let server = Server::start().await;
    let session = server.session().await;
    let clone = session.clone();
    session.close().await.unwrap();
    let asked = &server.asked(LOGOUT)[0];
    assert_eq!((asked.method.as_str(), asked.query["delete"].as_str()), ("POST", "true"));
    assert_eq!(asked.body, json!({}));
    assert_eq!(clone.query("SELECT 1").await.unwrap_err().kind(), ErrorKind::SessionExpired);
    clone.close().await.unwrap();
    assert_eq!(server.asked(LOGOUT).len(), 1);
}

#[tokio::test]
async fn a_session_that_is_gone_already_counts_as_closed() {
    let server = Server::start().await;
    server.then_json(LOGOUT, failure("390111", "Session no longer exists."));
    server.session().await.close().await.unwrap();
}
