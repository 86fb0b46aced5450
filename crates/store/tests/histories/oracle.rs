//! A queue so simple that it can be seen to be right: everything in maps, and every question answered by looking at all.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use model::{Epoch, RunState};
use store::{Claimed, Connection, Id, Run, Sync, Tenant, Ticket, Worker};

#[derive(Debug)]
pub(super) struct TenantFacts {
    pub(super) runs_max: usize,
    /// When it was last served, counted in runs; never is the lowest.
    pub(super) served: u64,
    pub(super) is_suspended: bool,
}

#[derive(Debug)]
pub(super) struct ConnectionFacts {
    pub(super) runs_max: usize,
    pub(super) failures: u32,
    pub(super) broken_until: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) struct SyncFacts {
    pub(super) tenant: Id<Tenant>,
    pub(super) source: Id<Connection>,
    pub(super) destination: Id<Connection>,
    pub(super) epoch: u64,
    pub(super) is_paused: bool,
}

#[derive(Clone, Debug)]
pub(super) struct RunFacts {
    pub(super) sync: Id<Sync>,
    pub(super) state: RunState,
    pub(super) due_at: Timestamp,
    pub(super) spent: u32,
    pub(super) holder: Option<(Id<Worker>, Epoch)>,
    pub(super) is_cancel_asked: bool,
}

#[derive(Debug, Default)]
pub(super) struct Oracle {
    pub(super) tenants: BTreeMap<Id<Tenant>, TenantFacts>,
    pub(super) connections: BTreeMap<Id<Connection>, ConnectionFacts>,
    pub(super) syncs: BTreeMap<Id<Sync>, SyncFacts>,
    pub(super) runs: BTreeMap<Id<Run>, RunFacts>,
    pub(super) leases: BTreeMap<Id<Worker>, Timestamp>,
    pub(super) served: u64,
}

/// What decides who goes first: runs going, last turn, time, tenant; and then the run.
type Place = (usize, u64, Timestamp, Id<Tenant>, Id<Run>);

impl Oracle {
    pub(super) fn open_run(&self, sync: &Id<Sync>) -> Option<&Id<Run>> {
        self.runs.iter().find(|(_, run)| run.sync == *sync && !run.state.is_final()).map(|(id, _)| id)
    }

    pub(super) fn is_good(&self, ticket: &Ticket) -> bool {
        let holder = (ticket.worker.clone(), ticket.epoch);
        self.runs[&ticket.run].holder.as_ref() == Some(&holder)
    }

    pub(super) fn is_alive(&self, worker: &Id<Worker>, now: Timestamp) -> bool {
        self.leases.get(worker).is_some_and(|until| *until > now)
    }

    pub(super) fn held(&self, worker: &Id<Worker>) -> Vec<Id<Run>> {
        let is_held = |run: &RunFacts| run.holder.as_ref().is_some_and(|(holder, _)| holder == worker);
        self.runs.iter().filter(|(_, run)| is_held(run)).map(|(id, _)| id.clone()).collect()
    }

    fn going(&self, is_counted: impl Fn(&SyncFacts) -> bool) -> usize {
        let going = self.runs.values().filter(|run| run.state == RunState::Running);
        going.filter(|run| is_counted(&self.syncs[&run.sync])).count()
    }

    pub(super) fn going_of_tenant(&self, tenant: &Id<Tenant>) -> usize {
        self.going(|sync| sync.tenant == *tenant)
    }

    fn has_room(&self, id: &Id<Connection>, now: Timestamp) -> bool {
        let connection = &self.connections[id];
        let limit = if connection.failures >= 4 { 1 } else { connection.runs_max };
        connection.broken_until.is_none_or(|until| until <= now)
            && self.going(|sync| sync.source == *id || sync.destination == *id) < limit
    }

    /// Runs that may start now.
    fn startable(&self, now: Timestamp) -> Vec<Place> {
        let mut startable = Vec::new();
        for (id, run) in &self.runs {
            let sync = &self.syncs[&run.sync];
            let tenant = &self.tenants[&sync.tenant];
            let going = self.going_of_tenant(&sync.tenant);
            if matches!(run.state, RunState::Queued | RunState::Retrying)
                && run.due_at <= now
                && !sync.is_paused
                && !tenant.is_suspended
                && going < tenant.runs_max
                && self.has_room(&sync.source, now)
                && self.has_room(&sync.destination, now)
            {
                startable.push((going, tenant.served, run.due_at, sync.tenant.clone(), id.clone()));
            }
        }
        startable
    }

    /// Follows a claim run by run: each has to be the very one that was next, and none may be left that could start.
    pub(super) fn follow_claim(&mut self, claimed: &[Claimed], capacity: usize, now: Timestamp) {
        for claimed in claimed {
            let next = self.startable(now).into_iter().min().map(|(.., run)| run);
            assert_eq!(Some(&claimed.ticket.run), next.as_ref(), "another run was next");
            let run = self.runs.get_mut(&claimed.ticket.run).unwrap();
            let sync = self.syncs.get_mut(&run.sync).unwrap();
            sync.epoch += 1;
            assert_eq!(claimed.ticket.epoch, Epoch(sync.epoch));
            run.state = RunState::Running;
            run.spent += 1;
            run.holder = Some((claimed.ticket.worker.clone(), claimed.ticket.epoch));
            self.served += 1;
            self.tenants.get_mut(&sync.tenant).unwrap().served = self.served;
        }
        assert!(claimed.len() <= capacity);
        assert!(claimed.len() == capacity || self.startable(now).is_empty(), "a run could have started");
    }

    /// A failure that may be tried again, by an attempt that counts.
    pub(super) fn fail(&mut self, id: &Id<Run>, attempts_max: u32, is_worth_it: bool) -> RunState {
        let run = self.runs.get_mut(id).unwrap();
        let state = match () {
            () if run.is_cancel_asked => RunState::Cancelled,
            () if is_worth_it && run.spent < attempts_max => RunState::Retrying,
            () => RunState::Failed,
        };
        self.end(id, state);
        state
    }

    pub(super) fn end(&mut self, id: &Id<Run>, state: RunState) {
        let run = self.runs.get_mut(id).unwrap();
        (run.state, run.holder) = (state, None);
    }

    pub(super) fn blame(&mut self, id: &Id<Connection>, now: Timestamp) {
        let connection = self.connections.get_mut(id).unwrap();
        connection.failures += 1;
        if connection.failures >= 4 {
            let pause = (60_u64 << (connection.failures - 4).min(20)).min(1_800);
            connection.broken_until = Some(now + Duration::from_secs(pause));
        }
    }

    pub(super) fn mend(&mut self, id: &Id<Connection>) {
        let connection = self.connections.get_mut(id).unwrap();
        (connection.failures, connection.broken_until) = (0, None);
    }
}
