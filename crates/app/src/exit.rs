//! How the program ends: an error in one place, and an exit code by class for scripts.

use std::process::ExitCode;

use model::{Error, ErrorKind};

use crate::output::Terminal;

/// Prints the error, its cause and what to do, and answers the exit code.
pub(crate) fn report(terminal: &Terminal, error: &Error) -> ExitCode {
    if error.code() == READER_GONE {
        return ExitCode::SUCCESS;
    }
    // Whoever makes a new error writes its page too: without one, this ends a test.
    let owner = catalogue::owner_of(error);
    tracing::debug!(
        error.code = error.code(),
        error.owner = owner.as_str(),
        "the program ends with an error"
    );
    terminal.error(error);
    ExitCode::from(exit_code(error.kind()))
}

/// The code of the error that says that nobody reads our output any more, as with `| head`.
pub(crate) const READER_GONE: &str = "reader_gone";

/// Documented in docs/errors.md (by `crates/catalogue`) and in `--help`. 2 is clap's own, for a wrong command line.
fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Internal => 1,
        ErrorKind::Config => 3,
        ErrorKind::Auth => 4,
        ErrorKind::Permission => 5,
        ErrorKind::NotFound => 6,
        ErrorKind::Data => 7,
        ErrorKind::SchemaChanged => 8,
        ErrorKind::Conflict => 9,
        ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::SessionExpired => 10,
        ErrorKind::Cancelled => 130,
    }
}
