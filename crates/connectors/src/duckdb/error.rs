//! What DuckDB's errors mean for whoever has to act.

use std::path::Path;

use model::{Error, ErrorKind, StreamName};

use super::typed_sql::refused_value;

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
            .with_remedy("choose another `duckdb.path`, or move that file away");
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
    let class = class(text);
    // Nobody hears of a statement that we stop. Where one of DuckDB's threads fails, another may be the first to say so, and
    // then all that is known is that it was stopped.
    if text.contains("INTERRUPT") {
        let message = format!("{operation}: DuckDB only says that one of its threads failed");
        return Error::new(ErrorKind::Unavailable, "database_interrupted", message)
            .with_remedy("nothing to do: it is tried again, and says more then");
    }
    // Two runs of one tenant in one process, both of which make the same schema or table.
    if text.contains("write-write conflict") {
        let message = format!("{operation}: another run of this tenant was in the way");
        return Error::new(ErrorKind::Unavailable, "database_busy", message)
            .with_remedy("nothing to do: it is tried again");
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
    if matches!(class, "Binder Error" | "Catalog Error" | "Parser Error") {
        // These speak of names alone.
        return Error::internal(format!("{operation}: {text}"));
    }
    Error::internal(format!("{operation}: DuckDB failed ({})", class.to_lowercase()))
}

/// A table, view or query that DuckDB will not compile. What it says then is about names and types; a literal of the
/// statement that it quotes is left out.
pub(crate) fn statement_refused(stream: &StreamName, error: &duckdb::Error) -> Error {
    let text = error.to_string();
    if matches!(error, duckdb::Error::InvalidParameterCount(..))
        || text.contains("prepared statement parameter")
    {
        return Error::config(
            "query_refused",
            format!("{stream} has parameters, which nothing is given for"),
        )
        .with_remedy("write the values into the query");
    }
    match class(&text) {
        "Binder Error" | "Catalog Error" | "Parser Error" => {
            let first_line = without_literals(text.lines().next().unwrap_or_default());
            Error::config("query_refused", format!("{stream}: {first_line}"))
                .with_remedy("mend the statement; `snowferry query` shows all that DuckDB says about it")
        }
        _ => reading_failed(stream, error),
    }
}

/// A statement that failed while it was run, perhaps after it had given rows already.
pub(crate) fn reading_failed(stream: &StreamName, error: &duckdb::Error) -> Error {
    let text = error.to_string();
    if let Some(said) = refused_value(&text) {
        let remedy = "give the column a type under `types` that holds all of its values, or leave it as it is; `snowferry query` shows them";
        return Error::data("value_not_of_type", format!("{stream}: {said}")).with_remedy(remedy);
    }
    let class = class(&text);
    match class {
        "Conversion Error" | "Out of Range Error" | "Invalid Input Error" | "Invalid Error" => {
            let message = format!("{stream} failed while it was read (DuckDB: {})", class.to_lowercase());
            Error::data("query_failed", message).with_remedy(
                "run it with `snowferry query` to see the value; TRY_CAST gives NULL where a cast fails",
            )
        }
        "TransactionContext Error" if text.contains("read-only") => {
            Error::config("query_not_a_read", format!("{stream} does more than read"))
                .with_remedy("take out what changes the vendor database, such as nextval")
        }
        "IO Error" | "HTTP Error" | "Permission Error" if !text.contains("No space left") => {
            let message = format!("{stream} needs a file that DuckDB cannot read");
            Error::config("query_failed", message)
                .with_remedy("run it with `snowferry query` to see which file it is")
        }
        _ => refused("read the stream", &text),
    }
}

fn class(text: &str) -> &str {
    text.split(':').next().unwrap_or_default().trim()
}

/// A message without what stands between single quotes.
fn without_literals(text: &str) -> String {
    let parts = text.split('\'').enumerate();
    parts.map(|(place, part)| if place % 2 == 0 { part } else { "'…'" }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_that_a_message_quotes_is_left_out() {
        let text = "Parser Error: syntax error at or near \"'secret'\" in 'it''s'";
        assert_eq!(without_literals(text), "Parser Error: syntax error at or near \"'…'\" in '…''…'");
    }
}
