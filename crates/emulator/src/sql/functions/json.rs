//! JSON as Snowflake keeps it: keys in order, no spaces, numbers exact.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::row::{Cell, Kind, Out, RowFunction};
use crate::sql::error::raised;

pub(super) struct Canonical;

impl RowFunction for Canonical {
    const NAME: &'static str = "sf_json";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Text, Kind::Boolean], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let text = arguments[0].text();
        // An empty text is no JSON value: NULL.
        if text.trim().is_empty() {
            return Ok(Out::Null);
        }
        let mut canonical = String::with_capacity(text.len());
        match serde_json::from_str::<&RawValue>(text)
            .and_then(|value| write_value(value, true, &mut canonical))
        {
            Ok(()) => Ok(Out::Text(canonical)),
            Err(_) if arguments[1].flag() => Ok(Out::Null),
            Err(failure) => Err(unparsable(&failure)),
        }
    }
}

fn unparsable(failure: &serde_json::Error) -> String {
    let reason = match failure.classify() {
        Category::Data => failure.to_string(),
        _ => format!("pos {}", failure.column()),
    };
    raised("100069", format!("Error parsing JSON: {reason}"))
}

/// A value as Snowflake keeps it.
pub(crate) fn canonical_json(value: &RawValue) -> serde_json::Result<String> {
    let mut canonical = String::with_capacity(value.get().len());
    write_value(value, true, &mut canonical)?;
    Ok(canonical)
}

/// Takes the nulls out of canonical JSON's objects and arrays.
pub(super) struct WithoutNulls;

impl RowFunction for WithoutNulls {
    const NAME: &'static str = "sf_json_without_nulls";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Text], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let text = arguments[0].text();
        let mut without = String::with_capacity(text.len());
        serde_json::from_str::<&RawValue>(text)
            .and_then(|value| write_value(value, false, &mut without))
            .map_err(|failure| unparsable(&failure))?;
        Ok(Out::Text(without))
    }
}

/// Numbers stay as written but for zeros that say nothing, since a float would lose digits.
fn write_value(value: &RawValue, keeps_nulls: bool, into: &mut String) -> serde_json::Result<()> {
    let is_kept = |value: &RawValue| keeps_nulls || value.get() != "null";
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let Fields(fields) = serde_json::from_str(text)?;
            into.push('{');
            for (index, (key, value)) in fields.into_iter().filter(|field| is_kept(field.1)).enumerate() {
                if index > 0 {
                    into.push(',');
                }
                into.push_str(&serde_json::to_string(&key)?);
                into.push(':');
                write_value(value, keeps_nulls, into)?;
            }
            into.push('}');
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            into.push('[');
            for (index, item) in items.into_iter().filter(|item| is_kept(item)).enumerate() {
                if index > 0 {
                    into.push(',');
                }
                write_value(item, keeps_nulls, into)?;
            }
            into.push(']');
        }
        Some(b'"') => into.push_str(&serde_json::to_string(&serde_json::from_str::<String>(text)?)?),
        Some(b'-' | b'0'..=b'9') => into.push_str(number(text)),
        _ => into.push_str(text),
    }
    Ok(())
}

/// An object's fields in the order of their keys, none of which may be there twice.
struct Fields<'t>(BTreeMap<String, &'t RawValue>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((key, value)) = entries.next_entry::<String, &RawValue>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate object attribute \"{key}\"")));
            }
            fields.insert(key, value);
        }
        Ok(Fields(fields))
    }
}

fn number(text: &str) -> &str {
    let has_exponent = text.contains(['e', 'E']);
    let short = if text.contains('.') && !has_exponent {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    };
    if short == "-0" { "0" } else { short }
}

pub(super) struct Float;

impl RowFunction for Float {
    const NAME: &'static str = "sf_json_float";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Float], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let number = arguments[0].float();
        // JSON has no such numbers; Snowflake shows them as texts.
        let text = super::texts::float_text(number);
        Ok(Out::Text(if number.is_finite() { text } else { format!("\"{text}\"") }))
    }
}

pub(super) struct TypeOf;

impl RowFunction for TypeOf {
    const NAME: &'static str = "sf_typeof";
    const OVERLOADS: &'static [(&'static [Kind], Kind)] = &[(&[Kind::Text], Kind::Text)];

    fn call(arguments: &[Cell<'_>]) -> Result<Out, String> {
        let text = arguments[0].text();
        let name = match text.as_bytes().first() {
            Some(b'{') => "OBJECT",
            Some(b'[') => "ARRAY",
            Some(b'"') => "VARCHAR",
            Some(b't' | b'f') => "BOOLEAN",
            Some(b'n') => "NULL_VALUE",
            _ if text.contains(['e', 'E']) => "DOUBLE",
            _ if text.contains('.') => "DECIMAL",
            _ => "INTEGER",
        };
        Ok(Out::Text(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Canonical, Cell, Out, RowFunction, WithoutNulls};

    fn canonical(text: &str) -> String {
        match Canonical::call(&[Cell::Text(text), Cell::Boolean(false)]) {
            Ok(Out::Text(text)) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn keys_are_sorted_and_numbers_keep_every_digit() {
        let text = r#"{ "b": 12345678901234567890123456789012345678, "a" : [1.50, true, null, "x\u0041"] }"#;
        assert_eq!(
            canonical(text),
            r#"{"a":[1.5,true,null,"xA"],"b":12345678901234567890123456789012345678}"#
        );
    }

    #[test]
    fn nulls_are_taken_out_at_every_depth() {
        let text = r#"{"a":null,"b":[1,null,{"c":null}]}"#;
        let without = WithoutNulls::call(&[Cell::Text(text)]);
        assert!(matches!(without, Ok(Out::Text(text)) if text == r#"{"b":[1,{}]}"#));
    }

    #[test]
    fn what_is_no_json_raises_snowflakes_code() {
        assert!(canonical("{oops").contains("SNOW:100069"));
        let repeated = canonical(r#"[{"a":1,"\u0061":2}]"#);
        assert!(repeated.contains("duplicate object attribute"), "{repeated}");
    }
}
