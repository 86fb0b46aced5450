//! Any history of the queue: random workers, failures, deaths and pauses, each step compared with a queue that is so
//! simple that it can be seen to be right. One seed is one history.
//!
//! `SNOWFERRY_QUEUE_HISTORIES=0..500 cargo test -p store --test main histories -- --nocapture` plays more of them.

mod oracle;
mod player;
mod random;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use serde_json::json;
use store::{Id, Outcome, Run, Tenant};

use crate::server::Postgres;
use crate::world::World;

fn seeds(otherwise: Range<u64>) -> Range<u64> {
    let Ok(text) = std::env::var("SNOWFERRY_QUEUE_HISTORIES") else { return otherwise };
    let (from, to) = text.split_once("..").expect("write a range such as 0..500");
    from.parse().unwrap()..to.parse().unwrap()
}

#[tokio::test]
async fn any_history_on_sqlite_is_that_of_a_simple_queue() {
    for seed in seeds(0..12) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("state.db").display());
        player::play(World::open(url, Some(folder)).await, seed).await;
    }
}

#[tokio::test]
async fn any_history_on_postgres_is_that_of_a_simple_queue() {
    let server = Postgres::get();
    for seed in seeds(100..112) {
        let name = server.create_database().await;
        player::play(World::open(server.url(&name), None).await, seed).await;
    }
}

/// What workers that really run at the same time see.
#[derive(Default)]
struct Seen {
    epochs: HashSet<(Id<Run>, u64)>,
    going: HashMap<Id<Tenant>, u32>,
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_side_by_side_on_postgres_double_and_lose_nothing() {
    const LIMIT: u32 = 2;
    const RUNS: usize = 120;
    let server = Postgres::get();
    let name = server.create_database().await;
    let world = World::open(server.url(&name), None).await;
    for tenant in 0..6 {
        let customer = world.customer_with(&format!("tenant-{tenant}"), RUNS / 6, [LIMIT, 9, 9]).await;
        world.ask_all(&customer).await;
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut workers = Vec::new();
    for _ in 0..6 {
        let (queue, seen, worker) = (world.queue.clone(), Arc::clone(&seen), world.worker().await);
        workers.push(tokio::spawn(async move {
            let mut finished = 0;
            loop {
                let claimed = queue.claim(&worker, 3).await.unwrap();
                if claimed.is_empty() && seen.lock().unwrap().epochs.len() == RUNS {
                    return finished;
                }
                for claimed in &claimed {
                    let mut seen = seen.lock().unwrap();
                    assert!(seen.epochs.insert((claimed.ticket.run.clone(), claimed.ticket.epoch.0)));
                    let going = seen.going.entry(claimed.tenant.clone()).or_default();
                    *going += 1;
                    assert!(*going <= LIMIT, "{} has {going} runs going", claimed.tenant);
                }
                for claimed in &claimed {
                    *seen.lock().unwrap().going.get_mut(&claimed.tenant).unwrap() -= 1;
                    let outcome = Outcome::Succeeded { report: json!({}), rejects: Vec::new() };
                    queue.finish(&claimed.ticket, outcome).await.unwrap();
                    finished += 1;
                }
            }
        }));
    }
    let mut finished = 0;
    for worker in workers {
        finished += worker.await.unwrap();
    }
    assert_eq!(finished, RUNS);
}
