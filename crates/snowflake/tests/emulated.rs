//! The client against the emulator: real signatures, real tokens, real chunks.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::{RecordBatch, StringArray};
use emulator::outcome::{Column, Rows, SnowType};
use emulator::{
    Action, Emulator, EmulatorConfig, FaultRule, PublicKey, ResultSizes, Route, RunningEmulator, User,
};
use snowflake::{
    ConnectionConfig, Credentials, Endpoint, ErrorKind, KeyBits, OAuthClient, PrivateKey, QueryResult,
    RetryPolicy, Secret, Session,
};

const TEXT: &str = "SELECT id FROM orders";
const ROWS: usize = 1000;

async fn start() -> RunningEmulator {
    let config = EmulatorConfig {
        users: vec![User::new("SYNC").with_password("p4ssw0rd").with_access_token("a-token")],
        oauth_clients: vec![emulator::OauthClient {
            id: "id".into(),
            secret: "s3cret".into(),
            user: "SYNC".into(),
            token_validity: Duration::from_secs(600),
        }],
        results: ResultSizes { inline_rows_max: 100, chunk_rows_max: 100, ..ResultSizes::default() },
        ..EmulatorConfig::default()
    };
    let emulator = Emulator::start(config).await.unwrap();
    let columns = vec![Column::new("ID", SnowType::Text { length: 20 })];
    let ids = StringArray::from_iter_values((0..ROWS).map(|id| id.to_string()));
    let batch = RecordBatch::try_new(Rows::schema(&columns), vec![Arc::new(ids)]).unwrap();
    emulator.serve_result(TEXT, columns, vec![batch]);
    emulator
}

fn config(emulator: &RunningEmulator, credentials: Credentials) -> ConnectionConfig {
    let retry = RetryPolicy { delay_min: Duration::from_millis(1), ..RetryPolicy::default() };
    ConnectionConfig::new("myorg-acct".parse().unwrap(), "SYNC", credentials)
        .endpoint(Endpoint::parse(emulator.url()).unwrap())
        .allow_http_loopback(true)
        .retry(retry)
}

async fn session(emulator: &RunningEmulator) -> Session {
    Session::connect(config(emulator, Credentials::password("p4ssw0rd"))).await.unwrap()
}

async fn ids(result: &QueryResult) -> Vec<usize> {
    let batches = result.collect().await.unwrap();
    batches
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_string::<i32>()
                .iter()
                .map(|id| id.unwrap().parse().unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test]
async fn a_made_key_logs_in_once_its_public_half_is_set() {
    let emulator = start().await;
    let key = PrivateKey::generate(KeyBits::Rsa2048).unwrap();
    let config = config(&emulator, Credentials::KeyPair(key.clone()));
    let error = Session::connect(config.clone()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("390144")));
    assert!(error.remedy().unwrap().contains("RSA_PUBLIC_KEY_FP"));

    let public = PublicKey::parse(&key.public_key_body().unwrap()).unwrap();
    assert_eq!(public.fingerprint(), key.fingerprint());
    emulator.users().alter("SYNC", |user| user.public_keys[0] = Some(public));
    let session = Session::connect(config).await.unwrap();
    assert_eq!(session.query(TEXT).await.unwrap().total_rows(), ROWS as u64);
    session.close().await.unwrap();
    assert_eq!(emulator.session_count(), 0);
}

#[tokio::test]
async fn tokens_of_every_kind_log_in() {
    let emulator = start().await;
    let client = OAuthClient {
        token_url: format!("{}/oauth/token-request", emulator.url()),
        client_id: "id".into(),
        client_secret: Secret::new("s3cret"),
        scope: None,
    };
    for credentials in
        [Credentials::ProgrammaticAccessToken(Secret::new("a-token")), Credentials::OAuthClient(client)]
    {
        let name = credentials.name();
        Session::connect(config(&emulator, credentials))
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test]
async fn a_statement_whose_reply_is_lost_runs_once() {
    let emulator = start().await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::DropAfter));
    let session = session(&emulator).await;
    let result = session.query(TEXT).await.unwrap();
    assert_eq!(ids(&result).await, (0..ROWS).collect::<Vec<_>>());
    let asked: Vec<_> =
        emulator.requests().into_iter().filter(|request| request.route == Route::Query).collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].query["requestId"], asked[1].query["requestId"]);
}

#[tokio::test]
async fn an_expired_session_goes_on_where_it_was() {
    let emulator = start().await;
    let session = session(&emulator).await;
    emulator.clock().advance(Duration::from_secs(3601));
    assert_eq!(session.query(TEXT).await.unwrap().total_rows(), ROWS as u64);
    emulator.clock().advance(Duration::from_secs(5 * 3600));
    assert_eq!(session.query(TEXT).await.unwrap_err().kind(), ErrorKind::SessionExpired);
}

#[tokio::test]
async fn another_session_takes_up_a_result_in_the_middle() {
    let emulator = start().await;
    let first = session(&emulator).await;
    let handle = first.submit(TEXT).await.unwrap();
    let query_id = handle.query_id().to_owned();
    assert_eq!(ids(&handle.wait().await.unwrap()).await.len(), ROWS);
    drop((handle, first));

    let second = session(&emulator).await;
    let result = second.result(&query_id).await.unwrap();
    assert!(result.chunk_count() > 3);
    assert_eq!(ids(&result).await, (0..ROWS).collect::<Vec<_>>());
    emulator.clock().advance(Duration::from_secs(25 * 3600));
    let third = session(&emulator).await;
    assert_eq!(third.result(&query_id).await.unwrap_err().kind(), ErrorKind::ResultGone);
}

#[tokio::test]
async fn expired_links_are_replaced_without_running_again() {
    let emulator = start().await;
    emulator.faults().add(FaultRule::on(Route::Chunk, Action::ExpireChunkLinks));
    let session = session(&emulator).await;
    let result = session.query(TEXT).await.unwrap();
    assert_eq!(ids(&result).await, (0..ROWS).collect::<Vec<_>>());
    let routes: Vec<Route> = emulator.requests().iter().map(|request| request.route).collect();
    assert_eq!(routes.iter().filter(|route| **route == Route::Query).count(), 1);
    assert!(routes.contains(&Route::Result));
}

#[tokio::test]
async fn a_result_outlives_the_session_that_asked_for_it() {
    for relogin in [false, true] {
        let emulator = start().await;
        let config = config(&emulator, Credentials::password("p4ssw0rd")).relogin(relogin);
        let session = Session::connect(config).await.unwrap();
        let result = session.query(TEXT).await.unwrap();
        emulator.faults().add(FaultRule::on(Route::Chunk, Action::ExpireChunkLinks));
        emulator.faults().add(FaultRule::on(Route::Result, Action::EndSession));
        match result.collect().await {
            Ok(batches) => {
                assert!(relogin);
                assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), ROWS);
            }
            Err(error) => assert_eq!((relogin, error.kind()), (false, ErrorKind::SessionExpired)),
        }
    }
}

#[tokio::test]
async fn a_dropped_query_stops_at_the_service() {
    let emulator = start().await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::HoldExecution { gate: "running".into() }));
    let session = session(&emulator).await;
    let query = tokio::spawn({
        let session = session.clone();
        async move { session.query(TEXT).await.map(|_| ()) }
    });
    emulator.faults().reached("running", 1).await;
    query.abort();
    let aborted = async {
        while !emulator
            .requests()
            .iter()
            .any(|request| request.route == Route::Abort && request.status == Some(200))
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), aborted).await.expect("the query was cancelled");
}

#[tokio::test]
async fn a_cancelled_query_says_so() {
    let emulator = start().await;
    emulator.faults().add(FaultRule::on(Route::Query, Action::HoldExecution { gate: "running".into() }));
    let session = session(&emulator).await;
    let handle = session.submit(TEXT).await.unwrap();
    assert!(handle.status().await.unwrap().state.is_unfinished());
    assert!(handle.cancel().await.unwrap());
    assert_eq!(handle.wait().await.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(!session.cancel(handle.query_id()).await.unwrap());
}
