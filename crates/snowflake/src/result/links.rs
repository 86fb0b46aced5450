//! The links to a result's chunks, and their renewal: however many chunks find their link expired, the result is asked
//! for once.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::error::{Error, ErrorKind, Result};
use crate::result::access::Refetch;
use crate::result::manifest::{InlineRows, Manifest};
use crate::result::summary::SharedSummary;

/// The links of one result.
pub(super) struct Links {
    original: Arc<Manifest>,
    refetch: Refetch,
    summary: SharedSummary,
    renewed: Mutex<Renewed>,
}

/// The newest links, if the original ones have expired.
#[derive(Default)]
struct Renewed {
    generation: u64,
    manifest: Option<Arc<Manifest>>,
}

/// A link to one chunk. Not to be printed.
pub(super) struct Link {
    pub(super) url: String,
    pub(super) headers: HashMap<String, String>,
    /// Which renewal it stems from.
    pub(super) generation: u64,
}

impl Links {
    pub(super) fn new(original: Arc<Manifest>, refetch: Refetch, summary: SharedSummary) -> Self {
        Self { original, refetch, summary, renewed: Mutex::default() }
    }

    /// The newest link to `chunk`, counted from 0.
    pub(super) async fn current(&self, chunk: usize) -> Link {
        self.link(chunk, &*self.renewed.lock().await)
    }

    /// A link to `chunk` that is newer than `generation`. Whoever comes first asks for it; the others wait here.
    pub(super) async fn newer(&self, chunk: usize, generation: u64) -> Result<Link> {
        let mut renewed = self.renewed.lock().await;
        if renewed.generation <= generation {
            renewed.manifest = Some(Arc::new(self.ask_again().await?));
            renewed.generation = generation + 1;
            self.summary.update(|summary| summary.refreshed_links += 1);
        }
        Ok(self.link(chunk, &renewed))
    }

    /// The inline rows once more, for a reply that came without them. The links that come along are used from now on.
    pub(super) async fn inline_again(&self) -> Result<InlineRows> {
        let mut renewed = self.renewed.lock().await;
        let mut manifest = self.ask_again().await?;
        let inline = std::mem::replace(&mut manifest.inline, InlineRows::None);
        renewed.manifest = Some(Arc::new(manifest));
        renewed.generation += 1;
        Ok(inline)
    }

    fn link(&self, chunk: usize, renewed: &Renewed) -> Link {
        let links = &renewed.manifest.as_ref().unwrap_or(&self.original).chunks;
        Link {
            url: links.chunks[chunk].url.clone(),
            headers: links.headers.clone(),
            generation: renewed.generation,
        }
    }

    async fn ask_again(&self) -> Result<Manifest> {
        let manifest = Manifest::new((self.refetch)(self.original.query_id.clone()).await?)?;
        let original = &self.original;
        let is_same = manifest.chunk_rows == original.chunk_rows
            && manifest.encoding == original.encoding
            && manifest.columns == original.columns
            && manifest.inline_rows == original.inline_rows;
        if is_same {
            Ok(manifest)
        } else {
            Err(Error::new(
                ErrorKind::Protocol,
                "the result has other chunks than when it was first described",
            ))
        }
    }
}
