//! Logging in: what is sent for each kind of proof, and what each refusal becomes.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use snowflake::{Credentials, ErrorKind, PrivateKey, Secret, Session};

use crate::server::{Answer, Asked, LOGIN, Server, failure, logged_in, success};

const KEY: &str = include_str!("keys/plain.p8");

fn key() -> PrivateKey {
    PrivateKey::parse(KEY, None).unwrap()
}

/// Checks the signature and returns the claims.
fn claims(asked: &Asked) -> Value {
    let token = asked.body["data"]["TOKEN"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let public = STANDARD.decode(key().public_key_body().unwrap()).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .expect("the token is signed with the key");
    let (header, claims) = signed.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT" }));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

async fn refused(answer: Answer) -> (snowflake::Error, usize) {
    let server = Server::start().await;
    server.then(LOGIN, answer);
    let error = Session::connect(server.config()).await.unwrap_err();
    (error, server.asked(LOGIN).len())
}

#[tokio::test]
async fn a_key_pair_signs_what_the_service_verifies() {
    let server = Server::start().await;
    let before = Timestamp::now().as_second();
    Session::connect(server.config_with(Credentials::KeyPair(key()))).await.unwrap();
    let asked = &server.asked(LOGIN)[0];
    let claims = claims(asked);
    assert_eq!(claims["sub"], "MYORG-ACCT.SYNC");
    assert_eq!(claims["iss"], format!("MYORG-ACCT.SYNC.{}", key().fingerprint()));
    let issued_at = claims["iat"].as_i64().unwrap();
    assert!((before..=Timestamp::now().as_second()).contains(&issued_at));
    assert!((1..=3600).contains(&(claims["exp"].as_i64().unwrap() - issued_at)));
    assert_eq!(asked.body["data"]["AUTHENTICATOR"], "SNOWFLAKE_JWT");
    assert_eq!(asked.body["data"]["ACCOUNT_NAME"], "MYORG-ACCT");
    assert_eq!(asked.authorization(), "");
}

#[tokio::test]
async fn a_repeated_log_in_waits_as_asked_and_signs_a_new_token() {
    let server = Server::start().await;
    server.then(LOGIN, Answer::Status(503, vec![("retry-after", "1".into())], Vec::new()));
    Session::connect(server.config_with(Credentials::KeyPair(key()))).await.unwrap();
    let asked = server.asked(LOGIN);
    let issued: Vec<i64> = asked.iter().map(|asked| claims(asked)["iat"].as_i64().unwrap()).collect();
    assert!(issued[1] > issued[0], "{issued:?}");
    assert_eq!(asked[1].query["retryCount"], "1");
    assert_eq!(asked[1].query["retryReason"], "503");
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_by_the_services() {
    let server = Server::start().await;
    let ahead = Timestamp::now() + SignedDuration::from_mins(10);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&ahead).unwrap();
    let body = failure("394302", "JWT token is not yet valid").to_string().into_bytes();
    server.then(LOGIN, Answer::Status(200, vec![("date", date)], body));
    Session::connect(server.config_with(Credentials::KeyPair(key()))).await.unwrap();
    let issued_at = claims(&server.asked(LOGIN)[1])["iat"].as_i64().unwrap();
    assert!((issued_at - ahead.as_second()).abs() <= 5);
}

#[tokio::test]
async fn the_session_is_pinned_to_one_meaning() {
    let server = Server::start().await;
    let config = server
        .config()
        .role("READER")
        .virtual_warehouse("WH")
        .database("DB")
        .schema("S")
        .query_tag("nightly")
        .session_parameter("lock_timeout", 30);
    let session = Session::connect(config).await.unwrap();
    let asked = &server.asked(LOGIN)[0];
    let data = &asked.body["data"];
    for (name, value) in [
        ("TIMEZONE", json!("UTC")),
        ("QUERY_TAG", json!("nightly")),
        ("GO_QUERY_RESULT_FORMAT", json!("ARROW")),
        ("QUOTED_IDENTIFIERS_IGNORE_CASE", json!(false)),
        ("BINARY_OUTPUT_FORMAT", json!("HEX")),
        ("ABORT_DETACHED_QUERY", json!(true)),
        ("CLIENT_VALIDATE_DEFAULT_PARAMETERS", json!(true)),
        ("LOCK_TIMEOUT", json!(30)),
    ] {
        assert_eq!(data["SESSION_PARAMETERS"][name], value, "{name}");
    }
    assert_eq!(data["SECONDARY_ROLES"], "NONE");
    assert_eq!(data["CLIENT_CAPABILITIES"]["SMK_ID_AS_STRING"], true);
    assert_eq!((&data["CLIENT_APP_ID"], &data["LOGIN_NAME"]), (&json!("Go"), &json!("sync")));
    for (key, value) in
        [("roleName", "READER"), ("warehouse", "WH"), ("databaseName", "DB"), ("schemaName", "S")]
    {
        assert_eq!(asked.query[key], value);
    }
    assert_eq!(session.session_id(), 1_172_562_260_498);
    assert_eq!(session.context().virtual_warehouse.as_deref(), Some("WH"));
    assert_eq!(session.context().schema, None);
}

#[tokio::test]
async fn every_proof_has_its_place_in_the_body() {
    let password = Credentials::Password { password: "p".into(), passcode: Some("123456".into()) };
    for (credentials, expected) in [
        (password, json!({ "PASSWORD": "p", "EXT_AUTHN_DUO_METHOD": "passcode", "PASSCODE": "123456" })),
        (Credentials::password("p"), json!({ "PASSWORD": "p", "AUTHENTICATOR": null, "PASSCODE": null })),
        (
            Credentials::ProgrammaticAccessToken(Secret::new("pat")),
            json!({ "AUTHENTICATOR": "PROGRAMMATIC_ACCESS_TOKEN", "TOKEN": "pat", "PASSWORD": null }),
        ),
        (Credentials::OAuthToken(Secret::new("o")), json!({ "AUTHENTICATOR": "OAUTH", "TOKEN": "o" })),
    ] {
        let server = Server::start().await;
        Session::connect(server.config_with(credentials)).await.unwrap();
        let data = &server.asked(LOGIN)[0].body["data"];
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&data[name], value, "{name}");
        }
    }
}

#[tokio::test]
async fn a_refused_password_is_tried_once() {
    let body = failure("390100", "Incorrect username or password was specified.");
    let (error, tries) = refused(Answer::Json(body)).await;
    assert_eq!((error.kind(), error.code(), tries), (ErrorKind::Auth, Some("390100"), 1));
    assert!(error.remedy().unwrap().contains("password"));
}

#[tokio::test]
async fn a_network_policy_names_our_address() {
    let body =
        failure("390422", "Incoming request with IP/Token 203.0.113.7 is not allowed to access Snowflake.");
    let (error, _) = refused(Answer::Json(body)).await;
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("203.0.113.7"));
}

#[tokio::test]
async fn a_second_factor_is_a_matter_of_configuration() {
    let (error, tries) = refused(Answer::Json(success(
        json!({ "nextAction": "EXT_AUTHN_DUO_ALL", "inFlightCtx": "ctx", "token": null }),
    )))
    .await;
    assert_eq!((error.kind(), tries), (ErrorKind::Config, 1));
    assert!(error.message().contains("second factor"));
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_told_and_not_tried_again() {
    for status in [403, 404] {
        let (error, tries) = refused(Answer::Status(status, Vec::new(), b"<html>".to_vec())).await;
        assert_eq!((error.kind(), tries), (ErrorKind::Config, 1));
        assert!(error.message().contains("account identifier"));
    }
    let (error, _) =
        refused(Answer::Status(200, Vec::new(), b"<html>log in to the wifi</html>".to_vec())).await;
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn an_endless_reply_is_not_read_to_its_end() {
    let mut body = br#"{"success":true,"data":{"token":""#.to_vec();
    body.resize(9 * 1024 * 1024, b'x');
    let (error, tries) = refused(Answer::Status(200, Vec::new(), body)).await;
    assert_eq!((error.kind(), tries), (ErrorKind::Protocol, 1));
    assert!(error.message().contains("longer than"));
}

#[tokio::test]
async fn an_unwell_service_is_not_asked_to_log_in_for_long() {
    let server = Server::start().await;
    for _ in 0..20 {
        server.then(LOGIN, Answer::Status(502, Vec::new(), Vec::new()));
    }
    let error = Session::connect(server.config()).await.unwrap_err();
    assert_eq!((error.kind(), server.asked(LOGIN).len()), (ErrorKind::Unavailable, 4));
}

#[tokio::test]
async fn plain_http_needs_the_development_switch() {
    let server = Server::start().await;
    let error = Session::connect(server.config().allow_http_loopback(false)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(server.all().is_empty());
}

#[tokio::test]
async fn a_shared_network_serves_several_sessions() {
    let server = Server::start().await;
    let network = snowflake::Network::new(&snowflake::Proxy::Direct, &[]).unwrap();
    for _ in 0..2 {
        server.then_json(LOGIN, logged_in());
        Session::connect(server.config().network(network.clone())).await.unwrap();
    }
    assert_eq!(server.asked(LOGIN).len(), 2);
}
