//! Which statements were sent, and what each took of a virtual warehouse.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;

use crate::session::Core;
use crate::statement::{QueryStatus, run};

/// Statements that are noted one by one; further ones are counted.
const STATEMENTS_MAX: usize = 1_000;
/// Statements that are asked about side by side.
const ASKED_AT_ONCE: usize = 8;
/// Nobody waits longer for figures that are nice to have.
const ASKING_MAX: Duration = Duration::from_secs(5);

/// Notes the statements of all sessions that it was given to. Clones note together.
///
/// Given to a session by [`ConnectionConfig::usage`](crate::ConnectionConfig::usage). Before the session logs out, it asks the
/// service, without a statement, when those that may have needed a virtual warehouse ran, and on which.
#[derive(Clone, Debug, Default)]
pub struct UsageMeter {
    noted: Arc<Mutex<Noted>>,
}

#[derive(Debug, Default)]
struct Noted {
    statements: Vec<NotedStatement>,
    further: u64,
}

#[derive(Debug)]
struct NotedStatement {
    query_id: String,
    place: Place,
}

/// Where a statement ran.
#[derive(Debug)]
enum Place {
    /// In the service, without a virtual warehouse.
    Service,
    /// Nobody has said yet. The times are those of our clock, around the request and its reply.
    Unknown {
        started_at: Timestamp,
        ended_at: Option<Timestamp>,
    },
    VirtualWarehouse(WarehouseTime),
}

/// A statement that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementUse {
    /// Its id.
    pub query_id: String,
    /// Absent where it needed no virtual warehouse.
    pub virtual_warehouse: Option<WarehouseTime>,
}

/// A statement's time on a virtual warehouse: from its start to its end, waiting for a place there included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarehouseTime {
    /// The name, where the service said it.
    pub name: Option<String>,
    /// The size as the service writes it, such as `X-Small`; absent where it did not say.
    pub size: Option<String>,
    /// When the statement started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl UsageMeter {
    /// The statements since this was asked last, and how many there were beyond those that are noted.
    pub fn take(&self) -> (Vec<StatementUse>, u64) {
        let Noted { statements, further } = std::mem::take(&mut *self.noted());
        let statements = statements.into_iter().map(|statement| StatementUse {
            query_id: statement.query_id,
            virtual_warehouse: match statement.place {
                Place::Service => None,
                // What the service did not tell is counted by our own clock.
                Place::Unknown { started_at, ended_at } => Some(WarehouseTime {
                    name: None,
                    size: None,
                    started_at,
                    ended_at: ended_at.unwrap_or(started_at),
                }),
                Place::VirtualWarehouse(time) => Some(time),
            },
        });
        (statements.collect(), further)
    }

    /// A statement that was sent at `started_at` has got its id.
    pub(crate) fn begun(&self, query_id: &str, started_at: Timestamp) {
        self.noted().add(query_id, Place::Unknown { started_at, ended_at: None });
    }

    /// A statement that needed no virtual warehouse, or whose time there is another run's.
    pub(crate) fn served(&self, query_id: &str) {
        self.noted().add(query_id, Place::Service);
    }

    /// A statement is over.
    pub(crate) fn ended(&self, query_id: &str, statement_type: Option<i64>) {
        let mut noted = self.noted();
        let Some(statement) = noted.statements.iter_mut().find(|known| known.query_id == query_id) else {
            return;
        };
        if let Place::Unknown { started_at, .. } = statement.place {
            statement.place = match statement_type {
                Some(number) if needs_no_warehouse(number) => Place::Service,
                _ => Place::Unknown { started_at, ended_at: Some(Timestamp::now()) },
            };
        }
    }

    fn told(&self, query_id: &str, status: &QueryStatus) {
        let mut noted = self.noted();
        let Some(statement) = noted.statements.iter_mut().find(|known| known.query_id == query_id) else {
            return;
        };
        let Place::Unknown { started_at, ended_at } = statement.place else { return };
        // Without a size there was no virtual warehouse: the name is then that of the session's.
        let Some(size) = status.virtual_warehouse_size.clone().filter(|size| !size.is_empty()) else {
            statement.place = Place::Service;
            return;
        };
        let (started_at, ended_at) = match (status.started_at, status.ended_at) {
            (Some(started_at), Some(ended_at)) => (started_at, ended_at),
            _ => (started_at, ended_at.unwrap_or_else(Timestamp::now)),
        };
        let name = status.virtual_warehouse.clone();
        statement.place =
            Place::VirtualWarehouse(WarehouseTime { name, size: Some(size), started_at, ended_at });
    }

    fn unknown(&self) -> Vec<String> {
        let noted = self.noted();
        let unknown =
            noted.statements.iter().filter(|statement| matches!(statement.place, Place::Unknown { .. }));
        unknown.map(|statement| statement.query_id.clone()).collect()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn add(&mut self, query_id: &str, place: Place) {
        if self.statements.iter().any(|known| known.query_id == query_id) {
            return;
        }
        if self.statements.len() < STATEMENTS_MAX {
            self.statements.push(NotedStatement { query_id: query_id.to_owned(), place });
        } else {
            self.further += 1;
        }
    }
}

/// `ALTER SESSION`, `USE`, `SHOW`, `DESCRIBE`, `LIST` and statements around transactions run in the service alone.
fn needs_no_warehouse(statement_type: i64) -> bool {
    (0x4000..0x6000).contains(&statement_type)
}

/// Asks about the statements that may have needed a virtual warehouse. What is not answered stays counted by our own clock.
pub(crate) async fn ask(core: &Arc<Core>) {
    let Some(meter) = &core.config.usage else { return };
    let asked = futures_util::stream::iter(meter.unknown()).for_each_concurrent(
        ASKED_AT_ONCE,
        |query_id| async move {
            match run::status_of_session(core, &query_id).await {
                Ok(status) if status.is_known() => meter.told(&query_id, &status),
                Ok(_) => {}
                Err(error) => tracing::debug!(error = %error, "what a statement took is not known"),
            }
        },
    );
    if tokio::time::timeout(ASKING_MAX, asked).await.is_err() {
        tracing::debug!("what some statements took is not known in time");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_statements_the_rest_is_counted() {
        let meter = UsageMeter::default();
        (0..STATEMENTS_MAX + 3).for_each(|number| meter.served(&number.to_string()));
        meter.served("0");
        let (statements, further) = meter.take();
        assert_eq!((statements.len(), further), (STATEMENTS_MAX, 3));
    }

    #[test]
    fn kinds_of_statements_that_never_need_a_virtual_warehouse_are_known() {
        for (number, expected) in [
            (0, false),
            (0x1000, false),
            (0x3100, false),
            (0x3600, false),
            (0x4100, true),
            (0x4400, true),
            (0x5100, true),
            (0x6000, false),
            (0x9000, false),
        ] {
            assert_eq!(needs_no_warehouse(number), expected, "{number:#x}");
        }
    }
}
