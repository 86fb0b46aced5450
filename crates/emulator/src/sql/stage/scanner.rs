//! Reading statements about staged files, whose paths are no SQL: `//` in `file:///data` begins no comment.

use crate::outcome::SqlError;
use crate::sql::error::syntax;

/// Walks over a statement's text word by word.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut scanner = Self { text, at: 0 };
        scanner.skip_comments();
        scanner
    }

    /// The next word of letters, upper-cased; empty where there is none.
    pub(super) fn word(&mut self) -> String {
        self.skip_space();
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic() && c != '_').unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_ascii_uppercase()
    }

    /// A path or location: in single quotes, or up to the next space outside double quotes.
    pub(super) fn path(&mut self) -> Result<String, SqlError> {
        self.text_up_to(&[';'])
    }

    /// A text in single quotes, or up to the next space or one of these letters outside double quotes.
    fn text_up_to(&mut self, ends: &[char]) -> Result<String, SqlError> {
        self.skip_space();
        if self.rest().starts_with('\'') {
            return self.quoted();
        }
        let mut is_quoted = false;
        let rest = self.rest();
        let is_end = |letter: char| {
            is_quoted ^= letter == '"';
            !is_quoted && (letter.is_whitespace() || ends.contains(&letter))
        };
        let end = rest.find(is_end).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.unexpected());
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    /// The next `NAME = value`; none at the end of the statement. A comma may stand between two of them.
    pub(super) fn option(&mut self) -> Result<Option<(String, String)>, SqlError> {
        if self.is_at_end() {
            return Ok(None);
        }
        let name = self.word();
        self.skip_space();
        if name.is_empty() || !self.rest().starts_with('=') {
            return Err(self.unexpected());
        }
        self.at += 1;
        let value = self.text_up_to(&[';', ','])?;
        self.skip_space();
        if self.rest().starts_with(',') {
            self.at += 1;
        }
        Ok(Some((name, value)))
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.rest().trim_matches([';', ' ', '\n', '\r', '\t']).is_empty()
    }

    /// A text in single quotes, where a backslash takes away the meaning of what follows and two quotes are one.
    fn quoted(&mut self) -> Result<String, SqlError> {
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1).peekable();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
                '\'' if letters.peek().is_some_and(|(_, next)| *next == '\'') => {
                    letters.next();
                    text.push('\'');
                }
                '\'' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                other => text.push(other),
            }
        }
        Err(self.unexpected())
    }

    pub(super) fn unexpected(&self) -> SqlError {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        let found = self.rest().split_whitespace().next().unwrap_or("<EOF>");
        syntax(line as u64, column as u64, found)
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn skip_comments(&mut self) {
        loop {
            self.skip_space();
            let rest = self.rest();
            let end = if rest.starts_with("--") || rest.starts_with("//") {
                rest.find('\n')
            } else if rest.starts_with("/*") {
                rest.find("*/").map(|end| end + 2)
            } else {
                return;
            };
            self.at += end.unwrap_or(rest.len());
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }
}

#[cfg(test)]
mod tests {
    use super::Scanner;

    #[test]
    fn paths_are_read_with_and_without_quotes() {
        let mut scanner = Scanner::new(
            "-- why\n/* and */ put file:///tmp/a*.csv '@\"D\".s/it\\'s/' overwrite=TRUE, parallel = 8;",
        );
        assert_eq!(scanner.word(), "PUT");
        assert_eq!(scanner.path().unwrap(), "file:///tmp/a*.csv");
        assert_eq!(scanner.path().unwrap(), "@\"D\".s/it's/");
        assert_eq!(scanner.option().unwrap(), Some(("OVERWRITE".to_owned(), "TRUE".to_owned())));
        assert_eq!(scanner.option().unwrap(), Some(("PARALLEL".to_owned(), "8".to_owned())));
        assert_eq!(scanner.option().unwrap(), None);
    }

    #[test]
    fn a_space_in_double_quotes_does_not_end_a_location() {
        let mut scanner = Scanner::new("ls @\"my stage\"/x pattern='.*'");
        assert_eq!(scanner.word(), "LS");
        assert_eq!(scanner.path().unwrap(), "@\"my stage\"/x");
    }

    #[test]
    fn an_unclosed_quote_is_a_syntax_error_with_its_place() {
        let mut scanner = Scanner::new("list\n 'abc");
        scanner.word();
        assert_eq!(scanner.path().unwrap_err().position, Some((2, 1)));
    }
}
