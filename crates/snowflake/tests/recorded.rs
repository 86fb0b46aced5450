//! Replies that the real service once sent. Skipped, with a message, where the recording is not at hand.

use std::path::PathBuf;

use serde_json::Value;
use snowflake::{ErrorKind, Session};

use crate::server::{LOGIN, QUERY, Server};

fn exchanges() -> Option<Vec<Value>> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = std::env::var_os("SNOWFERRY_RECORDED").map(PathBuf::from).into_iter();
    let folders = folders.chain(here.ancestors().map(|folder| folder.join("shared/recorded")));
    let text = folders
        .map(|folder| folder.join("exchanges.jsonl"))
        .find_map(|path| std::fs::read_to_string(path).ok());
    match text {
        Some(text) => Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()),
        None => {
            eprintln!("skipped: no recorded exchanges; set SNOWFERRY_RECORDED to their folder");
            None
        }
    }
}

#[tokio::test]
async fn the_recorded_log_in_opens_a_session() {
    let Some(exchanges) = exchanges() else { return };
    let login = exchanges.iter().find(|exchange| exchange["path"] == LOGIN).unwrap();
    let server = Server::start().await;
    server.then_json(LOGIN, login["response"].clone());
    let session = server.session().await;
    assert_eq!(session.session_id(), 11_812_616_059_064_790);
    assert_eq!(session.server_version(), Some("6.4.1"));
    let context = session.context();
    assert_eq!(context.database.as_deref(), Some("SAMPLE_SOURCES_001"));
    assert_eq!(context.role.as_deref(), Some("SYSADMIN"));
}

#[tokio::test]
async fn every_recorded_query_reply_is_read() {
    let Some(exchanges) = exchanges() else { return };
    let server = Server::start().await;
    let session: Session = server.session().await;
    let mut successes = 0;
    for exchange in exchanges.iter().filter(|exchange| exchange["path"] == QUERY) {
        let reply = &exchange["response"];
        server.then_json(QUERY, reply.clone());
        let outcome = session.query("SELECT 1").await;
        if reply["success"] == true {
            let result = outcome.unwrap_or_else(|error| panic!("{error}: {}", reply["data"]["queryId"]));
            assert_eq!(result.query_id(), reply["data"]["queryId"]);
            successes += 1;
        } else {
            let error = outcome.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Statement, Some("000006")));
            assert_eq!(error.sql_state(), Some("0A000"));
            assert_eq!(error.query_id(), reply["data"]["queryId"].as_str());
        }
    }
    assert!(successes > 60, "{successes}");
}
