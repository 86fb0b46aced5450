//! Records of delimited text, by the options of a file format.

use super::format::FileFormat;
use super::reject::Reject;

/// One field as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Field {
    value: String,
    /// The text before escapes were read, where there were any: NULL_IF may name it too.
    raw: Option<String>,
    is_enclosed: bool,
}

impl Field {
    fn push_all(&mut self, letters: &[char]) {
        self.value.extend(letters);
        if let Some(raw) = &mut self.raw {
            raw.extend(letters);
        }
    }

    fn push_escaped(&mut self, escape: char, letter: char) {
        let raw = self.raw.get_or_insert_with(|| self.value.clone());
        raw.extend([escape, letter]);
        self.value.push(unescaped(letter));
    }
}

/// One record that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub fields: Vec<Option<String>>,
    /// From 1.
    pub row: u64,
    pub line: u64,
}

/// What a text holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    /// The names in the first record, where the format says that they are there.
    pub header: Option<Vec<String>>,
    pub records: Vec<Record>,
    pub rejects: Vec<Reject>,
    /// All records, those that could not be read too.
    pub count: u64,
}

/// The format's options, ready to compare with.
struct Rules {
    field: Vec<char>,
    record: Vec<char>,
    is_line: bool,
    enclosure: Option<char>,
    escape: Option<char>,
    escape_unenclosed: Option<char>,
    trims: bool,
    nulls: Vec<String>,
    empty_is_null: bool,
}

pub(super) fn read(text: &str, format: &FileFormat, expected: Option<usize>) -> Records {
    let skipped = usize::try_from(format.number("SKIP_HEADER")).unwrap_or(usize::MAX);
    let start = text.split_inclusive('\n').take(skipped).map(str::len).sum::<usize>();
    let letters: Vec<char> = text[start..].chars().collect();
    let line = text[..start].matches('\n').count() as u64 + 1;
    let mut reader =
        Reader { rules: Rules::of(format), letters, at: 0, line, line_start: 0, found: Records::default() };
    reader.run(format, expected);
    reader.found
}

/// An option's text with the escapes that Snowflake reads in it; none for NONE.
fn delimiter(format: &FileFormat, name: &str) -> Option<String> {
    let text = format.text(name);
    if text.eq_ignore_ascii_case("NONE") || text.is_empty() {
        return None;
    }
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("\\x"));
    if let Some(digits) = hexadecimal {
        let digits = digits.replace("\\x", "");
        let bytes: Option<Vec<u8>> = (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok())
            .collect();
        return bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    }
    let mut letters = text.chars();
    match (letters.next(), letters.next(), letters.next()) {
        (Some('\\'), Some(letter), None) => Some(unescaped(letter).to_string()),
        (Some('\\'), Some('0'..='3'), Some('0'..='7')) => {
            u8::from_str_radix(&text[1..], 8).ok().map(|code| char::from(code).to_string())
        }
        _ => Some(text),
    }
}

fn unescaped(letter: char) -> char {
    match letter {
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '0' => '\0',
        other => other,
    }
}

impl Rules {
    fn of(format: &FileFormat) -> Self {
        let letters =
            |name: &str| delimiter(format, name).map(|text| text.chars().collect()).unwrap_or_default();
        let letter = |name: &str| delimiter(format, name).and_then(|text| text.chars().next());
        let record: Vec<char> = letters("RECORD_DELIMITER");
        Rules {
            field: letters("FIELD_DELIMITER"),
            is_line: record == ['\n'],
            record,
            enclosure: letter("FIELD_OPTIONALLY_ENCLOSED_BY"),
            escape: letter("ESCAPE"),
            escape_unenclosed: letter("ESCAPE_UNENCLOSED_FIELD"),
            trims: format.flag("TRIM_SPACE"),
            nulls: format.list("NULL_IF"),
            empty_is_null: format.flag("EMPTY_FIELD_AS_NULL"),
        }
    }

    /// A letter that may end a plain field, or stand for another one.
    fn is_special(&self, letter: char) -> bool {
        matches!(letter, '\n' | '\r')
            || self.field.first() == Some(&letter)
            || self.record.first() == Some(&letter)
            || self.escape_unenclosed == Some(letter)
    }

    fn value(&self, field: Field) -> Option<String> {
        let is_null = self.nulls.iter().any(|null| *null == field.value || Some(null) == field.raw.as_ref());
        let is_empty = field.value.is_empty() && !field.is_enclosed && self.empty_is_null;
        (!is_null && !is_empty).then_some(field.value)
    }
}

/// Why a record could not be read, and where.
struct Broken {
    message: String,
    character: u64,
}

struct Reader {
    rules: Rules,
    letters: Vec<char>,
    at: usize,
    line: u64,
    line_start: usize,
    found: Records,
}

impl Reader {
    fn run(&mut self, format: &FileFormat, expected: Option<usize>) {
        let skips_blank = format.flag("SKIP_BLANK_LINES");
        let is_strict = format.flag("ERROR_ON_COLUMN_COUNT_MISMATCH");
        if format.flag("PARSE_HEADER") && self.at < self.letters.len() {
            let header = self.record().unwrap_or_default();
            self.found.header = Some(header.into_iter().map(|field| field.value).collect());
        }
        while self.at < self.letters.len() {
            let (start, line) = (self.at, self.line);
            let read = self.record();
            let is_blank =
                matches!(read.as_deref(), Ok([only]) if only.value.is_empty() && !only.is_enclosed);
            if is_blank && skips_blank {
                continue;
            }
            self.found.count += 1;
            let row = self.found.count;
            match read {
                Err(broken) => self.reject(row, line, broken),
                Ok(fields) => match expected.filter(|expected| is_strict && *expected != fields.len()) {
                    Some(expected) => {
                        let character = (self.at - start) as u64;
                        self.reject(
                            row,
                            line,
                            Broken { message: mismatch(fields.len(), expected), character },
                        );
                    }
                    None => {
                        let fields = fields.into_iter().map(|field| self.rules.value(field)).collect();
                        self.found.records.push(Record { fields, row, line });
                    }
                },
            }
        }
    }

    fn reject(&mut self, row: u64, line: u64, broken: Broken) {
        let code = if broken.message.starts_with("Number of columns") { "100080" } else { "100065" };
        self.found.rejects.push(Reject {
            code,
            message: broken.message,
            row,
            line,
            character: broken.character,
        });
    }

    fn starts_with(&self, delimiter: &[char]) -> bool {
        !delimiter.is_empty() && self.letters[self.at..].starts_with(delimiter)
    }

    /// Letters of the record delimiter that stands here; a carriage return belongs to a new line.
    fn record_end(&self) -> Option<usize> {
        if self.starts_with(&self.rules.record) {
            return Some(self.rules.record.len());
        }
        (self.rules.is_line && self.letters[self.at..].starts_with(&['\r', '\n'])).then_some(2)
    }

    fn take(&mut self) -> Option<char> {
        let letter = *self.letters.get(self.at)?;
        self.at += 1;
        if letter == '\n' {
            self.line += 1;
            self.line_start = self.at;
        }
        Some(letter)
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.take();
        }
    }

    /// Reads up to the end of the record, whatever happens in it.
    fn record(&mut self) -> Result<Vec<Field>, Broken> {
        let mut fields = Vec::new();
        loop {
            match self.field() {
                Ok(field) => fields.push(field),
                Err(broken) => {
                    self.skip_record();
                    return Err(broken);
                }
            }
            if self.starts_with(&self.rules.field) {
                self.skip(self.rules.field.len());
                continue;
            }
            if let Some(length) = self.record_end() {
                self.skip(length);
            }
            return Ok(fields);
        }
    }

    fn skip_record(&mut self) {
        while self.at < self.letters.len() {
            if let Some(length) = self.record_end() {
                self.skip(length);
                return;
            }
            self.take();
        }
    }

    fn field(&mut self) -> Result<Field, Broken> {
        if self.rules.trims {
            self.skip_spaces();
        }
        match self.rules.enclosure {
            Some(enclosure) if self.letters.get(self.at) == Some(&enclosure) => self.enclosed(enclosure),
            _ => Ok(self.plain()),
        }
    }

    fn skip_spaces(&mut self) {
        while self.letters.get(self.at) == Some(&' ') && !self.starts_with(&self.rules.field) {
            self.take();
        }
    }

    fn plain(&mut self) -> Field {
        let mut field = Field::default();
        loop {
            let rest = &self.letters[self.at..];
            let length = rest.iter().position(|letter| self.rules.is_special(*letter)).unwrap_or(rest.len());
            field.push_all(&rest[..length]);
            self.at += length;
            if self.at >= self.letters.len()
                || self.starts_with(&self.rules.field)
                || self.record_end().is_some()
            {
                break;
            }
            let Some(letter) = self.take() else { break };
            match (Some(letter) == self.rules.escape_unenclosed).then(|| self.take()).flatten() {
                Some(escaped) => field.push_escaped(letter, escaped),
                None => field.push_all(&[letter]),
            }
        }
        if self.rules.trims {
            field.value.truncate(field.value.trim_end().len());
        }
        field
    }

    fn enclosed(&mut self, enclosure: char) -> Result<Field, Broken> {
        let mut field = Field { is_enclosed: true, ..Field::default() };
        self.take();
        loop {
            match self.take() {
                None => {
                    return Err(
                        self.broken("End of file reached before the closing quote of a field".to_owned())
                    );
                }
                Some(letter) if letter == enclosure => {
                    if self.letters.get(self.at) != Some(&enclosure) {
                        break;
                    }
                    self.take();
                    field.value.push(enclosure);
                }
                Some(letter) if Some(letter) == self.rules.escape => {
                    if let Some(escaped) = self.take() {
                        field.value.push(unescaped(escaped));
                    }
                }
                Some(letter) => field.value.push(letter),
            }
        }
        if self.rules.trims {
            self.skip_spaces();
        }
        let is_ended = self.at >= self.letters.len()
            || self.starts_with(&self.rules.field)
            || self.record_end().is_some();
        if is_ended {
            return Ok(field);
        }
        let found = self.letters[self.at];
        let wanted: String = self.rules.field.iter().collect();
        Err(self.broken(format!("Found character '{found}' instead of field delimiter '{wanted}'")))
    }

    fn broken(&self, message: String) -> Broken {
        Broken { message, character: (self.at.saturating_sub(self.line_start)) as u64 + 1 }
    }
}

fn mismatch(found: usize, expected: usize) -> String {
    format!(
        "Number of columns in file ({found}) does not match that of the corresponding table ({expected}), use file \
         format option error_on_column_count_mismatch=false to ignore this error"
    )
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::sql::load::format::{FileFormat, FormatClause};

    fn records(text: &str, options: &str, expected: Option<usize>) -> super::Records {
        match FileFormat::clause_of_text(&format!("TYPE = CSV {options}")).unwrap() {
            FormatClause::Inline(format) => read(text, &format, expected),
            FormatClause::Named(name) => panic!("{name}"),
        }
    }

    fn fields(text: &str, options: &str) -> Vec<Vec<Option<String>>> {
        let found = records(text, options, None);
        assert!(found.rejects.is_empty(), "{:?}", found.rejects);
        found.records.into_iter().map(|record| record.fields).collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn fields_end_at_delimiters_and_records_at_line_ends_of_either_kind() {
        assert_eq!(fields("a,b\r\nc,d\n", ""), [[some("a"), some("b")], [some("c"), some("d")]]);
        assert_eq!(fields("a|b||", "FIELD_DELIMITER = '|'"), [[some("a"), some("b"), None, None]]);
        assert_eq!(fields("a\tb;c\td", "FIELD_DELIMITER = '\\t' RECORD_DELIMITER = ';'").len(), 2);
        assert_eq!(fields("a\u{1}b", "FIELD_DELIMITER = '\\\\001'"), [[some("a"), some("b")]]);
    }

    #[test]
    fn quotes_are_letters_unless_the_format_says_that_they_enclose() {
        assert_eq!(fields("\"a\",b", ""), [[some("\"a\""), some("b")]]);
        let options = "FIELD_OPTIONALLY_ENCLOSED_BY = '\"'";
        assert_eq!(fields("\"a,\"\"b\"\"\nc\",\"\"", options), [[some("a,\"b\"\nc"), some("")]]);
        assert_eq!(fields(" \"a\" , b ", &format!("{options} TRIM_SPACE = TRUE")), [[some("a"), some("b")]]);
    }

    #[test]
    fn an_empty_field_and_a_backslash_n_are_null() {
        assert_eq!(fields("a,,\\N", ""), [[some("a"), None, None]]);
        assert_eq!(
            fields("a,,x", "EMPTY_FIELD_AS_NULL = FALSE NULL_IF = ('x')"),
            [[some("a"), some(""), None]]
        );
        assert_eq!(fields("a\\,b,c\\\\", ""), [[some("a,b"), some("c\\")]]);
        assert_eq!(fields("a\\", "ESCAPE_UNENCLOSED_FIELD = NONE"), [[some("a\\")]]);
    }

    #[test]
    fn headers_and_blank_lines_are_skipped_where_the_format_says_so() {
        assert_eq!(fields("h\na\n\nb\n", "SKIP_HEADER = 1 SKIP_BLANK_LINES = TRUE").len(), 2);
        let found = records("x,y\n1,2\n", "PARSE_HEADER = TRUE", None);
        assert_eq!(found.header, Some(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!((found.count, found.records[0].line), (1, 2));
    }

    #[test]
    fn a_record_that_cannot_be_read_has_its_line_and_the_next_ones_are_read() {
        let found = records("1,2\n3\n4,5\n", "", Some(2));
        assert_eq!((found.count, found.records.len()), (3, 2));
        assert_eq!((found.rejects[0].code, found.rejects[0].row, found.rejects[0].line), ("100080", 2, 2));
        let found = records("\"a\"x,b\nc,d", "FIELD_OPTIONALLY_ENCLOSED_BY = '\"'", Some(2));
        assert_eq!((found.rejects[0].code, found.rejects[0].character), ("100065", 4));
        assert_eq!(found.records.len(), 1);
        assert!(records("1\n", "ERROR_ON_COLUMN_COUNT_MISMATCH = FALSE", Some(2)).rejects.is_empty());
    }
}
