//! What a request to the store is about: the key, the query, and the body as its signature promised it.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::http::request::Parts;
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::error::S3Error;
use super::{BUCKET, Queries, chunked, header, link};
use crate::stage::{DIGEST, FileTags, Scope};

/// All that AWS encodes in a signed request: everything but letters, digits and these.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const METADATA_PREFIX: &str = "x-amz-meta-";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const UNSIGNED_CHUNKS: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

pub(super) struct StoreRequest {
    /// Empty for the bucket itself.
    key: String,
    pub query: Queries,
    /// By a link, whose user speaks of metadata in Google's way.
    pub is_linked: bool,
    pub tags: FileTags,
    pub range: Option<String>,
    /// `If-None-Match: *`: only where there is nothing yet.
    pub is_creating: bool,
}

impl StoreRequest {
    pub(super) fn of(head: &Parts) -> Result<Self, S3Error> {
        if header(head, "x-amz-copy-source").is_some() {
            return Err(S3Error::not_implemented("copies"));
        }
        let path = decoded(head.uri.path());
        let key = path.trim_start_matches('/').strip_prefix(BUCKET).unwrap_or_default();
        let is_linked = link::key_id(head.uri.query()).is_some();
        let tags = if is_linked { link::tags(head)? } else { tags(head) };
        if !is_linked && tags.is_encrypted() && tags.text(DIGEST).is_none() {
            let message = format!("Snowflake could not read this file: the metadata lack {DIGEST}.");
            return Err(S3Error::bad_request("InvalidRequest", message));
        }
        Ok(Self {
            key: key.trim_start_matches('/').to_owned(),
            query: queries(head.uri.query()).into_iter().collect(),
            is_linked,
            tags,
            range: header(head, "range").map(str::to_owned),
            is_creating: header(head, "if-none-match") == Some("*"),
        })
    }

    /// The file's name below its stage, where the credentials reach it; none for the bucket.
    pub(super) fn name_within(&self, scope: &Scope) -> Result<Option<String>, S3Error> {
        if self.key.is_empty() {
            return Ok(None);
        }
        within(scope, &self.key).map(|name| Some(name.to_owned()))
    }

    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

/// The metadata of an upload.
fn tags(head: &Parts) -> FileTags {
    let metadata = head.headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(METADATA_PREFIX)?;
        Some((name.to_owned(), value.to_str().ok()?.to_owned()))
    });
    FileTags { content_type: header(head, "content-type").map(str::to_owned), metadata: metadata.collect() }
}

/// The headers by which a download tells the metadata.
pub(super) fn metadata(tags: &FileTags) -> Vec<(String, String)> {
    let named = tags.metadata.iter();
    named.map(|(name, text)| (format!("{METADATA_PREFIX}{name}"), text.clone())).collect()
}

/// A key without its stage's folder.
pub(super) fn within<'k>(scope: &Scope, key: &'k str) -> Result<&'k str, S3Error> {
    let name = key.strip_prefix(&scope.stage.folder()).and_then(|rest| rest.strip_prefix('/'));
    name.filter(|name| name.starts_with(&scope.folder)).ok_or_else(S3Error::access_denied)
}

/// The body as it is to be stored, after it was compared with its checksums.
pub(super) fn payload(head: &Parts, body: Bytes) -> Result<Bytes, S3Error> {
    // Only a link is verified without one.
    let promised = header(head, "x-amz-content-sha256").unwrap_or(UNSIGNED);
    let body = match promised {
        UNSIGNED => body,
        UNSIGNED_CHUNKS => chunked::plain(&body)?,
        other if other.starts_with("STREAMING-") => return Err(S3Error::not_implemented("signed chunks")),
        sum if hex(digest(&SHA256, &body).as_ref()) == sum => body,
        _ => {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            return Err(S3Error::bad_request("XAmzContentSHA256Mismatch", message));
        }
    };
    use base64::Engine;
    let sum = header(head, "content-md5");
    if sum.is_some_and(|sum| sum != base64::engine::general_purpose::STANDARD.encode(Md5::digest(&body))) {
        let message = "The Content-MD5 you specified did not match what we received.";
        return Err(S3Error::bad_request("BadDigest", message));
    }
    Ok(body)
}

pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Decoded names and values.
pub(super) fn queries(query: Option<&str>) -> Vec<(String, String)> {
    let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}
