//! A host whose certificate nobody vouches for, such as a proxy that opens TLS: `check` says so, and sends it no secret.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::world::{DEALS, PASSWORD, World};

/// A server with a certificate of its own making; nothing where this machine has no `openssl`.
async fn impostor(world: &World) -> Option<(Child, String)> {
    let file = |name: &str| world.folder().join(name).display().to_string();
    let (key, certificate) = (file("impostor.key"), file("impostor.pem"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    command.args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", &key, "-out", &certificate]);
    if !command.output().await.is_ok_and(|output| output.status.success()) {
        println!("skipped: this machine has no openssl");
        return None;
    }
    let mut command = Command::new("openssl");
    command.args(["s_server", "-www", "-accept", "127.0.0.1:0", "-key", &key, "-cert", &certificate]);
    let mut server = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(address) = line.strip_prefix("ACCEPT ") {
            let url = format!("https://{address}");
            server.stdout = Some(lines.into_inner().into_inner());
            return Some((server, url));
        }
    }
    panic!("openssl does not listen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_told_apart_and_gets_no_secret() {
    let world = World::start().await;
    let Some((mut server, url)) = impostor(&world).await else { return };
    let file = world.sync(DEALS);
    let text = std::fs::read_to_string(&file).unwrap().replace(world.emulator.url(), &url);
    std::fs::write(&file, text.replace("allow_http_loopback: true", "")).unwrap();
    let check = world.program(&["check", "-f", file.to_str().unwrap()]).await;
    assert_eq!(check.code, Some(3), "{}{}", check.stdout, check.stderr);
    let failed = check.stdout.lines().find(|line| line.starts_with("fail")).unwrap_or_default();
    assert!(failed.contains("TLS"), "{}", check.stdout);
    assert!(check.stdout.contains("root certificate"), "{}", check.stdout);
    assert!(!check.stdout.contains("ok   log-in"), "{}", check.stdout);
    server.kill().await.unwrap();
    let mut said = String::new();
    server.stdout.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert!(!said.contains(PASSWORD) && !said.contains("POST"), "{said}");
}
