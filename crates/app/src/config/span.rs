//! Where in a file something stands, for errors that are found only after the file was read.

use std::path::Path;

use model::Error;
use serde_saphyr::{Error as YamlError, Spanned};

/// A mistake in the file's text: where it is, what is wrong, and the lines around it.
pub(super) fn mistake(path: &Path, error: &YamlError) -> Error {
    Error::config("sync_file_invalid", described(path, error))
        .with_remedy("see docs/sync-file.md for every field")
}

/// The same in words alone.
pub(super) fn described(path: &Path, error: &YamlError) -> String {
    let rendered = error.to_string();
    let mut lines = rendered.lines();
    let place = error.location().map(|at| format!(":{}:{}", at.line(), at.column())).unwrap_or_default();
    let headline = lines.next().unwrap_or_default().trim_start_matches("error: ");
    // The renderer puts `line L column C: ` in front, which the place says already.
    let message = match headline.split_once(": ") {
        Some((place, message)) if place.starts_with("line ") => message,
        _ => headline,
    };
    let mut text = format!("{}{place}: {message}", path.display());
    for line in lines.filter(|line| line.contains(" |")) {
        // The caret's line repeats the message.
        let line = line.find('^').map_or(line, |caret| &line[..=caret]);
        text.push('\n');
        text.push_str(line);
    }
    text
}

/// Puts the file and line of `spanned` in front of an error.
pub(crate) fn located<T>(path: &Path, spanned: &Spanned<T>, error: Error) -> Error {
    error.while_doing(format_args!("{}:{}", path.display(), spanned.referenced.line()))
}
