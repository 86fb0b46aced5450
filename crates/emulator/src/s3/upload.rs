//! One object in one request: PUT and DELETE.

use std::io::Write;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tempfile::NamedTempFile;

use super::error::S3Error;
use super::request::{StoreRequest, hex, md5};
use crate::account::Account;
use crate::stage::{FileTags, Issued};

pub(super) fn put(
    account: &Account,
    request: &StoreRequest,
    issued: &Issued,
    name: &str,
    body: &[u8],
) -> Result<Response, S3Error> {
    let store = account.database.stages();
    if request.is_creating && store.file(&issued.scope.stage, name).is_ok() {
        let message = "At least one of the preconditions you specified did not hold.";
        return Err(S3Error::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message));
    }
    let mut upload = store.upload()?;
    upload.write_all(body)?;
    let etag = hex(&md5(body));
    keep(account, issued, name, upload, etag.clone(), request.tags.clone())?;
    Ok([(header::ETAG, format!("\"{etag}\""))].into_response())
}

/// Takes a whole object into its stage. One that the client had to encrypt must be encrypted and readable, and
/// nothing else may be.
pub(super) fn keep(
    account: &Account,
    issued: &Issued,
    name: &str,
    upload: NamedTempFile,
    etag: String,
    tags: FileTags,
) -> Result<(), S3Error> {
    let scope = &issued.scope;
    if tags.is_encrypted() != scope.is_client_side_encrypted {
        let message = if scope.is_client_side_encrypted {
            "Snowflake could not read this file: the reply to PUT has an encryption material, and the object has no \
             x-amz-key, x-amz-iv and x-amz-matdesc in its metadata."
        } else {
            "Snowflake could not read this file: the Snowflake stage has no client-side encryption, and the object is \
             encrypted."
        };
        return Err(S3Error::bad_request("InvalidRequest", message));
    }
    account.database.stages().put(&scope.stage, name, upload, etag, tags)?;
    Ok(())
}

pub(super) fn delete(account: &Account, issued: &Issued, name: &str) -> Result<Response, S3Error> {
    account.database.stages().remove(&issued.scope.stage, name)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
