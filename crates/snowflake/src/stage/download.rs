//! Downloads from a Snowflake stage: decrypted, and compared with the digest that the uploader left.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use object_store::{GetOptions, ObjectStore};
use tokio::sync::Semaphore;

use super::body::computed;
use super::cipher::{Decryption, Material, digest_of};
use super::keys::StorageKey;
use super::location::StageLocation;
use super::metadata::FileMetadata;
use super::request::{Direction, ask, get_statement, granted, material};
use super::storage::Storage;
use super::{presigned, store};
use crate::session::Core;
use crate::statement::Statement;
use crate::wire::stage::TransferData;
use crate::{Error, ErrorKind, Result};

/// Files on their way at once, each of them whole in memory.
const FILES_PARALLEL_MAX: usize = 8;
/// A file is returned in memory; one that does not fit there is refused before it is read.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// A file out of a stage.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadedFile {
    /// Its name, relative to the place that was asked for.
    pub name: String,
    /// Its bytes as they were uploaded.
    pub content: Bytes,
    /// Whether the content was compared with a digest. Files that no driver uploaded have none.
    pub is_verified: bool,
}

/// The files at one place of a Snowflake stage, ready to be fetched. Clones share it, and its limits.
///
/// ```no_run
/// use snowflake::{Session, StageLocation};
///
/// # async fn example(session: Session) -> snowflake::Result<()> {
/// let downloads = session.begin_downloads(&StageLocation::user("runs/42/")?, None).await?;
/// for name in downloads.names() {
///     let file = downloads.download(name).await?;
///     println!("{name} has {} bytes", file.content.len());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct StageDownloads {
    shared: Arc<Shared>,
}

struct Shared {
    core: Arc<Core>,
    statement: Statement,
    data: TransferData,
    storage: Arc<Storage>,
    store: Arc<dyn ObjectStore>,
    is_link_per_file: bool,
    files: Semaphore,
}

type Pieces = BoxStream<'static, Result<Bytes>>;

pub(crate) async fn begin(
    core: &Arc<Core>,
    location: &StageLocation,
    pattern: Option<&str>,
) -> Result<StageDownloads> {
    let statement = get_statement(location, pattern);
    let data = ask(core, &statement, Direction::Download).await?;
    let storage = granted(core, statement.clone(), &data, 0)?;
    let is_link_per_file = matches!(*storage.keys.newest().await.key, StorageKey::Presigned(_));
    let store = store::open(&storage)?;
    let files = Semaphore::new(FILES_PARALLEL_MAX);
    let core = Arc::clone(core);
    Ok(StageDownloads {
        shared: Arc::new(Shared { core, statement, data, storage, store, is_link_per_file, files }),
    })
}

impl StageDownloads {
    /// The files there were when this was asked for, relative to the place.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shared.data.src_locations.iter().map(String::as_str)
    }

    /// Fetches one of [`StageDownloads::names`]. Downloads may run side by side.
    pub async fn download(&self, name: &str) -> Result<DownloadedFile> {
        let shared = &self.shared;
        let index = self.names().position(|found| found == name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "there was no file of this name in the Snowflake stage")
        })?;
        let _turn = shared.files.acquire().await.expect("the semaphore of downloads is never closed");
        let (metadata, length, pieces) = shared.open(index, name).await?;
        if length > FILE_BYTES_MAX {
            let message = format!("a file of {length} bytes is too large to be downloaded into memory");
            return Err(Error::new(ErrorKind::Config, message));
        }
        let decryption = decryption(&metadata, material(&shared.data, index)?.as_deref())?;
        let content = read(pieces, length, decryption).await?;
        let Some(digest) = metadata.digest else {
            return Ok(DownloadedFile { name: name.to_owned(), content, is_verified: false });
        };
        let whole = content.clone();
        if computed(move || Ok(digest_of(&whole))).await? != digest {
            let message = "a file of the Snowflake stage does not have the digest that was stored with it";
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        Ok(DownloadedFile { name: name.to_owned(), content, is_verified: true })
    }
}

impl Shared {
    async fn open(&self, index: usize, name: &str) -> Result<(FileMetadata, u64, Pieces)> {
        let cloud = self.storage.address.cloud;
        if self.is_link_per_file {
            let storage = granted(&self.core, self.statement.clone(), &self.data, index)?;
            let response = presigned::get(&storage).await?;
            let metadata = FileMetadata::of(cloud, &presigned::attributes(response.headers()))?;
            let pieces = response.into_body().bytes_stream().map_err(|error| {
                Error::new(ErrorKind::Unavailable, "a file was cut short on its way").with_source(error)
            });
            return Ok((metadata, 0, Box::pin(pieces)));
        }
        let key = store::key(&self.storage.address, name)?;
        let found = self.store.get_opts(&key, GetOptions::default()).await;
        let found = found.map_err(|error| store::error_of(&error))?;
        let metadata = FileMetadata::of(cloud, &found.attributes)?;
        let length = found.meta.size;
        let pieces = found.into_stream().map_err(|error| store::error_of(&error));
        Ok((metadata, length, Box::pin(pieces)))
    }
}

/// How to decrypt a file; not at all where it is not encrypted. Files that Snowflake itself put there, such as those
/// of a repository, carry a key but no digest, and are in the clear.
fn decryption(metadata: &FileMetadata, material: Option<&Material>) -> Result<Option<Decryption>> {
    match (&metadata.envelope, &metadata.digest, material) {
        (None, _, _) | (_, None, _) => Ok(None),
        (Some(envelope), Some(_), Some(material)) => material.open(envelope).map(Some),
        (Some(_), Some(_), None) => {
            let message =
                "a file of the Snowflake stage is encrypted, but the reply holds no master key for it";
            Err(Error::new(ErrorKind::Protocol, message))
        }
    }
}

async fn read(mut pieces: Pieces, length: u64, mut decryption: Option<Decryption>) -> Result<Bytes> {
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    while let Some(piece) = pieces.try_next().await? {
        if (content.len() + piece.len()) as u64 > FILE_BYTES_MAX {
            return Err(Error::new(ErrorKind::Config, "a file is too large to be downloaded into memory"));
        }
        match &mut decryption {
            Some(decryption) => decryption.update(&piece, &mut content)?,
            None => content.extend_from_slice(&piece),
        }
    }
    if let Some(decryption) = decryption {
        decryption.finish(&mut content)?;
    }
    Ok(content.into())
}

impl fmt::Debug for StageDownloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageDownloads")
            .field("files", &self.shared.data.src_locations.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DownloadedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadedFile")
            .field("name", &self.name)
            .field("size", &self.content.len())
            .field("is_verified", &self.is_verified)
            .finish()
    }
}
