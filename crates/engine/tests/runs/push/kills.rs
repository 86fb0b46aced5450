//! The kill matrix: a run is killed, cut off or paused at every step of a delivery, and the next one makes it good.
//!
//! Afterwards the target holds each row once, a rewritten table was entirely old or entirely new whenever somebody looked,
//! and the Snowflake stage is empty. Real kills of the program are among the tests of the program.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use connectors::duckdb::DuckDbJournal;
use connectors::snowflake::push::PushSettings;
use emulator::{Action, FaultRule, Route};
use model::{
    Destination, Epoch, Journal, JournalEntry, JournalWrite, Result, StreamName, StreamPlan, StreamSpec,
    TableName, WriteSpec,
};
use tokio::sync::Notify;

use super::account::Account;
use super::deliveries::COLUMNS;
use super::vendor::{Vendor, actions_into, push_into};

/// Rows that the target of a rewrite or upsert has before; none of them is the vendor's.
const OLD: std::ops::Range<i64> = -5..0;
const SEEDS: std::ops::Range<u64> = 0..2;
const GATE: &str = "here";
/// The id that a row of the target has after somebody else changed it.
const CHANGED: i64 = 1_000_000;
/// A run that has not come to its end by then never will.
const ARRIVAL: Duration = Duration::from_secs(60);
/// A killed process has this long to disappear.
const SHUTDOWN: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Append,
    Rewrite,
    Upsert,
}

/// A step of a delivery, by the requests that it sends.
#[derive(Clone, Copy, Debug)]
struct Step {
    name: &'static str,
    route: Route,
    statement: &'static str,
}

const fn statement(name: &'static str, statement: &'static str) -> Step {
    Step { name, route: Route::Query, statement }
}

impl Step {
    fn rule(self, action: Action) -> FaultRule {
        let rule = FaultRule::on(self.route, action);
        if self.statement.is_empty() { rule } else { rule.statement(self.statement) }
    }
}

impl Mode {
    fn write(self) -> WriteSpec {
        match self {
            Self::Append => WriteSpec::Append,
            Self::Rewrite => WriteSpec::Rewrite,
            Self::Upsert => WriteSpec::Upsert { delete_flag: None },
        }
    }

    fn steps(self) -> Vec<Step> {
        let uploaded = [
            statement("asking for the upload", "PUT "),
            Step { name: "uploading", route: Route::StageUpload, statement: "" },
        ];
        let temporary = [
            statement("making the temporary table", "CREATE TEMPORARY TABLE"),
            statement("copying", "COPY INTO"),
            statement("counting", "COUNT(*) AS SENT"),
        ];
        let publishing = match self {
            Self::Append => vec![statement("publishing", "COPY INTO")],
            Self::Rewrite => [&temporary[..], &[statement("publishing", "INSERT OVERWRITE")]].concat(),
            Self::Upsert => [&temporary[..], &[statement("publishing", "MERGE INTO")]].concat(),
        };
        [&uploaded[..], &publishing, &[statement("removing", "REMOVE ")]].concat()
    }

    /// What the target holds at last, with rows of the vendor up to `end`.
    fn expected(self, end: i64) -> Vec<i64> {
        let old = if self == Self::Rewrite { 0..0 } else { OLD };
        old.chain(0..end).collect()
    }
}

/// One target, one tenant, one way to fail.
struct Case {
    account: Arc<Account>,
    vendor: Arc<Vendor>,
    mode: Mode,
    spec: StreamSpec,
    rows: i64,
    table: String,
}

impl Case {
    fn new(account: &Arc<Account>, mode: Mode, number: usize, seed: u64) -> Self {
        let name = format!("{mode:?}_{number}_{seed}").to_uppercase();
        let target = account.table(&name, COLUMNS, "INSERT, UPDATE, DELETE");
        let old: Vec<String> = OLD.map(|id| format!("({id})")).collect();
        account.admin(&[&format!("INSERT INTO CRM.OUT.{name} (ID) VALUES {}", old.join(", "))]);
        let rows = 20 + i64::try_from(seed).unwrap() * 30_000;
        let vendor = Arc::new(Vendor::with_actions(0..rows));
        let spec = actions_into(&target, mode.write());
        Self { account: Arc::clone(account), vendor, mode, spec, rows, table: name }
    }

    async fn push(&self) -> Result<u64> {
        let report = self.vendor.push(&self.account, &self.spec, PushSettings::default()).await?;
        Ok(report.inserted)
    }

    /// Starts a run on a runtime of its own, so that nothing of it survives the kill: not even its destructors can send.
    fn start(&self, stop: Option<StopAt>) -> Victim {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let stopped = Arc::new(Notify::new());
        let (account, vendor, spec) =
            (Arc::clone(&self.account), Arc::clone(&self.vendor), self.spec.clone());
        let notify = Arc::clone(&stopped);
        let run = runtime.spawn(async move {
            let database = vendor.database();
            let inner: Arc<dyn Journal> = Arc::new(DuckDbJournal::new(database.clone()));
            let journal =
                Arc::new(StoppingJournal { inner, stop, count: AtomicUsize::new(0), stopped: notify });
            let destination = Arc::new(account.destination(journal, PushSettings::default()));
            let report =
                push_into(database, Arc::clone(&destination) as Arc<dyn Destination>, &spec, 1).await;
            destination.close().await;
            report.map(|report| report.inserted)
        });
        Victim { runtime: Some(runtime), run, stopped }
    }

    /// A rewritten table is entirely old or entirely new.
    async fn look(&self) -> &'static str {
        let ids = self.account.ids(&self.spec.target).await;
        let old: Vec<i64> = OLD.collect();
        if ids == old {
            return "old";
        }
        assert_eq!(ids, self.mode.expected(self.rows), "{}", self.table);
        "new"
    }

    /// After the next run, with more rows by then, everything is there once and nothing is left over.
    async fn made_good(&self, context: &str) -> u64 {
        self.vendor.add_actions(self.rows..self.rows + 7);
        let inserted = match self.push().await {
            Ok(inserted) => inserted,
            Err(error) => panic!("{context}: {error:?}"),
        };
        self.check(self.rows + 7, context).await;
        inserted
    }

    async fn check(&self, end: i64, context: &str) {
        assert_eq!(self.account.ids(&self.spec.target).await, self.mode.expected(end), "{context}");
        assert_eq!(self.account.staged().await, Vec::<String>::new(), "{context}");
    }
}

/// A run that is going to be killed.
struct Victim {
    runtime: Option<tokio::runtime::Runtime>,
    run: tokio::task::JoinHandle<Result<u64>>,
    stopped: Arc<Notify>,
}

impl Victim {
    fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            tokio::task::block_in_place(|| runtime.shutdown_timeout(SHUTDOWN));
        }
    }

    /// Lets a paused run go on to its end.
    async fn end(mut self) -> Result<u64> {
        let outcome = (&mut self.run).await.unwrap();
        self.kill();
        outcome
    }
}

/// The write to the journal at which a run stops for ever.
#[derive(Clone, Copy, Debug)]
struct StopAt {
    write: usize,
    is_written: bool,
}

#[derive(Debug)]
struct StoppingJournal {
    inner: Arc<dyn Journal>,
    stop: Option<StopAt>,
    count: AtomicUsize,
    stopped: Arc<Notify>,
}

impl StoppingJournal {
    async fn stop(&self) {
        self.stopped.notify_one();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Journal for StoppingJournal {
    async fn entry(&self, stream: &StreamName, target: &TableName) -> Result<JournalEntry> {
        self.inner.entry(stream, target).await
    }

    async fn take_over(&self, plan: &StreamPlan) -> Result<()> {
        self.inner.take_over(plan).await
    }

    async fn write(
        &self,
        stream: &StreamName,
        target: &TableName,
        epoch: Epoch,
        write: JournalWrite,
    ) -> Result<()> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let stop = self.stop.filter(|stop| stop.write == number);
        if stop.is_some_and(|stop| !stop.is_written) {
            self.stop().await;
        }
        self.inner.write(stream, target, epoch, write).await?;
        if stop.is_some() {
            self.stop().await;
        }
        Ok(())
    }
}

/// Waits until a run is where it is to be killed.
async fn arrived(context: &str, place: impl Future<Output = ()>) {
    if tokio::time::timeout(ARRIVAL, place).await.is_err() {
        panic!("{context}: the run does not come there");
    }
}

async fn killed_at_every_request(mode: Mode) {
    let account = Arc::new(Account::start().await);
    let mut outcomes = String::new();
    for seed in SEEDS {
        for (number, step) in mode.steps().into_iter().enumerate() {
            for (when, action) in [
                ("before", Action::Hold { gate: format!("{number}{seed}b") }),
                ("after", Action::HoldReply { gate: format!("{number}{seed}a") }),
            ] {
                let gate = format!("{number}{seed}{}", &when[..1]);
                let case = Case::new(&account, mode, number * 2 + usize::from(when == "after"), seed);
                let context = format!("seed {seed}: {mode:?} killed {when} {}", step.name);
                account.emulator.faults().add(step.rule(action));
                let victim = case.start(None);
                arrived(&context, account.emulator.faults().reached(&gate, 1)).await;
                victim.kill();
                account.emulator.faults().clear();
                let seen = case.look().await;
                let inserted = case.made_good(&context).await;
                writeln!(outcomes, "{context}: {seen} when killed, {inserted} rows by the next run").unwrap();
            }
        }
    }
    println!("{outcomes}");
}

async fn killed_at_every_note(mode: Mode) {
    let account = Arc::new(Account::start().await);
    let mut outcomes = String::new();
    for seed in SEEDS {
        for write in 0..4 {
            for is_written in [false, true] {
                let case = Case::new(&account, mode, write * 2 + usize::from(is_written), seed);
                let when = if is_written { "after" } else { "before" };
                let context = format!("seed {seed}: {mode:?} killed {when} note {write}");
                let victim = case.start(Some(StopAt { write, is_written }));
                arrived(&context, victim.stopped.notified()).await;
                victim.kill();
                let seen = case.look().await;
                let inserted = case.made_good(&context).await;
                writeln!(outcomes, "{context}: {seen} when killed, {inserted} rows by the next run").unwrap();
            }
        }
    }
    println!("{outcomes}");
}

/// Whatever goes wrong with a request, once or until the client gives up: the run itself, or at the latest the next one,
/// brings every row once.
async fn cut_off_at_every_request(mode: Mode) {
    let account = Arc::new(Account::start().await);
    let mut outcomes = String::new();
    let faults = [
        ("dropped before", Action::DropBefore, 1),
        ("dropped before", Action::DropBefore, 3),
        ("dropped after", Action::DropAfter, 1),
        ("dropped after", Action::DropAfter, 3),
        ("refused with 503", Action::Status { status: 503, retry_after_s: None }, 3),
        ("token expired", Action::ExpireSession, 1),
        ("session gone", Action::EndSession, 1),
    ];
    let mut number = 0;
    for step in mode.steps() {
        for (what, action, times) in &faults {
            if step.route == Route::StageUpload
                && matches!(action, Action::ExpireSession | Action::EndSession)
            {
                continue;
            }
            number += 1;
            let case = Case::new(&account, mode, 1000 + number, 0);
            let context = format!("{mode:?}, {what} {times} times while {}", step.name);
            account.emulator.faults().add(step.rule(action.clone()).times(*times));
            let outcome = case.push().await;
            account.emulator.faults().clear();
            let seen = case.look().await;
            let outcome = match outcome {
                Ok(_) => {
                    assert_eq!(seen, "new", "{context}");
                    "delivered".to_owned()
                }
                Err(error) => format!("failed with {}", error.code()),
            };
            let inserted = case.made_good(&context).await;
            writeln!(outcomes, "{context}: {outcome}, {inserted} rows by the next run").unwrap();
        }
    }
    println!("{outcomes}");
}

/// A process that is paused before its publishing statement is overtaken by another one; then it goes on. A row that has
/// changed since tells whether the late statement still did anything.
async fn late_statements_change_nothing(mode: Mode) {
    let actions = [Action::Hold { gate: GATE.to_owned() }, Action::HoldExecution { gate: GATE.to_owned() }];
    for action in actions {
        let account = Arc::new(Account::start().await);
        let publishing = mode.steps().into_iter().find(|step| step.name == "publishing").unwrap();
        let case = Case::new(&account, mode, 0, 0);
        let context = format!("{mode:?} paused by {}", action.name());
        account.emulator.faults().add(publishing.rule(action));
        let paused = case.start(None);
        arrived(&context, account.emulator.faults().reached(GATE, 1)).await;
        let inserted = case.push().await.unwrap();
        case.check(case.rows, &context).await;

        account.admin(&[&format!("UPDATE {} SET ID = {CHANGED} WHERE ID = 3", case.spec.target)]);
        account.emulator.faults().clear();
        let late = paused.end().await.unwrap_err();
        println!("{context}: {inserted} rows by the next run, then the late one failed with {}", late.code());
        let mut expected = mode.expected(case.rows);
        expected.retain(|id| *id != 3);
        expected.push(CHANGED);
        assert_eq!(account.ids(&case.spec.target).await, expected, "{context}");
        assert_eq!(account.staged().await, Vec::<String>::new(), "{context}");
    }
}

macro_rules! matrix {
    ($($claim:ident: $run:ident, $mode:ident;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $claim() {
                $run(Mode::$mode).await;
            }
        )+
    };
}

matrix! {
    an_append_survives_a_kill_at_every_request: killed_at_every_request, Append;
    a_rewrite_survives_a_kill_at_every_request: killed_at_every_request, Rewrite;
    an_upsert_survives_a_kill_at_every_request: killed_at_every_request, Upsert;
    an_append_survives_a_kill_at_every_note: killed_at_every_note, Append;
    a_rewrite_survives_a_kill_at_every_note: killed_at_every_note, Rewrite;
    an_upsert_survives_a_kill_at_every_note: killed_at_every_note, Upsert;
    an_append_survives_every_cut_off: cut_off_at_every_request, Append;
    a_rewrite_survives_every_cut_off: cut_off_at_every_request, Rewrite;
    an_upsert_survives_every_cut_off: cut_off_at_every_request, Upsert;
    a_late_append_is_not_delivered_twice: late_statements_change_nothing, Append;
    a_late_rewrite_brings_nothing_old_back: late_statements_change_nothing, Rewrite;
    a_late_upsert_brings_nothing_old_back: late_statements_change_nothing, Upsert;
}
