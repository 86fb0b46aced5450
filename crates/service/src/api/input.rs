//! Parts of a request, refused as a problem where they are not what the document says.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize as _, Zeroizing};

use super::problem::Problem;

/// The longest body that a request may have; the largest one we know is a few hundred bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// What stands in the address.
pub(super) struct Named<T>(pub(super) T);

/// What stands behind the question mark.
pub(super) struct Asked<T>(pub(super) T);

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(named) = Path::from_request_parts(parts, state)
            .await
            .map_err(|error: PathRejection| Problem::new(400, "address_invalid", error.body_text()))?;
        Ok(Self(named))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(asked) = Query::from_request_parts(parts, state)
            .await
            .map_err(|error: QueryRejection| Problem::new(400, "query_invalid", error.body_text()))?;
        Ok(Self(asked))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = read_body(request).await?;
        // A request that only starts something may say nothing.
        let text = if bytes.is_empty() { b"{}" } else { bytes.as_ref() };
        serde_json::from_slice(text).map(Self).map_err(|error| {
            Problem::new(400, "body_invalid", format!("the body is not what it should be: {error}"))
        })
    }
}

pub(crate) async fn read_body(request: Request) -> Result<axum::body::Bytes, Problem> {
    axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await.map_err(|_| too_long())
}

/// The same for a body with a secret: wiped when dropped, and so are the parts that it came in, as far as nothing else holds them.
pub(crate) async fn read_secret_body(request: Request) -> Result<Zeroizing<Vec<u8>>, Problem> {
    // Of its whole size from the beginning: a vector that grows leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(BODY_BYTES_MAX));
    let mut parts = request.into_body().into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Problem::new(400, "body_invalid", "the body did not come to its end"))?;
        if body.len() + part.len() > BODY_BYTES_MAX {
            return Err(too_long());
        }
        body.extend_from_slice(&part);
        if let Ok(mut own) = part.try_into_mut() {
            own.as_mut().zeroize();
        }
    }
    Ok(body)
}

fn too_long() -> Problem {
    Problem::new(413, "body_too_long", format!("a body may have {BODY_BYTES_MAX} bytes"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body as RequestBody;

    use super::*;

    fn request(parts: &[&'static str]) -> Request {
        let parts: Vec<Result<_, std::io::Error>> = parts.iter().map(|part| Ok(*part)).collect();
        Request::new(RequestBody::from_stream(futures_util::stream::iter(parts)))
    }

    #[tokio::test]
    async fn a_body_with_a_secret_comes_whole_and_in_a_buffer_that_never_moved() {
        let body = read_secret_body(request(&["{\"secret\":", "\"canary\"}"])).await.unwrap();
        assert_eq!(body.as_slice(), b"{\"secret\":\"canary\"}");
        assert_eq!(body.capacity(), BODY_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_body_with_a_secret_that_is_too_long_is_refused() {
        let half: &'static str = "x".repeat(BODY_BYTES_MAX / 2 + 1).leak();
        assert!(read_secret_body(request(&[half])).await.is_ok());
        assert!(read_secret_body(request(&[half, half])).await.is_err());
    }
}
