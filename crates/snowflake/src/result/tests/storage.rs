//! A cloud storage with a script: each request for a chunk is answered by the next reply planned for it.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int32Array, Int64Array};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, header};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::{Notify, mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::column::{Column, ColumnType};
use crate::decode::tests::sample::ipc;
use crate::error::Result;
use crate::result::access::{ChunkAccess, FetchLimits, impatient_chunk_http};
use crate::result::{LinkPolicy, MemoryBudget, QueryResult, ResultStream};
use crate::wire::result::ResultData;

/// Rows in each chunk, and in the inline part.
pub(super) const CHUNK_ROWS: i64 = 1000;
/// The header that a request must carry, as `chunkHeaders` demands.
const KEY_HEADER: &str = "x-amz-server-side-encryption-customer-key";

/// How one request for a chunk is answered.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Gzip,
    /// Without compression and without a word about it.
    Plain,
    /// Some rows are missing, in a stream that is valid in itself.
    Short,
    /// The compressed body lacks its end.
    Truncated,
    /// The connection ends before the announced length.
    Dropped,
    /// Nothing after the first byte.
    Silent,
    /// Only after the notification.
    After(Arc<Notify>),
    /// Status, content type and body of an error.
    Error(u16, &'static str, &'static str),
    Redirect(String),
    /// More bytes than were announced.
    Bomb,
}

pub(super) struct Storage {
    port: u16,
    shared: Arc<Shared>,
    /// What the client takes for a dead connection.
    pub(super) read_idle_max: Duration,
    _server: AbortOnDropHandle<()>,
}

#[derive(Default)]
pub(super) struct Shared {
    plan: Mutex<HashMap<usize, VecDeque<Reply>>>,
    /// Chunks asked for, in order, with the generation of the link.
    pub(super) requests: Mutex<Vec<(usize, u32)>>,
    /// Links of an older generation are refused.
    pub(super) generation: Mutex<u32>,
    pub(super) refetches: Mutex<u32>,
    pub(super) served: Notify,
    /// Told when a silent reply is given up by the client.
    pub(super) gone: Notify,
    headers: Mutex<Vec<HeaderMap>>,
    /// Inline rows of each further description of the result.
    pub(super) inline_again: Mutex<VecDeque<i64>>,
}

impl Storage {
    pub(super) async fn start(plan: impl IntoIterator<Item = (usize, Vec<Reply>)>) -> Self {
        let shared = Arc::new(Shared {
            plan: Mutex::new(plan.into_iter().map(|(chunk, replies)| (chunk, replies.into())).collect()),
            ..Shared::default()
        });
        let router = Router::new().route("/{generation}/{chunk}", get(chunk)).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, shared, read_idle_max: Duration::from_secs(20), _server: AbortOnDropHandle::new(server) }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// A result of one inline part of `inline` rows (of the [`CHUNK_ROWS`] that it should have) and `chunks` chunks.
    pub(super) fn result(&self, inline: i64, chunks: usize, budget: MemoryBudget) -> QueryResult {
        let data = describe(self.port, 0, inline, chunks);
        let (shared, port) = (Arc::clone(&self.shared), self.port);
        let refetch = Arc::new(move |query_id: String| {
            assert_eq!(query_id, "q1");
            *shared.refetches.lock().unwrap() += 1;
            let generation = *shared.generation.lock().unwrap();
            let inline = shared.inline_again.lock().unwrap().pop_front().unwrap_or(CHUNK_ROWS);
            async move { Ok(describe(port, generation, inline, chunks)) }.boxed()
        });
        let http = impatient_chunk_http(reqwest::Client::builder().no_proxy(), self.read_idle_max).unwrap();
        let links = LinkPolicy::new("acme.snowflakecomputing.com").with_loopback(true);
        let limits = FetchLimits {
            attempts_max: 3,
            delay_min: Duration::from_millis(1),
            delay_max: Duration::from_millis(2),
            chunks_ahead_max: 4,
            decoded_ahead_max: 1,
            starvation_max: Duration::from_millis(20),
        };
        QueryResult::new(data, ChunkAccess { limits, ..ChunkAccess::new(http, links, budget, refetch) })
            .unwrap()
    }

    pub(super) fn stream(&self, chunks: usize) -> ResultStream {
        self.result(CHUNK_ROWS, chunks, MemoryBudget::new(1 << 30)).batches(Default::default()).unwrap()
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Chunks asked for, in order.
    pub(super) fn requested(&self) -> Vec<usize> {
        self.shared.requests.lock().unwrap().iter().map(|(chunk, _)| *chunk).collect()
    }

    /// No request carried a token, and each carried the key of the storage.
    pub(super) fn assert_headers(&self) {
        for headers in self.shared.headers.lock().unwrap().iter() {
            assert!(headers.get(header::AUTHORIZATION).is_none());
            assert_eq!(headers[KEY_HEADER], "a2V5");
        }
    }
}

fn columns() -> Vec<Column> {
    vec![Column::new("ID", ColumnType::Fixed { precision: 18, scale: 0 })]
}

/// The rows of part `part`, in an integer width that differs from part to part.
fn rows(part: usize, count: i64) -> Vec<u8> {
    let first = i64::try_from(part).unwrap() * CHUNK_ROWS;
    let ids = first..first + count;
    let array: ArrayRef = if part.is_multiple_of(2) {
        Arc::new(ids.collect::<Int64Array>())
    } else {
        Arc::new(ids.map(|id| i32::try_from(id).unwrap()).collect::<Int32Array>())
    };
    ipc(&columns(), &[vec![array]])
}

fn describe(port: u16, generation: u32, inline: i64, chunks: usize) -> ResultData {
    let links: Vec<_> = (1..=chunks)
        .map(|chunk| {
            serde_json::json!({
                "url": format!("http://127.0.0.1:{port}/{generation}/{chunk}"),
                "rowCount": CHUNK_ROWS,
                "uncompressedSize": rows(chunk, CHUNK_ROWS).len(),
                "compressedSize": 3000,
            })
        })
        .collect();
    let inline = if inline == 0 { String::new() } else { STANDARD.encode(rows(0, inline)) };
    let data = serde_json::json!({
        "queryId": "q1", "version": 1, "statementTypeId": 4096, "queryResultFormat": "arrow",
        "rowtype": [{"name": "ID", "type": "fixed", "precision": 18, "scale": 0, "nullable": false}],
        "total": CHUNK_ROWS * i64::try_from(chunks + 1).unwrap(),
        "rowsetBase64": inline, "chunks": links, "chunkHeaders": { KEY_HEADER: "a2V5" },
    });
    serde_json::from_str(&data.to_string()).unwrap()
}

async fn chunk(
    State(shared): State<Arc<Shared>>,
    Path((generation, chunk)): Path<(u32, usize)>,
    headers: HeaderMap,
) -> Response<Body> {
    shared.requests.lock().unwrap().push((chunk, generation));
    shared.headers.lock().unwrap().push(headers);
    shared.served.notify_one();
    if generation < *shared.generation.lock().unwrap() {
        return error(403, "application/xml", "<Error><Code>AccessDenied</Code></Error>");
    }
    let reply =
        shared.plan.lock().unwrap().get_mut(&chunk).and_then(VecDeque::pop_front).unwrap_or(Reply::Gzip);
    let whole = rows(chunk, CHUNK_ROWS);
    match reply {
        Reply::Gzip => compressed(gzip(&whole)),
        Reply::Plain => Response::new(whole.into()),
        Reply::Short => compressed(gzip(&rows(chunk, CHUNK_ROWS - 1))),
        Reply::Truncated => {
            let body = gzip(&whole);
            compressed(body[..body.len() / 2].to_vec())
        }
        Reply::Dropped => {
            let body = gzip(&whole);
            let parts = [Ok(Bytes::copy_from_slice(&body[..100])), Err(std::io::Error::other("cut"))];
            Response::builder()
                .header(header::CONTENT_LENGTH, body.len())
                .body(Body::from_stream(stream::iter(parts)))
                .unwrap()
        }
        Reply::Silent => silent(&shared),
        Reply::After(notify) => {
            notify.notified().await;
            compressed(gzip(&whole))
        }
        Reply::Error(status, content_type, body) => error(status, content_type, body),
        Reply::Redirect(location) => {
            Response::builder().status(302).header(header::LOCATION, location).body(Body::empty()).unwrap()
        }
        Reply::Bomb => compressed(gzip(&vec![0; 64 << 20])),
    }
}

/// A body that begins and then stays open until the client goes away.
fn silent(shared: &Arc<Shared>) -> Response<Body> {
    struct Gone(Arc<Shared>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.gone.notify_one();
        }
    }
    let gone = Gone(Arc::clone(shared));
    let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(1);
    let first = stream::iter([Ok(Bytes::from_static(&[0x1f]))]);
    let rest = stream::unfold((receiver, sender, gone), |(mut receiver, sender, gone)| async move {
        let part = receiver.recv().await?;
        Some((part, (receiver, sender, gone)))
    });
    Response::new(Body::from_stream(first.chain(rest)))
}

fn compressed(body: Vec<u8>) -> Response<Body> {
    Response::builder().header(header::CONTENT_ENCODING, "gzip").body(body.into()).unwrap()
}

fn error(status: u16, content_type: &str, body: &'static str) -> Response<Body> {
    Response::builder().status(status).header(header::CONTENT_TYPE, content_type).body(body.into()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Reads a stream to its end and checks that every row came once and in order, from `first` on.
pub(super) async fn assert_rows(stream: &mut ResultStream, first: i64, count: i64) {
    let ids = read(stream).await.unwrap();
    assert!(ids.into_iter().eq(first..first + count), "rows are missing, doubled or out of order");
}

pub(super) async fn read(stream: &mut ResultStream) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    while let Some(batch) = stream.next().await {
        ids.extend(batch?.batch.column(0).as_primitive::<Int64Type>().values());
    }
    Ok(ids)
}
