//! Who gets in, and with which code the others are sent away.

use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use emulator::{EmulatorConfig, OauthClient, PublicKey, RunningEmulator, User};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Reply, config, password, reply_of, start, start_with};

async fn with_user(user: User) -> RunningEmulator {
    start_with(EmulatorConfig { users: vec![user], ..config() }).await
}

async fn log_in(emulator: &RunningEmulator, data: Value) -> Reply {
    Client::new(emulator).log_in(data).await
}

fn with_token(authenticator: &str, token: &str) -> Value {
    json!({ "ACCOUNT_NAME": "myorg-myacct", "AUTHENTICATOR": authenticator, "TOKEN": token })
}

#[tokio::test]
async fn a_password_logs_in_and_the_reply_has_both_tokens_and_the_session() {
    let emulator = start().await;
    let reply = log_in(&emulator, password("SnowFerry", "snowferry")).await.succeeded();
    let data = reply.data();
    assert_ne!(data["token"], data["masterToken"]);
    assert_eq!(data["validityInSeconds"], 3600);
    assert_eq!(data["masterValidityInSeconds"], 14400);
    assert_eq!(data["displayUserName"], "SNOWFERRY");
    assert!(data["sessionId"].is_i64());
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_told_apart_by_nobody() {
    let emulator = start().await;
    let wrong = log_in(&emulator, password("snowferry", "nope")).await;
    let unknown = log_in(&emulator, password("nobody", "snowferry")).await;
    assert_eq!((wrong.status, wrong.code()), (StatusCode::OK, "390100"));
    assert_eq!(wrong.body, unknown.body);
}

#[tokio::test]
async fn a_gzipped_body_and_unknown_query_parameters_are_accepted() {
    use std::io::Write;
    let emulator = start().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let body = json!({ "data": password("snowferry", "snowferry") }).to_string();
    encoder.write_all(body.as_bytes()).unwrap();
    let request = Client::new(&emulator)
        .bare(Method::POST, "/session/v1/login-request?request_id=1&request_guid=2&whatever=3")
        .header("Content-Encoding", "gzip")
        .header("Content-Type", "application/json")
        .body(encoder.finish().unwrap());
    reply_of(request).await.succeeded();
}

#[tokio::test]
async fn a_locked_user_is_refused_even_with_the_right_password() {
    let mut user = User::new("SNOWFERRY").with_password("snowferry");
    user.is_locked = true;
    let emulator = with_user(user).await;
    assert_eq!(log_in(&emulator, password("snowferry", "snowferry")).await.code(), "390102");
}

#[tokio::test]
async fn a_disabled_user_is_refused() {
    let mut user = User::new("SNOWFERRY").with_password("snowferry");
    user.is_disabled = true;
    let emulator = with_user(user).await;
    let reply = log_in(&emulator, password("snowferry", "snowferry")).await;
    assert_eq!(reply.body["success"], false);
    assert!(reply.body["message"].as_str().unwrap().starts_with("User access disabled."));
}

#[tokio::test]
async fn an_address_outside_the_network_policy_is_refused_by_name() {
    let user = User::new("SNOWFERRY").with_password("snowferry");
    let emulator = with_user(user.with_allowed_addresses(vec!["203.0.113.0/24".parse().unwrap()])).await;
    let reply = log_in(&emulator, password("snowferry", "snowferry")).await;
    assert_eq!(reply.code(), "390422");
    assert!(reply.body["message"].as_str().unwrap().contains("127.0.0.1"));
}

#[tokio::test]
async fn a_role_that_was_not_granted_is_refused() {
    let user = User::new("SNOWFERRY")
        .with_password("snowferry")
        .with_roles(&["SYSADMIN"])
        .with_default_role("SYSADMIN");
    let emulator = with_user(user).await;
    let client = Client::new(&emulator);
    let at = |role: &str| format!("/session/v1/login-request?roleName={role}");
    let reply = client.log_in_at(&at("sysadmin"), password("snowferry", "snowferry")).await.succeeded();
    assert_eq!(reply.data()["sessionInfo"]["roleName"], "SYSADMIN");
    let reply = client.log_in_at(&at("accountadmin"), password("snowferry", "snowferry")).await;
    assert_eq!(reply.code(), "390189");
}

#[tokio::test]
async fn another_account_is_answered_with_403() {
    let emulator = start_with(EmulatorConfig { account: Some("myorg-myacct".to_owned()), ..config() }).await;
    let reply = log_in(&emulator, password("snowferry", "snowferry")).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let mut data = password("snowferry", "snowferry");
    data["ACCOUNT_NAME"] = json!("MYORG-MYACCT.eu-west-1");
    log_in(&emulator, data).await.succeeded();
}

#[tokio::test]
async fn a_second_factor_is_asked_for_checked_and_remembered() {
    let emulator =
        with_user(User::new("SNOWFERRY").with_password("snowferry").with_mfa_passcode("123456")).await;
    let with = |key: &str, value: &str| {
        let mut data = password("snowferry", "snowferry");
        data[key] = json!(value);
        data
    };
    assert_eq!(log_in(&emulator, password("snowferry", "snowferry")).await.code(), "390197");
    assert_eq!(log_in(&emulator, with("PASSCODE", "000000")).await.code(), "394508");
    log_in(&emulator, with("PASSCODE", "123456")).await.succeeded();
    log_in(&emulator, password("snowferry", "snowferry123456")).await.succeeded();

    let mut asking = with("PASSCODE", "123456");
    asking["AUTHENTICATOR"] = json!("USERNAME_PASSWORD_MFA");
    asking["SESSION_PARAMETERS"] = json!({ "CLIENT_REQUEST_MFA_TOKEN": true });
    let reply = log_in(&emulator, asking).await.succeeded();
    let mut again = with("TOKEN", reply.data()["mfaToken"].as_str().unwrap());
    again["AUTHENTICATOR"] = json!("USERNAME_PASSWORD_MFA");
    log_in(&emulator, again).await.succeeded();
}

#[tokio::test]
async fn a_programmatic_access_token_logs_in_also_as_a_password() {
    let emulator = with_user(User::new("SYNC").with_access_token("pat-1")).await;
    log_in(&emulator, with_token("PROGRAMMATIC_ACCESS_TOKEN", "pat-1")).await.succeeded();
    log_in(&emulator, password("sync", "pat-1")).await.succeeded();
    assert_eq!(log_in(&emulator, with_token("PROGRAMMATIC_ACCESS_TOKEN", "pat-2")).await.code(), "394400");
    emulator.users().alter("SYNC", |user| user.access_tokens[0].is_disabled = true);
    assert_eq!(log_in(&emulator, with_token("PROGRAMMATIC_ACCESS_TOKEN", "pat-1")).await.code(), "394400");
}

#[tokio::test]
async fn an_oauth_token_from_the_token_endpoint_logs_in_until_it_expires() {
    let emulator = start_with(EmulatorConfig {
        users: vec![User::new("SYNC")],
        oauth_clients: vec![OauthClient {
            id: "id".to_owned(),
            secret: "secret".to_owned(),
            user: "SYNC".to_owned(),
            token_validity: Duration::from_secs(600),
        }],
        ..config()
    })
    .await;
    let client = Client::new(&emulator);
    let ask = |secret: &str| {
        let form = [("grant_type", "client_credentials"), ("scope", "session:role:READER")];
        client.bare(Method::POST, "/oauth/token-request").basic_auth("id", Some(secret)).form(&form)
    };
    assert_eq!(reply_of(ask("wrong")).await.status, StatusCode::UNAUTHORIZED);
    let reply = reply_of(ask("secret")).await;
    assert_eq!(reply.body["scope"], "session:role:READER");
    let token = reply.body["access_token"].as_str().unwrap();

    log_in(&emulator, with_token("OAUTH", token)).await.succeeded();
    assert_eq!(log_in(&emulator, with_token("OAUTH", "other")).await.code(), "390303");
    let mut other_user = with_token("OAUTH", token);
    other_user["LOGIN_NAME"] = json!("someone");
    assert_eq!(log_in(&emulator, other_user).await.code(), "390309");
    emulator.clock().advance(Duration::from_secs(600));
    assert_eq!(log_in(&emulator, with_token("OAUTH", token)).await.code(), "390318");
}

struct Signer {
    key: RsaKeyPair,
    public: PublicKey,
}

impl Signer {
    fn new() -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = key.public_key().as_der().unwrap();
        let public = PublicKey::parse(&STANDARD.encode(der.as_ref())).unwrap();
        Self { key, public }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token as a driver makes it, with some claims replaced.
    fn token(&self, emulator: &RunningEmulator, changes: Value) -> String {
        let now = emulator.clock().now().as_second();
        let mut claims = json!({
            "iss": format!("MYORG-MYACCT.SYNC.{}", self.public.fingerprint()),
            "sub": "MYORG-MYACCT.SYNC",
            "iat": now,
            "exp": now + 60,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.sign(&json!({ "alg": "RS256", "typ": "JWT" }), &claims)
    }
}

#[tokio::test]
async fn a_key_pair_logs_in_and_the_second_key_does_too_during_a_rotation() {
    let (first, second) = (Signer::new(), Signer::new());
    let user = User::new("SYNC").with_public_key(first.public.clone()).with_public_key(second.public.clone());
    let emulator = with_user(user).await;
    for signer in [&first, &second] {
        log_in(&emulator, with_token("SNOWFLAKE_JWT", &signer.token(&emulator, json!({})))).await.succeeded();
    }
    emulator.users().alter("SYNC", |user| user.public_keys[0] = None);
    let reply = log_in(&emulator, with_token("SNOWFLAKE_JWT", &first.token(&emulator, json!({})))).await;
    assert_eq!(reply.code(), "390144");
}

#[tokio::test]
async fn a_user_made_by_sql_logs_in_by_key_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let kept = || EmulatorConfig { data_folder: Some(folder.path().to_owned()), ..config() };
    let signer = Signer::new();
    let public_key = STANDARD.encode(signer.key.public_key().as_der().unwrap().as_ref());
    let first = start_with(kept()).await;
    let client = Client::logged_in(&first).await;
    client.query(&format!("CREATE USER SYNC RSA_PUBLIC_KEY = '{public_key}'")).await.succeeded();
    client.query("CREATE ROLE READER").await.succeeded();
    client.query("GRANT ROLE READER TO USER SYNC").await.succeeded();
    first.shutdown().await;

    let second = start_with(kept()).await;
    let mut request = with_token("SNOWFLAKE_JWT", &signer.token(&second, json!({})));
    request["LOGIN_NAME"] = "SYNC".into();
    log_in(&second, request).await.succeeded();
    assert_eq!(second.users().get("SYNC").unwrap().roles, Some(vec!["READER".to_owned()]));
}

#[tokio::test]
async fn a_flawed_jwt_is_refused_with_its_cause() {
    let signer = Signer::new();
    let emulator = start_with(EmulatorConfig {
        users: vec![User::new("SYNC").with_public_key(signer.public.clone()), User::new("OTHER")],
        has_precise_jwt_codes: true,
        ..config()
    })
    .await;
    let now = emulator.clock().now().as_second();
    let stranger = Signer { key: Signer::new().key, public: signer.public.clone() };
    let unsigned = signer.sign(&json!({ "alg": "none" }), &json!({ "iss": "a", "sub": "b.c", "exp": now }));
    let fingerprint = signer.public.fingerprint();
    let cases = [
        ("394300", "signed by another key", stranger.token(&emulator, json!({}))),
        ("394301", "expired", signer.token(&emulator, json!({ "iat": now - 600, "exp": now - 120 }))),
        ("394302", "from the future", signer.token(&emulator, json!({ "iat": now + 600, "exp": now + 660 }))),
        ("394303", "too long", signer.token(&emulator, json!({ "exp": now + 7200 }))),
        ("394304", "no fingerprint", signer.token(&emulator, json!({ "iss": "MYORG-MYACCT.SYNC" }))),
        ("394305", "not RS256", unsigned),
        ("394306", "no JWT", "not.a.jwt".to_owned()),
        ("394307", "another account", signer.token(&emulator, json!({ "sub": "ELSE.SYNC" }))),
        ("394300", "lower case", signer.token(&emulator, json!({ "sub": "MYORG-MYACCT.sync" }))),
        (
            "394304",
            "another user's name over the right key",
            signer.token(
                &emulator,
                json!({ "sub": "MYORG-MYACCT.OTHER", "iss": format!("MYORG-MYACCT.OTHER.{fingerprint}") }),
            ),
        ),
    ];
    for (code, case, token) in cases {
        assert_eq!(log_in(&emulator, with_token("SNOWFLAKE_JWT", &token)).await.code(), code, "{case}");
    }
}

#[tokio::test]
async fn a_refused_jwt_says_only_an_id_by_which_the_cause_can_be_looked_up() {
    let signer = Signer::new();
    let emulator = with_user(User::new("SYNC").with_public_key(signer.public.clone())).await;
    let now = emulator.clock().now().as_second();
    let token = signer.token(&emulator, json!({ "iat": now - 600, "exp": now - 120 }));
    let reply = log_in(&emulator, with_token("SNOWFLAKE_JWT", &token)).await;
    assert_eq!(reply.code(), "390144");
    let message = reply.body["message"].as_str().unwrap();
    let id = message.split(['[', ']']).nth(1).unwrap();
    assert_eq!(emulator.login_failure(id).unwrap(), "the token has expired");
}
