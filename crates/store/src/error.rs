//! What goes wrong between us and our own database, sorted by what happens next.

use model::{Error, ErrorKind};
use sqlx::migrate::MigrateError;

/// SQLite's code for a database that somebody else is writing to, and its extended forms.
const SQLITE_BUSY: &str = "5";
/// Postgres' codes for transactions that were in each other's way: serialization and deadlock, and one that stood still.
const POSTGRES_CONFLICTS: [&str; 3] = ["40001", "40P01", "25P03"];
/// Postgres' classes for a server that shuts down or lacks resources.
const POSTGRES_UNWELL: [&str; 3] = ["53", "57", "08"];

/// An error of the database. Messages of ours only: the database's own may quote values.
pub(crate) fn failed(error: sqlx::Error) -> Error {
    let unavailable = |message: &str| {
        Error::new(ErrorKind::Unavailable, "state_unavailable", message)
            .with_remedy("make sure that the state database is running and can be reached; it is tried again")
    };
    match &error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => unavailable("the state database cannot be reached"),
        sqlx::Error::PoolTimedOut => unavailable("no connection to the state database became free"),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            unavailable("the connection to the state database is closed")
        }
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            let is_unwell = POSTGRES_UNWELL.iter().any(|class| code.len() == 5 && code.starts_with(class));
            if is_unwell || POSTGRES_CONFLICTS.contains(&code.as_ref()) || code == SQLITE_BUSY {
                return unavailable(&format!("the state database is busy or restarting (code {code})"));
            }
            if database.message().contains("disk is full") || database.message().contains("disk I/O error") {
                return unavailable("the disk of the state database is full or broken");
            }
            Error::internal(format!("the state database refused a statement (code {code})"))
        }
        _ => Error::internal("the state database answered something unexpected").with_source(error),
    }
}

/// Whether a row with the same key is there already.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation())
}

/// Whether a row that is referred to is not there.
pub(crate) fn is_dangling(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_foreign_key_violation())
}

/// An error of the schema's history.
pub(crate) fn migration_failed(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => Error::config(
            "state_newer",
            format!("the state database has schema {version}, which is newer than this program"),
        )
        .with_remedy("use the program that wrote it, or a later one; a backup from before can be restored"),
        MigrateError::VersionMismatch(version) => Error::config(
            "state_foreign",
            format!("schema {version} of the state database was not made by a release of this program"),
        )
        .with_remedy("restore a backup, or name another database"),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        error => Error::internal("the schema of the state database cannot be brought up to date")
            .with_source(error),
    }
}

/// Something that was asked for by its id, within a tenant, is not there.
pub(crate) fn not_found(code: &'static str, what: &str) -> Error {
    Error::new(ErrorKind::NotFound, code, format!("there is no such {what}"))
        .with_remedy("check the id, and that it is of this tenant")
}

/// The lease is gone: whoever holds it now works on, and what this worker did does not count.
pub(crate) fn lease_lost() -> Error {
    Error::new(ErrorKind::Conflict, "lease_lost", "the lease has been lost to another worker")
        .with_remedy("nothing to do: the run goes on elsewhere")
}
