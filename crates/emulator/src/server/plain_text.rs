//! Bodies as they are read and sent: gzip on the wire, plain inside.

use std::io::{self, Read, Write};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// The largest request, plain: array binds of a few million cells.
pub(super) const REQUEST_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Replies below this size gain nothing from compression.
const COMPRESSED_REPLY_BYTES_MIN: usize = 1024;

/// A request body without its compression.
pub(super) fn plain(headers: &mut HeaderMap, body: Bytes) -> io::Result<Bytes> {
    let is_compressed = headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    if !is_compressed {
        return Ok(body);
    }
    let mut plain = Vec::new();
    let limit = REQUEST_BYTES_MAX as u64 + 1;
    GzDecoder::new(&body[..]).take(limit).read_to_end(&mut plain)?;
    if plain.len() > REQUEST_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    headers.remove(header::CONTENT_ENCODING);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(plain.len()));
    Ok(plain.into())
}

pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split(',').any(|coding| coding.trim().starts_with("gzip")))
}

/// Compresses a reply that is not compressed yet and large enough.
pub(super) async fn compressed(response: Response) -> Response {
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(plain) = to_bytes(body, usize::MAX).await else {
        return Response::from_parts(head, Body::empty());
    };
    if plain.len() < COMPRESSED_REPLY_BYTES_MIN {
        return Response::from_parts(head, Body::from(plain));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let encoded = encoder.write_all(&plain).and_then(|()| encoder.finish());
    match encoded {
        Ok(encoded) => {
            head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            head.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(head, Body::from(encoded))
        }
        Err(_) => Response::from_parts(head, Body::from(plain)),
    }
}
