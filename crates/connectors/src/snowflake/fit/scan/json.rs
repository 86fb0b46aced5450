//! JSON that Snowflake's `PARSE_JSON` takes and gives back equal.
//!
//! serde_json decides what is a JSON document. On top of it are the things that `PARSE_JSON` refuses or changes:
//! repeated keys, and numbers that a `VARIANT` would round. An empty text is a NULL to `PARSE_JSON` and no JSON here.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::json_number;
use super::plain_json::is_plain;
use crate::snowflake::fit::Rule;

/// The most text that `PARSE_JSON` takes, which counts it compressed: this much always passes.
const JSON_BYTES_MAX: usize = 67_108_864;
/// The deepest nesting; serde_json ends at 128.
const DEPTH_MAX: usize = 100;
/// Keys of an object that are compared one by one; more are hashed.
const KEYS_COMPARED_MAX: usize = 16;

/// What the column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::snowflake::fit) enum JsonKind {
    /// `VARIANT`: any document.
    Any,
    /// `OBJECT`.
    Object,
    /// `ARRAY`.
    Array,
}

impl JsonKind {
    pub(super) fn rules(self) -> Vec<Rule> {
        let mut rules = vec![Rule::InvalidJson];
        match self {
            JsonKind::Any => {}
            JsonKind::Object => rules.push(Rule::JsonNotObject),
            JsonKind::Array => rules.push(Rule::JsonNotArray),
        }
        rules.extend([
            Rule::JsonDuplicateKey,
            Rule::JsonEmptyKey,
            Rule::JsonTooDeep,
            Rule::JsonTooManyBytes,
            Rule::JsonNumberInexact,
            Rule::NulByte,
        ]);
        rules
    }
}

/// Checks one document.
pub(super) fn check(text: &str, kind: JsonKind) -> Result<(), Rule> {
    if text.len() > JSON_BYTES_MAX {
        return Err(Rule::JsonTooManyBytes);
    }
    let parsed = if is_plain(text) { Ok(()) } else { parse(text) };
    // A loss may be allowed, and a document of another kind never loads.
    if matches!(parsed, Ok(()) | Err(Rule::JsonNumberInexact)) {
        match (kind, text.trim_ascii_start().as_bytes().first()) {
            (JsonKind::Object, Some(first)) if *first != b'{' => return Err(Rule::JsonNotObject),
            (JsonKind::Array, Some(first)) if *first != b'[' => return Err(Rule::JsonNotArray),
            _ => {}
        }
    }
    parsed
}

/// Checks one document whatever the column takes.
pub(super) fn parse(text: &str) -> Result<(), Rule> {
    let mut seen = Seen::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = Walk { seen: &mut seen, depth: 0 }.deserialize(&mut deserializer);
    if parsed.and_then(|()| deserializer.end()).is_err() {
        return Err(seen.broken.unwrap_or(Rule::InvalidJson));
    }
    if seen.has_float && !json_number::all_exact(text) {
        return Err(Rule::JsonNumberInexact);
    }
    Ok(())
}

/// What was met on the way through a document.
#[derive(Debug, Default)]
struct Seen {
    broken: Option<Rule>,
    /// A number that is no whole number of 64 bits.
    has_float: bool,
}

/// One value of the document.
struct Walk<'a> {
    seen: &'a mut Seen,
    depth: usize,
}

impl Walk<'_> {
    fn broken<E: serde::de::Error>(&mut self, rule: Rule) -> E {
        self.seen.broken = Some(rule);
        E::custom(rule.as_str())
    }

    fn deeper<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(self.broken(Rule::JsonTooDeep)) } else { Ok(()) }
    }

    fn text<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        if text.as_bytes().contains(&0) { Err(self.broken(Rule::NulByte)) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.seen.has_float = true;
        Ok(())
    }

    /// Borrowed texts have no escapes, and without one there is no NUL in JSON.
    fn visit_borrowed_str<E>(self, _: &'de str) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        self.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        self.deeper()?;
        while elements.next_element_seed(Walk { seen: self.seen, depth: self.depth })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.deeper()?;
        let mut keys = Keys::default();
        while let Some(key) = entries.next_key_seed(Key)? {
            if let Cow::Owned(key) = &key {
                self.text(key)?;
            }
            if key.is_empty() {
                return Err(self.broken(Rule::JsonEmptyKey));
            }
            if !keys.insert(key) {
                return Err(self.broken(Rule::JsonDuplicateKey));
            }
            entries.next_value_seed(Walk { seen: self.seen, depth: self.depth })?;
        }
        Ok(())
    }
}

/// A key, borrowed from the document where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// The keys of one object so far.
#[derive(Debug, Default)]
struct Keys<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    /// Whether the key is new.
    fn insert(&mut self, key: Cow<'de, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < KEYS_COMPARED_MAX {
            self.few.push(key);
            return true;
        }
        self.many.insert(key)
    }
}
