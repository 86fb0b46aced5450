//! Tenants and what is theirs.

use model::ErrorKind;
use serde_json::json;
use store::{NewConnection, NewRun, NewSync, NewTenant, StreamState};

use crate::world::World;

pub(crate) async fn another_tenants_things_are_not_there(world: &World) {
    let (acme, other) = (world.customer("acme", 1).await, world.customer("other", 1).await);
    let run = world.ask_all(&acme).await.remove(0);
    let (store, queue, by) = (&world.store, &world.queue, &world.by);
    let (sync, source) = (&acme.syncs[0].id, &acme.source.id);
    let errors = [
        store.connection(other.id(), source).await.err(),
        store.sync(other.id(), sync).await.err(),
        store.run(other.id(), &run).await.err(),
        store.why(other.id(), sync).await.err(),
        store.pause_sync(other.id(), sync, by).await.err(),
        store.schedule_sync(other.id(), sync, None, by).await.err(),
        store.define_sync(other.id(), sync, json!({}), by).await.err(),
        store.close_connection(other.id(), source, by).await.err(),
        store.mend_connection(other.id(), source, by).await.err(),
        store.note_stream(other.id(), sync, "deals", &StreamState::Pending, None).await.err(),
        queue.enqueue(other.id(), sync, NewRun::default(), by).await.err(),
        queue.cancel(other.id(), &run, by).await.err(),
    ];
    for (number, error) in errors.into_iter().enumerate() {
        let error = error.unwrap_or_else(|| panic!("number {number} was allowed"));
        assert_eq!(error.kind(), ErrorKind::NotFound, "number {number}: {error:?}");
        assert!(error.remedy().is_some(), "number {number}");
    }
    assert!(store.attempts(other.id(), &run).await.unwrap().is_empty());
    assert!(store.runs(other.id(), sync).await.unwrap().is_empty());
    assert_eq!(store.connections(other.id()).await.unwrap().len(), 2);
}

pub(crate) async fn a_sync_over_another_tenants_connection_is_refused(world: &World) {
    let (acme, other) = (world.customer("acme", 0).await, world.customer("other", 0).await);
    let new = NewSync {
        name: "stolen".to_owned(),
        source: other.source.id.clone(),
        destination: acme.destination.id.clone(),
        definition: json!({}),
        priority: 0,
        schedule: None,
        late_after: None,
    };
    let error = world.store.create_sync(acme.id(), new, &world.by).await.unwrap_err();
    assert_eq!(error.code(), "connection_not_found", "{error:?}");
}

pub(crate) async fn a_name_is_given_once_within_a_tenant(world: &World) {
    let acme = world.customer("acme", 1).await;
    let tenant = NewTenant { name: "acme".to_owned(), runs_max: 1 };
    assert_eq!(world.store.create_tenant(tenant, &world.by).await.unwrap_err().code(), "name_taken");
    let connection = NewConnection {
        name: "snowflake".to_owned(),
        system: "snowflake".to_owned(),
        settings: json!({}),
        runs_max: 1,
    };
    let taken = world.store.create_connection(acme.id(), connection, &world.by).await.unwrap_err();
    assert_eq!(taken.code(), "name_taken");
    // Another tenant may use the same names, and none may use names that could leave a folder.
    world.customer("other", 1).await;
    for name in ["", "../acme", "a b", "ä", &"x".repeat(101)] {
        let new = NewTenant { name: name.to_owned(), runs_max: 1 };
        let error = world.store.create_tenant(new, &world.by).await.unwrap_err();
        assert_eq!(error.code(), "name_invalid", "{name}");
    }
}

pub(crate) async fn what_was_changed_is_in_the_audit_log(world: &World) {
    let acme = world.customer("acme", 1).await;
    world.customer("other", 1).await;
    world.pass_seconds(1).await;
    world.store.pause_sync(acme.id(), &acme.syncs[0].id, &world.by).await.unwrap();
    world.pass_seconds(1).await;
    world.store.suspend_tenant(acme.id(), &world.by).await.unwrap();
    // A change that was refused has left nothing.
    world.store.limit_tenant(acme.id(), 0, &world.by).await.unwrap_err();
    let log = world.store.audit_log(acme.id()).await.unwrap();
    let actions: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions[..2], ["tenant.suspended", "sync.paused"]);
    assert_eq!(log.len(), 6, "{actions:?}");
    assert!(log.iter().all(|entry| entry.actor == world.by));
    assert_eq!(log[1].object, acme.syncs[0].id.to_string());
    assert_eq!(log[0].at, world.now().await);
}

pub(crate) async fn a_limit_of_nothing_is_refused(world: &World) {
    let acme = world.customer("acme", 0).await;
    let error = world.store.limit_tenant(acme.id(), 0, &world.by).await.unwrap_err();
    assert_eq!(error.code(), "limit_of_nothing");
    world.store.limit_tenant(acme.id(), 7, &world.by).await.unwrap();
    assert_eq!(world.store.tenant(acme.id()).await.unwrap().runs_max, 7);
    assert_eq!(world.store.tenants(None).await.unwrap().len(), 1);
    assert!(world.store.tenants(Some("acme")).await.unwrap().is_empty());
}

pub(crate) async fn streams_are_noted_and_read_back(world: &World) {
    let acme = world.customer("acme", 1).await;
    let (store, sync) = (&world.store, &acme.syncs[0].id);
    let position = json!({ "watermark": "2026-05-01 10:00:00.123456789" });
    store.note_stream(acme.id(), sync, "deals", &StreamState::Backfilling, None).await.unwrap();
    store.note_stream(acme.id(), sync, "deals", &StreamState::Incremental, Some(&position)).await.unwrap();
    let paused = StreamState::Paused { code: "schema_changed".to_owned() };
    store.note_stream(acme.id(), sync, "users", &paused, None).await.unwrap();
    let streams = store.streams(acme.id(), sync).await.unwrap();
    assert_eq!(streams.len(), 2);
    assert_eq!((&streams[0].state, &streams[0].checkpoint), (&StreamState::Incremental, &Some(position)));
    assert_eq!(streams[1].state, paused);
}
