//! Fetching ahead of the reader. One task walks over the parts in order and takes memory for each before it starts it;
//! the parts then run side by side, and the reader gets them in order.
//!
//! ```text
//! walk:  slot → memory → start part ─┬─ fetch → decode (decoders) → verify ─→ oneshot
//!                                    └─ the other end of the oneshot, in order ────→ reader
//! ```

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use crate::decode::{Decoded, Decoder, Frames};
use crate::error::{Error, ErrorKind, Result};
use crate::result::access::ChunkAccess;
use crate::result::budget::BudgetPermit;
use crate::result::decoders::decoding;
use crate::result::fetch::ChunkFetch;
use crate::result::links::Links;
use crate::result::manifest::Manifest;
use crate::result::stream::{ReaderState, ResultStream};
use crate::result::summary::SharedSummary;

/// Bytes of a chunk whose size the service did not announce, for the memory budget.
const UNANNOUNCED_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes that may come out of a chunk whose size the service did not announce.
const UNANNOUNCED_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// What a chunk may have beyond its announced size: a quarter, and this for the smallest.
const SLACK_BYTES: u64 = 1024 * 1024;

/// A part of a result whose rows are on their way.
#[derive(Debug)]
pub(super) struct PendingPart {
    pub(super) chunk: usize,
    pub(super) rows: oneshot::Receiver<Result<ReadyPart>>,
}

/// A part of a result, verified, with the memory that it holds.
#[derive(Debug)]
pub(super) struct ReadyPart {
    pub(super) decoded: Decoded,
    pub(super) permit: BudgetPermit,
}

/// What the parts of one stream share.
struct Pipeline {
    manifest: Arc<Manifest>,
    decoder: Decoder,
    fetch: ChunkFetch,
    /// The part that the reader waits for or is reading.
    reading: watch::Receiver<usize>,
    summary: SharedSummary,
}

/// Starts reading from part `first` on.
pub(super) fn start(
    manifest: Arc<Manifest>,
    access: ChunkAccess,
    decoder: Decoder,
    first: usize,
) -> ResultStream {
    let summary = SharedSummary::default();
    summary.update(|summary| summary.truncated_values = vec![0; manifest.columns.len()]);
    let (parts, receiver) = mpsc::channel(access.limits.chunks_ahead_max);
    let (starving, is_starving) = watch::channel(false);
    let (progress, reading) = watch::channel(first);
    let links = Links::new(Arc::clone(&manifest), Arc::clone(&access.refetch), summary.clone());
    let fetch = ChunkFetch { access, links, summary: summary.clone() };
    let pipeline = Pipeline {
        manifest: Arc::clone(&manifest),
        decoder: decoder.clone(),
        fetch,
        reading,
        summary: summary.clone(),
    };
    let task = tokio::spawn(walk(Arc::new(pipeline), first, parts, is_starving));
    ResultStream::new(
        &manifest,
        decoder.schema(),
        first,
        receiver,
        ReaderState { starving, reading: progress },
        summary,
        AbortOnDropHandle::new(task),
    )
}

/// Starts the parts in order. Dropping this drops the parts too, and with them their downloads.
async fn walk(
    pipeline: Arc<Pipeline>,
    first: usize,
    parts: mpsc::Sender<PendingPart>,
    mut is_starving: watch::Receiver<bool>,
) {
    let mut running = JoinSet::new();
    for part in first..=pipeline.manifest.chunk_rows.len() {
        let Ok(slot) = parts.reserve().await else {
            return;
        };
        let permit = match part.checked_sub(1) {
            None => BudgetPermit::default(),
            Some(chunk) => pipeline.permit(chunk, &mut is_starving).await,
        };
        let (sender, rows) = oneshot::channel();
        slot.send(PendingPart { chunk: part, rows });
        let pipeline = Arc::clone(&pipeline);
        running.spawn(async move {
            let ready = match part.checked_sub(1) {
                None => pipeline.inline(permit).await,
                Some(chunk) => pipeline.chunk(chunk, permit).await,
            };
            // A reader that is gone needs no rows.
            drop(sender.send(ready));
        });
        while running.try_join_next().is_some() {}
    }
    drop(parts);
    while running.join_next().await.is_some() {}
}

impl Pipeline {
    /// Memory for `chunk`: within the budget, or beyond it when the reader has starved for too long.
    async fn permit(&self, chunk: usize, is_starving: &mut watch::Receiver<bool>) -> BudgetPermit {
        let limits = self.fetch.access.limits;
        let starved = async {
            loop {
                if is_starving.wait_for(|is_starving| *is_starving).await.is_err() {
                    // The reader is gone, and this task is about to be dropped.
                    return std::future::pending().await;
                }
                let fed = is_starving.wait_for(|is_starving| !*is_starving);
                if tokio::time::timeout(limits.starvation_max, fed).await.is_err() {
                    tracing::debug!(chunk, "a chunk is fetched beyond the memory budget");
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            permit = self.fetch.access.budget.acquire(self.memory_bytes(chunk)) => permit,
            () = starved => BudgetPermit::default(),
        }
    }

    /// Bytes that `chunk` takes at most: what was sent, until it is decoded, and what comes out.
    fn memory_bytes(&self, chunk: usize) -> u64 {
        let link = &self.manifest.chunks.chunks[chunk];
        let uncompressed = announced(link.uncompressed_size).unwrap_or(UNANNOUNCED_BYTES);
        let compressed = announced(link.compressed_size).unwrap_or(uncompressed);
        self.decoder.memory_bytes(link.row_count, uncompressed).saturating_add(compressed)
    }

    async fn chunk(&self, chunk: usize, mut permit: BudgetPermit) -> Result<ReadyPart> {
        let link = &self.manifest.chunks.chunks[chunk];
        let bytes_max = announced(link.uncompressed_size).map_or(UNANNOUNCED_BYTES_MAX, |bytes| {
            bytes.saturating_add(bytes / 4).saturating_add(SLACK_BYTES)
        });
        let body = self.fetch.body(chunk, bytes_max).await?;
        self.near_the_reader(chunk + 1).await;
        let decoded = match self.verified(chunk, body, bytes_max).await {
            // The service is known to have served chunks that were cut short; a second copy was whole.
            Err(error) if error.kind() == ErrorKind::Protocol => {
                tracing::debug!(chunk, %error, "a chunk is fetched again");
                self.summary.update(|summary| summary.retries += 1);
                let body = self.fetch.body(chunk, bytes_max).await?;
                self.verified(chunk, body, bytes_max).await?
            }
            decoded => decoded?,
        };
        permit.shrink_to(self.decoder.memory_bytes(decoded.rows, decoded.bytes));
        Ok(ReadyPart { decoded, permit })
    }

    /// Waits until the reader is so close to `part` that it should be decoded.
    async fn near_the_reader(&self, part: usize) {
        let ahead_max = self.fetch.access.limits.decoded_ahead_max;
        let mut reading = self.reading.clone();
        if reading.wait_for(|reading| part <= *reading + ahead_max).await.is_err() {
            // The reader is gone, and this task is about to be dropped.
            std::future::pending::<()>().await;
        }
    }

    /// The rows of a chunk, if they are all there.
    async fn verified(&self, chunk: usize, body: Frames, bytes_max: u64) -> Result<Decoded> {
        let decoder = self.decoder.clone();
        let decoded = decoding(move || decoder.decode(body, bytes_max)).await?;
        let expected = self.manifest.chunk_rows[chunk];
        if decoded.rows == expected {
            return Ok(decoded);
        }
        Err(Error::new(
            ErrorKind::Protocol,
            format!("chunk {} has {} rows instead of the {expected} announced", chunk + 1, decoded.rows),
        ))
    }

    async fn inline(&self, permit: BudgetPermit) -> Result<ReadyPart> {
        let (manifest, decoder) = (Arc::clone(&self.manifest), self.decoder.clone());
        let decoded = decoding(move || decode_inline(&decoder, manifest.inline.bytes()?)).await?;
        if self.is_whole(&decoded) {
            return Ok(ReadyPart { decoded, permit });
        }
        // The service is known to have left the inline rows out of a reply; asking again brought them.
        self.summary.update(|summary| summary.retries += 1);
        let (inline, decoder) = (self.fetch.links.inline_again().await?, self.decoder.clone());
        let decoded = decoding(move || decode_inline(&decoder, inline.bytes()?)).await?;
        if self.is_whole(&decoded) {
            return Ok(ReadyPart { decoded, permit });
        }
        let expected = self.manifest.inline_rows.unwrap_or(0);
        Err(Error::new(
            ErrorKind::Protocol,
            format!("the reply has {} rows instead of {expected}", decoded.rows),
        ))
    }

    fn is_whole(&self, inline: &Decoded) -> bool {
        self.manifest.inline_rows.is_none_or(|expected| expected == inline.rows)
    }
}

fn decode_inline(decoder: &Decoder, rows: Bytes) -> Result<Decoded> {
    let bytes_max = rows.len() as u64;
    decoder.decode(rows.into(), bytes_max)
}

fn announced(bytes: Option<u64>) -> Option<u64> {
    bytes.filter(|bytes| *bytes > 0)
}
