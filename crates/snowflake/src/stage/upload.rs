//! Uploads into one folder of a Snowflake stage: from memory, many at once, without a temporary file.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use object_store::{Attributes, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{Instrument as _, trace_span};

use super::body::{computed, prepared};
use super::cipher::{Material, encrypted_len};
use super::keys::StorageKey;
use super::location::StageLocation;
use super::metadata::FileMetadata;
use super::request::{Direction, ask, granted, material, put_statement};
use super::storage::Storage;
use super::{presigned, store};
use crate::result::MemoryBudget;
use crate::session::Core;
use crate::{Error, ErrorKind, Result};

/// Files on their way at once. One connection to a store seldom fills a line; eight usually do.
const FILES_PARALLEL_MAX: usize = 8;
/// Encrypted bytes in memory at once, besides the files themselves: eight parts.
const MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A file from this size on travels in parts, so that its encrypted form is never in memory as a whole. The service
/// may ask for parts earlier.
const SINGLE_REQUEST_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Parts of one file on their way at once, where the service does not say.
const PARTS_PARALLEL: usize = 4;
/// The service may ask for more parts at once, but not for more than this.
const PARTS_PARALLEL_MAX: usize = 16;
/// An upload in parts whose end got lost cannot be ended again, so the file is sent once more.
const TRIES_IN_PARTS_MAX: u32 = 2;
/// Longer names do not fit beside the prefix.
const NAME_BYTES_MAX: usize = 255;
/// Stands for all the files of a folder when asking for its keys.
const ANY_NAME: &str = "part";

/// How much may be under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadOptions {
    /// Files at once; further uploads wait.
    pub files_parallel_max: usize,
    /// Encrypted bytes in memory at once, besides the files themselves. A file that travels in one request is encrypted
    /// where it is, unless somebody else holds its content; one that is larger than this passes when it is alone.
    pub memory_bytes_max: u64,
    /// Files of at least this size travel in parts of 8 MiB; the service may ask for parts earlier.
    pub single_request_bytes_max: u64,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            files_parallel_max: FILES_PARALLEL_MAX,
            memory_bytes_max: MEMORY_BYTES_MAX,
            single_request_bytes_max: SINGLE_REQUEST_BYTES_MAX,
        }
    }
}

/// A file that is in the stage now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadedFile {
    /// Its name inside the folder.
    pub name: String,
    /// Its bytes as they were given.
    pub size: u64,
    /// Its bytes as they are stored, which is what `LIST` shows: more than `size` where they are encrypted.
    pub stored_size: u64,
    /// The SHA-256 of the bytes as they were given, in base64: stored beside the file, and compared by whoever
    /// downloads it.
    pub digest: String,
}

/// One folder of a Snowflake stage, open for uploads. Clones share it, and its limits.
///
/// ```no_run
/// use snowflake::{Session, StageLocation, UploadOptions};
///
/// # async fn example(session: Session) -> snowflake::Result<()> {
/// let folder = StageLocation::user("runs/42/")?;
/// let uploads = session.begin_uploads(&folder, UploadOptions::default()).await?;
/// let (first, second) = tokio::join!(
///     uploads.upload("part-0001.parquet", vec![1; 1000].into()),
///     uploads.upload("part-0002.parquet", vec![2; 1000].into()),
/// );
/// println!("{} and {} bytes are stored", first?.stored_size, second?.stored_size);
/// session.query(format!("COPY INTO orders FROM {folder} FILE_FORMAT=(TYPE=PARQUET)")).await?;
/// session.remove_from_stage(&folder, None).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct StageUploads {
    shared: Arc<Shared>,
}

struct Shared {
    core: Arc<Core>,
    folder: StageLocation,
    options: UploadOptions,
    storage: Arc<Storage>,
    store: Arc<dyn ObjectStore>,
    material: Option<Arc<Material>>,
    /// From this size on, in parts.
    parts_from_bytes: u64,
    parts_parallel: usize,
    /// The service gives a signed link for each file instead of keys for all.
    is_link_per_file: bool,
    files: Semaphore,
    budget: MemoryBudget,
}

pub(crate) async fn begin(
    core: &Arc<Core>,
    folder: &StageLocation,
    options: UploadOptions,
) -> Result<StageUploads> {
    if !folder.is_folder() {
        let message = "files are uploaded into a folder: end the path with a slash";
        return Err(Error::new(ErrorKind::Statement, message));
    }
    let statement = put_statement(folder, ANY_NAME);
    let data = ask(core, &statement, Direction::Upload).await?;
    let storage = granted(core, statement, &data, 0)?;
    let is_link_per_file = matches!(*storage.keys.newest().await.key, StorageKey::Presigned(_));
    let threshold = data.threshold.unwrap_or(u64::MAX);
    let parts_parallel = data.parallel.and_then(|parallel| usize::try_from(parallel).ok());
    Ok(StageUploads {
        shared: Arc::new(Shared {
            core: Arc::clone(core),
            folder: folder.clone(),
            options,
            store: store::open(&storage)?,
            storage,
            material: material(&data, 0)?,
            parts_from_bytes: threshold.min(options.single_request_bytes_max).max(1),
            parts_parallel: parts_parallel.unwrap_or(PARTS_PARALLEL).clamp(1, PARTS_PARALLEL_MAX),
            is_link_per_file,
            files: Semaphore::new(options.files_parallel_max.clamp(1, Semaphore::MAX_PERMITS)),
            budget: MemoryBudget::new(options.memory_bytes_max),
        }),
    })
}

impl StageUploads {
    /// Puts a file into the folder, in place of one of the same name. Each file gets a key of its own.
    ///
    /// Uploads run side by side up to the limits of the options. Expired keys are renewed on the way. When this
    /// returns, the store has confirmed all bytes; dropping the future leaves no part of the file visible.
    pub async fn upload(&self, name: &str, content: Bytes) -> Result<UploadedFile> {
        check_name(name)?;
        let shared = &self.shared;
        let _turn = shared.files.acquire().await.expect("the semaphore of uploads is never closed");
        let size = content.len() as u64;
        let sending = shared.send(name, content).instrument(trace_span!(target: "timings", "upload"));
        let (stored_size, digest) = sending.await?;
        tracing::debug!(size, stored_size, "a file was uploaded to the Snowflake stage");
        Ok(UploadedFile { name: name.to_owned(), size, stored_size, digest })
    }

    /// The folder.
    pub fn location(&self) -> &StageLocation {
        &self.shared.folder
    }
}

impl Shared {
    /// Sends the file, and returns its size as stored and its digest.
    async fn send(&self, name: &str, content: Bytes) -> Result<(u64, String)> {
        let size = content.len();
        let stored_bytes = if self.material.is_some() { encrypted_len(size) } else { size } as u64;
        if self.is_link_per_file || stored_bytes < self.parts_from_bytes {
            return Ok((stored_bytes, self.send_whole(name, content).await?));
        }
        let mut tries = 1;
        loop {
            match self.send_in_parts(name, content.clone()).await {
                Err(error) if error.kind() == ErrorKind::NotFound && tries < TRIES_IN_PARTS_MAX => tries += 1,
                outcome => return Ok((stored_bytes, outcome?)),
            }
        }
    }

    async fn send_whole(&self, name: &str, content: Bytes) -> Result<String> {
        let (body, metadata) = prepared(content, self.material.clone()).await?;
        let _memory = self.budget.acquire(body.whole_costs()).await;
        let payload = computed(move || body.whole()).await?.into();
        let attributes = self.attributes(&metadata);
        if self.is_link_per_file {
            let statement = put_statement(&self.folder, name);
            let data = ask(&self.core, &statement, Direction::Upload).await?;
            let storage = granted(&self.core, statement, &data, 0)?;
            presigned::put(&storage, payload, &attributes).await?;
        } else {
            let key = store::key(&self.storage.address, name)?;
            let options = PutOptions { attributes, ..PutOptions::default() };
            self.store.put_opts(&key, payload, options).await.map_err(|error| store::error_of(&error))?;
        }
        Ok(metadata.digest.unwrap_or_default())
    }

    async fn send_in_parts(&self, name: &str, content: Bytes) -> Result<String> {
        let part_bytes = self.storage.address.cloud.part_bytes(content.len());
        let (body, metadata) = prepared(content, self.material.clone()).await?;
        let mut body = body.parts(part_bytes)?;
        let key = store::key(&self.storage.address, name)?;
        let attributes = self.attributes(&metadata);
        let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
        let upload = self.store.put_multipart_opts(&key, options).await;
        let mut upload = Unfinished(Some(upload.map_err(|error| store::error_of(&error))?));
        // Tasks of their own, so that parts on their way give their memory back while this waits for some.
        let mut parts = JoinSet::new();
        loop {
            if parts.len() >= self.parts_parallel {
                sent(parts.join_next().await)?;
            }
            let memory = self.budget.acquire(body.part_costs()).await;
            let (rest, part) = computed(move || {
                let part = body.next_part()?;
                Ok((body, part))
            })
            .await?;
            body = rest;
            let Some(part) = part else { break };
            let sending = upload.get().put_part(part.into());
            parts.spawn(async move {
                let _memory = memory;
                sending.await.map_err(|error| store::error_of(&error))
            });
        }
        while let Some(part) = parts.join_next().await {
            sent(Some(part))?;
        }
        upload.get().complete().await.map_err(|error| store::error_of(&error))?;
        upload.0 = None;
        Ok(metadata.digest.unwrap_or_default())
    }

    fn attributes(&self, metadata: &FileMetadata) -> Attributes {
        let description = self.material.as_deref().map(Material::description).unwrap_or_default();
        metadata.attributes(self.storage.address.cloud, &description)
    }
}

/// An upload in parts that is given up when this is dropped, so that the store does not keep its parts.
struct Unfinished(Option<Box<dyn MultipartUpload>>);

impl Unfinished {
    fn get(&mut self) -> &mut dyn MultipartUpload {
        self.0.as_deref_mut().expect("it is only taken out at the end")
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(mut upload) = self.0.take() else { return };
        // Outside a runtime nothing can be sent any more; the bucket's own rules clear such parts away.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = upload.abort().await {
                let error = store::error_of(&error);
                tracing::debug!(error = %error, "the parts of an unfinished upload could not be removed");
            }
        });
    }
}

fn sent(part: Option<Result<Result<()>, tokio::task::JoinError>>) -> Result<()> {
    match part {
        None => Ok(()),
        Some(Ok(outcome)) => outcome,
        Some(Err(source)) => {
            Err(Error::new(ErrorKind::Internal, "the upload of a part was interrupted").with_source(source))
        }
    }
}

/// A file's name is one part of a path.
fn check_name(name: &str) -> Result<()> {
    let is_name = !matches!(name, "" | "." | "..")
        && name.len() <= NAME_BYTES_MAX
        && !name.contains('/')
        && !name.chars().any(char::is_control);
    is_name.then_some(()).ok_or_else(|| {
        Error::new(
            ErrorKind::Statement,
            "a file in a Snowflake stage needs a name of one part, without slashes",
        )
    })
}

impl fmt::Debug for StageUploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageUploads")
            .field("folder", &self.shared.folder)
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}
