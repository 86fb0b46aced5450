//! One page of the catalogue, read from its text.

use model::{Disposition, ErrorKind, Owner};

/// A page: a heading with the code, a sentence, three lines that say what kind of error it is, and what to do.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    code: &'static str,
    text: &'static str,
}

impl Page {
    pub(crate) fn new(code: &'static str, text: &'static str) -> Self {
        Self { code, text }
    }

    /// The stable word of the error.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The whole page, as Markdown.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// What it means.
    pub fn meaning(&self) -> &'static str {
        self.text.split("\n\n").nth(1).unwrap_or_default().trim()
    }

    /// The kinds that an error of this code can be of; nearly always one.
    pub fn kinds(&self) -> Vec<ErrorKind> {
        let named = self.line("kind").split(',').map(str::trim);
        named.filter_map(|word| ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == word)).collect()
    }

    /// Who acts on it.
    pub fn owner(&self) -> Owner {
        let word = self.line("owner");
        Owner::ALL.into_iter().find(|owner| owner.as_str() == word).unwrap_or(Owner::Us)
    }

    /// Whether it is tried again by itself.
    pub fn is_retried(&self) -> bool {
        let is_retried =
            |kind: &ErrorKind| matches!(kind.disposition(), Disposition::RetryLater | Disposition::RetryOnce);
        self.kinds().iter().any(is_retried)
    }

    /// What a person does about it.
    pub fn remedy(&self) -> &'static str {
        self.text.split_once("## What to do\n").map_or("", |(_, remedy)| remedy.trim())
    }

    /// The rest of the line that begins with `* name: `.
    pub(crate) fn line(&self, name: &str) -> &'static str {
        let found = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix("* ")?.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_default()
    }
}
