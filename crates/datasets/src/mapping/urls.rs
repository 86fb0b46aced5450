//! What pages' addresses say, by parts.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, StringArray};
use form_urlencoded::parse;
use model::Result;

use crate::cells::write_json_text;
use crate::normal::url::parts;
use crate::pack::{JsonColumn, prefix};

/// The parameters that have columns of their own.
const UTM: [&str; 5] = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];

pub(super) fn columns(pages: &StringArray) -> Result<Vec<(&'static str, ArrayRef)>> {
    let row_count = pages.len();
    let builder = || StringBuilder::with_capacity(row_count, row_count * 16);
    let (mut domains, mut paths, mut hashes) = (builder(), builder(), builder());
    let mut utm: [StringBuilder; UTM.len()] = std::array::from_fn(|_| StringBuilder::new());
    let mut queries = JsonColumn::with_capacity(row_count, row_count * 16);
    for row in 0..row_count {
        let url = parts(if pages.is_valid(row) { pages.value(row).trim() } else { "" });
        domains.append_option(url.domain.as_deref());
        paths.append_value(url.path);
        hashes.append_option(url.hash);
        let parameters = write_query(url.query, &mut queries.bytes);
        queries.end_value()?;
        for (values, found) in utm.iter_mut().zip(parameters) {
            values.append_option(found);
        }
    }
    let mut columns: Vec<(&'static str, ArrayRef)> = vec![
        ("domain", Arc::new(domains.finish())),
        ("path", Arc::new(paths.finish())),
        ("hash", Arc::new(hashes.finish())),
        ("query_param", queries.finish()?),
    ];
    let utm = UTM.into_iter().zip(&mut utm);
    columns.extend(utm.map(|(name, values)| (name, Arc::new(values.finish()) as ArrayRef)));
    Ok(columns)
}

/// Writes the parameters as one JSON object, of repeated ones the first, and gives those that have columns.
fn write_query(query: Option<&str>, out: &mut Vec<u8>) -> [Option<String>; UTM.len()] {
    let mut utm = [const { None }; UTM.len()];
    let mut seen: Vec<std::borrow::Cow<'_, str>> = Vec::new();
    out.push(b'{');
    for (name, value) in query.map(|query| parse(query.as_bytes())).into_iter().flatten() {
        if name.is_empty() || seen.contains(&name) {
            continue;
        }
        if !seen.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(&prefix(&name));
        write_json_text(&value, out);
        if let Some(place) = UTM.iter().position(|utm| name.eq_ignore_ascii_case(utm)) {
            utm[place].get_or_insert_with(|| value.into_owned());
        }
        seen.push(name);
    }
    out.push(b'}');
    utm
}
