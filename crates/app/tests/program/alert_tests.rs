//! `snowferry alert-test`: whether alerts arrive, and what is said where they do not.

use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::world::Ended;

const ADDRESS: &str = "canary-hook-91d7";
const PASSWORD: &str = "canary-smtp-password";

/// Answers each request with this status, for as long as the test runs.
async fn hook(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/{ADDRESS}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 8192];
            let count = stream.read(&mut request).await.unwrap_or(0);
            let is_test = String::from_utf8_lossy(&request[..count]).contains("a test of Snowferry's alerts");
            let status = if is_test { status } else { "400 Bad Request" };
            let reply = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    });
    url
}

fn file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("alerts.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

async fn alert_test(path: &Path, flags: &[&str], hook: &str) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snowferry"));
    command.arg("alert-test").arg("-f").arg(path).args(flags);
    command.env("SNOWFERRY_TEST_HOOK", hook).env("SNOWFERRY_TEST_SMTP", PASSWORD);
    Ended::from(command.output().await.unwrap())
}

const HOOK: &str = "channels:\n  team: { webhook: { env: SNOWFERRY_TEST_HOOK } }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_takes_the_test_is_ok_and_one_that_does_not_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), HOOK);
    let taken = alert_test(&path, &[], &hook("200 OK").await).await.succeeded();
    assert_eq!(taken.stdout, "ok   team\n");
    let json = alert_test(&path, &["--json"], &hook("200 OK").await).await.succeeded().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["channel"], &json["outcome"]), (&"team".into(), &"sent".into()));
    for (status, code) in [("404 Not Found", 3), ("503 Service Unavailable", 10)] {
        let refused = alert_test(&path, &["-vvv"], &hook(status).await).await;
        assert_eq!(refused.code, Some(code), "{}", refused.stderr);
        assert!(refused.stdout.starts_with("fail team"), "{}", refused.stdout);
        let said: Vec<&str> = refused.stderr.lines().filter(|line| line.contains(ADDRESS)).collect();
        assert_eq!((said, refused.stdout.contains(ADDRESS)), (Vec::<&str>::new(), false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_makes_no_sense_is_refused_with_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let email = |line: &str| {
        format!(
            "channels:\n  mail:\n    email: {{ host: smtp.example.com, port: 465, security: tls, from: a@example.com, to: [b@example.com], {line} }}\n"
        )
    };
    for (text, code) in [
        ("channels: { team: { pager: 1 } }".to_owned(), "alerts_file_invalid"),
        ("channels: { team: { webhook: { env: SNOWFERRY_TEST_UNSET } } }".to_owned(), "secret_missing"),
        ("channels: { team: { webhook: { env: SNOWFERRY_TEST_SMTP } } }".to_owned(), "alert_channel"),
        (email("password: { env: SNOWFERRY_TEST_SMTP }"), "alert_channel"),
        (email("user: u, password: { env: SNOWFERRY_TEST_UNSET }"), "secret_missing"),
        (
            email("user: u, password: { env: SNOWFERRY_TEST_SMTP }").replace("a@example.com", "nobody"),
            "alert_channel",
        ),
        (
            email("user: u, password: { env: SNOWFERRY_TEST_SMTP }")
                .replace("security: tls", "security: none"),
            "alert_channel",
        ),
    ] {
        let path = file(folder.path(), &text);
        let ended = alert_test(&path, &["-vvv"], "").await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""), "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("error[{code}]")), "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains("to do: ") && !ended.stderr.contains(PASSWORD), "{}", ended.stderr);
    }
    let path = file(folder.path(), HOOK);
    let ended = alert_test(&path, &["--channel", "nobody"], &hook("200 OK").await).await;
    assert!(ended.stderr.contains("alert_channel") && ended.stderr.contains("team"), "{}", ended.stderr);
    let ended = alert_test(&folder.path().join("none.yaml"), &[], "").await;
    assert!(ended.stderr.contains("alerts_file_unreadable"), "{}", ended.stderr);
}
