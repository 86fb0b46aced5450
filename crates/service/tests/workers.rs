//! What a worker says about its runs, and when it stops them.

use std::time::Duration;

use model::{ErrorKind, RunState};
use tokio_util::sync::CancellationToken;

use crate::world::{Act, World};

const LEASE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_gets_its_secrets_and_its_lease_and_is_reported() {
    let world = World::start(1, LEASE).await;
    let (run, shutdown) = (world.ask(0).await, CancellationToken::new());
    let worker = world.work(&shutdown);
    let row = world.until(&run, RunState::Succeeded).await;
    assert_eq!(row.report.unwrap()["read"], 7);
    let due = world.script.begun.lock().unwrap().remove(0);
    assert_eq!((due.tenant.as_str(), due.sync.as_str(), due.lease.0), ("acme", "sync-0", 1));
    assert_eq!((due.secrets[0].0.as_str(), due.secrets[0].1.expose()), ("password", "secret-of-acme"));
    assert!(!format!("{due:?}").contains("secret-of-acme"));
    shutdown.cancel();
    worker.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_sorted_by_what_happens_next() {
    let world = World::start(5, LEASE).await;
    world.script.set("sync-0", Act::Fail(ErrorKind::Unavailable, "outage"));
    world.script.set("sync-1", Act::Fail(ErrorKind::Permission, "missing"));
    world.script.set("sync-2", Act::Fail(ErrorKind::Conflict, "database_locked"));
    world.script.set("sync-3", Act::Panic);
    let mut runs = Vec::new();
    for sync in 0..5 {
        runs.push(world.ask(sync).await);
    }
    let shutdown = CancellationToken::new();
    let worker = world.work(&shutdown);
    world.until(&runs[0], RunState::Retrying).await;
    world.until(&runs[1], RunState::Failed).await;
    let panicked = world.until(&runs[3], RunState::Failed).await;
    assert_eq!(panicked.error.unwrap().code, "internal");
    assert_eq!(panicked.usage.statements[0].query_id, "query-1", "what it took is known however it ended");
    world.until(&runs[4], RunState::Succeeded).await;
    world.script.started(5).await;
    let postponed = loop {
        let row = world.run(&runs[2]).await;
        if row.error.is_some() {
            break row;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(postponed.state, RunState::Queued, "a file that is in use is no failure");
    let account = world.store.connection_named(&world.tenant.id, "account").await.unwrap();
    let vendor = world.store.connection_named(&world.tenant.id, "vendor").await.unwrap();
    assert_eq!(vendor.failures, 0, "outages are the account's");
    assert!(account.failures <= 1);
    shutdown.cancel();
    worker.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_stops_with_the_next_heartbeat_and_others_go_on() {
    let world = World::start(2, LEASE).await;
    world.script.set("sync-0", Act::Wait);
    world.script.set("sync-1", Act::Wait);
    let (run, other) = (world.ask(0).await, world.ask(1).await);
    let shutdown = CancellationToken::new();
    let worker = world.work(&shutdown);
    world.script.started(2).await;
    world.cancel(&run).await;
    world.until(&run, RunState::Cancelled).await;
    assert_eq!(world.run(&other).await.state, RunState::Running);
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    assert_eq!(world.run(&other).await.state, RunState::Queued, "a shutdown gives it back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_drops_a_run_that_hears_nothing_and_gives_it_back() {
    let world = World::start(1, LEASE).await;
    world.script.set("sync-0", Act::Deaf);
    let (run, shutdown) = (world.ask(0).await, CancellationToken::new());
    let worker = world.work(&shutdown);
    world.script.started(1).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    let row = world.run(&run).await;
    assert_eq!((row.state, row.attempt), (RunState::Queued, 1));
    assert!(world.queue.workers().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_lease_was_taken_stops_its_runs_and_begins_anew() {
    let world = World::start(1, LEASE).await;
    world.script.set("sync-0", Act::Wait);
    let (run, shutdown) = (world.ask(0).await, CancellationToken::new());
    let worker = world.work(&shutdown);
    world.script.started(1).await;
    // As a rescuer does who believes the worker dead.
    let id = world.queue.workers().await.unwrap().remove(0).id;
    world.queue.give_back(&id).await.unwrap();
    world.script.started(2).await;
    let leases: Vec<u64> = world.script.begun.lock().unwrap().iter().map(|due| due.lease.0).collect();
    assert_eq!(leases, [1, 2], "the same process has it again, under a later lease");
    assert_ne!(world.queue.workers().await.unwrap()[0].id, id);
    world.cancel(&run).await;
    world.until(&run, RunState::Cancelled).await;
    shutdown.cancel();
    worker.await.unwrap().unwrap();
}
