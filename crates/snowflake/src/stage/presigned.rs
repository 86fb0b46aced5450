//! Files behind signed links, which only GCS has: the link is the whole permission, and good for one file.

use object_store::client::{HttpRequest, HttpRequestBody, HttpResponse};
use object_store::{Attribute, Attributes, PutPayload};
use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::storage::Storage;
use crate::{Error, ErrorKind, Result};

const METADATA_PREFIX: &str = "x-goog-meta-";

/// Stores a file.
pub(super) async fn put(storage: &Storage, payload: PutPayload, attributes: &Attributes) -> Result<()> {
    let length = payload.content_length();
    let mut request = HttpRequest::new(HttpRequestBody::from(payload));
    *request.method_mut() = Method::PUT;
    for (attribute, value) in attributes {
        let name = match attribute {
            Attribute::ContentType => CONTENT_TYPE,
            Attribute::ContentEncoding => CONTENT_ENCODING,
            Attribute::Metadata(name) => {
                HeaderName::from_bytes(format!("{METADATA_PREFIX}{name}").as_bytes())
                    .map_err(|_| unsendable())?
            }
            _ => continue,
        };
        request.headers_mut().insert(name, HeaderValue::from_str(value).map_err(|_| unsendable())?);
    }
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    storage.send(&request).await.map(drop)
}

/// Asks for a file.
pub(super) async fn get(storage: &Storage) -> Result<HttpResponse> {
    storage.send(&HttpRequest::new(HttpRequestBody::empty())).await
}

/// What is stored beside a file, from the headers of its download.
pub(super) fn attributes(headers: &HeaderMap) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, value) in headers {
        let name = name.as_str().strip_prefix(METADATA_PREFIX);
        if let (Some(name), Ok(value)) = (name, value.to_str()) {
            attributes.insert(Attribute::Metadata(name.to_owned().into()), value.to_owned().into());
        }
    }
    attributes
}

fn unsendable() -> Error {
    Error::new(ErrorKind::Internal, "what is stored beside a file does not fit into a header")
}
