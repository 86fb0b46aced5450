//! Documents that break no rule at first sight, which is nearly all that products write.
//!
//! One pass over the bytes, without taking a value apart, is three times as fast as parsing. It only ever says yes: an
//! escape, an exponent, a long number, a repeated key or anything that is no JSON leaves the document to be parsed.

/// The most keys in the objects that are open at one time.
const KEYS_MAX: usize = 16;
/// The deepest nesting.
const DEPTH_MAX: usize = 8;
/// The most digits of a number: a `NUMBER` keeps more, a parser of 64 bits does not.
const DIGITS_MAX: usize = 18;

/// Whether the document is one that `PARSE_JSON` takes and gives back equal; a no decides nothing.
pub(super) fn is_plain(document: &str) -> bool {
    let mut plain = Plain { rest: document.as_bytes(), keys: [&[]; KEYS_MAX], key_count: 0 };
    plain.value(0).is_some() && plain.next().is_none()
}

/// What is left of a document; whatever is not plain ends it as `None`.
struct Plain<'a> {
    rest: &'a [u8],
    /// The keys of the open objects, the innermost last.
    keys: [&'a [u8]; KEYS_MAX],
    key_count: usize,
}

impl<'a> Plain<'a> {
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.next()? {
            b'"' => self.text().map(drop),
            b'{' if depth < DEPTH_MAX => self.object(depth),
            b'[' if depth < DEPTH_MAX => self.array(depth),
            b't' => self.literal(b"rue"),
            b'f' => self.literal(b"alse"),
            b'n' => self.literal(b"ull"),
            b'-' => {
                let first = self.byte()?;
                self.number(first)
            }
            first => self.number(first),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        let outer_count = self.key_count;
        let mut next = self.next()?;
        if next == b'}' {
            return Some(());
        }
        loop {
            if next != b'"' {
                return None;
            }
            let key = self.text()?;
            if key.is_empty() || self.keys[outer_count..self.key_count].contains(&key) {
                return None;
            }
            *self.keys.get_mut(self.key_count)? = key;
            self.key_count += 1;
            if self.next()? != b':' {
                return None;
            }
            self.value(depth + 1)?;
            match self.next()? {
                b',' => next = self.next()?,
                b'}' => break,
                _ => return None,
            }
        }
        self.key_count = outer_count;
        Some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        if self.peek()? == b']' {
            return self.next().map(drop);
        }
        loop {
            self.value(depth + 1)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A string whose quote has been read.
    fn text(&mut self) -> Option<&'a [u8]> {
        let length = plain_length(self.rest)?;
        let (text, after) = self.rest.split_at(length);
        self.rest = after.strip_prefix(b"\"")?;
        Some(text)
    }

    /// A number whose first digit has been read; an exponent stays behind it and is not plain.
    fn number(&mut self, first: u8) -> Option<()> {
        let more = self.digits();
        let is_whole = first == b'0' && more == 0 || matches!(first, b'1'..=b'9');
        let mut digit_count = 1 + more;
        if let Some(after) = self.rest.strip_prefix(b".") {
            self.rest = after;
            let fraction = self.digits();
            if fraction == 0 {
                return None;
            }
            digit_count += fraction;
        }
        (is_whole && digit_count <= DIGITS_MAX).then_some(())
    }

    fn digits(&mut self) -> usize {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = &self.rest[count..];
        count
    }

    fn literal(&mut self, ending: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(ending)?;
        Some(())
    }

    /// The next byte that is no white space, and stays.
    fn peek(&mut self) -> Option<u8> {
        while let [b' ' | b'\n' | b'\r' | b'\t', after @ ..] = self.rest {
            self.rest = after;
        }
        self.rest.first().copied()
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        self.peek()?;
        self.byte()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, after) = self.rest.split_first()?;
        self.rest = after;
        Some(*first)
    }
}

/// The bytes before the first that ends a plain string: a quote, a backslash or a control character.
///
/// Eight at a time, as strings in JSON are about as long: subtracting from each byte of a word sets the highest bit where
/// it was smaller, and is wrong at most behind the first such byte.
fn plain_length(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH_BITS: u64 = ONES << 7;
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH_BITS;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let ends = below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
        if ends != 0 {
            return Some(index * 8 + ends.trailing_zeros() as usize / 8);
        }
    }
    let ending = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    Some(words.len() * 8 + ending)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_plain, plain_length};
    use crate::snowflake::fit::scan::json;

    /// Pieces of which a random text is a document, or nearly one, often enough.
    const PIECES: &str = r#"[{}\[\],: \n]|"[ab]?"|"\\u0000"|"é"|-?[01]{1,3}|1\.|[.eE+-]1|0{18}|true|null|x"#;

    fn document() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just(" false ".to_owned()),
            r"-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,3})?([eE][0-9])?",
            "\"[a-cé /]{0,5}\"",
            Just(r#""a\\b""#.to_owned()),
        ];
        leaf.prop_recursive(10, 40, 4, |inner| {
            let key = "[a-c]{0,2}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|values| format!("[{}]", values.join(", "))),
                prop::collection::vec((key, inner), 0..4).prop_map(|entries| {
                    let entries: Vec<_> =
                        entries.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                    format!("{{{}}}", entries.join(","))
                }),
            ]
        })
    }

    #[test]
    fn what_products_write_is_plain() {
        for document in [
            r#"{"plan":"p1","seats":3,"page":"/docs/1","ok":true}"#,
            r#" [ -1.50 , 0, "", {"a" : {"a": []}, "b": {}}, null ] "#,
            "-0",
            "\"é\"",
        ] {
            assert!(is_plain(document), "{document}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        #[test]
        fn a_plain_document_breaks_no_rule_of_a_parsed_one(document in document()) {
            prop_assert!(!is_plain(&document) || json::parse(&document).is_ok());
        }

        #[test]
        fn a_string_ends_at_its_first_byte_that_is_not_plain(
            bytes in prop::collection::vec(prop_oneof![prop::sample::select(b"\"\\\x1f ~\x80\xff".to_vec()), any::<u8>()], 0..30),
        ) {
            let ending = bytes.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\');
            prop_assert_eq!(plain_length(&bytes), ending);
        }

        #[test]
        fn a_text_that_is_nearly_a_document_is_not_plain(
            text in prop::collection::vec(PIECES, 1..8).prop_map(|pieces| pieces.concat()),
        ) {
            prop_assert!(!is_plain(&text) || json::parse(&text).is_ok());
        }
    }
}
