//! OAuth client credentials: the token is fetched, sent, and fetched once more when it is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use snowflake::{Credentials, ErrorKind, OAuthClient, Secret, Session};

use crate::server::{Answer, LOGIN, Server, failure, logged_in};

const TOKEN: &str = "/idp/token";

fn client(server: &Server) -> Credentials {
    Credentials::OAuthClient(OAuthClient {
        token_url: format!("{}{TOKEN}", server.address()),
        client_id: "id".into(),
        client_secret: Secret::new("s3cret"),
        scope: None,
    })
}

#[tokio::test]
async fn a_token_is_fetched_and_sent() {
    let server = Server::start().await;
    server.then(TOKEN, Answer::Status(503, Vec::new(), Vec::new()));
    server.then_json(TOKEN, json!({ "access_token": "fresh", "token_type": "Bearer" }));
    Session::connect(server.config_with(client(&server)).role("READER")).await.unwrap();
    let fetched = &server.asked(TOKEN)[1];
    assert_eq!(fetched.authorization(), format!("Basic {}", STANDARD.encode("id:s3cret")));
    let form = String::from_utf8(fetched.raw.to_vec()).unwrap();
    assert_eq!(form, "grant_type=client_credentials&scope=session%3Arole%3AREADER");
    let data = &server.asked(LOGIN)[0].body["data"];
    assert_eq!((&data["AUTHENTICATOR"], &data["TOKEN"]), (&json!("OAUTH"), &json!("fresh")));
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    for code in ["390303", "390318"] {
        let server = Server::start().await;
        server
            .then_json(TOKEN, json!({ "access_token": "old" }))
            .then_json(TOKEN, json!({ "access_token": "new" }));
        server.then_json(LOGIN, failure(code, "Invalid OAuth access token.")).then_json(LOGIN, logged_in());
        Session::connect(server.config_with(client(&server))).await.unwrap();
        assert_eq!(server.asked(LOGIN)[1].body["data"]["TOKEN"], "new");

        let server = Server::start().await;
        for _ in 0..3 {
            server.then_json(TOKEN, json!({ "access_token": "old" }));
            server.then_json(LOGIN, failure(code, "Invalid OAuth access token."));
        }
        let error = Session::connect(server.config_with(client(&server))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert_eq!((server.asked(TOKEN).len(), server.asked(LOGIN).len()), (2, 2));
    }
}

#[tokio::test]
async fn a_wrong_client_secret_is_not_tried_again() {
    let server = Server::start().await;
    let body = json!({ "error": "invalid_client", "error_description": "secret s3cret is wrong" });
    server.then(TOKEN, Answer::Status(401, Vec::new(), body.to_string().into_bytes()));
    let error = Session::connect(server.config_with(client(&server))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.message().contains("invalid_client"));
    assert!(!format!("{error:?}").contains("s3cret"));
    assert_eq!((server.asked(TOKEN).len(), server.asked(LOGIN).len()), (1, 0));
}
