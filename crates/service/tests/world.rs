//! A state database with one tenant, and a runner whose runs end when a test says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::{RunProgress, RunReport};
use model::{Error, ErrorKind, Result, RunState, StatementUse, Usage};
use serde_json::json;
use service::{DueSync, Metrics, Runner, Worker, WorkerOptions};
use store::{
    Actor, Enqueued, Id, MasterKey, NewConnection, NewRun, NewSync, NewTenant, Queue, QueuePolicy, Run,
    Store, Sync, Tenant, Vault,
};
use tempfile::TempDir;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) tenant: Tenant,
    pub(crate) syncs: Vec<Sync>,
    pub(crate) script: Arc<Script>,
    vault: Vault,
    by: Actor,
    _folder: TempDir,
}

/// What becomes of the runs of a sync.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// They go on until they are stopped.
    Wait,
    /// They go on whatever they are told.
    Deaf,
    Panic,
    Fail(ErrorKind, &'static str),
}

/// Runs by what was said of their sync; without a word they succeed.
#[derive(Debug, Default)]
pub(crate) struct Script {
    acts: Mutex<HashMap<String, Act>>,
    pub(crate) begun: Mutex<Vec<DueSync>>,
    started: Notify,
}

impl Script {
    pub(crate) fn set(&self, sync: &str, act: Act) {
        self.acts.lock().unwrap().insert(sync.to_owned(), act);
    }

    /// Its runs succeed from now on.
    pub(crate) fn unset(&self, sync: &str) {
        self.acts.lock().unwrap().remove(sync);
    }

    /// Waits until so many runs have been started.
    pub(crate) async fn started(&self, count: usize) {
        let started = async {
            while self.begun.lock().unwrap().len() < count {
                self.started.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, started).await.expect("no run was started");
    }
}

#[async_trait]
impl Runner for Script {
    async fn run(
        &self,
        due: &DueSync,
        _progress: &watch::Sender<RunProgress>,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let act = self.acts.lock().unwrap().get(&due.sync).copied();
        due.usage.add(Usage {
            statements: vec![StatementUse { query_id: format!("query-{}", due.attempt), ran: None }],
            further_statements: 0,
        });
        self.begun.lock().unwrap().push(due.clone());
        self.started.notify_one();
        match act {
            None => Ok(report()),
            Some(Act::Wait) => {
                cancel.cancelled().await;
                Err(Error::cancelled())
            }
            Some(Act::Deaf) => std::future::pending().await,
            Some(Act::Panic) => panic!("the script says so"),
            Some(Act::Fail(kind, code)) => Err(Error::new(kind, code, "the script says so")),
        }
    }
}

fn report() -> RunReport {
    RunReport {
        is_backfill: true,
        attempts: 1,
        read: 7,
        resumed: 0,
        bytes: 100,
        inserted: 7,
        updated: 0,
        deleted: 0,
        marked: 0,
        total: Some(7),
        rejected: Vec::new(),
        null_cursor_count: None,
        future_cursor_count: None,
        is_unchanged: false,
        changed_values: Vec::new(),
        healed: None,
        column_changes: Vec::new(),
        started_over: None,
        query_id: None,
    }
}

impl World {
    /// A tenant with so many syncs over one account, and a lease of so long.
    pub(crate) async fn start(syncs: usize, lease: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(&format!("sqlite:{}", folder.path().join("state.db").display())).await.unwrap();
        let policy = QueuePolicy { lease, grace: lease / 4, ..QueuePolicy::default() };
        let queue = Queue::new(store.clone(), policy);
        let by = Actor::new("test");
        let new = NewTenant { name: "acme".to_owned(), runs_max: 100 };
        let tenant = store.create_tenant(new, &by).await.unwrap();
        let connection = async |name: &str, system: &str| {
            let new = NewConnection {
                name: name.to_owned(),
                system: system.to_owned(),
                settings: json!({}),
                runs_max: 100,
            };
            store.create_connection(&tenant.id, new, &by).await.unwrap()
        };
        let (source, destination) =
            (connection("account", "snowflake").await, connection("vendor", "duckdb").await);
        let key = MasterKey::parse(MasterKey::generate().unwrap().expose().as_bytes()).unwrap();
        let vault = Vault::open(store.clone(), key, Vec::new()).await.unwrap();
        let secret = "secret-of-acme".to_owned().into();
        vault.put(&tenant.id, &source.id, "password", &secret, &by).await.unwrap();
        let mut made = Vec::new();
        for number in 0..syncs {
            let new = NewSync {
                name: format!("sync-{number}"),
                source: source.id.clone(),
                destination: destination.id.clone(),
                definition: json!({ "file": "stream" }),
                priority: 0,
                schedule: None,
                late_after: None,
            };
            made.push(store.create_sync(&tenant.id, new, &by).await.unwrap());
        }
        let script = Arc::new(Script::default());
        Self { store, queue, tenant, syncs: made, script, vault, by, _folder: folder }
    }

    pub(crate) fn work(&self, shutdown: &CancellationToken) -> JoinHandle<Result<()>> {
        let options =
            WorkerOptions { name: "test".to_owned(), places: 4, stop_patience: Duration::from_secs(1) };
        let stores = (self.store.clone(), self.queue.clone(), self.vault.clone());
        let runner = Arc::<Script>::clone(&self.script);
        let worker = Worker::new(stores, runner, Metrics::default(), options);
        let shutdown = shutdown.clone();
        tokio::spawn(async move { worker.run(&shutdown).await })
    }

    pub(crate) async fn ask(&self, sync: usize) -> Id<Run> {
        let asked =
            self.queue.enqueue(&self.tenant.id, &self.syncs[sync].id, NewRun::default(), &self.by).await;
        match asked.unwrap() {
            Enqueued::Queued(run) | Enqueued::Open(run) => run,
        }
    }

    pub(crate) async fn cancel(&self, run: &Id<Run>) {
        self.queue.cancel(&self.tenant.id, run, &self.by).await.unwrap();
    }

    pub(crate) async fn run(&self, run: &Id<Run>) -> Run {
        self.store.run(&self.tenant.id, run).await.unwrap()
    }

    /// Waits until a run is in `state`.
    pub(crate) async fn until(&self, run: &Id<Run>, state: RunState) -> Run {
        let reached = async {
            loop {
                let row = self.run(run).await;
                if row.state == state {
                    return row;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("never {state:?}"))
    }
}
