//! People are told once for each change, whatever else goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use alerts::{Channel, Webhook};
use model::{ErrorKind, RunState};
use service::{AlertOptions, Alerting, Metrics};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::hook::Hook;
use crate::world::{Act, World};

const LEASE: Duration = Duration::from_secs(2);

const OPTIONS: AlertOptions =
    AlertOptions { look_every: Duration::from_millis(20), pause_max: Duration::from_millis(100) };

fn alert(world: &World, hooks: &[(&str, &Hook)], shutdown: &CancellationToken) -> JoinHandle<()> {
    let channel = |(name, hook): &(&str, &Hook)| {
        ((*name).to_owned(), Channel::Webhook(Webhook::new(&hook.url).unwrap()))
    };
    let channels: BTreeMap<String, Channel> = hooks.iter().map(channel).collect();
    let alerting = Alerting::new(world.store.clone(), Metrics::default(), channels, OPTIONS);
    let shutdown = shutdown.clone();
    tokio::spawn(async move { alerting.run(&shutdown).await })
}

/// Runs a sync once, to this end.
async fn run(world: &World, sync: usize, state: RunState) {
    let run = world.ask(sync).await;
    world.until(&run, state).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_and_its_end_are_told_once_each_however_many_processes_look() {
    let world = World::start(1, LEASE).await;
    let hook = Hook::start().await;
    let shutdown = CancellationToken::new();
    let worker = world.work(&shutdown);
    let one = alert(&world, &[("team", &hook)], &shutdown);
    let other = alert(&world, &[("team", &hook)], &shutdown);
    world.script.set("sync-0", Act::Fail(ErrorKind::Permission, "grant_missing"));
    run(&world, 0, RunState::Failed).await;
    hook.received(1).await;
    // The same failure again is nothing new.
    run(&world, 0, RunState::Failed).await;
    world.script.unset("sync-0");
    run(&world, 0, RunState::Succeeded).await;
    let told = hook.received(2).await;
    assert!(told[0].contains("acme/sync-0 is failing: grant_missing"), "{told:?}");
    assert!(told[0].contains("who acts: the customer"), "{told:?}");
    assert!(told[1].contains("acme/sync-0 is well again"), "{told:?}");
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    one.await.unwrap();
    other.await.unwrap();
    assert_eq!(hook.count(), 2, "each change once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_repeats_nothing_and_tells_what_happened_meanwhile() {
    let world = World::start(2, LEASE).await;
    let hook = Hook::start().await;
    let (working, first) = (CancellationToken::new(), CancellationToken::new());
    let worker = world.work(&working);
    world.script.set("sync-0", Act::Fail(ErrorKind::Permission, "grant_missing"));
    run(&world, 0, RunState::Failed).await;
    let alerting = alert(&world, &[("team", &hook)], &first);
    hook.received(1).await;
    first.cancel();
    alerting.await.unwrap();
    world.script.set("sync-1", Act::Fail(ErrorKind::NotFound, "stream_missing"));
    run(&world, 1, RunState::Failed).await;
    let second = CancellationToken::new();
    let alerting = alert(&world, &[("team", &hook)], &second);
    let told = hook.received(2).await;
    assert!(told[1].contains("acme/sync-1 is failing: stream_missing"), "{told:?}");
    second.cancel();
    alerting.await.unwrap();
    assert_eq!(hook.count(), 2);
    working.cancel();
    worker.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_does_not_answer_holds_up_neither_runs_nor_other_channels() {
    let world = World::start(1, LEASE).await;
    let (silent, well) = (Hook::silent().await, Hook::start().await);
    let shutdown = CancellationToken::new();
    let alerting = alert(&world, &[("silent", &silent), ("well", &well)], &shutdown);
    let worker = world.work(&shutdown);
    world.script.set("sync-0", Act::Fail(ErrorKind::Permission, "grant_missing"));
    run(&world, 0, RunState::Failed).await;
    silent.asked().await;
    well.received(1).await;
    world.script.unset("sync-0");
    run(&world, 0, RunState::Succeeded).await;
    assert!(well.received(2).await[1].contains("well again"));
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    alerting.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_was_away_is_told_when_it_is_back() {
    let world = World::start(1, LEASE).await;
    let hook = Hook::refusing(2).await;
    let shutdown = CancellationToken::new();
    let alerting = alert(&world, &[("team", &hook)], &shutdown);
    let worker = world.work(&shutdown);
    world.script.set("sync-0", Act::Fail(ErrorKind::Permission, "grant_missing"));
    run(&world, 0, RunState::Failed).await;
    assert!(hook.received(1).await[0].contains("acme/sync-0 is failing: grant_missing"));
    shutdown.cancel();
    worker.await.unwrap().unwrap();
    alerting.await.unwrap();
    assert_eq!(hook.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_at_once_are_one_alert() {
    let world = World::start(7, LEASE).await;
    let hook = Hook::start().await;
    let (working, shutdown) = (CancellationToken::new(), CancellationToken::new());
    let worker = world.work(&working);
    for sync in 0..7 {
        world.script.set(&format!("sync-{sync}"), Act::Fail(ErrorKind::Permission, "grant_missing"));
        run(&world, sync, RunState::Failed).await;
    }
    let alerting = alert(&world, &[("team", &hook)], &shutdown);
    let told = hook.received(1).await;
    assert!(told[0].contains("7 syncs have changed: 7 failing: grant_missing"), "{told:?}");
    shutdown.cancel();
    alerting.await.unwrap();
    working.cancel();
    worker.await.unwrap().unwrap();
    assert_eq!(hook.count(), 1);
}
