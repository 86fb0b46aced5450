//! The service's own words, without the row values and literals that it likes to quote.

use std::fmt::Write as _;

use crate::error_code::is_data_code;

/// Longer messages are cut: a service message that long quotes a statement or a document.
const MESSAGE_LENGTH_MAX: usize = 400;
const HIDDEN: &str = "…";

/// Codes whose quoted parts are names of objects, roles or addresses, which the reader needs.
const NAMES_KEPT: &[&str] = &[
    "000606", "000904", "001757", "002003", "002037", "002043", "002140", "003001", "003041", "090073",
    "090105", "090106",
];

/// The words of Snowflake's messages about values. Everything else in such a message may be a value.
const DATA_WORDS: &str = "\
    a action an and array as at be because binary boolean by cast character column column-type columns \
    conversion convert copy could date day decimal detected division dml document does duplicate during \
    end error exceeded exceeds expected expression failed field file fixed float for format found from \
    function geography has hex in input into invalid is json key large length limit line load loading \
    long match maximum merge missing month more multiple must non-nullable not null number numeric \
    object of on or out overflow parquet parse parsing permitted precision range real recognized \
    representable required result row scale short size small string syntax text than the time timestamp \
    timestamp_ltz timestamp_ntz timestamp_tz to too trailing truncated type unexpected unknown user \
    utf-8 value values variant vector was while with would year zero";

/// Makes a service message fit to be shown and logged.
pub(crate) fn sanitised(code: &str, message: &str) -> String {
    let message = message.trim();
    let clean = if is_data_code(code) {
        only_known_words(message)
    } else if code.starts_with("39") || NAMES_KEPT.contains(&code) {
        let words: Vec<&str> = message.split_whitespace().map(without_token).collect();
        words.join(" ")
    } else {
        without_quoted(message)
    };
    shortened(clean.trim_end_matches('.'))
}

/// JSON web tokens and session tokens are known by how they begin.
fn without_token(word: &str) -> &str {
    let bare = word.trim_start_matches(['\'', '"', '[', '(', '=', ':']);
    if bare.starts_with("eyJ") || bare.starts_with("ver:") { HIDDEN } else { word }
}

/// Keeps the vocabulary, hides the rest, and keeps the one line that says where in a file a value stood.
fn only_known_words(message: &str) -> String {
    let mut lines = message.lines();
    let mut clean = known_words(lines.next().unwrap_or_default());
    for place in lines.filter_map(row_and_column) {
        let _ = write!(clean, "; {place}");
    }
    clean
}

fn known_words(line: &str) -> String {
    let outside = without_quoted(line);
    let mut words: Vec<&str> = Vec::new();
    for word in outside.split_whitespace() {
        let bare = word.trim_matches(|c: char| matches!(c, '.' | ',' | ':' | ';')).to_ascii_lowercase();
        let kept = DATA_WORDS.split_whitespace().any(|known| known == bare);
        match (kept, words.last()) {
            (true, _) => words.push(word),
            (false, Some(&HIDDEN)) => {}
            (false, _) => words.push(HIDDEN),
        }
    }
    words.join(" ")
}

/// `Row 3, column "T"["AMOUNT":4]`: nothing of it is a value when it has exactly this form.
fn row_and_column(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("Row ")?;
    let (row, rest) = rest.split_once(", column ")?;
    let row: u64 = row.parse().ok()?;
    let inside = rest.strip_suffix(']')?;
    let (table, column) = inside.split_once("[\"")?;
    let (column, position) = column.rsplit_once("\":")?;
    let position: u32 = position.parse().ok()?;
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_$\" ".contains(c))
    };
    (is_name(table) && is_name(column)).then(|| format!("row {row}, column \"{column}\" (number {position})"))
}

/// Hides what stands in quotes, brackets and braces, and numbers that are not a position.
fn without_quoted(message: &str) -> String {
    let mut clean = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(['\'', '"', '[', '{']) {
        let opening = rest[start..].chars().next().unwrap_or('\'');
        clean.push_str(&rest[..start]);
        clean.push_str(HIDDEN);
        // To the last closing mark of the line: a value may hold the mark itself, and hiding too much is safe.
        let body = &rest[start + opening.len_utf8()..];
        let line = body.find('\n').map_or(body, |end| &body[..end]);
        let end = line.rfind(closing(opening)).map_or(line.len(), |end| end + 1);
        rest = &body[end..];
    }
    clean.push_str(rest);
    without_numbers(&clean)
}

fn closing(opening: char) -> char {
    match opening {
        '[' => ']',
        '{' => '}',
        same => same,
    }
}

fn without_numbers(message: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in message.split_whitespace() {
        let is_number = word.chars().any(|c| c.is_ascii_digit());
        let after_place = words.last().is_some_and(|last| matches!(*last, "line" | "position"));
        words.push(if is_number && !after_place { HIDDEN } else { word });
    }
    words.join(" ")
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_LENGTH_MAX) {
        None => message.to_owned(),
        Some((end, _)) => message[..end].to_owned() + HIDDEN,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn row_values_are_hidden() {
        for (code, message, expected) in [
            (
                "100038",
                "Numeric value 'jane@acme.com' is not recognized",
                "Numeric value … is not recognized",
            ),
            (
                "100071",
                "Failed to cast variant value \"4711\" to FIXED",
                "Failed to cast variant value … to FIXED",
            ),
            (
                "100071",
                "Failed to cast variant value 4711 to BOOLEAN",
                "Failed to cast variant value … to BOOLEAN",
            ),
            (
                "100090",
                "Duplicate row detected during DML action\nRow Values: [1, \"x\"]",
                "Duplicate row detected during DML action",
            ),
            (
                "100078",
                "String 'it's long' is too long and would be truncated",
                "String … is too long and would be truncated",
            ),
            ("100072", "NULL result in a non-nullable column", "NULL result in a non-nullable column"),
            (
                "100038",
                "Numeric value 'abc' is not recognized\n  File 'x.csv', line 3, character 1\n  Row 1, column \"T\"[\"A\":1]\n  If you would like",
                "Numeric value … is not recognized; row 1, column \"A\" (number 1)",
            ),
            ("100035", "Timestamp 'Jane Doe' is not recognized", "Timestamp … is not recognized"),
            (
                "100069",
                "Error parsing JSON: unknown keyword \"jane\", pos 4",
                "Error parsing JSON: unknown … ",
            ),
            (
                "001003",
                "syntax error line 1 at position 7 unexpected ''hunter2''.",
                "syntax error line 1 at position 7 unexpected ….",
            ),
            (
                "001044",
                "Invalid argument types for function 'F': (4711)",
                "Invalid argument types for function …: …",
            ),
        ] {
            let clean = sanitised(code, message);
            assert_eq!(clean, expected.trim().trim_end_matches('.'), "{message}");
        }
    }

    #[test]
    fn names_of_objects_and_addresses_are_kept() {
        for (code, message) in [
            ("002003", "SQL compilation error: Object 'DB.S.T' does not exist or not authorized"),
            ("003001", "SQL access control error: Insufficient privileges to operate on schema 'S'"),
            ("390422", "Incoming request with IP/Token 203.0.113.7 is not allowed to access Snowflake"),
            ("390144", "JWT token is invalid. [0ce9eb56-821d-4ca9-a774-04ae89a0cf5a]"),
        ] {
            assert_eq!(sanitised(code, message), message);
        }
    }

    #[test]
    fn tokens_are_hidden_where_names_are_kept() {
        let clean = sanitised("390144", "JWT token 'eyJhbGciOi.x.y' is invalid, session ver:3-hint:1");
        assert_eq!(clean, "JWT token … is invalid, session …");
    }

    proptest! {
        #[test]
        fn any_message_is_taken(code in "[0-9]{6}", message in "\\PC{0,120}") {
            sanitised(&code, &message);
            sanitised("100038", &message);
        }

        #[test]
        fn no_value_survives_in_a_message_about_values(value in "[A-Z0-9]{8,20}", quote in "['\"]?") {
            let message = format!("Numeric value {quote}{value}{quote} is not recognized\n Row {value}, column \"T\"[\"{value}\":x]");
            prop_assert!(!sanitised("100038", &message).contains(&value));
        }
    }
}
