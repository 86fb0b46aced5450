//! How the chunks of a result are reached: over which HTTP client, from which hosts, in how much memory, how patiently.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::error::{Error, ErrorKind, Result};
use crate::result::budget::MemoryBudget;
use crate::result::link_policy::LinkPolicy;
use crate::wire::result::ResultData;

/// Asks for a result again by its query id, with fresh links to its chunks.
pub(crate) type Refetch = Arc<dyn Fn(String) -> BoxFuture<'static, Result<ResultData>> + Send + Sync>;

/// What a result needs to fetch its chunks.
#[derive(Clone)]
pub(crate) struct ChunkAccess {
    /// Made by [`chunk_http`], and never the client that sends the session's token.
    pub(crate) http: reqwest::Client,
    pub(crate) links: LinkPolicy,
    pub(crate) budget: MemoryBudget,
    pub(crate) refetch: Refetch,
    pub(crate) limits: FetchLimits,
}

/// The bounds of fetching chunks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchLimits {
    /// Tries of one chunk before giving up. Storage is rarely unwell for longer than the waits between them add up to.
    pub(crate) attempts_max: u32,
    /// The wait after the first failure; each further one may double.
    pub(crate) delay_min: Duration,
    /// No wait is longer, unless the service asks for it.
    pub(crate) delay_max: Duration,
    /// Chunks that may be on their way or decoded, ahead of the reader.
    pub(crate) chunks_ahead_max: usize,
    /// How many of them may be decoded already: one for each core is enough to keep all cores busy, and a chunk takes
    /// several times the memory once it is decoded.
    pub(crate) decoded_ahead_max: usize,
    /// How long a reader may starve while others hold the whole budget. After that its next chunk is fetched beyond
    /// the budget: two readers that wait for each other's memory would wait for ever.
    pub(crate) starvation_max: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            attempts_max: 7,
            delay_min: Duration::from_millis(250),
            delay_max: Duration::from_secs(16),
            chunks_ahead_max: 8,
            decoded_ahead_max: cores(),
            starvation_max: Duration::from_secs(1),
        }
    }
}

/// Silence on a chunk's connection after which it is tried again. There is no bound on the whole: a slow line is not
/// an error.
const READ_IDLE_MAX: Duration = Duration::from_secs(45);
/// Time to reach a storage host, TLS included.
const CONNECT_MAX: Duration = Duration::from_secs(30);

/// The client for chunks, from a builder that already knows the proxy and the trusted roots. It follows no redirect,
/// and leaves bodies compressed: they are decompressed while they are decoded.
pub(crate) fn chunk_http(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    impatient_chunk_http(builder, READ_IDLE_MAX)
}

/// The same, giving up on a silent connection after `read_idle_max`.
pub(super) fn impatient_chunk_http(
    builder: reqwest::ClientBuilder,
    read_idle_max: Duration,
) -> Result<reqwest::Client> {
    builder
        .redirect(reqwest::redirect::Policy::none())
        .no_gzip()
        .connect_timeout(CONNECT_MAX)
        .read_timeout(read_idle_max)
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "cannot set up the client for chunks").with_source(error)
        })
}

/// Threads that can decode at once.
pub(super) fn cores() -> usize {
    // To ask takes several files of the system's.
    static CORES: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    *CORES
}

impl ChunkAccess {
    pub(crate) fn new(
        http: reqwest::Client,
        links: LinkPolicy,
        budget: MemoryBudget,
        refetch: Refetch,
    ) -> Self {
        Self { http, links, budget, refetch, limits: FetchLimits::default() }
    }
}

impl fmt::Debug for ChunkAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkAccess")
            .field("links", &self.links)
            .field("budget", &self.budget)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
