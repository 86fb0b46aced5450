//! What files say becomes what is stored.

use model::ScheduleSpec;
use serde_json::json;
use store::{
    ApplyOptions, Change, ChangeKind, FieldValues, MasterKey, Object, Prune, SecretValue, Vault, Wanted,
    WantedConnection, WantedSync, WantedTenant,
};

use crate::world::World;

const SECRET: &str = "canary-of-the-files";

async fn vault(world: &World) -> Vault {
    let key = MasterKey::parse(MasterKey::generate().unwrap().expose().as_bytes()).unwrap();
    world.vault(&key, &[]).await.unwrap()
}

fn connection(name: &str, system: &str, secrets: Vec<(String, SecretValue)>) -> WantedConnection {
    WantedConnection {
        name: name.to_owned(),
        system: system.to_owned(),
        settings: json!({ "account": "acme-prod" }),
        runs_max: 4,
        secrets,
        kept: Vec::new(),
    }
}

fn sync(name: &str) -> WantedSync {
    WantedSync {
        name: name.to_owned(),
        source: "snowflake".to_owned(),
        destination: "vendor".to_owned(),
        definition: json!({ "file": format!("stream: {name}\n") }),
        schedule: Some(ScheduleSpec::new("0 2 * * *", "Europe/Berlin")),
        late_after: None,
    }
}

fn tenant(name: &str, syncs: &[&str]) -> WantedTenant {
    let secrets = vec![("password".to_owned(), SecretValue::from(SECRET.to_owned()))];
    WantedTenant {
        name: name.to_owned(),
        runs_max: 4,
        connections: vec![
            connection("snowflake", "snowflake", secrets),
            connection("vendor", "duckdb", Vec::new()),
        ],
        syncs: syncs.iter().map(|name| sync(name)).collect(),
    }
}

fn wanted(tenants: &[(&str, &[&str])]) -> Wanted {
    Wanted { tenants: tenants.iter().map(|(name, syncs)| tenant(name, syncs)).collect() }
}

fn told(changes: &[Change]) -> Vec<String> {
    let sign = |kind: &ChangeKind| match kind {
        ChangeKind::Added => "+",
        ChangeKind::Changed(_) => "~",
        ChangeKind::Removed => "-",
    };
    changes
        .iter()
        .map(|change| format!("{}{} {}", sign(&change.kind), change.object.as_str(), change.name))
        .collect()
}

async fn apply(world: &World, vault: &Vault, wanted: &Wanted, prune: Prune) -> Vec<String> {
    let options = ApplyOptions { prune, is_dry_run: false };
    told(&vault.apply(wanted, options, &world.by).await.unwrap())
}

pub(crate) async fn what_is_applied_is_stored_and_applied_again_differs_in_nothing(world: &World) {
    let vault = vault(world).await;
    let wanted = wanted(&[("acme", &["deals", "users"])]);
    let dry = ApplyOptions { is_dry_run: true, ..ApplyOptions::default() };
    let planned = told(&vault.apply(&wanted, dry, &world.by).await.unwrap());
    assert!(world.store.tenants(None).await.unwrap().is_empty(), "a dry run has stored something");
    let done = apply(world, &vault, &wanted, Prune::Nothing).await;
    assert_eq!(planned, done);
    assert_eq!(
        done,
        [
            "+tenant acme",
            "+connection acme/snowflake",
            "+connection acme/vendor",
            "+sync acme/deals",
            "+sync acme/users"
        ]
    );
    assert!(apply(world, &vault, &wanted, Prune::Guarded).await.is_empty());
    let acme = world.store.tenant_named("acme").await.unwrap();
    let source = world.store.connection_named(&acme.id, "snowflake").await.unwrap();
    assert_eq!(vault.get(&acme.id, &source.id, "password").await.unwrap().expose(), SECRET);
    assert!(world.store.sync_named(&acme.id, "deals").await.unwrap().schedule.is_some());
    assert!(!world.dump("secrets").await.contains("canary"));
}

pub(crate) async fn a_difference_is_told_field_by_field_and_secrets_are_not_shown(world: &World) {
    let vault = vault(world).await;
    apply(world, &vault, &wanted(&[("acme", &["deals"])]), Prune::Nothing).await;
    let mut other = wanted(&[("acme", &["deals"])]);
    other.tenants[0].runs_max = 9;
    other.tenants[0].connections[0].secrets[0].1 = SecretValue::from("another canary".to_owned());
    other.tenants[0].syncs[0].definition = json!({ "file": "stream: others\n" });
    let changes = vault.apply(&other, ApplyOptions::default(), &world.by).await.unwrap();
    assert_eq!(told(&changes), ["~tenant acme", "~connection acme/snowflake", "~sync acme/deals"]);
    assert!(!format!("{changes:?}").contains("canary"));
    let ChangeKind::Changed(fields) = &changes[1].kind else { panic!("{changes:?}") };
    assert_eq!((fields.len(), &fields[0].values), (1, &FieldValues::Secret));
    let ChangeKind::Changed(fields) = &changes[2].kind else { panic!("{changes:?}") };
    let shown = FieldValues::Shown {
        before: Some("stream: deals\n".to_owned()),
        after: Some("stream: others\n".to_owned()),
    };
    assert_eq!((fields[0].field.as_str(), &fields[0].values), ("file", &shown));
    assert_eq!(changes[0].object, Object::Tenant);
}

pub(crate) async fn what_is_pruned_stops_and_comes_back_with_its_epoch(world: &World) {
    let vault = vault(world).await;
    let both = wanted(&[("acme", &["deals"]), ("other", &["deals"])]);
    apply(world, &vault, &both, Prune::Nothing).await;
    let other = world.store.tenant_named("other").await.unwrap();
    let deals = world.store.sync_named(&other.id, "deals").await.unwrap();
    let worker = world.worker().await;
    world.ask(&deals).await;
    let claimed = world.claim(&worker, 9).await.remove(0);
    world.succeed(&claimed).await;
    world.ask(&deals).await;

    let only_acme = wanted(&[("acme", &["deals"])]);
    assert!(apply(world, &vault, &only_acme, Prune::Nothing).await.is_empty(), "without prune nothing goes");
    let done = apply(world, &vault, &only_acme, Prune::Guarded).await;
    assert_eq!(done, ["-sync other/deals", "-connection other/snowflake", "-connection other/vendor"]);
    assert!(world.claim(&worker, 9).await.is_empty(), "its waiting run is cancelled");
    assert_eq!(world.store.sync_named(&other.id, "deals").await.unwrap_err().code(), "sync_not_found");
    let source = world.store.connection_named(&other.id, "snowflake").await.unwrap();
    assert!(vault.fields(&other.id, &source.id).await.unwrap().is_empty(), "its secrets are destroyed");
    world.pass_seconds(3 * 24 * 3_600).await;
    world.queue.tick().await.unwrap();
    assert!(world.store.runs(&other.id, &deals.id).await.unwrap().iter().all(|run| run.state.is_final()));

    let back = apply(world, &vault, &both, Prune::Guarded).await;
    assert_eq!(back, ["~connection other/snowflake", "~connection other/vendor", "+sync other/deals"]);
    let again = world.store.sync_named(&other.id, "deals").await.unwrap();
    assert_eq!((&again.id, again.epoch), (&deals.id, claimed.ticket.epoch));
    assert_eq!(vault.get(&other.id, &source.id, "password").await.unwrap().expose(), SECRET);
}

pub(crate) async fn the_wrong_folder_removes_nothing(world: &World) {
    let vault = vault(world).await;
    let many: Vec<String> = (0..9).map(|number| format!("sync-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    apply(world, &vault, &wanted(&[("acme", &many)]), Prune::Nothing).await;
    let few = wanted(&[("acme", &many[..2])]);
    let guarded = ApplyOptions { prune: Prune::Guarded, is_dry_run: false };
    let refused = vault.apply(&few, guarded, &world.by).await.unwrap_err();
    assert_eq!(refused.code(), "prune_too_much");
    let acme = world.store.tenant_named("acme").await.unwrap();
    assert_eq!(world.store.syncs(&acme.id).await.unwrap().len(), 9);
    assert_eq!(apply(world, &vault, &few, Prune::All).await.len(), 7);
}

pub(crate) async fn a_mistake_in_one_file_stores_nothing_of_any(world: &World) {
    let vault = vault(world).await;
    let mut mistaken = wanted(&[("acme", &["deals"]), ("other", &["deals"])]);
    mistaken.tenants[1].syncs[0].source = "nowhere".to_owned();
    let refused = vault.apply(&mistaken, ApplyOptions::default(), &world.by).await.unwrap_err();
    assert_eq!(refused.code(), "connection_not_found");
    assert!(world.store.tenants(None).await.unwrap().is_empty());
}

pub(crate) async fn two_at_once_follow_each_other(world: &World) {
    let vault = vault(world).await;
    let wanted = wanted(&[("acme", &["deals", "users"]), ("other", &["deals"])]);
    let apply = || vault.apply(&wanted, ApplyOptions::default(), &world.by);
    let (one, two, three) = tokio::join!(apply(), apply(), apply());
    let mut counts = [one.unwrap().len(), two.unwrap().len(), three.unwrap().len()];
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 9], "one of them does it all, the others find it done");
}
