//! Links that carry their own signature, in the manner of Google's object store: a client that uses one needs no
//! credentials, and sends and reads the metadata under Google's names.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use axum::http::Method;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

use super::error::S3Error;
use super::request::{decoded, encoded, hex, queries};
use super::signature::unhex;
use super::{BUCKET, header};
use crate::account::Account;
use crate::stage::{Credentials, DIGEST, FileTags, Issued, MATERIAL, VECTOR, WRAPPED_KEY};

const CREDENTIAL: &str = "X-Goog-Credential";
const SIGNATURE: &str = "X-Goog-Signature";

const DIGEST_HEADER: &str = "x-goog-meta-sfc-digest";
const MATERIAL_HEADER: &str = "x-goog-meta-matdesc";
const ENCRYPTION_HEADER: &str = "x-goog-meta-encryptiondata";

/// What Go's driver sends as the SHA-256 of every stream, since it has read it to its end by then. Snowflake does not look.
const DIGEST_OF_NOTHING: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// The file's wrapped key and its initialization vector, as clients of this store bundle them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptionData {
    wrapped_content_key: WrappedContentKey,
    #[serde(rename = "ContentEncryptionIV")]
    vector: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrappedContentKey {
    encrypted_key: String,
}

/// The link to one object for one method.
pub(crate) fn link(base_url: &str, credentials: &Credentials, method: &Method, key: &str) -> String {
    let path = format!("/{BUCKET}/{key}");
    let signature = hmac::sign(&signing_key(credentials), text_to_sign(method, &path).as_bytes());
    let path: Vec<String> = path.split('/').map(encoded).collect();
    let (path, key_id, signature) = (path.join("/"), &credentials.key_id, hex(signature.as_ref()));
    format!("{base_url}{path}?{CREDENTIAL}={key_id}&{SIGNATURE}={signature}")
}

/// The key id that a link names; none for a request that is no link's.
pub(super) fn key_id(query: Option<&str>) -> Option<String> {
    parameter(query, CREDENTIAL)
}

/// The credentials that signed the link. One that has expired is a bad request, upon which clients ask for another.
pub(super) fn verify(account: &Account, head: &Parts, key_id: &str) -> Result<Issued, S3Error> {
    let issued = account.stage_credentials.by_key_id(key_id).ok_or_else(S3Error::access_denied)?;
    let signature = parameter(head.uri.query(), SIGNATURE).and_then(|text| unhex(&text)).unwrap_or_default();
    let text = text_to_sign(&head.method, &decoded(head.uri.path()));
    let key = signing_key(&issued.credentials);
    if hmac::verify(&key, text.as_bytes(), &signature).is_err() {
        let message = "Access denied. The link's signature is not the one of this object and method.";
        return Err(S3Error::forbidden("SignatureDoesNotMatch", message));
    }
    if account.stage_credentials.is_expired(&issued) {
        return Err(S3Error::bad_request("ExpiredToken", "The link has expired."));
    }
    Ok(issued)
}

/// The metadata of an upload.
pub(super) fn tags(head: &Parts) -> Result<FileTags, S3Error> {
    let mut tags =
        FileTags { content_type: header(head, "content-type").map(str::to_owned), ..FileTags::default() };
    let mut keep = |key: &str, text: &str| tags.metadata.insert(key.to_owned(), text.to_owned());
    for (name, key) in [(DIGEST_HEADER, DIGEST), (MATERIAL_HEADER, MATERIAL)] {
        if let Some(text) = header(head, name).filter(|text| !["", DIGEST_OF_NOTHING].contains(text)) {
            keep(key, text);
        }
    }
    if let Some(text) = header(head, ENCRYPTION_HEADER) {
        let data: EncryptionData = serde_json::from_str(text).map_err(|_| {
            S3Error::bad_request(
                "InvalidRequest",
                format!("{ENCRYPTION_HEADER} lacks the file's key or its vector."),
            )
        })?;
        keep(WRAPPED_KEY, &data.wrapped_content_key.encrypted_key);
        keep(VECTOR, &data.vector);
    }
    Ok(tags)
}

/// The headers by which a download tells the metadata.
pub(super) fn metadata(tags: &FileTags) -> Vec<(String, String)> {
    let named = |name: &str, key: &str| Some((name.to_owned(), tags.text(key)?.to_owned()));
    let bundle = tags.text(WRAPPED_KEY).zip(tags.text(VECTOR)).and_then(|(key, vector)| {
        let wrapped_content_key = WrappedContentKey { encrypted_key: key.to_owned() };
        let data = EncryptionData { wrapped_content_key, vector: vector.to_owned() };
        Some((ENCRYPTION_HEADER.to_owned(), serde_json::to_string(&data).ok()?))
    });
    [named(DIGEST_HEADER, DIGEST), named(MATERIAL_HEADER, MATERIAL), bundle].into_iter().flatten().collect()
}

fn text_to_sign(method: &Method, path: &str) -> String {
    format!("{method}\n{path}")
}

fn signing_key(credentials: &Credentials) -> hmac::Key {
    hmac::Key::new(HMAC_SHA256, credentials.secret.as_bytes())
}

fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    queries(query).into_iter().find_map(|(key, value)| (key == name).then_some(value))
}
