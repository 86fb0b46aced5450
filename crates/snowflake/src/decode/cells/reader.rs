//! JSON rows cell by cell, straight from the body: `["1",null],["2","b"]`, with or without the outer brackets.

use std::io::Read;

use crate::decode::body::body_error;
use crate::error::{Error, ErrorKind, Result};

/// Bytes asked from the body at once. A longer cell makes the window grow to its size.
const WINDOW_BYTES: usize = 64 * 1024;

/// Reads rows of cells, where a cell is text or null.
#[derive(Debug)]
pub(crate) struct CellReader<R> {
    source: R,
    window: Vec<u8>,
    position: usize,
    is_drained: bool,
}

impl<R: Read> CellReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, window: Vec::with_capacity(WINDOW_BYTES), position: 0, is_drained: false }
    }

    /// Gives the cells of the next row to `each`, with their index. False at the end.
    pub(crate) fn next_row(
        &mut self,
        columns: usize,
        mut each: impl FnMut(usize, Option<&str>) -> Result<()>,
    ) -> Result<bool> {
        let Some(first) = self.skip_between_rows()? else {
            return Ok(false);
        };
        if first != b'[' {
            return Err(malformed());
        }
        for index in 0..columns {
            if index > 0 {
                self.expect(b',')?;
            }
            self.cell(|cell| each(index, cell))?;
        }
        self.expect(b']')?;
        Ok(true)
    }

    /// Bytes still in the window that were read ahead.
    fn rest(&self) -> &[u8] {
        &self.window[self.position..]
    }

    fn skip_between_rows(&mut self) -> Result<Option<u8>> {
        loop {
            match self.next_byte()? {
                Some(b',') => {}
                byte => return Ok(byte),
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<()> {
        if self.next_byte()? == Some(wanted) { Ok(()) } else { Err(malformed()) }
    }

    /// Takes the next byte that is not white space.
    fn next_byte(&mut self) -> Result<Option<u8>> {
        while let Some(byte) = self.peek()? {
            self.position += 1;
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
        }
        Ok(None)
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        if self.rest().is_empty() && !self.refill()? {
            return Ok(None);
        }
        Ok(self.rest().first().copied())
    }

    fn cell(&mut self, give: impl FnOnce(Option<&str>) -> Result<()>) -> Result<()> {
        match self.next_byte()? {
            Some(b'"') => self.text(give),
            Some(_) => {
                self.position -= 1;
                self.word(give)
            }
            None => Err(malformed()),
        }
    }

    /// A cell in quotes. The window keeps it whole, so that the usual cell is borrowed and never copied.
    fn text(&mut self, give: impl FnOnce(Option<&str>) -> Result<()>) -> Result<()> {
        let mut scanned = 0;
        let mut has_escapes = false;
        let length = loop {
            match self.rest()[scanned..].iter().position(|byte| matches!(byte, b'"' | b'\\')) {
                Some(found) if self.rest()[scanned + found] == b'"' => break scanned + found,
                Some(found) => {
                    has_escapes = true;
                    scanned += found + 2;
                    while self.rest().len() < scanned {
                        self.refill_or_fail()?;
                    }
                }
                None => {
                    scanned = self.rest().len();
                    self.refill_or_fail()?;
                }
            }
        };
        let start = self.position;
        self.position += length + 1;
        if has_escapes {
            // The quotes around the cell make it a JSON string of its own.
            let quoted = &self.window[start - 1..=start + length];
            let text: String = serde_json::from_slice(quoted).map_err(|_| malformed())?;
            give(Some(&text))
        } else {
            let text = std::str::from_utf8(&self.window[start..start + length]).map_err(|_| malformed())?;
            give(Some(text))
        }
    }

    /// A cell without quotes: null, or a number or boolean that somebody forgot to quote.
    fn word(&mut self, give: impl FnOnce(Option<&str>) -> Result<()>) -> Result<()> {
        let mut word = Vec::new();
        while let Some(byte) = self.peek()? {
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')) {
                break;
            }
            word.push(byte);
            self.position += 1;
        }
        match word.as_slice() {
            b"null" => give(None),
            b"true" | b"false" => give(std::str::from_utf8(&word).ok()),
            [b'-' | b'0'..=b'9', ..] => give(std::str::from_utf8(&word).ok()),
            _ => Err(malformed()),
        }
    }

    fn refill_or_fail(&mut self) -> Result<()> {
        if self.refill()? { Ok(()) } else { Err(malformed()) }
    }

    /// Reads more behind what is left of the window. False at the end of the body.
    fn refill(&mut self) -> Result<bool> {
        if self.is_drained {
            return Ok(false);
        }
        // One byte before the position stays: it may be the quote that a cell with escapes needs.
        let kept = self.position.saturating_sub(1);
        self.window.drain(..kept);
        self.position -= kept;
        let filled = self.window.len();
        let wanted = WINDOW_BYTES.max(filled);
        let count =
            (&mut self.source).take(wanted as u64).read_to_end(&mut self.window).map_err(body_error)?;
        self.is_drained = count < wanted;
        Ok(count > 0)
    }
}

fn malformed() -> Error {
    Error::new(ErrorKind::Protocol, "the rows of a result are not arrays of text and null")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str, columns: usize) -> Result<Vec<Vec<Option<String>>>> {
        let mut reader = CellReader::new(text.as_bytes());
        let mut rows = Vec::new();
        loop {
            let mut row = Vec::new();
            let is_row = reader.next_row(columns, |_, cell| {
                row.push(cell.map(str::to_owned));
                Ok(())
            })?;
            if !is_row {
                return Ok(rows);
            }
            rows.push(row);
        }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn rows_are_read_without_outer_brackets() {
        let expected = vec![vec![some("1"), some("a")], vec![some("2"), None]];
        assert_eq!(rows(r#"["1","a"],["2",null]"#, 2).unwrap(), expected);
        assert_eq!(rows(" [ \"1\" , \"a\" ] ,\n[\"2\",null]\n", 2).unwrap(), expected);
        assert_eq!(rows("", 2).unwrap(), Vec::<Vec<_>>::new());
    }

    #[test]
    fn escapes_are_undone() {
        let text = r#"["a\"b\\","\u00e9\ud83d\ude00\n"]"#;
        assert_eq!(rows(text, 2).unwrap(), vec![vec![some("a\"b\\"), some("é😀\n")]]);
    }

    #[test]
    fn a_row_with_too_few_or_too_many_cells_is_an_error() {
        rows(r#"["1"]"#, 2).unwrap_err();
        rows(r#"["1","2","3"]"#, 2).unwrap_err();
        rows(r#"["1","2""#, 2).unwrap_err();
        rows(r#"["1","2"#, 2).unwrap_err();
        rows("<?xml version=\"1.0\"?>", 1).unwrap_err();
    }

    #[test]
    fn cells_longer_than_the_window_are_read_whole() {
        for length in [WINDOW_BYTES - 3, WINDOW_BYTES, 5 * WINDOW_BYTES + 1] {
            for filler in ["x", "é", "\\n"] {
                let text = format!(r#"["{}","y"]"#, filler.repeat(length));
                let read = rows(&text, 2).unwrap();
                let expected = filler.replace("\\n", "\n").repeat(length);
                assert!(read[0][0].as_deref() == Some(expected.as_str()));
                assert_eq!(read[0][1], some("y"));
            }
        }
    }

    proptest! {
        #[test]
        fn what_serde_writes_is_read_back(table in prop::collection::vec(prop::collection::vec(any::<Option<String>>(), 3), 0..20)) {
            let json = serde_json::to_string(&table).unwrap();
            let inner = &json[1..json.len() - 1];
            prop_assert_eq!(rows(inner, 3).unwrap(), table);
        }
    }
}
