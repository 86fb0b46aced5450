//! Opening the state database, and a copy of it while it is in use.

use std::path::Path;

use jiff::Timestamp;
use model::{Error, Result};

use crate::clock::StoreClock;
use crate::database::{Database, DatabaseKind, sql};
use crate::schema;

/// Everything that Snowferry knows beside the rows it moves. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) database: Database,
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…` and brings its schema up to date; a newer schema is refused.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with_clock(url, StoreClock::Database).await
    }

    /// The same, going by a clock of the caller's choice.
    pub async fn open_with_clock(url: &str, clock: StoreClock) -> Result<Self> {
        let database = Database::connect(url, clock).await?;
        schema::bring_up_to_date(&database.pool).await?;
        Ok(Self { database })
    }

    /// The time that decisions go by.
    pub async fn now(&self) -> Result<Timestamp> {
        Ok(self.database.begin().await?.now)
    }

    /// Writes a consistent copy of an SQLite database to `path`, which must not exist, while others go on.
    pub async fn back_up(&self, path: &Path) -> Result<()> {
        if self.database.kind == DatabaseKind::Postgres {
            let error = Error::config("backup_of_postgres", "Postgres is backed up by its own tools");
            return Err(error.with_remedy("use `pg_dump --format=custom`; see docs/state.md"));
        }
        if path.exists() {
            let error = Error::config("backup_exists", format!("{} exists already", path.display()));
            return Err(error.with_remedy("name a file that does not exist"));
        }
        let Some(text) = path.to_str() else {
            return Err(Error::config("backup_path", "the path of a backup must be UTF-8"));
        };
        let copy = sql("VACUUM INTO $1").bind(text.to_owned()).execute(&self.database.pool).await;
        copy.map(drop).map_err(|error| {
            let error = crate::error::failed(error);
            Error::config("backup_failed", format!("{} cannot be written: {error}", path.display()))
                .with_remedy("make sure that its folder exists and has room")
        })
    }

    /// Closes all connections, once those in use have become free.
    pub async fn close(&self) {
        self.database.pool.close().await;
    }
}
