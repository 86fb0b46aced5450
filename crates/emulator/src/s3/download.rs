//! Objects read: GET, whole or a range of bytes, and HEAD.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;

use super::error::S3Error;
use super::link;
use super::request::{self, StoreRequest};
use crate::account::Account;
use crate::stage::{Issued, StageFile};

pub(super) fn get(
    account: &Account,
    request: &StoreRequest,
    issued: &Issued,
    name: &str,
) -> Result<Response, S3Error> {
    let store = account.database.stages();
    let file = store.file(&issued.scope.stage, name)?;
    let mut stored = File::open(store.stored(&issued.scope.stage, name)?)?;
    let asked = request.range.as_deref().map(|text| range(text, file.size)).transpose()?;
    let bytes = asked.clone().unwrap_or(0..file.size);
    stored.seek(SeekFrom::Start(bytes.start))?;
    let mut body = Vec::new();
    stored.take(bytes.end - bytes.start).read_to_end(&mut body)?;
    let mut response = described(request, &file, body.len() as u64, Body::from(body))?;
    if asked.is_some() {
        let text = format!("bytes {}-{}/{}", bytes.start, bytes.end.saturating_sub(1), file.size);
        response.headers_mut().insert(header::CONTENT_RANGE, value(&text)?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

pub(super) fn head(
    account: &Account,
    request: &StoreRequest,
    issued: &Issued,
    name: &str,
) -> Result<Response, S3Error> {
    let file = account.database.stages().file(&issued.scope.stage, name)?;
    if let Some(text) = request.range.as_deref() {
        range(text, file.size)?;
    }
    described(request, &file, file.size, Body::empty())
}

/// A reply with all that is known about the file.
fn described(request: &StoreRequest, file: &StageFile, length: u64, body: Body) -> Result<Response, S3Error> {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    let modified =
        file.last_modified.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let content_type = file.tags.content_type.as_deref().unwrap_or("binary/octet-stream");
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, value(content_type)?);
    headers.insert(header::ETAG, value(&format!("\"{}\"", file.etag))?);
    headers.insert(header::LAST_MODIFIED, value(&modified)?);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let metadata = if request.is_linked { link::metadata(&file.tags) } else { request::metadata(&file.tags) };
    for (name, text) in metadata {
        let name = HeaderName::try_from(name).map_err(|error| S3Error::internal(error.to_string()))?;
        headers.insert(name, value(&text)?);
    }
    Ok(response)
}

fn value(text: &str) -> Result<HeaderValue, S3Error> {
    HeaderValue::from_str(text).map_err(|error| S3Error::internal(error.to_string()))
}

/// The bytes that a `Range` header asks for; those beyond the end are left out.
fn range(text: &str, size: u64) -> Result<Range<u64>, S3Error> {
    let unsatisfiable = || {
        let message = "The requested range is not satisfiable";
        S3Error::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
    };
    let (from, to) =
        text.strip_prefix("bytes=").and_then(|text| text.split_once('-')).ok_or_else(unsatisfiable)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| unsatisfiable());
    let found = match (from, to) {
        ("", last) => size.saturating_sub(number(last)?)..size,
        (from, "") => number(from)?..size,
        (from, to) => number(from)?..number(to)?.saturating_add(1).min(size),
    };
    if found.start < found.end { Ok(found) } else { Err(unsatisfiable()) }
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn every_form_of_a_range_is_read() {
        assert_eq!(range("bytes=2-4", 10).unwrap(), 2..5);
        assert_eq!(range("bytes=2-", 10).unwrap(), 2..10);
        assert_eq!(range("bytes=-3", 10).unwrap(), 7..10);
        assert_eq!(range("bytes=8-99", 10).unwrap(), 8..10);
        for text in ["bytes=10-", "bytes=5-4", "bytes=", "lines=1-2", "bytes=a-b"] {
            assert!(range(text, 10).is_err(), "{text}");
        }
    }
}
