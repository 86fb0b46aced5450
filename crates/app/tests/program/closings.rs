//! `snowferry close` and `mend`: what the API does, on the command line.

use crate::fleet::Fleet;
use crate::world::{DEALS, PASSWORD, deals};

#[tokio::test(flavor = "multi_thread")]
async fn closing_destroys_secrets_stops_syncs_and_prints_what_the_customer_runs() {
    let fleet = Fleet::start().await;
    let file = fleet.file("acme", "deals", DEALS);
    // A role that Snowflake defines is dropped by nobody.
    let text = std::fs::read_to_string(&file).unwrap().replace("role: ACCOUNTADMIN", "role: SNOWFERRY_READ");
    std::fs::write(&file, text).unwrap();
    let applied = fleet.apply().await.stdout;
    assert!(applied.contains("acme/acme-prod-sync"), "{applied}");
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    let closed = fleet.program(&["close", "acme/acme-prod-sync"]).await.succeeded();
    // Whatever `connect` was asked to make as well, of which nothing was stored.
    for dropped in ["DROP USER", "DROP ROLE \"SNOWFERRY_READ\"", "DROP NETWORK POLICY", "DROP WAREHOUSE"] {
        assert!(closed.stdout.contains(dropped), "{dropped}: {}", closed.stdout);
    }
    assert!(closed.stderr.contains("its secrets are destroyed"), "{}", closed.stderr);
    assert_eq!(fleet.runs("acme/deals").await[0]["state"], "cancelled");
    let refused = fleet.program(&["trigger", "acme/deals"]).await;
    assert!(refused.stderr.contains("connection_closed"), "{}", refused.stderr);
    for (name, code) in [("acme/nobody", "connection_not_found"), ("acme", "connection_name")] {
        let refused = fleet.program(&["close", name]).await;
        assert!(refused.stderr.contains(&format!("error[{code}]")), "{}", refused.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_closed_where_there_is_no_script_and_that_is_said() {
    let fleet = Fleet::start().await;
    let reserved = fleet.file("acme", "deals", DEALS);
    fleet.apply().await;
    let closed = fleet.program(&["close", "acme/acme-prod-sync"]).await.succeeded();
    assert_eq!(closed.stdout, "");
    assert!(closed.stderr.contains("ACCOUNTADMIN is a role that Snowflake defines"), "{}", closed.stderr);
    let nameless = std::fs::read_to_string(&reserved).unwrap().replace("role: ACCOUNTADMIN", "");
    std::fs::write(&reserved, nameless).unwrap();
    fleet.apply().await;
    let closed = fleet.program(&["close", "acme/acme-prod-sync"]).await.succeeded();
    assert!(
        closed.stderr.contains("there is no SQL") && closed.stderr.contains("names no role"),
        "{}",
        closed.stderr
    );
    std::fs::remove_file(&reserved).unwrap();
    fleet.file("globex", "deals", DEALS);
    let folder = fleet.folder().join("customers");
    fleet.program(&["apply", "-f", folder.to_str().unwrap(), "--prune"]).await.succeeded();
    let closed = fleet.program(&["close", "acme/acme-prod-sync"]).await.succeeded();
    assert_eq!(closed.stdout, "");
    assert!(closed.stderr.contains("no sync is left that says who logs in"), "{}", closed.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mended_connection_is_tried_again_at_once() {
    let fleet = Fleet::start().await;
    for number in 0..4 {
        fleet.file("acme", &format!("deals{number}"), &format!("{DEALS}target: sales.deals{number}\n"));
    }
    fleet.world.set_deals(&deals(10));
    std::fs::write(fleet.folder().join("customers/acme/password"), "not this one").unwrap();
    fleet.apply().await;
    let process = fleet.serve(&[]).await;
    for number in 0..4 {
        fleet.program(&["trigger", &format!("acme/deals{number}")]).await.succeeded();
        fleet.until(&format!("acme/deals{number}"), "failed").await;
    }
    fleet.program(&["trigger", "acme/deals0"]).await.succeeded();
    let why = fleet.program(&["why", "acme/deals0"]).await.succeeded().stdout;
    assert!(why.contains("after 4 failures the connection acme-prod-sync is left alone until"), "{why}");
    std::fs::write(fleet.folder().join("customers/acme/password"), PASSWORD).unwrap();
    fleet.apply().await;
    let mended = fleet.program(&["mend", "acme/acme-prod-sync"]).await.succeeded().stdout;
    assert!(mended.contains("is tried again at once"), "{mended}");
    fleet.until("acme/deals0", "succeeded").await;
    process.stop().await;
}
