//! Where in a file something stands, for errors that are found only after the file was read.

use std::path::Path;

use model::Error;
use serde_saphyr::Spanned;

/// Puts the file and line of `spanned` in front of an error.
pub(crate) fn located<T>(path: &Path, spanned: &Spanned<T>, error: Error) -> Error {
    error.while_doing(format_args!("{}:{}", path.display(), spanned.referenced.line()))
}
