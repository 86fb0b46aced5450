//! What DuckDB's errors mean for whoever has to act.

use std::path::Path;

use model::{Error, ErrorKind};

/// An error while opening the tenant's file.
pub(crate) fn opening(path: &Path, error: duckdb::Error) -> Error {
    let text = error.to_string();
    let shown = path.display();
    if text.contains("Could not set lock on file") || text.contains("is already open in") {
        return Error::new(
            ErrorKind::Conflict,
            "database_locked",
            format!("{shown} is open in another program"),
        )
        .with_remedy("close the program that has it open, or wait for the other run to end");
    }
    if text.contains("not a valid DuckDB database file") {
        return Error::config("not_a_database", format!("{shown} exists but is not a DuckDB database"))
            .with_remedy("choose another `destination.duckdb.path`, or move that file away");
    }
    if text.contains("newer version") || text.contains("different version") {
        return Error::config(
            "database_version",
            format!("{shown} was written by another version of DuckDB"),
        )
        .with_remedy("open it with that version and export it, or choose another path");
    }
    Error::new(ErrorKind::Unavailable, "database_unavailable", format!("{shown} could not be opened"))
        .with_remedy("check that the folder exists, is writable and has space left")
        .with_source(error)
}

/// An error of a statement. DuckDB's conversion and constraint errors quote values, so only their first words travel.
pub(crate) fn failed(operation: &'static str, error: duckdb::Error) -> Error {
    refused(operation, &error.to_string())
}

/// The same, of the error's text.
pub(crate) fn refused(operation: &'static str, text: &str) -> Error {
    let class = text.split(':').next().unwrap_or_default().trim().to_owned();
    if text.contains("INTERRUPT") {
        return Error::cancelled();
    }
    if text.contains("No space left") {
        return Error::new(ErrorKind::Unavailable, "disk_full", format!("{operation}: the disk is full"))
            .with_remedy("free some space and run again; nothing was lost");
    }
    if text.contains("Out of Memory") {
        return Error::new(
            ErrorKind::Unavailable,
            "out_of_memory",
            format!("{operation}: DuckDB ran out of memory"),
        )
        .with_remedy("give the process more memory");
    }
    if matches!(class.as_str(), "Binder Error" | "Catalog Error" | "Parser Error") {
        // These speak of names alone.
        return Error::internal(format!("{operation}: {text}"));
    }
    Error::internal(format!("{operation}: DuckDB answered with a {}", class.to_lowercase()))
}
