//! Who goes first, and how many at once.

use std::collections::HashSet;

use model::{Error, ErrorKind};
use store::{Claimed, Outcome};

use crate::world::{World, outage};

fn of<'a>(claimed: &'a [Claimed], tenant: &crate::world::Customer) -> Vec<&'a Claimed> {
    claimed.iter().filter(|claimed| claimed.tenant == *tenant.id()).collect()
}

pub(crate) async fn limits_of_tenants_and_connections_hold(world: &World) {
    let by_tenant = world.customer_with("by-tenant", 5, [2, 9, 9]).await;
    let by_source = world.customer_with("by-source", 5, [9, 3, 9]).await;
    let by_destination = world.customer_with("by-destination", 5, [9, 9, 1]).await;
    for customer in [&by_tenant, &by_source, &by_destination] {
        world.ask_all(customer).await;
    }
    let worker = world.worker().await;
    let claimed = world.claim(&worker, 99).await;
    let counts = [&by_tenant, &by_source, &by_destination].map(|customer| of(&claimed, customer).len());
    assert_eq!(counts, [2, 3, 1]);
    assert!(world.claim(&worker, 99).await.is_empty());
    world.succeed(of(&claimed, &by_source)[0]).await;
    let next = world.claim(&worker, 99).await;
    assert_eq!((next.len(), of(&next, &by_source).len()), (1, 1));
}

pub(crate) async fn tenants_take_turns_however_much_one_asks_for(world: &World) {
    let greedy = world.customer("greedy", 12).await;
    world.ask_all(&greedy).await;
    world.pass_seconds(10).await;
    let mut modest = Vec::new();
    for name in ["a", "b", "c"] {
        let customer = world.customer(name, 1).await;
        world.ask_all(&customer).await;
        modest.push(customer);
    }
    // One place for all, and always one run after the other: each of four tenants is served within four turns.
    let worker = world.worker().await;
    let mut served = Vec::new();
    for _ in 0..4 {
        let claimed = world.claim(&worker, 1).await.remove(0);
        served.push(claimed.tenant.clone());
        world.succeed(&claimed).await;
    }
    assert_eq!(served.iter().collect::<HashSet<_>>().len(), 4);
    // With many places at once, too.
    for customer in &modest {
        world.ask_all(customer).await;
    }
    let claimed = world.claim(&worker, 4).await;
    assert_eq!(of(&claimed, &greedy).len(), 1);
}

pub(crate) async fn a_broken_connection_is_left_alone_and_then_tried_by_one(world: &World) {
    let acme = world.customer("acme", 6).await;
    world.ask_all(&acme).await;
    let worker = world.worker().await;
    let claimed = world.claim(&worker, 4).await;
    let refused = Error::new(ErrorKind::Auth, "test_auth", "wrong key");
    for claimed in &claimed {
        let outcome = Outcome::Failed { error: &refused, connection: Some(acme.source.id.clone()) };
        world.queue.finish(&claimed.ticket, outcome).await.unwrap();
    }
    let broken = world.store.connection(acme.id(), &acme.source.id).await.unwrap();
    assert_eq!(broken.failures, 4);
    assert!(broken.broken_until.is_some());
    assert!(world.claim(&worker, 9).await.is_empty());
    // After the pause one run tries, and only one; its failure makes the pause longer.
    world.pass_seconds(59).await;
    world.queue.heartbeat(&worker).await.unwrap();
    world.pass_seconds(1).await;
    let tried = world.claim(&worker, 9).await;
    assert_eq!(tried.len(), 1);
    assert!(world.claim(&worker, 9).await.is_empty());
    let outcome = Outcome::Failed { error: &outage(), connection: Some(acme.source.id.clone()) };
    world.queue.finish(&tried[0].ticket, outcome).await.unwrap();
    world.pass_seconds(119).await;
    let worker = world.worker().await;
    assert!(world.claim(&worker, 9).await.is_empty());
    world.pass_seconds(1).await;
    let tried = world.claim(&worker, 9).await;
    assert_eq!(tried.len(), 1);
    // A success mends it. What fails for another reason was said over a connection that works, and mends it as well.
    world.succeed(&tried[0]).await;
    assert_eq!(world.store.connection(acme.id(), &acme.source.id).await.unwrap().failures, 0);
    assert_eq!(world.claim(&worker, 9).await.len(), 1);
}

pub(crate) async fn a_full_connection_holds_up_nobody_else(world: &World) {
    let acme = world.customer_with("acme", 5, [9, 1, 9]).await;
    world.ask_all(&acme).await;
    let other = world.connection(&acme.tenant, "other", 2).await;
    let sync = world.sync("later", &other, &acme.destination, None).await;
    world.pass_seconds(5).await;
    world.ask(&sync).await;
    let worker = world.worker().await;
    let claimed = world.claim(&worker, 9).await;
    assert_eq!(claimed.len(), 2);
    assert!(claimed.iter().any(|claimed| claimed.sync == sync.id));
}

pub(crate) async fn many_claim_at_once_and_nothing_is_claimed_twice(world: &World) {
    let mut customers = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let customer = world.customer_with(name, 6, [3, 9, 9]).await;
        world.ask_all(&customer).await;
        customers.push(customer);
    }
    let mut claims = Vec::new();
    for _ in 0..6 {
        let (queue, worker) = (world.queue.clone(), world.worker().await);
        claims.push(tokio::spawn(async move {
            let mut claimed = Vec::new();
            for _ in 0..3 {
                claimed.extend(queue.claim(&worker, 2).await.unwrap());
            }
            claimed
        }));
    }
    let mut claimed = Vec::new();
    for claim in claims {
        claimed.extend(claim.await.unwrap());
    }
    let runs: HashSet<_> = claimed.iter().map(|claimed| claimed.ticket.run.clone()).collect();
    assert_eq!((claimed.len(), runs.len()), (12, 12));
    assert!(customers.iter().all(|customer| of(&claimed, customer).len() == 3));
}
