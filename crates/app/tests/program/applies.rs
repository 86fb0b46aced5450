//! `snowferry apply`: files become what is stored.

use crate::fleet::Fleet;
use crate::world::{DEALS, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn what_files_say_is_stored_shown_and_sealed() {
    let fleet = Fleet::start().await;
    let file = fleet.file("acme", "deals", DEALS);
    fleet.file("other", "deals", DEALS);
    std::fs::write(fleet.folder().join("customers/acme/tenant.yaml"), "tenant: acme\nruns_max: 2\n").unwrap();

    let dry = fleet.program(&["apply", "-f", "customers", "--dry-run"]).await.succeeded().stdout;
    assert!(dry.ends_with("would be: 8 added, 0 changed, 0 removed\n"), "{dry}");
    let done = fleet.apply().await.stdout;
    for line in ["+ tenant     acme", "+ connection acme/acme-prod-sync", "+ sync       acme/deals"] {
        assert!(done.lines().any(|shown| shown == line), "{line}: {done}");
    }
    assert_eq!(fleet.apply().await.stdout, "nothing differs\n");

    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("lookback: 1m", "lookback: 9m")).unwrap();
    std::fs::write(fleet.folder().join("customers/acme/password"), "another").unwrap();
    let changed = fleet.apply().await.stdout;
    assert!(changed.contains("-   incremental: { cursor: UPDATED_AT, lookback: 1m }"), "{changed}");
    assert!(changed.contains("+   incremental: { cursor: UPDATED_AT, lookback: 9m }"), "{changed}");
    assert!(changed.contains("    password: another secret"), "{changed}");
    assert!(changed.ends_with("0 added, 2 changed, 0 removed\n"), "{changed}");

    for name in ["state.db", "state.db-wal"] {
        let bytes = std::fs::read(fleet.folder().join(name)).unwrap_or_default();
        let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!holds(PASSWORD), "{name} holds a password in the clear");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_among_the_files_goes_only_when_that_is_asked_for() {
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", DEALS);
    fleet.file("other", "deals", DEALS);
    fleet.apply().await;
    std::fs::remove_dir_all(fleet.folder().join("customers/other")).unwrap();
    assert_eq!(fleet.apply().await.stdout, "nothing differs\n");
    let pruned = fleet.program(&["apply", "-f", "customers", "--prune", "--json"]).await.succeeded().stdout;
    let changes: Vec<serde_json::Value> =
        pruned.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(changes.len(), 3, "{pruned}");
    assert!(changes.iter().all(|change| change["change"] == "removed"), "{pruned}");
    let why = fleet.program(&["why", "other/deals"]).await;
    assert!(why.stderr.starts_with("error[sync_not_found]"), "{}", why.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_refused_with_nothing_stored() {
    let fleet = Fleet::start().await;
    let refused = async |code: &str, arguments: &[&str]| {
        let ended = fleet.program(arguments).await;
        assert!(ended.stderr.starts_with(&format!("error[{code}]")), "{code}: {}", ended.stderr);
        assert!(!ended.stderr.contains(PASSWORD));
    };
    let apply = ["apply", "-f", "customers"];
    refused("sync_file_unreadable", &apply).await;
    std::fs::create_dir_all(fleet.folder().join("customers")).unwrap();
    refused("folder_empty", &apply).await;
    fleet.file("acme", "deals", DEALS);
    fleet.file("other", "deals", "stream: [what]\n");
    refused("sync_file_invalid", &apply).await;
    fleet.file("other", "deals", DEALS);
    std::fs::remove_file(fleet.folder().join("customers/other/password")).unwrap();
    refused("secret_missing", &apply).await;
    fleet.file("other", "deals", DEALS);
    let twice = fleet.folder().join("customers/deals.yaml");
    std::fs::copy(fleet.folder().join("customers/acme/deals.yaml"), &twice).unwrap();
    std::fs::write(fleet.folder().join("customers/password"), PASSWORD).unwrap();
    refused("connection_differs", &apply).await;
    std::fs::remove_file(twice).unwrap();
    assert!(!fleet.folder().join("state.db").exists(), "a mistake has made a database");

    let mut without_key = fleet.command(&apply);
    without_key.env_remove("SNOWFERRY_MASTER_KEY");
    let ended = crate::world::Ended::from(without_key.output().await.unwrap());
    assert!(ended.stderr.starts_with("error[master_key_missing]"), "{}", ended.stderr);
    refused("state_url", &["apply", "-f", "customers", "--store", "mysql://x"]).await;
    fleet.apply().await;
    let mut other_key = fleet.command(&apply);
    other_key.env("SNOWFERRY_MASTER_KEY", "b3RoZXIga2V5IG9mIHRoaXJ0eS10d28gYnl0ZXMgISE=");
    let ended = crate::world::Ended::from(other_key.output().await.unwrap());
    assert!(ended.stderr.starts_with("error[master_key_wrong]"), "{}", ended.stderr);
    refused("sync_name", &["why", "acme"]).await;
    refused("tenant_not_found", &["trigger", "nobody/deals"]).await;
}
