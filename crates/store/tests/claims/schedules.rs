//! Schedules that become runs.

use jiff::Timestamp;
use model::{CatchUp, Decision, Hold, Overlap, RunState, ScheduleSpec, WaitReason};
use store::{Cause, NewSync, Run, Sync, Tick};

use crate::world::{Customer, World, at};

/// Hourly, without jitter; the claims begin at noon.
fn hourly() -> ScheduleSpec {
    ScheduleSpec { jitter_ms: Some(0), ..ScheduleSpec::new("0 * * * *", "UTC") }
}

async fn scheduled(world: &World, spec: ScheduleSpec) -> (Customer, Sync) {
    let customer = world.customer("acme", 0).await;
    let sync = world.sync("hourly", &customer.source, &customer.destination, Some(spec)).await;
    (customer, sync)
}

/// Looks until there is nothing more to do.
async fn tick(world: &World) -> Tick {
    let mut sum = Tick::default();
    for _ in 0..20 {
        let tick = world.queue.tick().await.unwrap();
        sum.queued += tick.queued;
        sum.passed += tick.passed;
        if tick.asked == 0 {
            return sum;
        }
    }
    panic!("a schedule is asked again and again at the same moment");
}

async fn runs(world: &World, sync: &Sync) -> Vec<Run> {
    world.store.runs(&sync.tenant, &sync.id).await.unwrap()
}

pub(crate) async fn a_fire_becomes_one_run_however_many_look(world: &World) {
    let (_, sync) = scheduled(world, hourly()).await;
    assert_eq!(tick(world).await, Tick::default());
    world.clock.set(at("2026-05-01T12:59:59Z"));
    assert_eq!(world.queue.tick().await.unwrap().asked, 0, "nothing is asked before its time");
    world.clock.set(at("2026-05-01T13:00:00Z"));
    let looks: Vec<_> = (0..4)
        .map(|_| {
            let queue = world.queue.clone();
            tokio::spawn(async move { queue.tick().await.unwrap().queued })
        })
        .collect();
    let mut queued = 0;
    for look in looks {
        queued += look.await.unwrap();
    }
    assert_eq!(queued, 1);
    let runs = runs(world, &sync).await;
    assert_eq!((runs.len(), runs[0].cause), (1, Cause::Schedule));
    assert_eq!(runs[0].fire_at, Some(at("2026-05-01T13:00:00Z")));
}

pub(crate) async fn missed_fires_become_one_run(world: &World) {
    let (_, sync) = scheduled(world, hourly()).await;
    world.clock.set(at("2026-05-03T09:30:00Z"));
    assert_eq!(tick(world).await.queued, 1);
    assert_eq!(runs(world, &sync).await[0].fire_at, Some(at("2026-05-03T09:00:00Z")));
    let all = ScheduleSpec { catch_up: CatchUp::All(3), ..hourly() };
    world.store.schedule_sync(&sync.tenant, &sync.id, Some(all), &world.by).await.unwrap();
    world.clock.set(at("2026-05-03T15:30:00Z"));
    let worker = world.worker().await;
    let mut caught_up: Vec<Option<Timestamp>> = Vec::new();
    for _ in 0..6 {
        tick(world).await;
        for claimed in world.claim(&worker, 1).await {
            caught_up.push(world.run(&claimed).await.fire_at);
            world.succeed(&claimed).await;
        }
    }
    let expected =
        ["09:00", "13:00", "14:00", "15:00"].map(|hour| Some(at(&format!("2026-05-03T{hour}:00Z"))));
    assert_eq!(caught_up, expected);
}

pub(crate) async fn a_fire_during_a_run_is_passed_over_and_that_is_said(world: &World) {
    let (_, sync) = scheduled(world, hourly()).await;
    world.ask(&sync).await;
    world.clock.set(at("2026-05-01T13:00:00Z"));
    let tick = tick(world).await;
    assert_eq!((tick.queued, tick.passed), (0, 1));
    let why = world.store.why(&sync.tenant, &sync.id).await.unwrap();
    let passed = why.passed.unwrap();
    assert_eq!((passed.at, passed.reason.as_str()), (at("2026-05-01T13:00:00Z"), "overlap"));
    assert_eq!(why.open_run, why.last_run.map(|run| run.id));
    let decision = why.decision.unwrap();
    assert!(decision.to_string().contains("2026-05-01T14:00:00Z"), "{decision}");
}

pub(crate) async fn a_fire_that_waits_starts_when_the_run_has_ended(world: &World) {
    let (_, sync) = scheduled(world, ScheduleSpec { overlap: Some(Overlap::Wait), ..hourly() }).await;
    world.ask(&sync).await;
    let worker = world.worker().await;
    world.clock.set(at("2026-05-01T12:00:59Z"));
    let claimed = world.claim(&worker, 1).await.remove(0);
    world.clock.set(at("2026-05-01T13:00:00Z"));
    assert_eq!(tick(world).await, Tick::default());
    world.clock.set(at("2026-05-01T13:20:00Z"));
    world.succeed(&claimed).await;
    assert_eq!(tick(world).await.queued, 1);
    assert_eq!(runs(world, &sync).await[0].fire_at, Some(at("2026-05-01T13:00:00Z")));
}

pub(crate) async fn what_fired_during_a_pause_is_not_caught_up(world: &World) {
    let (customer, sync) = scheduled(world, hourly()).await;
    let why = async || world.store.why(&sync.tenant, &sync.id).await.unwrap().decision.unwrap();
    world.store.pause_sync(&sync.tenant, &sync.id, &world.by).await.unwrap();
    world.clock.set(at("2026-05-01T15:30:00Z"));
    assert_eq!(tick(world).await, Tick::default());
    let paused = Decision::Wait { reason: WaitReason::Held(Hold::Paused), until: None };
    assert_eq!(why().await, paused);
    world.store.resume_sync(&sync.tenant, &sync.id, &world.by).await.unwrap();
    assert_eq!(tick(world).await, Tick::default());
    world.store.suspend_tenant(customer.id(), &world.by).await.unwrap();
    world.clock.set(at("2026-05-01T17:30:00Z"));
    assert_eq!(tick(world).await, Tick::default());
    world.store.resume_tenant(customer.id(), &world.by).await.unwrap();
    assert_eq!(tick(world).await, Tick::default());
    world.clock.set(at("2026-05-01T18:00:00Z"));
    assert_eq!(tick(world).await.queued, 1);
    world.store.close_connection(customer.id(), &customer.source.id, &world.by).await.unwrap();
    let closed = Decision::Wait { reason: WaitReason::Held(Hold::Closed), until: None };
    assert_eq!(why().await, closed);
    world.clock.set(at("2026-05-01T19:00:00Z"));
    assert_eq!(tick(world).await, Tick::default());
}

pub(crate) async fn a_clock_set_back_starts_nothing_twice(world: &World) {
    let (_, sync) = scheduled(world, hourly()).await;
    let worker = world.worker().await;
    world.clock.set(at("2026-05-01T13:00:00Z"));
    assert_eq!(tick(world).await.queued, 1);
    let worker = match world.queue.claim(&worker, 1).await {
        Err(_) => world.worker().await,
        Ok(_) => panic!("the worker was silent for an hour"),
    };
    world.succeed(&world.claim(&worker, 1).await[0]).await;
    world.clock.set(at("2026-05-01T12:30:00Z"));
    assert_eq!(tick(world).await.queued, 0);
    world.clock.set(at("2026-05-01T13:00:01Z"));
    assert_eq!(tick(world).await.queued, 0);
    world.clock.set(at("2026-05-01T14:00:00Z"));
    assert_eq!(tick(world).await.queued, 1);
    let states: Vec<_> = runs(world, &sync).await.iter().map(|run| run.state).collect();
    assert_eq!(states, [RunState::Queued, RunState::Succeeded]);
}

pub(crate) async fn a_schedule_that_never_fires_is_not_stored(world: &World) {
    let customer = world.customer("acme", 1).await;
    let never = ScheduleSpec::new("0 0 31 2 *", "UTC");
    let sync = &customer.syncs[0].id;
    let refused = world.store.schedule_sync(customer.id(), sync, Some(never.clone()), &world.by).await;
    assert_eq!(refused.unwrap_err().code(), "schedule_never_fires");
    let new = NewSync {
        name: "never".to_owned(),
        source: customer.source.id.clone(),
        destination: customer.destination.id.clone(),
        definition: serde_json::json!({}),
        priority: 0,
        schedule: Some(never),
        late_after: None,
    };
    let refused = world.store.create_sync(customer.id(), new, &world.by).await;
    assert_eq!(refused.unwrap_err().code(), "schedule_never_fires");
    assert_eq!(world.store.why(customer.id(), sync).await.unwrap().decision, None);
}
