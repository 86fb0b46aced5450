//! The XML interface of GCS as far as stages need it: single and multi-part uploads and downloads, behind a bearer token.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use tokio::net::TcpListener;

pub(super) const GCS_TOKEN: &str = "gcs-token-1";

#[derive(Clone, Default)]
struct Stored {
    metadata: Vec<(String, String)>,
    content: Vec<u8>,
}

#[derive(Default)]
struct Objects {
    stored: HashMap<String, Stored>,
    uploads: HashMap<String, (Stored, BTreeMap<u32, Bytes>)>,
}

pub(super) struct GcsBucket;

impl GcsBucket {
    /// Starts one and returns its address.
    pub(super) async fn start() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let objects: Arc<Mutex<Objects>> = Arc::default();
        let router = Router::new().fallback(answer).with_state(objects).layer(DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        origin
    }
}

async fn answer(
    State(objects): State<Arc<Mutex<Objects>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if headers.get("authorization").is_none_or(|value| value != &format!("Bearer {GCS_TOKEN}")) {
        return reply(401, &[], b"<Error><Code>AuthenticationRequired</Code></Error>".to_vec());
    }
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let key = decoded(uri.path());
    let mut objects = objects.lock().unwrap();
    let etag = [("etag".to_owned(), "\"1\"".to_owned())];
    match (method.as_str(), query.get("uploadId")) {
        ("PUT", None) => {
            objects.stored.insert(key, Stored { metadata: metadata(&headers), content: body.to_vec() });
            reply(200, &etag, Vec::new())
        }
        ("POST", None) => {
            let upload = format!("upload-{}", objects.uploads.len());
            let begun = Stored { metadata: metadata(&headers), content: Vec::new() };
            objects.uploads.insert(upload.clone(), (begun, BTreeMap::new()));
            let body = format!(
                "<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            );
            reply(200, &[], body.into_bytes())
        }
        ("PUT", Some(upload)) => {
            let part = query["partNumber"].parse().unwrap();
            objects.uploads.get_mut(upload).unwrap().1.insert(part, body);
            reply(200, &etag, Vec::new())
        }
        ("POST", Some(upload)) => {
            let (mut whole, parts) = objects.uploads.remove(upload).unwrap();
            whole.content = parts.values().flat_map(|part| part.to_vec()).collect();
            objects.stored.insert(key, whole);
            let body = "<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>";
            reply(200, &[], body.as_bytes().to_vec())
        }
        ("GET", None) => match objects.stored.get(&key) {
            Some(found) => {
                let dated = [("last-modified".to_owned(), "Wed, 21 Oct 2015 07:28:00 GMT".to_owned())];
                let headers: Vec<_> = found.metadata.iter().chain(&etag).chain(&dated).cloned().collect();
                reply(200, &headers, found.content.clone())
            }
            None => reply(404, &[], b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
        },
        _ => reply(204, &[], Vec::new()),
    }
}

fn metadata(headers: &HeaderMap) -> Vec<(String, String)> {
    let named = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-goog-meta-"));
    named.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

fn decoded(path: &str) -> String {
    let pair = format!("k={}", path.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().unwrap().1.into_owned()
}

fn reply(status: u16, headers: &[(String, String)], body: Vec<u8>) -> Response {
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}
