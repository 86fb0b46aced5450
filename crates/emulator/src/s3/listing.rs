//! The keys of a bucket, as `ListObjectsV2` gives them.

use std::collections::BTreeSet;
use std::fmt::Write;

use axum::http::StatusCode;
use axum::response::Response;

use super::BUCKET;
use super::error::{S3Error, escaped, xml};
use super::request::{StoreRequest, within};
use crate::account::Account;
use crate::stage::Issued;

/// Keys in one reply, as in S3.
const KEYS_MAX: usize = 1_000;

pub(super) fn list(account: &Account, request: &StoreRequest, issued: &Issued) -> Result<Response, S3Error> {
    if request.parameter("list-type") != "2" {
        return Err(S3Error::not_implemented("this on a bucket"));
    }
    let prefix = request.parameter("prefix");
    let inside = within(&issued.scope, prefix)?;
    let delimiter = request.parameter("delimiter");
    let after = request.parameter("continuation-token").max(request.parameter("start-after"));
    let limit = request.parameter("max-keys").parse().unwrap_or(KEYS_MAX).min(KEYS_MAX);
    let folder = issued.scope.stage.folder();
    let (mut contents, mut folders) = (String::new(), BTreeSet::new());
    let (mut count, mut last, mut is_truncated) = (0, String::new(), false);
    for file in account.database.stages().list(&issued.scope.stage, inside)? {
        let key = format!("{folder}/{}", file.name);
        if key.as_str() <= after {
            continue;
        }
        if count == limit {
            is_truncated = true;
            break;
        }
        let rest = &key[prefix.len()..];
        let is_below = !delimiter.is_empty() && rest.contains(delimiter);
        if is_below {
            let end = rest.find(delimiter).map_or(rest.len(), |at| at + delimiter.len());
            if !folders.insert(format!("{prefix}{}", &rest[..end])) {
                last = key;
                continue;
            }
        } else {
            write!(
                contents,
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size>\
                 <StorageClass>STANDARD</StorageClass></Contents>",
                escaped(&key),
                file.last_modified,
                file.etag,
                file.size
            )
            .expect("a String takes every write");
        }
        count += 1;
        last = key;
    }
    for folder in &folders {
        let folder = escaped(folder);
        write!(contents, "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>")
            .expect("a String takes every write");
    }
    if is_truncated {
        let token = escaped(&last);
        write!(contents, "<NextContinuationToken>{token}</NextContinuationToken>")
            .expect("a String takes every write");
    }
    let body = format!(
        "<ListBucketResult><Name>{BUCKET}</Name><Prefix>{}</Prefix><KeyCount>{count}</KeyCount>\
         <MaxKeys>{limit}</MaxKeys><IsTruncated>{is_truncated}</IsTruncated>{contents}</ListBucketResult>",
        escaped(prefix)
    );
    Ok(xml(StatusCode::OK, &body))
}
