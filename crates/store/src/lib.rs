//! Snowferry's own state: tenants, connections and their secrets, syncs, runs, and who works on what.
//!
//! One schema on two databases: SQLite for one process, Postgres for many workers. The database is the truth; every
//! change of a run is a compare-and-set, so a worker that lost its lease changes nothing any more. Decisions take the
//! time of the database's clock, or of one that a test moves by hand.

mod answer;
mod api_token;
mod apply;
mod audit;
mod clock;
mod connection;
mod database;
mod duty;
mod error;
mod handover;
mod id;
mod queue;
mod row;
mod run;
mod scheduling;
mod schema;
mod secrets;
mod standing;
mod store;
mod stream;
mod sync;
mod tenant;
mod token;

pub use answer::Remembered;
pub use api_token::{ApiToken, IssuedToken, NewApiToken, Role, Scope};
pub use apply::{
    ApplyOptions, Change, ChangeKind, FieldChange, FieldValues, Object, Prune, Wanted, WantedConnection,
    WantedSync, WantedTenant,
};
pub use audit::{Actor, AuditEntry};
pub use clock::StoreClock;
pub use connection::{Connection, NewConnection};
pub use duty::Holder;
pub use handover::{Handover, IssuedHandover};
pub use id::Id;
pub use queue::{
    BreakerPolicy, Cause, Claimed, Depth, Enqueued, Held, NewRun, Outcome, Queue, QueuePolicy, Ticket, Worker,
};
pub use run::{Attempt, RejectCount, Run, RunError, RunFilter};
pub use scheduling::{PassedFire, Tick, Why};
pub use secrets::{MasterKey, MasterKeySource, SecretValue, Vault};
pub use standing::{Standing, Standings};
pub use store::Store;
pub use stream::{StreamRow, StreamState};
pub use sync::{NewSync, Sync};
pub use tenant::{NewTenant, Tenant};
