//! One seed: a table and its writers, a sync that follows it, and rounds of both until the two sides are compared.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connectors::duckdb::DuckDbDestination;
use connectors::faulty::Faulty;
use engine::{RunProgress, RunReport, Sync, VerifySync, run_comparable};
use model::{DeletePolicy, Destination, Error, ErrorKind, Source, StreamSpec};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::broken::{Broken, BrokenReader};
use super::disturbance::Disturbance;
use super::killed::Killed;
use super::random::Random;
use super::settings::Settings;
use super::table::Table;
use crate::account::Account;
use crate::both::retries::attempts;
use crate::pull::{Interrupted, Pull};
use crate::read_by::ReadBy;

/// Writes between two runs, at most.
const CHANGES_MAX: u64 = 7;
const ROUNDS_MAX: u64 = 4;
/// Disturbed runs before the one that settles a round, at most.
const DISTURBED_MAX: u64 = 2;
/// How far an account's clock moves at once, in seconds: links, sessions and kept results expire.
const CLOCK_STEPS: &[u64] = &[0, 0, 0, 0, 1, 60, 3_700, 7 * 3_600, 25 * 3_600];

/// Plays one seed; an error says what was different, and after what.
pub(super) async fn play(account: &Arc<Account>, seed: u64, broken: Option<Broken>) -> Result<(), String> {
    let mut random = Random::new(seed);
    let settings = Settings::random(&mut random);
    let name =
        format!("T{seed}_{}", broken.map_or_else(String::new, |broken| format!("{broken:?}")).to_uppercase());
    let table = Table::new(&account.emulator, &name, &settings, Random::new(random.below(u64::MAX)));
    let mut case = Case {
        pull: Pull::new(account, settings.spec(&name)),
        account: Arc::clone(account),
        table: Arc::new(Mutex::new(table)),
        settings,
        random,
        broken,
        settled: Vec::new(),
    };
    let result = case.rounds().await;
    account.emulator.faults().clear();
    let mut table = case.table.lock().unwrap();
    table.settle();
    result.map_err(|message| format!("{message}\n{:?}\n{}", case.settings, table.log.join("\n")))
}

struct Case<'a> {
    pull: Pull<'a>,
    account: Arc<Account>,
    table: Arc<Mutex<Table>>,
    settings: Settings,
    random: Random,
    broken: Option<Broken>,
    /// The rows when both sides were last equal.
    settled: Vec<String>,
}

impl Case<'_> {
    async fn rounds(&mut self) -> Result<(), String> {
        for round in 0..=self.random.below(ROUNDS_MAX) {
            self.write();
            for _ in 0..self.random.below(DISTURBED_MAX + 1) {
                let disturbance = Disturbance::random(&mut self.random);
                self.note(&format!("disturbed run: {disturbance:?}"));
                match self.run(&disturbance).await {
                    Some(Err(error)) if error.kind() == ErrorKind::Internal => {
                        return Err(format!("round {round}: a disturbed run failed with {error:?}"));
                    }
                    outcome => self.note(&format!("it ended with {outcome:?}")),
                }
                self.write();
            }
            self.note("undisturbed run");
            let calm = Disturbance { attempts_max: 4, ..Disturbance::default() };
            match self.run(&calm).await {
                Some(Ok(report)) => self.note(&format!("{report:?}")),
                outcome => return Err(format!("round {round}: an undisturbed run failed: {outcome:?}")),
            }
            self.compare(round)?;
        }
        Ok(())
    }

    fn write(&mut self) {
        let seconds = *self.random.pick(CLOCK_STEPS);
        self.account.emulator.clock().advance(Duration::from_secs(seconds));
        let mut table = self.table.lock().unwrap();
        tokio::task::block_in_place(|| table.write(&self.account.emulator, CHANGES_MAX));
    }

    fn note(&self, what: &str) {
        self.table.lock().unwrap().log.push(format!("-- {what}"));
    }

    fn compare(&mut self, round: u64) -> Result<(), String> {
        let table = Arc::clone(&self.table);
        let mut table = table.lock().unwrap();
        let (expected, all) = (table.expected(), self.pull.rows(&table.vendor_sql()));
        let (landed, gone) = self.live_and_gone(&table, all);
        self.compare_gone(round, &table, &gone)?;
        if expected == landed {
            table.has_settled = true;
            self.settled = landed;
            return Ok(());
        }
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|row| !those.contains(row)).cloned().collect()
        };
        Err(format!(
            "round {round}: {} rows at the source and {} here; missing {:?}, too many {:?}",
            expected.len(),
            landed.len(),
            only(&expected, &landed),
            only(&landed, &expected)
        ))
    }

    /// The rows that landed, apart from those that a policy has left of deleted ones.
    fn live_and_gone(&self, table: &Table, all: Vec<String>) -> (Vec<String>, Vec<String>) {
        let live: BTreeSet<String> = match self.settings.policy {
            DeletePolicy::Delete => return (all, Vec::new()),
            DeletePolicy::Mark => {
                let live = self.pull.rows("SELECT \"ID\" FROM crm.rows WHERE _deleted_at IS NULL");
                live.into_iter().collect()
            }
            DeletePolicy::Keep => table.keys(),
        };
        all.into_iter().partition(|row| live.contains(id_of(row)))
    }

    /// What is left of deleted rows was a row once, and none is left out that was there when both sides were equal.
    fn compare_gone(&self, round: u64, table: &Table, gone: &[String]) -> Result<(), String> {
        let keys = table.keys();
        if let Some(row) = gone.iter().find(|row| !table.was_once(row) || keys.contains(id_of(row))) {
            return Err(format!("round {round}: {row} is no row that is gone"));
        }
        let left: BTreeSet<&str> = gone.iter().map(|row| id_of(row)).collect();
        let is_missing = |key: &&str| !keys.contains(*key) && !left.contains(key);
        match self.settled.iter().map(|row| id_of(row)).find(is_missing) {
            Some(key) if self.settings.policy != DeletePolicy::Delete => {
                Err(format!("round {round}: nothing is left of the deleted row {key}"))
            }
            _ => Ok(()),
        }
    }

    /// One run in a process of its own; nothing where that is killed.
    async fn run(&mut self, disturbance: &Disturbance) -> Option<Result<RunReport, Error>> {
        tokio::task::block_in_place(|| self.table.lock().unwrap().before_run());
        for rule in &disturbance.on_the_wire {
            self.account.emulator.faults().add(rule.clone());
        }
        let died = Arc::new(Notify::new());
        let inner = self.account.source();
        let destination = Arc::new(DuckDbDestination::open(self.pull.file()).unwrap());
        let sync = Sync {
            source: self.source(Arc::clone(&inner) as Arc<dyn Source>, disturbance),
            destination: self.destination(Arc::clone(&destination) as _, disturbance, &died),
            spec: self.spec(),
        };
        let audited = Faulty::new(Arc::clone(&inner), disturbance.at_the_source.clone());
        let sync = VerifySync { sync, source: Arc::new(audited), destination };
        let options = attempts(disturbance.attempts_max);
        let (progress, _watched) = watch::channel(RunProgress::default());
        let cancel = CancellationToken::new();
        let outcome = tokio::select! {
            outcome = run_comparable(&sync, &options, &progress, &cancel) => Some(outcome),
            () = died.notified() => None,
        };
        self.account.emulator.faults().clear();
        if outcome.is_some() {
            inner.close().await;
        }
        self.table.lock().unwrap().after_run();
        outcome
    }

    fn spec(&self) -> StreamSpec {
        self.pull.spec.clone()
    }

    fn source(&self, inner: Arc<dyn Source>, disturbance: &Disturbance) -> Arc<dyn Source> {
        let (table, account) = (Arc::clone(&self.table), Arc::clone(&self.account));
        let writers = move || {
            let mut table = table.lock().unwrap();
            table.write(&account.emulator, CHANGES_MAX);
            // The run may fail and read once more, from a higher value on.
            table.before_run();
        };
        let act: Option<Box<dyn FnOnce() + Send>> =
            if disturbance.has_writers { Some(Box::new(writers)) } else { None };
        let mut source = Interrupted::source(inner, act);
        if let Some(broken) = self.broken {
            let table = Arc::clone(&self.table);
            let reader = BrokenReader { broken, cursor_type: self.settings.cursor_type, table };
            source = Arc::new(ReadBy { inner: source, reader });
        }
        Arc::new(Faulty::new(source, disturbance.at_the_source.clone()))
    }

    fn destination(
        &self,
        inner: Arc<dyn Destination>,
        disturbance: &Disturbance,
        died: &Arc<Notify>,
    ) -> Arc<dyn Destination> {
        let inner: Arc<dyn Destination> = match disturbance.dies_at {
            None => inner,
            Some((call, does_its_work)) => Arc::new(Killed {
                inner,
                calls_left: AtomicI64::new(call),
                does_its_work,
                died: Arc::clone(died),
            }),
        };
        Arc::new(Faulty::new(inner, disturbance.at_the_destination.clone()))
    }
}

/// The key at the beginning of a row that is shown as text.
fn id_of(shown: &str) -> &str {
    shown.split(' ').next().unwrap_or_default()
}
