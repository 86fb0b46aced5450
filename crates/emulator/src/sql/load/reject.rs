//! A record of a text file that cannot be read at all.

use super::failure::place;
use super::history::FirstError;
use crate::outcome::SqlError;
use crate::sql::error::error;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reject {
    pub code: &'static str,
    pub message: String,
    /// From 1.
    pub row: u64,
    pub line: u64,
    pub character: u64,
}

impl Reject {
    pub(super) fn into_error(self, file: &str) -> SqlError {
        let text = format!(
            "{}\n  File '{file}', line {}, character {}\n  Row {}{}",
            self.message,
            self.line,
            self.character,
            self.row,
            place("")
        );
        error(self.code, "22000", text)
    }

    pub(super) fn into_first_error(self) -> FirstError {
        FirstError {
            message: self.message,
            line: self.line,
            character: Some(self.character),
            column: String::new(),
        }
    }
}
