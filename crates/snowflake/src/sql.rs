//! Names and literals inside SQL text, quoted in one place.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// Snowflake takes no longer identifier.
const IDENTIFIER_LENGTH_MAX: usize = 255;
/// Database, schema, object.
const NAME_PARTS_MAX: usize = 3;

/// One name, held exactly as Snowflake stores it. Printed, it is quoted SQL.
///
/// ```
/// use snowflake::Identifier;
/// assert_eq!(Identifier::new("my \"col\"")?.to_string(), r#""my ""col""""#);
/// assert_eq!(Identifier::parse("orders")?.as_str(), "ORDERS");
/// # Ok::<(), snowflake::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier(String);

impl Identifier {
    /// Takes the stored name as it is: no folding, no quotes.
    pub fn new(stored: impl Into<String>) -> Result<Self> {
        let stored = stored.into();
        if stored.is_empty() {
            return Err(refused("is empty"));
        }
        if stored.chars().count() > IDENTIFIER_LENGTH_MAX {
            return Err(refused("is longer than 255 characters"));
        }
        if stored.contains('\0') {
            return Err(refused("holds a zero character"));
        }
        Ok(Self(stored))
    }

    /// Reads a name as SQL would: upper-cased unless it is in double quotes.
    pub fn parse(sql: &str) -> Result<Self> {
        match ObjectName::parse(sql)?.parts.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(refused("has more than one part")),
        }
    }

    /// The name as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A name of one to three parts, `database.schema.object`. Printed, it is quoted SQL.
///
/// ```
/// use snowflake::ObjectName;
/// let name: ObjectName = r#"crm."Sales 2026".orders"#.parse()?;
/// assert_eq!(name.to_string(), r#""CRM"."Sales 2026"."ORDERS""#);
/// # Ok::<(), snowflake::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    parts: Vec<Identifier>,
}

impl ObjectName {
    /// A name of its parts, the outermost first.
    pub fn new(parts: impl IntoIterator<Item = Identifier>) -> Result<Self> {
        let parts: Vec<Identifier> = parts.into_iter().collect();
        match parts.len() {
            0 => Err(refused("is empty")),
            1..=NAME_PARTS_MAX => Ok(Self { parts }),
            _ => Err(refused("has more than three parts")),
        }
    }

    /// Reads a name with Snowflake's folding: unquoted parts are upper-cased, quoted ones are kept exactly.
    pub fn parse(sql: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = sql.trim();
        loop {
            let (part, after) = next_part(rest)?;
            parts.push(part);
            let after = after.trim_start();
            if after.is_empty() {
                return Self::new(parts);
            }
            let Some(next) = after.strip_prefix('.') else {
                return Err(refused(
                    "has something other than a dot between its parts; quote what needs quoting",
                ));
            };
            rest = next.trim_start();
        }
    }

    /// The parts, outermost first.
    pub fn parts(&self) -> &[Identifier] {
        &self.parts
    }

    /// The last part.
    pub fn object(&self) -> &Identifier {
        self.parts.last().expect("a name has at least one part")
    }

    /// The schema, where the name has one.
    pub fn schema(&self) -> Option<&Identifier> {
        self.parts.len().checked_sub(2).map(|index| &self.parts[index])
    }

    /// The database, where the name has one.
    pub fn database(&self) -> Option<&Identifier> {
        self.parts.len().checked_sub(NAME_PARTS_MAX).map(|index| &self.parts[index])
    }

    /// This name inside `schema`, itself `database.schema`, where it does not say so itself.
    pub fn within(&self, database: &Identifier, schema: &Identifier) -> Self {
        let mut parts = vec![database.clone(), schema.clone()];
        parts.truncate(NAME_PARTS_MAX - self.parts.len());
        parts.extend(self.parts.iter().cloned());
        Self { parts }
    }
}

impl FromStr for ObjectName {
    type Err = Error;

    fn from_str(sql: &str) -> Result<Self> {
        Self::parse(sql)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            fmt::Display::fmt(part, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `text` as a string literal. Backslashes start escapes in Snowflake, so they are doubled like quotes.
///
/// ```
/// assert_eq!(snowflake::string_literal(r"it's a \ line"), r"'it''s a \\ line'");
/// ```
pub fn string_literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        match c {
            '\'' => literal.push_str("''"),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\0' => literal.push_str("\\0"),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

fn next_part(sql: &str) -> Result<(Identifier, &str)> {
    match sql.strip_prefix('"') {
        Some(quoted) => quoted_part(quoted),
        None => plain_part(sql),
    }
}

fn quoted_part(quoted: &str) -> Result<(Identifier, &str)> {
    let mut stored = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((index, c)) = characters.next() {
        if c != '"' {
            stored.push(c);
        } else if characters.next_if(|(_, next)| *next == '"').is_some() {
            stored.push('"');
        } else {
            return Ok((Identifier::new(stored)?, &quoted[index + 1..]));
        }
    }
    Err(refused("has a double quote that is never closed"))
}

fn plain_part(sql: &str) -> Result<(Identifier, &str)> {
    let end = sql.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$')).unwrap_or(sql.len());
    let (plain, rest) = sql.split_at(end);
    match plain.chars().next() {
        None => Err(refused("has an empty part, or a character that needs double quotes")),
        Some(first) if first.is_ascii_digit() || first == '$' => {
            Err(refused("starts with a digit or a dollar sign; put it in double quotes"))
        }
        Some(_) => Ok((Identifier::new(plain.to_ascii_uppercase())?, rest)),
    }
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Statement, format!("this name cannot be used: it {why}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_fold_as_snowflake_folds_them() {
        for (sql, expected) in [
            ("orders", r#""ORDERS""#),
            (" db . sch . t1$x ", r#""DB"."SCH"."T1$X""#),
            (r#""a.b".c"#, r#""a.b"."C""#),
            (r#""say ""hi""""#, r#""say ""hi""""#),
            ("_x", r#""_X""#),
        ] {
            assert_eq!(ObjectName::parse(sql).unwrap().to_string(), expected, "{sql}");
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for sql in [
            "", ".", "a.", "a..b", "a b", "a;drop", "\"open", "\"\"", "1a", "a.b.c.d", "a--x", "naïve", "a'b",
        ] {
            assert!(ObjectName::parse(sql).is_err(), "{sql:?}");
        }
    }

    #[test]
    fn a_short_name_is_completed_from_the_outside() {
        let database = Identifier::new("D").unwrap();
        let schema = Identifier::new("S").unwrap();
        for (sql, expected) in
            [("t", r#""D"."S"."T""#), ("x.t", r#""D"."X"."T""#), ("y.x.t", r#""Y"."X"."T""#)]
        {
            assert_eq!(ObjectName::parse(sql).unwrap().within(&database, &schema).to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn a_quoted_name_reads_back_as_itself(stored in "[^\0]{1,40}") {
            let name = ObjectName::new([Identifier::new(stored.clone()).unwrap()]).unwrap();
            let parsed = ObjectName::parse(&name.to_string()).unwrap();
            prop_assert_eq!(parsed.object().as_str(), stored);
        }

        #[test]
        fn any_text_is_answered(sql in "\\PC{0,40}|[a-z\".;'\\\\ -]{0,20}") {
            if let Ok(name) = ObjectName::parse(&sql) {
                prop_assert_eq!(ObjectName::parse(&name.to_string()).unwrap(), name);
            }
        }

        #[test]
        fn a_literal_cannot_end_early(text in ".{0,40}") {
            let literal = string_literal(&text);
            let inside = &literal[1..literal.len() - 1];
            let mut rest = inside.replace("''", "").replace("\\\\", "");
            rest.retain(|c| c == '\'');
            prop_assert_eq!(rest, "");
        }
    }
}
