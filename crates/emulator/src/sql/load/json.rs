//! JSON documents of a text, one behind the other or in one array.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::format::FileFormat;
use super::reject::Reject;
use crate::sql::functions::canonical_json;

/// What a text holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Documents {
    pub documents: Vec<String>,
    /// Names that objects at the top have for their fields.
    pub keys: BTreeSet<String>,
    /// Where the text is no JSON any more.
    pub reject: Option<Reject>,
}

pub(super) fn read(text: &str, format: &FileFormat) -> Documents {
    let strips = format.flag("STRIP_OUTER_ARRAY");
    let mut found = Documents::default();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    loop {
        let line = text[..values.byte_offset()].matches('\n').count() as u64 + 1;
        match values.next() {
            None => return found,
            Some(Ok(value)) if strips && value.get().starts_with('[') => {
                let items: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
                items.into_iter().for_each(|item| found.push(item));
            }
            Some(Ok(value)) => found.push(value),
            Some(Err(failure)) => {
                found.reject = Some(Reject {
                    code: "100069",
                    message: format!("Error parsing JSON: {failure}"),
                    row: found.documents.len() as u64 + 1,
                    line: line.max(failure.line() as u64),
                    character: failure.column() as u64,
                });
                return found;
            }
        }
    }
}

impl Documents {
    fn push(&mut self, value: &RawValue) {
        if let Ok(fields) = serde_json::from_str::<std::collections::BTreeMap<String, &RawValue>>(value.get())
        {
            self.keys.extend(fields.into_keys());
        }
        // What was read as a value is one.
        self.documents.push(canonical_json(value).unwrap_or_else(|_| value.get().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::sql::load::format::{FileFormat, FormatClause};

    fn format(options: &str) -> FileFormat {
        match FileFormat::clause_of_text(&format!("TYPE = JSON {options}")).unwrap() {
            FormatClause::Inline(format) => format,
            FormatClause::Named(name) => panic!("{name}"),
        }
    }

    #[test]
    fn documents_follow_each_other_or_stand_in_an_array() {
        let text = "{\"b\": 1.50, \"a\": 2}\n[1]\n\"x\"";
        let found = read(text, &format(""));
        assert_eq!(found.documents, ["{\"a\":2,\"b\":1.5}", "[1]", "\"x\""]);
        assert_eq!(found.keys.into_iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(
            read("[1, {\"a\": 2}]", &format("STRIP_OUTER_ARRAY = TRUE")).documents,
            ["1", "{\"a\":2}"]
        );
    }

    #[test]
    fn the_first_thing_that_is_no_json_has_its_place() {
        let reject = read("1\n2\n{oops\n3", &format("")).reject.unwrap();
        assert_eq!((reject.code, reject.row, reject.line), ("100069", 3, 3));
    }
}
