//! How syncs stand, who tells people about it, and what was told.

use std::time::Duration;

use serde_json::json;
use store::{Holder, Id, NewSync, Outcome, Standing, Standings};

use crate::world::{Customer, World, outage};

const HOUR: Duration = Duration::from_secs(3_600);

/// A sync of the customer that is late after an hour.
async fn hourly(world: &World, customer: &Customer, name: &str) -> store::Sync {
    let new = NewSync {
        name: name.to_owned(),
        source: customer.source.id.clone(),
        destination: customer.destination.id.clone(),
        definition: json!({}),
        priority: 0,
        schedule: None,
        late_after: Some(HOUR),
    };
    world.store.create_sync(customer.id(), new, &world.by).await.unwrap()
}

async fn standing(world: &World, sync: &store::Sync) -> Standing {
    world.store.standing(&sync.tenant, &sync.id).await.unwrap()
}

pub(crate) async fn a_sync_stands_as_its_last_run_ended(world: &World) {
    let acme = world.customer("acme", 0).await;
    let (sync, worker) = (hourly(world, &acme, "deals").await, world.worker().await);
    assert_eq!(sync.late_after, Some(HOUR));
    let created_at = world.now().await;
    let new = standing(world, &sync).await;
    assert_eq!((new.expected_since, new.last_ended, new.late_after), (created_at, None, Some(HOUR)));
    world.pass_seconds(20).await;
    let succeeded_at = world.now().await;
    world.ask(&sync).await;
    world.succeed(&world.claim(&worker, 1).await[0]).await;
    let after = standing(world, &sync).await;
    assert_eq!((after.last_ended, after.last_success_at), (Some((succeeded_at, None)), Some(succeeded_at)));
    world.pass_seconds(20).await;
    world.queue.heartbeat(&worker).await.unwrap();
    world.ask(&sync).await;
    let claimed = world.claim(&worker, 1).await.remove(0);
    let error = model::Error::new(model::ErrorKind::Permission, "grant_missing", "the role lacks SELECT");
    let outcome = Outcome::Failed { error: &error, connection: None };
    world.queue.finish(&claimed.ticket, outcome).await.unwrap();
    let (_, failure) = standing(world, &sync).await.last_ended.unwrap();
    assert_eq!(failure.unwrap().code, "grant_missing");
    assert_eq!(standing(world, &sync).await.last_success_at, Some(succeeded_at));
    // A run that is cancelled says nothing about the sync, and one that is tried again has not failed.
    world.ask(&sync).await;
    let claimed = world.claim(&worker, 1).await.remove(0);
    let (error, source) = (outage(), Some(acme.source.id.clone()));
    world.queue.finish(&claimed.ticket, Outcome::Failed { error: &error, connection: source }).await.unwrap();
    world.queue.cancel(acme.id(), &claimed.ticket.run, &world.by).await.unwrap();
    let (_, failure) = standing(world, &sync).await.last_ended.unwrap();
    assert_eq!(failure.unwrap().code, "grant_missing");
}

pub(crate) async fn syncs_are_counted_by_how_they_stand(world: &World) {
    let acme = world.customer("acme", 1).await;
    let (late, paused) = (hourly(world, &acme, "late").await, hourly(world, &acme, "paused").await);
    let failing = hourly(world, &acme, "failing").await;
    let counted = world.store.count_standings().await.unwrap();
    assert_eq!(counted, Standings { well: 4, ..Standings::default() });
    world.store.pause_sync(acme.id(), &paused.id, &world.by).await.unwrap();
    world.ask(&failing).await;
    let worker = world.worker().await;
    let claimed = world.claim(&worker, 1).await.remove(0);
    let error = model::Error::config("unknown_column", "there is no such column");
    let outcome = Outcome::Failed { error: &error, connection: None };
    world.queue.finish(&claimed.ticket, outcome).await.unwrap();
    world.pass(HOUR).await;
    let counted = world.store.count_standings().await.unwrap();
    assert_eq!((counted.late, counted.failing, counted.resting), (0, 1, 1), "an hour is not beyond an hour");
    world.pass_seconds(5).await;
    let counted = world.store.count_standings().await.unwrap();
    let expected = Standings { well: 1, failing: 1, late: 1, resting: 1, overdue: Duration::from_secs(5) };
    assert_eq!(counted, expected);
    // What rested is expected from then on, not from the beginning.
    world.store.resume_sync(acme.id(), &paused.id, &world.by).await.unwrap();
    assert_eq!(standing(world, &paused).await.expected_since, world.now().await);
    assert_eq!(world.store.count_standings().await.unwrap().well, 2);
    world.store.close_connection(acme.id(), &acme.source.id, &world.by).await.unwrap();
    assert!(standing(world, &late).await.is_resting);
    assert_eq!(world.store.count_standings().await.unwrap().resting, 4);
}

pub(crate) async fn what_was_told_is_kept_for_each_channel(world: &World) {
    let acme = world.customer("acme", 3).await;
    let told = json!({ "condition": "late" });
    let sync = acme.syncs[1].id.clone();
    world.store.note_told("team", &[(sync.clone(), json!(1))]).await.unwrap();
    world.store.note_told("team", &[(sync.clone(), told.clone())]).await.unwrap();
    let first = world.store.standings("team", None, 2).await.unwrap();
    let rest = world.store.standings("team", Some(&first[1].sync), 2).await.unwrap();
    let all: Vec<Standing> = first.into_iter().chain(rest).collect();
    assert_eq!(all.len(), 3);
    for standing in &all {
        let expected = (standing.sync == sync).then(|| told.clone());
        assert_eq!(standing.told.clone().map(|(told, _)| told), expected);
    }
    let others = world.store.standings("on_call", None, 10).await.unwrap();
    assert!(others.iter().all(|standing| standing.told.is_none()));
}

pub(crate) async fn a_duty_has_one_holder_until_it_is_left_or_over(world: &World) {
    let (one, other): (Id<Holder>, Id<Holder>) = (Holder::new_id(), Holder::new_id());
    let take = async |holder| world.store.take_duty("alerts:team", holder, HOUR).await.unwrap();
    assert!(take(&one).await && take(&one).await);
    assert!(!take(&other).await);
    assert!(world.store.take_duty("alerts:on_call", &other, HOUR).await.unwrap(), "another duty");
    world.store.leave_duty("alerts:team", &other).await.unwrap();
    assert!(!take(&other).await, "nobody leaves another's duty");
    world.store.leave_duty("alerts:team", &one).await.unwrap();
    assert!(take(&other).await && !take(&one).await);
    world.pass(HOUR).await;
    world.pass_seconds(1).await;
    assert!(take(&one).await && !take(&other).await);
}

pub(crate) async fn a_tenant_that_was_not_suspended_owes_what_it_owed(world: &World) {
    let acme = world.customer("acme", 0).await;
    let sync = hourly(world, &acme, "deals").await;
    let created_at = world.now().await;
    world.pass(HOUR + Duration::from_secs(1)).await;
    world.store.resume_tenant(acme.id(), &world.by).await.unwrap();
    assert_eq!(standing(world, &sync).await.expected_since, created_at);
    assert_eq!(world.store.count_standings().await.unwrap().late, 1);
    world.store.suspend_tenant(acme.id(), &world.by).await.unwrap();
    world.store.resume_tenant(acme.id(), &world.by).await.unwrap();
    assert_eq!(standing(world, &sync).await.expected_since, world.now().await);
}
