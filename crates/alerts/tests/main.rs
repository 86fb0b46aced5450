//! Channels against servers on this machine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod server;

use alerts::{Alert, Email, EmailSecurity, Webhook};
use jiff::Timestamp;
use model::ErrorKind;
use server::{http, smtp};

fn alert() -> Alert {
    Alert {
        headline: "acme/deals is failing: grant_missing".to_owned(),
        lines: vec!["a <b> & c".to_owned(), "ünï\r\n.\r\nline".to_owned()],
    }
}

#[tokio::test]
async fn a_webhook_is_sent_one_text_with_slacks_marks_escaped() {
    let server = http(&["200 OK"]).await;
    Webhook::new(&server.url).unwrap().send(&alert()).await.unwrap();
    let requests = server.received();
    assert_eq!(requests.len(), 1);
    let body = requests[0].split("\r\n\r\n").nth(1).unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with("*acme/deals is failing: grant_missing*\n"), "{text}");
    assert!(text.contains("a &lt;b&gt; &amp; c"), "{text}");
}

#[tokio::test]
async fn a_webhook_that_is_not_well_is_tried_again_and_one_that_refuses_is_not() {
    let server = http(&["503 Service Unavailable", "429 Too Many Requests", "200 OK"]).await;
    Webhook::new(&server.url).unwrap().send(&alert()).await.unwrap();
    assert_eq!(server.received().len(), 3);

    let server = http(&["404 Not Found", "200 OK"]).await;
    let error = Webhook::new(&server.url).unwrap().send(&alert()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "alert_channel"));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn nothing_that_is_said_holds_the_address_of_a_webhook() {
    let canary = "canary-T0ken-51d2";
    let refused = http(&["403 Forbidden"]).await;
    let nobody = format!("http://127.0.0.1:9/services/{canary}");
    for url in [format!("{}{canary}", refused.url), nobody] {
        let webhook = Webhook::new(&url).unwrap();
        let error = webhook.send(&Alert::test(Timestamp::UNIX_EPOCH)).await.unwrap_err();
        let mut said = format!("{webhook:?} {error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            said.push_str(&format!("{error} {error:?}"));
            cause = error.source();
        }
        assert!(!said.contains(canary), "{said}");
    }
}

#[test]
fn addresses_that_would_send_alerts_in_the_clear_are_refused() {
    for url in
        ["", "hooks.slack.com/x", "http://hooks.slack.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd"]
    {
        assert_eq!(Webhook::new(url).unwrap_err().code(), "alert_channel", "{url}");
    }
}

#[tokio::test]
async fn an_email_arrives_whole_and_with_its_subject() {
    let server = smtp("250 ok").await;
    let to = ["ops@example.com".to_owned(), "Ann <ann@example.com>".to_owned()];
    let email = Email::new("127.0.0.1", server.port, EmailSecurity::None, None, "snowferry@example.com", &to);
    email.unwrap().send(&alert()).await.unwrap();
    let received = server.received().join("\n");
    for expected in [
        "MAIL FROM:<snowferry@example.com>",
        "RCPT TO:<ops@example.com>",
        "RCPT TO:<ann@example.com>",
        "Subject: [Snowferry] acme/deals is failing: grant_missing",
    ] {
        assert!(received.contains(expected), "no `{expected}` in {received}");
    }
}

#[tokio::test]
async fn a_mail_server_that_refuses_is_told_from_one_that_is_not_well() {
    let to = ["ops@example.com".to_owned()];
    for (answer, kind, code) in [
        ("550 no such user canary", ErrorKind::Config, "alert_channel"),
        ("451 try later canary", ErrorKind::Unavailable, "alert_undelivered"),
    ] {
        let server = smtp(answer).await;
        let email = Email::new("127.0.0.1", server.port, EmailSecurity::None, None, "a@example.com", &to);
        let error = email.unwrap().send(&alert()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, code), "{answer}");
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "the server's own words may repeat what was sent"
        );
    }
    let nobody = Email::new("127.0.0.1", 9, EmailSecurity::None, None, "a@example.com", &to).unwrap();
    assert_eq!(nobody.send(&alert()).await.unwrap_err().code(), "alert_undelivered");
}

#[test]
fn email_without_tls_is_for_this_machine_and_takes_no_password() {
    let to = ["ops@example.com".to_owned()];
    let password = || Some(("user".to_owned(), secrecy::SecretString::from("canary")));
    for (host, log_in, from, to) in [
        ("smtp.example.com", None, "a@example.com", &to[..]),
        ("127.0.0.1", password(), "a@example.com", &to[..]),
        ("127.0.0.1", None, "nobody", &to[..]),
        ("127.0.0.1", None, "a@example.com", &[]),
    ] {
        let error = Email::new(host, 25, EmailSecurity::None, log_in, from, to).unwrap_err();
        assert_eq!(error.code(), "alert_channel");
        assert!(!format!("{error:?}").contains("canary"));
    }
}
