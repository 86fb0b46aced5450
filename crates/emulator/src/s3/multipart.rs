//! Objects uploaded in parts: begun, filled, completed or given up.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tempfile::NamedTempFile;

use super::BUCKET;
use super::error::{S3Error, escaped, xml};
use super::request::{StoreRequest, hex, md5};
use super::upload::keep;
use crate::account::Account;
use crate::random;
use crate::stage::{FileTags, Issued, StageId};

/// S3 takes no smaller part, except as the last.
const PART_BYTES_MIN: u64 = 5 * 1024 * 1024;
const PARTS_MAX: u32 = 10_000;

/// Uploads that are not completed, and those whose completion a client may ask for again.
#[derive(Debug, Default)]
pub(crate) struct Multiparts {
    uploads: Mutex<HashMap<String, Multipart>>,
}

#[derive(Debug)]
struct Multipart {
    stage: StageId,
    name: String,
    tags: FileTags,
    parts: BTreeMap<u32, Part>,
    /// The object's ETag once it is complete.
    completed: Option<String>,
}

#[derive(Debug)]
struct Part {
    file: NamedTempFile,
    size: u64,
    sum: [u8; 16],
}

impl Multiparts {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Multipart>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many uploads were begun and neither completed nor given up.
    pub(crate) fn open_count(&self) -> usize {
        self.lock().values().filter(|upload| upload.completed.is_none()).count()
    }
}

fn no_such_upload() -> S3Error {
    let message = "The specified multipart upload does not exist.";
    S3Error::new(StatusCode::NOT_FOUND, "NoSuchUpload", message)
}

pub(super) fn create(
    account: &Account,
    request: &StoreRequest,
    issued: &Issued,
    name: &str,
) -> Result<Response, S3Error> {
    let id = random::token();
    let upload = Multipart {
        stage: issued.scope.stage.clone(),
        name: name.to_owned(),
        tags: request.tags.clone(),
        parts: BTreeMap::new(),
        completed: None,
    };
    account.multiparts.lock().insert(id.clone(), upload);
    let body = format!(
        "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{}</Key><UploadId>{id}</UploadId>\
         </InitiateMultipartUploadResult>",
        escaped(name)
    );
    Ok(xml(StatusCode::OK, &body))
}

pub(super) fn put_part(
    account: &Account,
    request: &StoreRequest,
    name: &str,
    body: &[u8],
) -> Result<Response, S3Error> {
    let number =
        request.parameter("partNumber").parse().ok().filter(|number| (1..=PARTS_MAX).contains(number));
    let number = number.ok_or_else(|| {
        S3Error::bad_request(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
        )
    })?;
    let mut file = account.database.stages().upload()?;
    file.write_all(body)?;
    let sum = md5(body);
    let mut uploads = account.multiparts.lock();
    let upload = open_upload(&mut uploads, request, name)?;
    upload.parts.insert(number, Part { file, size: body.len() as u64, sum });
    Ok([(header::ETAG, format!("\"{}\"", hex(&sum)))].into_response())
}

fn open_upload<'u>(
    uploads: &'u mut HashMap<String, Multipart>,
    request: &StoreRequest,
    name: &str,
) -> Result<&'u mut Multipart, S3Error> {
    let upload = uploads.get_mut(request.parameter("uploadId"));
    upload.filter(|upload| upload.name == name && upload.completed.is_none()).ok_or_else(no_such_upload)
}

pub(super) fn complete(
    account: &Account,
    request: &StoreRequest,
    issued: &Issued,
    name: &str,
    body: &[u8],
) -> Result<Response, S3Error> {
    let mut uploads = account.multiparts.lock();
    let id = request.parameter("uploadId");
    let upload =
        uploads.get_mut(id).filter(|upload| upload.name == name && upload.stage == issued.scope.stage);
    let upload = upload.ok_or_else(no_such_upload)?;
    // A completion whose reply was lost is asked for again.
    if let Some(etag) = &upload.completed {
        return Ok(completed(name, etag));
    }
    let listed = listed_parts(&String::from_utf8_lossy(body));
    let parts = chosen(upload, &listed)?;
    let mut whole = account.database.stages().upload()?;
    let mut sums = Vec::new();
    for part in &parts {
        io::copy(&mut File::open(part.file.path())?, &mut whole)?;
        sums.extend_from_slice(&part.sum);
    }
    let etag = format!("{}-{}", hex(&md5(&sums)), parts.len());
    keep(account, issued, name, whole, etag.clone(), upload.tags.clone())?;
    upload.parts.clear();
    upload.completed = Some(etag.clone());
    Ok(completed(name, &etag))
}

fn completed(name: &str, etag: &str) -> Response {
    let body = format!(
        "<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{}</Key><ETag>&quot;{etag}&quot;</ETag>\
         </CompleteMultipartUploadResult>",
        escaped(name)
    );
    xml(StatusCode::OK, &body)
}

/// The parts that the client lists, which must be those that it sent.
fn chosen<'u>(upload: &'u Multipart, listed: &[(u32, String)]) -> Result<Vec<&'u Part>, S3Error> {
    if listed.is_empty() {
        let message =
            "The XML you provided was not well-formed or did not validate against our published schema";
        return Err(S3Error::bad_request("MalformedXML", message));
    }
    if !listed.is_sorted_by(|one, next| one.0 < next.0) {
        let message = "The list of parts was not in ascending order.";
        return Err(S3Error::bad_request("InvalidPartOrder", message));
    }
    let mut parts = Vec::new();
    for (number, etag) in listed {
        let part = upload.parts.get(number).filter(|part| hex(&part.sum) == *etag);
        parts.push(part.ok_or_else(|| {
            let message =
                "One or more of the specified parts could not be found, or its entity tag did not match.";
            S3Error::bad_request("InvalidPart", message)
        })?);
    }
    let (_, before) = parts.split_last().expect("the list is not empty");
    if before.iter().any(|part| part.size < PART_BYTES_MIN) {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        return Err(S3Error::bad_request("EntityTooSmall", message));
    }
    Ok(parts)
}

/// Number and ETag of every `<Part>`.
fn listed_parts(body: &str) -> Vec<(u32, String)> {
    let between = |text: &str, tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        let (value, _) = rest.split_once(&format!("</{tag}>"))?;
        Some(value.trim().replace("&quot;", "").replace("&#34;", "").replace('"', ""))
    };
    let parts = body.split("<Part>").skip(1);
    parts
        .filter_map(|part| Some((between(part, "PartNumber")?.parse().ok()?, between(part, "ETag")?)))
        .collect()
}

pub(super) fn abort(account: &Account, request: &StoreRequest, name: &str) -> Result<Response, S3Error> {
    let mut uploads = account.multiparts.lock();
    open_upload(&mut uploads, request, name)?;
    uploads.remove(request.parameter("uploadId"));
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    use super::listed_parts;

    #[test]
    fn parts_are_read_in_whatever_order_their_tags_have() {
        let body = "<CompleteMultipartUpload xmlns=\"x\">\n<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>\
                    <Part>\n <ETag>&quot;b&quot;</ETag>\n <PartNumber>2</PartNumber></Part></CompleteMultipartUpload>";
        assert_eq!(listed_parts(body), [(1, "a".to_owned()), (2, "b".to_owned())]);
        assert!(listed_parts("nothing").is_empty());
    }
}
