//! An empty store with a clock that is moved by hand, and what claims put into it.

use std::time::Duration;

use jiff::Timestamp;
use model::{Error, ErrorKind, ScheduleSpec};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use sqlx::{AnyPool, AssertSqlSafe, Row};
use store::{
    Actor, Claimed, Connection, Enqueued, Id, MasterKey, NewConnection, NewRun, NewSync, NewTenant, Outcome,
    Queue, QueuePolicy, Run, Store, StoreClock, Sync, Tenant, Vault, Worker,
};
use tempfile::TempDir;

/// When the claims begin: a Friday, at noon.
pub(crate) const BEGIN: &str = "2026-05-01T12:00:00Z";

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) clock: StoreClock,
    pub(crate) url: String,
    pub(crate) by: Actor,
    _folder: Option<TempDir>,
}

/// A tenant with a customer's account, a vendor database, and syncs between them.
pub(crate) struct Customer {
    pub(crate) tenant: Tenant,
    pub(crate) source: Connection,
    pub(crate) destination: Connection,
    pub(crate) syncs: Vec<Sync>,
}

impl Customer {
    pub(crate) fn id(&self) -> &Id<Tenant> {
        &self.tenant.id
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An error that is worth another attempt.
pub(crate) fn outage() -> Error {
    Error::new(ErrorKind::Unavailable, "test_outage", "the account does not answer")
}

impl World {
    pub(crate) async fn open(url: String, folder: Option<TempDir>) -> Self {
        let clock = StoreClock::by_hand(at(BEGIN));
        let store = Store::open_with_clock(&url, clock.clone()).await.unwrap();
        let queue = Queue::new(store.clone(), QueuePolicy::default());
        Self { store, queue, clock, url, by: Actor::new("test"), _folder: folder }
    }

    pub(crate) async fn now(&self) -> Timestamp {
        self.store.now().await.unwrap()
    }

    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.set(self.now().await.checked_add(time).unwrap());
    }

    pub(crate) async fn pass_seconds(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds)).await;
    }

    pub(crate) async fn tenant(&self, name: &str, runs_max: u32) -> Tenant {
        self.store.create_tenant(NewTenant { name: name.to_owned(), runs_max }, &self.by).await.unwrap()
    }

    pub(crate) async fn connection(&self, tenant: &Tenant, name: &str, runs_max: u32) -> Connection {
        let new = NewConnection {
            name: name.to_owned(),
            system: "snowflake".to_owned(),
            settings: json!({ "account": "acme-prod" }),
            runs_max,
        };
        self.store.create_connection(&tenant.id, new, &self.by).await.unwrap()
    }

    /// A sync between two connections.
    pub(crate) async fn sync(
        &self,
        name: &str,
        source: &Connection,
        destination: &Connection,
        schedule: Option<ScheduleSpec>,
    ) -> Sync {
        let new = NewSync {
            name: name.to_owned(),
            source: source.id.clone(),
            destination: destination.id.clone(),
            definition: json!({ "stream": "CRM.SALES.DEALS" }),
            priority: 0,
            schedule,
            late_after: None,
        };
        self.store.create_sync(&source.tenant, new, &self.by).await.unwrap()
    }

    /// A tenant whose limits are never in the way, with so many syncs.
    pub(crate) async fn customer(&self, name: &str, syncs: usize) -> Customer {
        self.customer_with(name, syncs, [100, 100, 100]).await
    }

    /// The same with limits for tenant, source and destination.
    pub(crate) async fn customer_with(&self, name: &str, syncs: usize, runs_max: [u32; 3]) -> Customer {
        let tenant = self.tenant(name, runs_max[0]).await;
        let source = self.connection(&tenant, "snowflake", runs_max[1]).await;
        let destination = self.connection(&tenant, "vendor", runs_max[2]).await;
        let mut customer = Customer { tenant, source, destination, syncs: Vec::new() };
        for number in 0..syncs {
            let name = format!("sync-{number}");
            customer.syncs.push(self.sync(&name, &customer.source, &customer.destination, None).await);
        }
        customer
    }

    pub(crate) async fn ask(&self, sync: &Sync) -> Enqueued {
        self.queue.enqueue(&sync.tenant, &sync.id, NewRun::default(), &self.by).await.unwrap()
    }

    /// Asks for a run of each sync of a customer.
    pub(crate) async fn ask_all(&self, customer: &Customer) -> Vec<Id<Run>> {
        let mut runs = Vec::new();
        for sync in &customer.syncs {
            let Enqueued::Queued(run) = self.ask(sync).await else { panic!("{} is open", sync.name) };
            runs.push(run);
        }
        runs
    }

    pub(crate) async fn worker(&self) -> Id<Worker> {
        self.queue.register("worker").await.unwrap()
    }

    pub(crate) async fn claim(&self, worker: &Id<Worker>, capacity: usize) -> Vec<Claimed> {
        self.queue.claim(worker, capacity).await.unwrap()
    }

    pub(crate) async fn succeed(&self, claimed: &Claimed) {
        let outcome = Outcome::Succeeded { report: json!({ "read": 1 }), rejects: Vec::new() };
        self.queue.finish(&claimed.ticket, outcome).await.unwrap();
    }

    pub(crate) async fn run(&self, claimed: &Claimed) -> Run {
        self.store.run(&claimed.tenant, &claimed.ticket.run).await.unwrap()
    }

    pub(crate) async fn vault(&self, current: &MasterKey, former: &[&MasterKey]) -> model::Result<Vault> {
        let former = former.iter().map(|key| (*key).clone()).collect();
        Vault::open(self.store.clone(), current.clone(), former).await
    }

    /// The database itself, for what no user does to it.
    async fn raw(&self) -> AnyPool {
        let url = match self.url.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite://{}", utf8_percent_encode(path, NON_ALPHANUMERIC)),
            None => self.url.clone(),
        };
        AnyPool::connect(&url).await.unwrap()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        let pool = self.raw().await;
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&pool).await.unwrap();
        pool.close().await;
    }

    /// Everything that a table holds, as text.
    pub(crate) async fn dump(&self, table: &str) -> String {
        let pool = self.raw().await;
        let query = AssertSqlSafe(format!("SELECT * FROM {table} ORDER BY 1, 2, 3"));
        let rows = sqlx::query(query).fetch_all(&pool).await.unwrap();
        pool.close().await;
        let cell = |row: &sqlx::any::AnyRow, column| {
            let number = || row.try_get::<Option<i64>, _>(column).unwrap().map(|number| number.to_string());
            row.try_get::<Option<String>, _>(column).unwrap_or_else(|_| number()).unwrap_or_default()
        };
        let line = |row| (0..Row::len(row)).map(|column| cell(row, column)).collect::<Vec<_>>().join(" ");
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What the database holds of a secret.
    pub(crate) async fn sealed(&self, connection: &Id<Connection>, field: &str) -> String {
        let pool = self.raw().await;
        let query = "SELECT sealed FROM secrets WHERE connection_id = $1 AND field = $2";
        let row =
            sqlx::query(query).bind(connection.to_string()).bind(field.to_owned()).fetch_one(&pool).await;
        pool.close().await;
        row.unwrap().get(0)
    }

    pub(crate) async fn set_sealed(&self, connection: &Id<Connection>, field: &str, sealed: &str) {
        self.execute(&format!(
            "UPDATE secrets SET sealed = '{sealed}' WHERE connection_id = '{connection}' AND field = '{field}'"
        ))
        .await;
    }

    /// Puts one tenant's data key in place of another's.
    pub(crate) async fn copy_data_key(&self, from: &Id<Tenant>, to: &Id<Tenant>) {
        self.execute(&format!(
            "UPDATE data_keys SET wrapped = (SELECT wrapped FROM data_keys WHERE tenant_id = '{from}')
             WHERE tenant_id = '{to}'"
        ))
        .await;
    }
}
