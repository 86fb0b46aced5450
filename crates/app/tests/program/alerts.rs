//! Alerts from the service: a sync fails, people hear of it once, and once that it is well again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fleet::Fleet;
use crate::http::request;
use crate::world::{DEALS, PASSWORD, deals};

/// Longer than several looks of a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A webhook that keeps the texts that it is sent.
async fn hook() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/canary-hook", listener.local_addr().unwrap());
    let texts: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&texts);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut sent = Vec::new();
            let mut piece = [0; 4096];
            // A JSON object of one text ends with this.
            while !sent.ends_with(b"\"}") {
                match stream.read(&mut piece).await.unwrap() {
                    0 => break,
                    count => sent.extend_from_slice(&piece[..count]),
                }
            }
            // Whoever closed early has told nothing.
            if !sent.ends_with(b"\"}") {
                continue;
            }
            let text = String::from_utf8_lossy(&sent).into_owned();
            kept.lock().unwrap().push(text.split_once("\r\n\r\n").unwrap().1.to_owned());
            let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(reply).await.unwrap();
        }
    });
    (url, texts)
}

async fn told(texts: &Mutex<Vec<String>>, count: usize) -> Vec<String> {
    let began = Instant::now();
    while texts.lock().unwrap().len() < count {
        assert!(began.elapsed() < PATIENCE, "{:?}", texts.lock().unwrap());
        tokio::task::yield_now().await;
    }
    texts.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_fails_is_told_once_with_who_acts_and_once_when_it_is_well_again() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", &DEALS.replace("key: [ID]", "key: [MISSING]"));
    fleet.world.set_deals(&deals(100));
    fleet.apply().await;
    std::fs::write(fleet.folder().join("alerts.yaml"), "channels: { team: { webhook: { env: HOOK } } }")
        .unwrap();
    let (url, texts) = hook().await;
    let process = fleet.serve_with(&[("HOOK", &url), ("SNOWFERRY_ALERTS", "alerts.yaml")], &[]).await;
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    fleet.until("acme/deals", "failed").await;
    let first = told(&texts, 1).await.remove(0);
    assert!(
        first.contains("acme/deals is failing: unknown_column") && first.contains("who acts: you"),
        "{first}"
    );
    assert!(!first.contains(PASSWORD), "{first}");
    let metrics = request(process.address(), "GET /metrics", &[], "").await.body;
    assert!(metrics.contains("snowferry_syncs{condition=\"failing\"} 1"), "{metrics}");
    assert!(metrics.contains("snowferry_alerts_total{channel=\"team\",outcome=\"sent\"} 1"), "{metrics}");

    fleet.file("acme", "deals", &format!("{DEALS}late_after: 26h\n"));
    let applied = fleet.apply().await.stdout;
    assert!(applied.contains("+ late_after: 26h"), "{applied}");
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    fleet.until("acme/deals", "succeeded").await;
    let texts = told(&texts, 2).await;
    assert!(texts[1].contains("acme/deals is well again"), "{texts:?}");
    let why = fleet.program(&["why", "acme/deals"]).await.succeeded().stdout;
    assert!(why.contains("and may be 26h old"), "{why}");
    process.stop().await;
}
