//! Expired tokens: renewed once for all, and the loss of a session told.

use std::sync::Arc;

use serde_json::json;
use snowflake::{ErrorKind, Session, Statement};
use tokio::sync::Notify;

use crate::server::{Answer, Asked, LOGIN, QUERY, RENEW, Server, failure, renewed, rows, session_of};

const QUERIES: usize = 20;

/// Takes only the given token.
fn takes(token: &'static str) -> impl Fn(&Asked) -> Option<Answer> + Send {
    move |asked| {
        let is_query = asked.path == QUERY || asked.path.ends_with("/result");
        let is_current = asked.authorization() == format!("Snowflake Token=\"{token}\"");
        (is_query && !is_current).then(|| Answer::Json(failure("390112", "Your session has expired.")))
    }
}

#[tokio::test]
async fn many_queries_share_one_renewal_and_replay_their_own_request() {
    let server = Server::start().await;
    server.rule(takes("session-2"));
    server.rule(|asked| (asked.path == QUERY).then(|| Answer::Json(rows("01a1", &["x"]))));
    server.then_json(RENEW, renewed("session-2", "master-2"));
    let session = server.session().await;
    let queries = (0..QUERIES).map(|_| {
        let session = session.clone();
        tokio::spawn(async move { session.query("SELECT 1").await.unwrap().total_rows() })
    });
    for query in queries.collect::<Vec<_>>() {
        assert_eq!(query.await.unwrap(), 1);
    }
    let renewals = server.asked(RENEW);
    assert_eq!(renewals.len(), 1);
    assert_eq!(renewals[0].authorization(), "Snowflake Token=\"master-1\"");
    assert_eq!(renewals[0].body, json!({ "oldSessionToken": "session-1", "requestType": "RENEW" }));
    let mut ids: Vec<String> =
        server.asked(QUERY).iter().map(|asked| asked.request_id().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), QUERIES, "a replay keeps its request id");
}

#[tokio::test]
async fn a_bare_401_is_an_expired_token() {
    let server = Server::start().await;
    server.then(QUERY, Answer::Status(401, Vec::new(), Vec::new())).then_json(QUERY, rows("01a1", &["x"]));
    server.then_json(RENEW, renewed("session-2", "master-2"));
    server.session().await.query("SELECT 1").await.unwrap();
    assert_eq!(server.asked(QUERY)[1].authorization(), "Snowflake Token=\"session-2\"");
}

#[tokio::test]
async fn a_refused_renewal_means_that_the_session_is_gone() {
    let server = Server::start().await;
    server.rule(takes("session-2"));
    server.then_json(RENEW, failure("390114", "Authentication token has expired."));
    let session = server.session().await;
    let queries: Vec<_> = (0..QUERIES)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.query("SELECT 1").await.unwrap_err() })
        })
        .collect();
    for query in queries {
        assert_eq!(query.await.unwrap().kind(), ErrorKind::SessionExpired);
    }
    assert_eq!((server.asked(RENEW).len(), server.asked(LOGIN).len()), (1, 1));
}

#[tokio::test]
async fn only_a_repeatable_statement_logs_in_anew_and_only_when_allowed() {
    for (relogin, repeatable, is_saved) in [(true, true, true), (true, false, false), (false, true, false)] {
        let server = Server::start().await;
        server.then_json(LOGIN, session_of("session-1", "master-1"));
        server.then_json(LOGIN, session_of("session-9", "master-9"));
        server.rule(takes("session-9"));
        server.rule(|asked| (asked.path == QUERY).then(|| Answer::Json(rows("01a1", &["x"]))));
        server.then_json(RENEW, failure("390115", "gone"));
        let session = Session::connect(server.config().relogin(relogin)).await.unwrap();
        let statement = Statement::new("SELECT 1");
        let statement = if repeatable { statement.repeatable() } else { statement };
        let outcome = session.query(statement).await;
        assert_eq!(outcome.is_ok(), is_saved, "relogin {relogin}, repeatable {repeatable}");
        assert_eq!(server.asked(LOGIN).len(), 1 + usize::from(is_saved));
    }
}

#[tokio::test]
async fn of_many_who_lost_the_session_one_logs_in_anew() {
    let server = Server::start().await;
    server.then_json(LOGIN, session_of("session-1", "master-1"));
    server.then_json(LOGIN, session_of("session-9", "master-9"));
    server.rule(takes("session-9"));
    server.rule(|asked| (asked.path == QUERY).then(|| Answer::Json(rows("01a1", &["x"]))));
    server.then_json(RENEW, failure("390115", "gone"));
    let session = Session::connect(server.config().relogin(true)).await.unwrap();
    let queries: Vec<_> = (0..QUERIES)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(
                async move { session.query(Statement::new("SELECT 1").repeatable()).await.map(|_| ()) },
            )
        })
        .collect();
    for query in queries {
        query.await.unwrap().unwrap();
    }
    assert_eq!(server.asked(LOGIN).len(), 2);
}

#[tokio::test]
async fn new_tokens_survive_the_caller_who_asked_for_them() {
    let server = Server::start().await;
    let moment = Arc::new(Notify::new());
    server.then_json(QUERY, failure("390112", "expired"));
    server.then(
        RENEW,
        Answer::Held(Arc::clone(&moment), Box::new(Answer::Json(renewed("session-2", "master-2")))),
    );
    let session = server.session().await;
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.query("SELECT 1").await.map(|_| ()) }
    });
    server.wait_for(RENEW, 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    moment.notify_one();
    server.rule(takes("session-2"));
    server.then_json(QUERY, rows("01a1", &["x"]));
    session.query("SELECT 1").await.unwrap();
    assert_eq!(server.asked(RENEW).len(), 1);
}

#[tokio::test]
async fn a_renewal_is_not_repeated_for_ever() {
    let server = Server::start().await;
    server.rule(takes("never"));
    for _ in 0..10 {
        server.then_json(RENEW, renewed("session-2", "master-2"));
    }
    let session = server.session().await;
    let error = session.query("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SessionExpired);
    assert!(server.asked(RENEW).len() <= 2);
}
