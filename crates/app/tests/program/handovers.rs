//! A link by which a customer hands over a secret: good once, for one connection, and silent about what it took.

use serde_json::json;

use crate::fleet::{Fleet, Process};
use crate::http::{Answer, request};
use crate::world::{DEALS, PASSWORD, deals};

/// A tenant whose files leave the secret to the vault.
async fn fleet(proof: &str) -> Fleet {
    let fleet = Fleet::start().await;
    let file = fleet.file("acme", "deals", DEALS);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("password: { file: password }", proof)).unwrap();
    fleet.world.set_deals(&deals(100));
    fleet.apply().await;
    fleet
}

/// Makes a link and gives its token.
async fn link(fleet: &Fleet, process: &Process) -> String {
    let url = format!("http://{}", process.address());
    let made = fleet.program(&["handover", "acme/acme-prod-sync", "--url", &url]).await.succeeded().stdout;
    let (address, token) = made.trim().split_once('#').unwrap();
    assert_eq!(address, format!("{url}/handover"));
    token.to_owned()
}

async fn post(process: &Process, path: &str, body: &serde_json::Value) -> Answer {
    let headers = ["content-type: application/json"];
    request(process.address(), &format!("POST {path}"), &headers, &body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_handed_over_once_and_the_sync_runs_with_it() {
    let fleet = fleet("password: { vault: true }").await;
    let process = fleet.serve(&["-vv"]).await;
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    let run = fleet.until("acme/deals", "failed").await;
    assert_eq!(run["error"]["code"], "secret_missing", "{run}");
    let token = link(&fleet, &process).await;

    let page = request(process.address(), "GET /handover", &[], "").await;
    assert_eq!(page.status, 200);
    for part in [
        "content-security-policy: default-src 'none'",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(page.head.to_lowercase().contains(part), "{part}: {}", page.head);
    }
    let asked = post(&process, "/handover/look", &json!({ "token": token })).await.json();
    assert_eq!((&asked["field"], &asked["account"]), (&"password".into(), &"acme-prod".into()), "{asked}");

    let refused = post(&process, "/handover", &json!({ "token": token, "secret": "" })).await;
    assert_eq!((refused.status, &refused.json()["code"]), (422, &"handover_refused".into()));
    let body = json!({ "token": token, "secret": PASSWORD });
    assert_eq!(post(&process, "/handover", &body).await.status, 204);
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    fleet.until("acme/deals", "succeeded").await;

    let again = post(&process, "/handover", &json!({ "token": token, "secret": "canary-other" })).await;
    assert_eq!((again.status, &again.json()["code"]), (403, &"handover_used".into()));
    let look = post(&process, "/handover/look", &json!({ "token": token })).await;
    assert_eq!(look.json()["code"], "handover_used");
    // The next apply leaves it where it is.
    assert_eq!(fleet.apply().await.stdout, "nothing differs\n");
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    fleet.until("acme/deals", "succeeded").await;
    let log = process.stop_and_read_log().await;
    for canary in [PASSWORD, token.as_str(), "canary-other"] {
        assert!(!log.contains(canary), "{canary} in:\n{log}");
    }
    assert!(log.contains("a secret was handed over"), "{log}");
    let state = std::fs::read(fleet.folder().join("state.db")).unwrap();
    for canary in [PASSWORD.as_bytes(), &token.as_bytes()[4..]] {
        assert!(!state.windows(canary.len()).any(|bytes| bytes == canary));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_looked_at_before_its_link_is_used_up() {
    let fleet = fleet("private_key: { vault: true }").await;
    let process = fleet.serve(&[]).await;
    let token = link(&fleet, &process).await;
    let key = snowflake::PrivateKey::generate(snowflake::KeyBits::Rsa2048).unwrap();
    let pem = key.to_pkcs8_pem().unwrap();
    let half = &pem.expose()[..pem.expose().len() / 2];
    for wrong in [half, "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"] {
        let refused = post(&process, "/handover", &json!({ "token": token, "secret": wrong })).await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (422, &"handover_refused".into()),
            "{refused:?}"
        );
    }
    let body = json!({ "token": token, "secret": pem.expose(), "passphrase": null });
    assert_eq!(post(&process, "/handover", &body).await.status, 204);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_only_where_the_files_leave_the_secret_to_it_and_strangers_are_slowed_down() {
    let fleet = fleet("password: { file: password }").await;
    let process = fleet.serve(&[]).await;
    let make = ["handover", "acme/acme-prod-sync", "--url", "https://bridge.example.com"];
    let refused = fleet.program(&make).await;
    assert!(
        refused.stderr.contains("error[handover_unwanted]") && refused.stderr.contains("vault: true"),
        "{}",
        refused.stderr
    );
    let refused =
        fleet.program(&["handover", "acme/acme-prod-sync", "--url", "http://bridge.example.com"]).await;
    assert!(refused.stderr.contains("error[handover_url]"), "{}", refused.stderr);
    let token = fleet.program(&["token", "create", "ci", "--role", "operator"]).await.succeeded().stdout;
    let bearer = format!("authorization: Bearer {}", token.trim());
    let path = "POST /v1/tenants/acme/connections/acme-prod-sync/handover";
    assert_eq!(request(process.address(), path, &[&bearer], "").await.status, 403, "only an administrator");
    // At once, so that no time fills the bucket up meanwhile.
    let guesses = (0..40).map(|guess| {
        let body = json!({ "token": format!("sfh_guess{guess}"), "secret": "x" });
        let process = &process;
        async move { post(process, "/handover", &body).await.status }
    });
    let answers = futures_util::future::join_all(guesses).await;
    assert!(answers.contains(&404) && answers.contains(&429), "{answers:?}");
    process.stop().await;
}
