//! Plays one history on the store and on the oracle side by side.

use std::time::Duration;

use model::{Error, ErrorKind, RunState};
use serde_json::json;
use store::{Enqueued, Id, Outcome, Run, Ticket, Worker};

use super::oracle::{ConnectionFacts, Oracle, RunFacts, SyncFacts, TenantFacts};
use super::random::Random;
use crate::world::{World, outage};

const STEPS: usize = 250;

struct Player {
    world: World,
    oracle: Oracle,
    random: Random,
    workers: Vec<Id<Worker>>,
    /// Every ticket that was ever given out: those of the dead come back, too.
    tickets: Vec<Ticket>,
}

/// Plays the history called `seed` to its end.
pub(super) async fn play(world: World, seed: u64) {
    eprintln!("history {seed}: SNOWFERRY_QUEUE_HISTORIES={seed}..{} replays it", seed + 1);
    let mut player = Player {
        world,
        oracle: Oracle::default(),
        random: Random::new(seed),
        workers: Vec::new(),
        tickets: Vec::new(),
    };
    player.set_up().await;
    for _ in 0..STEPS {
        player.step().await;
    }
    player.drain().await;
}

impl Player {
    async fn set_up(&mut self) {
        for tenant in 0..4 {
            let runs_max = [1, 2, 3, 5][self.random.below(4)];
            let limits = [runs_max, 1 + self.random.below(3) as u32, 4];
            let customer = self.world.customer_with(&format!("tenant-{tenant}"), 4, limits).await;
            let facts = TenantFacts { runs_max: runs_max as usize, served: 0, is_suspended: false };
            self.oracle.tenants.insert(customer.tenant.id.clone(), facts);
            for connection in [&customer.source, &customer.destination] {
                let facts = ConnectionFacts {
                    runs_max: connection.runs_max as usize,
                    failures: 0,
                    broken_until: None,
                };
                self.oracle.connections.insert(connection.id.clone(), facts);
            }
            for sync in &customer.syncs {
                let facts = SyncFacts {
                    tenant: sync.tenant.clone(),
                    source: sync.source.clone(),
                    destination: sync.destination.clone(),
                    epoch: 0,
                    is_paused: false,
                };
                self.oracle.syncs.insert(sync.id.clone(), facts);
            }
        }
    }

    async fn step(&mut self) {
        match self.random.below(100) {
            0..25 => self.enqueue().await,
            25..50 => self.claim().await,
            50..68 => self.finish().await,
            68..78 => self.heartbeat().await,
            78..88 => {
                let seconds = [1, 5, 20, 80, 400][self.random.below(5)];
                self.world.pass_seconds(seconds).await;
            }
            88..92 => self.rescue().await,
            92..95 => self.cancel().await,
            95..97 => self.give_back().await,
            _ => self.hold_or_resume().await,
        }
    }

    async fn enqueue(&mut self) {
        let ids: Vec<_> = self.oracle.syncs.keys().cloned().collect();
        let id = self.random.pick(&ids).unwrap();
        let facts = &self.oracle.syncs[id];
        let asked =
            self.world.queue.enqueue(&facts.tenant, id, store::NewRun::default(), &self.world.by).await;
        if facts.is_paused || self.oracle.tenants[&facts.tenant].is_suspended {
            asked.unwrap_err();
            return;
        }
        match asked.unwrap() {
            Enqueued::Open(run) => assert_eq!(self.oracle.open_run(id), Some(&run)),
            Enqueued::Queued(run) => {
                assert_eq!(self.oracle.open_run(id), None);
                let facts = RunFacts {
                    sync: id.clone(),
                    state: RunState::Queued,
                    due_at: self.world.now().await,
                    spent: 0,
                    holder: None,
                    is_cancel_asked: false,
                };
                self.oracle.runs.insert(run, facts);
            }
        }
    }

    async fn claim(&mut self) {
        if self.workers.is_empty() || self.random.below(6) == 0 {
            let worker = self.world.worker().await;
            let until = self.world.now().await + self.world.queue.policy().lease;
            self.oracle.leases.insert(worker.clone(), until);
            self.workers.push(worker);
        }
        let worker = self.random.pick(&self.workers).unwrap().clone();
        let capacity = 1 + self.random.below(4);
        let now = self.world.now().await;
        match self.world.queue.claim(&worker, capacity).await {
            Ok(claimed) => {
                assert!(self.oracle.is_alive(&worker, now));
                self.oracle.follow_claim(&claimed, capacity, now);
                self.tickets.extend(claimed.into_iter().map(|claimed| claimed.ticket));
            }
            Err(error) => {
                assert_eq!(error.code(), "lease_lost");
                assert!(!self.oracle.is_alive(&worker, now));
            }
        }
    }

    async fn finish(&mut self) {
        let Some(ticket) = self.random.pick(&self.tickets).cloned() else { return };
        let sync = self.oracle.syncs[&self.oracle.runs[&ticket.run].sync].clone();
        let refused = Error::new(ErrorKind::Auth, "test_auth", "wrong key");
        let (outage, mistake) = (outage(), Error::data("test_data", "does not fit"));
        let connection = Some(sync.source.clone());
        let choice = self.random.below(5);
        let outcome = match choice {
            0 => Outcome::Failed { error: &outage, connection },
            1 => Outcome::Failed { error: &refused, connection },
            2 => Outcome::Failed { error: &mistake, connection },
            3 => Outcome::Cancelled,
            _ => Outcome::Succeeded { report: json!({}), rejects: Vec::new() },
        };
        let finished = self.world.queue.finish(&ticket, outcome).await;
        if !self.oracle.is_good(&ticket) {
            assert_eq!(finished.unwrap_err().code(), "lease_lost");
            return;
        }
        let now = self.world.now().await;
        let attempts_max = self.world.queue.policy().retry.attempts_max;
        match choice {
            0 | 1 => self.oracle.blame(&sync.source, now),
            2 => self.oracle.mend(&sync.source),
            3 => {}
            _ => [&sync.source, &sync.destination].into_iter().for_each(|id| self.oracle.mend(id)),
        }
        match choice {
            0..3 => _ = self.oracle.fail(&ticket.run, attempts_max, choice == 0),
            3 => self.oracle.end(&ticket.run, RunState::Cancelled),
            _ => self.oracle.end(&ticket.run, RunState::Succeeded),
        }
        assert_eq!(finished.unwrap(), self.oracle.runs[&ticket.run].state);
        self.look_up_due(&ticket.run).await;
    }

    /// Delays are random within bounds that the oracle knows, so it takes over what was drawn.
    async fn look_up_due(&mut self, run: &Id<Run>) {
        let facts = self.oracle.runs.get_mut(run).unwrap();
        let stored = self.world.store.run(&self.oracle.syncs[&facts.sync].tenant, run).await.unwrap();
        assert_eq!(stored.state, facts.state);
        facts.due_at = stored.due_at;
        if facts.state == RunState::Retrying {
            let delay = Duration::try_from(stored.due_at.duration_since(self.world.now().await)).unwrap();
            let policy = &self.world.queue.policy().retry;
            assert!(delay >= policy.delay_min / 2 && delay <= policy.delay_max, "{delay:?}");
        }
    }

    async fn heartbeat(&mut self) {
        let Some(worker) = self.random.pick(&self.workers).cloned() else { return };
        let now = self.world.now().await;
        match self.world.queue.heartbeat(&worker).await {
            Ok(held) => {
                assert!(self.oracle.is_alive(&worker, now));
                self.oracle.leases.insert(worker.clone(), now + self.world.queue.policy().lease);
                let runs: Vec<_> = held.iter().map(|held| held.ticket.run.clone()).collect();
                assert_eq!(runs, self.oracle.held(&worker));
                for held in &held {
                    assert!(self.oracle.is_good(&held.ticket));
                    assert_eq!(held.is_cancel_asked, self.oracle.runs[&held.ticket.run].is_cancel_asked);
                }
            }
            Err(_) => assert!(!self.oracle.is_alive(&worker, now)),
        }
    }

    async fn rescue(&mut self) {
        let policy = self.world.queue.policy().clone();
        let silent_since = self.world.now().await - policy.grace;
        let mut rescued = self.world.queue.rescue().await.unwrap();
        let mut expected = Vec::new();
        let silent: Vec<_> = self
            .oracle
            .leases
            .iter()
            .filter(|(_, until)| **until < silent_since)
            .map(|(id, _)| id.clone())
            .collect();
        for worker in silent {
            for run in self.oracle.held(&worker) {
                self.oracle.fail(&run, policy.retry.attempts_max, true);
                expected.push(run);
            }
            self.oracle.leases.remove(&worker);
        }
        rescued.sort();
        expected.sort();
        assert_eq!(rescued, expected);
        for run in &rescued {
            self.look_up_due(run).await;
        }
    }

    async fn cancel(&mut self) {
        let ids: Vec<_> = self.oracle.runs.keys().cloned().collect();
        let Some(id) = self.random.pick(&ids) else { return };
        let run = self.oracle.runs.get_mut(id).unwrap();
        let tenant = &self.oracle.syncs[&run.sync].tenant;
        let cancelled = self.world.queue.cancel(tenant, id, &self.world.by).await;
        if run.state.is_final() {
            assert_eq!(cancelled.unwrap_err().code(), "run_ended");
            return;
        }
        run.is_cancel_asked = true;
        if run.state != RunState::Running {
            run.state = RunState::Cancelled;
        }
        assert_eq!(cancelled.unwrap(), run.state);
    }

    async fn give_back(&mut self) {
        let Some(worker) = self.random.pick(&self.workers).cloned() else { return };
        let now = self.world.now().await;
        let given_back = self.world.queue.give_back(&worker).await;
        if !self.oracle.is_alive(&worker, now) {
            assert_eq!(given_back.unwrap_err().code(), "lease_lost");
            return;
        }
        let held = self.oracle.held(&worker);
        assert_eq!(given_back.unwrap(), held.len());
        for run in held {
            let facts = self.oracle.runs.get_mut(&run).unwrap();
            facts.spent -= 1;
            let state = if facts.is_cancel_asked { RunState::Cancelled } else { RunState::Queued };
            self.oracle.end(&run, state);
            self.look_up_due(&run).await;
        }
        self.oracle.leases.remove(&worker);
        self.workers.retain(|known| *known != worker);
    }

    async fn hold_or_resume(&mut self) {
        let (store, by) = (&self.world.store, &self.world.by);
        if self.random.below(2) == 0 {
            let ids: Vec<_> = self.oracle.tenants.keys().cloned().collect();
            let id = self.random.pick(&ids).unwrap();
            let tenant = self.oracle.tenants.get_mut(id).unwrap();
            match tenant.is_suspended {
                true => store.resume_tenant(id, by).await.unwrap(),
                false => store.suspend_tenant(id, by).await.unwrap(),
            }
            tenant.is_suspended = !tenant.is_suspended;
        } else {
            let ids: Vec<_> = self.oracle.syncs.keys().cloned().collect();
            let id = self.random.pick(&ids).unwrap();
            let sync = self.oracle.syncs.get_mut(id).unwrap();
            match sync.is_paused {
                true => store.resume_sync(&sync.tenant, id, by).await.unwrap(),
                false => store.pause_sync(&sync.tenant, id, by).await.unwrap(),
            }
            sync.is_paused = !sync.is_paused;
        }
    }

    /// Whatever has happened, what is open can be brought to an end: nothing is lost.
    async fn drain(mut self) {
        for (id, tenant) in &mut self.oracle.tenants {
            self.world.store.resume_tenant(id, &self.world.by).await.unwrap();
            tenant.is_suspended = false;
        }
        for (id, sync) in &mut self.oracle.syncs {
            self.world.store.resume_sync(&sync.tenant, id, &self.world.by).await.unwrap();
            sync.is_paused = false;
        }
        self.world.pass_seconds(100).await;
        self.rescue().await;
        let worker = loop {
            let open = self.oracle.runs.values().filter(|run| !run.state.is_final()).count();
            let worker = self.world.worker().await;
            if open == 0 {
                break worker;
            }
            // Longer than any pause of a connection and any delay of a retry.
            self.world.pass_seconds(3_700).await;
            let worker = self.world.worker().await;
            let now = self.world.now().await;
            let claimed = self.world.claim(&worker, 50).await;
            assert!(!claimed.is_empty(), "{open} runs are open, and none starts");
            self.oracle.follow_claim(&claimed, 50, now);
            for claimed in &claimed {
                self.world.succeed(claimed).await;
                self.oracle.end(&claimed.ticket.run, RunState::Succeeded);
                [&claimed.source, &claimed.destination].into_iter().for_each(|id| self.oracle.mend(id));
            }
        };
        assert!(self.world.claim(&worker, 50).await.is_empty());
        for (id, facts) in &self.oracle.runs {
            let stored = self.world.store.run(&self.oracle.syncs[&facts.sync].tenant, id).await.unwrap();
            assert_eq!(stored.state, facts.state);
        }
        self.world.store.close().await;
    }
}
