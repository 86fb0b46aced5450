//! Locations bound to `?` in statements about staged files.

use std::borrow::Cow;

use crate::outcome::SqlError;
use crate::sql::error::compilation;
use crate::sql::request::SqlRequest;

/// The statement's text with every bound value in its place, as a quoted text.
pub(crate) fn with_bound_values(request: &SqlRequest) -> Result<Cow<'_, str>, SqlError> {
    if request.bindings.is_empty() {
        return Ok(Cow::Borrowed(&request.text));
    }
    let mut text = String::with_capacity(request.text.len());
    let mut number = 0;
    let (mut is_quoted, mut is_escaped) = (false, false);
    for letter in request.text.chars() {
        if letter == '?' && !is_quoted {
            number += 1;
            text.push_str(&quoted(bound(request, number)?));
            continue;
        }
        if letter == '\'' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = is_quoted && letter == '\\' && !is_escaped;
        text.push(letter);
    }
    Ok(Cow::Owned(text))
}

fn bound(request: &SqlRequest, number: usize) -> Result<&str, SqlError> {
    let binding = request.bindings.get(&number.to_string());
    binding
        .and_then(|binding| binding.values.first()?.as_deref())
        .ok_or_else(|| compilation("002049", "42601", &format!("Bind variable ? ({number}) not set.")))
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::with_bound_values;
    use crate::sql::{Binding, SqlRequest};

    #[test]
    fn a_bound_location_stands_quoted_where_its_mark_was_and_marks_in_quotes_stay() {
        let values = vec![Some("@\"it's\"/a".to_owned())];
        let binding = Binding { ty: "TEXT".to_owned(), values, is_array: false };
        let request = SqlRequest {
            query_id: String::new(),
            text: "PUT 'file:///a?\\'b' ? parallel=4".to_owned(),
            bindings: BTreeMap::from([("1".to_owned(), binding)]),
            parameters: BTreeMap::new(),
        };
        assert_eq!(with_bound_values(&request).unwrap(), "PUT 'file:///a?\\'b' '@\"it\\'s\"/a' parallel=4");
    }
}
