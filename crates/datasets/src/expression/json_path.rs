//! A path into a JSON document: `$.user.emails[0]`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Steps from a document to one value in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl TryFrom<String> for JsonPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || format!("`{text}` is no path; write one such as $.user.emails[0]");
        let mut rest = text.strip_prefix('$').unwrap_or(&text);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (index, after) = inner.split_once(']').ok_or_else(refused)?;
                steps.push(match index.strip_prefix('"').and_then(|index| index.strip_suffix('"')) {
                    Some(key) => Step::Key(key.to_owned()),
                    None => Step::Index(index.parse().map_err(|_| refused())?),
                });
                rest = after;
                continue;
            }
            rest = rest.strip_prefix('.').unwrap_or(if steps.is_empty() { rest } else { "" });
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            if key.is_empty() {
                return Err(refused());
            }
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        }
        if steps.is_empty() { Err(refused()) } else { Ok(Self(steps)) }
    }
}

impl From<JsonPath> for String {
    fn from(JsonPath(steps): JsonPath) -> Self {
        let written = steps.iter().map(|step| match step {
            Step::Key(key) => format!("[\"{key}\"]"),
            Step::Index(index) => format!("[{index}]"),
        });
        format!("${}", written.collect::<String>())
    }
}

impl JsonPath {
    /// What the path leads to: a text without its quotes, other values as JSON. Nothing where it leads nowhere or to
    /// `null`.
    pub(crate) fn find<'a>(&self, document: &'a str) -> serde_json::Result<Option<Cow<'a, str>>> {
        let mut value: &'a RawValue = serde_json::from_str(document)?;
        for step in &self.0 {
            let found = match step {
                Step::Key(key) if value.get().starts_with('{') => {
                    let members: BTreeMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(value.get())?;
                    members.get(key.as_str()).copied()
                }
                Step::Index(index) if value.get().starts_with('[') => {
                    let elements: Vec<&'a RawValue> = serde_json::from_str(value.get())?;
                    elements.get(*index).copied()
                }
                _ => None,
            };
            let Some(found) = found else { return Ok(None) };
            value = found;
        }
        Ok(match value.get() {
            "null" => None,
            text if text.starts_with('"') => Some(serde_json::from_str::<String>(text)?.into()),
            other => Some(Cow::Borrowed(other)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::JsonPath;

    #[test]
    fn a_path_leads_to_one_value() {
        let document = r#"{"user": {"emails": ["a@b.c", "d\"e"], "n": 1.50, "none": null, "a.b": true}}"#;
        for (path, expected) in [
            ("$.user.emails[0]", Some("a@b.c")),
            ("user.emails[1]", Some("d\"e")),
            ("$.user.n", Some("1.50")),
            ("$.user[\"a.b\"]", Some("true")),
            ("$.user.none", None),
            ("$.user.nobody.at.all", None),
            ("$.user.emails", Some(r#"["a@b.c", "d\"e"]"#)),
        ] {
            let read = JsonPath::try_from(path.to_owned()).unwrap();
            assert_eq!(read.find(document).unwrap().as_deref(), expected, "{path}");
            let again = JsonPath::try_from(String::from(read.clone())).unwrap();
            assert_eq!(again, read, "{path}");
        }
        for path in ["", "$", "$..a", "$.a[", "$.a[x]", "$.a]b[0]c"] {
            assert!(JsonPath::try_from(path.to_owned()).is_err(), "{path}");
        }
    }
}
