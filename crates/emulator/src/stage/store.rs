//! The files of all Snowflake stages, on disk.
//!
//! A stage has a folder with the files under their own names in `objects`, so that a client of the type `LOCAL_FS` can
//! copy files in and out, what uploads say about them in `entries`, and decrypted copies in `plain`. What lies in
//! `objects` without an entry that fits was put there by such a client.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempDir};

use super::envelope::{self, Envelope};
use super::file::FileTags;
use super::{EncryptionMaterial, StageError, StageFile, StageId, StageKey};

const OBJECTS: &str = "objects";
const ENTRIES: &str = "entries";
const PLAIN: &str = "plain";
const KEY: &str = "key.json";
/// Where uploads wait until they are whole.
const UPLOADS: &str = "uploads";
const STEP_BYTES: usize = 64 * 1024;

/// Every stage of the account.
#[derive(Debug)]
pub(crate) struct StageStore {
    root: PathBuf,
    /// One change at a time.
    changes: Mutex<()>,
    _temporary: Option<TempDir>,
}

/// What is kept about a file beside its bytes.
#[derive(Serialize, Deserialize)]
struct Entry {
    size: u64,
    modified_ns: i128,
    etag: String,
    tags: FileTags,
}

impl StageStore {
    /// Keeps files below `folder`, or in a temporary one.
    pub(crate) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let (root, temporary) = match folder {
            Some(folder) => (folder.join("stages"), None),
            None => {
                let temporary = TempDir::with_prefix("snowferry-stages-")?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        fs::create_dir_all(&root)?;
        // `LOCAL_FS` clients are told absolute locations.
        let root = root.canonicalize()?;
        let _ = fs::remove_dir_all(root.join(UPLOADS));
        fs::create_dir_all(root.join(UPLOADS))?;
        Ok(Self { root, changes: Mutex::default(), _temporary: temporary })
    }

    /// The files whose path starts with `prefix`, by name.
    pub(crate) fn list(&self, stage: &StageId, prefix: &str) -> Result<Vec<StageFile>, StageError> {
        let _change = self.lock();
        let mut names = Vec::new();
        walk(&self.folder(stage).join(OBJECTS), "", &mut names)?;
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        names.into_iter().map(|name| self.read(stage, &name)).collect()
    }

    pub(crate) fn file(&self, stage: &StageId, name: &str) -> Result<StageFile, StageError> {
        let _change = self.lock();
        self.read(stage, name)
    }

    /// Where the bytes are as they were uploaded.
    pub(crate) fn stored(&self, stage: &StageId, name: &str) -> Result<PathBuf, StageError> {
        Ok(self.location(stage).join(checked(name)?))
    }

    /// Where the plain bytes are: decrypted where a client has encrypted them, and compared with their digest.
    pub(crate) fn plaintext(&self, stage: &StageId, name: &str) -> Result<PathBuf, StageError> {
        let _change = self.lock();
        let file = self.read(stage, name)?;
        let stored = self.stored(stage, name)?;
        if !file.is_encrypted() {
            envelope::check_plain(&file.tags, File::open(&stored)?)?;
            return Ok(stored);
        }
        let plain = self.plain_folder(stage, name).join(base_name(name));
        if plain.exists() {
            return Ok(plain);
        }
        let mut decrypted = NamedTempFile::new_in(self.root.join(UPLOADS))?;
        let key = self.read_key(stage)?;
        Envelope::of(&file.tags)?.decrypt(&key, File::open(&stored)?, &mut decrypted)?;
        fs::create_dir_all(self.plain_folder(stage, name))?;
        decrypted.persist(&plain).map_err(|failure| failure.error)?;
        Ok(plain)
    }

    /// The master key for reading a file; none where it is stored as it is.
    pub(crate) fn material(
        &self,
        stage: &StageId,
        file: &StageFile,
    ) -> Result<Option<EncryptionMaterial>, StageError> {
        if !file.is_encrypted() {
            return Ok(None);
        }
        Ok(Some(Envelope::of(&file.tags)?.material(&self.key(stage)?)))
    }

    /// A folder with the plain bytes of some files under their names below `folder`, for a client that cannot decrypt.
    /// It is gone after a restart.
    pub(crate) fn export(
        &self,
        stage: &StageId,
        folder: &str,
        files: &[StageFile],
    ) -> Result<PathBuf, StageError> {
        let export = TempDir::with_prefix_in("export-", self.root.join(UPLOADS))?.keep();
        for file in files {
            let plain = self.plaintext(stage, &file.name)?;
            let copy = export.join(file.name.strip_prefix(folder).unwrap_or(&file.name));
            fs::create_dir_all(copy.parent().unwrap_or(&export))?;
            fs::copy(plain, copy)?;
        }
        Ok(export)
    }

    /// The stage's own key, made when it is first asked for.
    pub(crate) fn key(&self, stage: &StageId) -> Result<StageKey, StageError> {
        let _change = self.lock();
        self.read_key(stage)
    }

    /// A file for an upload, which is gone again if it is not put into a stage.
    pub(crate) fn upload(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(self.root.join(UPLOADS))
    }

    /// Takes a whole upload into a stage, in place of what had the name before. A file that says it is encrypted must
    /// be readable.
    pub(crate) fn put(
        &self,
        stage: &StageId,
        name: &str,
        upload: NamedTempFile,
        etag: String,
        tags: FileTags,
    ) -> Result<StageFile, StageError> {
        let stored = self.stored(stage, name)?;
        if tags.is_encrypted() {
            let key = self.key(stage)?;
            Envelope::of(&tags)?.decrypt(&key, File::open(upload.path())?, io::sink())?;
        } else {
            envelope::check_plain(&tags, File::open(upload.path())?)?;
        }
        let _change = self.lock();
        let refused = |_: io::Error| StageError::Name(name.to_owned());
        fs::create_dir_all(stored.parent().unwrap_or(&stored)).map_err(refused)?;
        let _ = fs::remove_dir_all(self.plain_folder(stage, name));
        upload.persist(&stored).map_err(|failure| refused(failure.error))?;
        let (size, modified) = measure(&stored)?;
        self.write_entry(stage, name, &Entry { size, modified_ns: modified.as_nanosecond(), etag, tags })?;
        self.read(stage, name)
    }

    /// Removes one file; false where there is none.
    pub(crate) fn remove(&self, stage: &StageId, name: &str) -> Result<bool, StageError> {
        let _change = self.lock();
        let stored = self.stored(stage, name)?;
        match fs::remove_file(&stored) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            removed => removed?,
        }
        let _ = fs::remove_file(self.entry_path(stage, name));
        let _ = fs::remove_dir_all(self.plain_folder(stage, name));
        // Folders that are empty now would stand in the way of a file of their name.
        let top = self.location(stage);
        for folder in stored.ancestors().skip(1).take_while(|folder| **folder != top) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(true)
    }

    /// Removes a stage with all its files.
    pub(crate) fn forget(&self, stage: &StageId) {
        let _change = self.lock();
        if let Err(error) = fs::remove_dir_all(self.folder(stage))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a Snowflake stage's folder stays behind");
        }
    }

    /// Removes the stages that nobody needs any more.
    pub(crate) fn retain(&self, is_needed: impl Fn(&StageId) -> bool) -> io::Result<()> {
        for folder in fs::read_dir(&self.root)? {
            let name = folder?.file_name();
            match name.to_str().and_then(StageId::of_folder) {
                Some(stage) if !is_needed(&stage) => self.forget(&stage),
                _ => {}
            }
        }
        Ok(())
    }

    /// The folder that holds a stage's files under their own names.
    pub(crate) fn location(&self, stage: &StageId) -> PathBuf {
        self.folder(stage).join(OBJECTS)
    }

    fn folder(&self, stage: &StageId) -> PathBuf {
        self.root.join(stage.folder())
    }

    fn entry_path(&self, stage: &StageId, name: &str) -> PathBuf {
        self.folder(stage).join(ENTRIES).join(format!("{}.json", hashed(name)))
    }

    fn plain_folder(&self, stage: &StageId, name: &str) -> PathBuf {
        self.folder(stage).join(PLAIN).join(hashed(name))
    }

    fn read_key(&self, stage: &StageId) -> Result<StageKey, StageError> {
        let path = self.folder(stage).join(KEY);
        match fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).map_err(io::Error::from)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = StageKey::new();
                fs::create_dir_all(self.folder(stage))?;
                fs::write(path, serde_json::to_vec(&key).map_err(io::Error::from)?)?;
                Ok(key)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn read(&self, stage: &StageId, name: &str) -> Result<StageFile, StageError> {
        let stored = self.stored(stage, name)?;
        let (size, modified) = match measure(&stored) {
            Err(_) => return Err(StageError::Missing(name.to_owned())),
            Ok(measured) => measured,
        };
        let known = fs::read(self.entry_path(stage, name)).ok();
        let known = known.and_then(|text| serde_json::from_slice::<Entry>(&text).ok());
        let is_same = |entry: &Entry| entry.size == size && entry.modified_ns == modified.as_nanosecond();
        let entry = match known.filter(is_same) {
            Some(entry) => entry,
            None => {
                let etag = md5_of(&stored)?;
                let _ = fs::remove_dir_all(self.plain_folder(stage, name));
                let modified_ns = modified.as_nanosecond();
                let entry = Entry { size, modified_ns, etag, tags: FileTags::default() };
                self.write_entry(stage, name, &entry)?;
                entry
            }
        };
        Ok(StageFile {
            name: name.to_owned(),
            size,
            etag: entry.etag,
            last_modified: modified,
            tags: entry.tags,
        })
    }

    fn write_entry(&self, stage: &StageId, name: &str, entry: &Entry) -> Result<(), StageError> {
        fs::create_dir_all(self.folder(stage).join(ENTRIES))?;
        fs::write(self.entry_path(stage, name), serde_json::to_vec(entry).map_err(io::Error::from)?)?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that stays inside its folder.
fn checked(name: &str) -> Result<&str, StageError> {
    let is_fine = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    if name.split('/').all(is_fine) { Ok(name) } else { Err(StageError::Name(name.to_owned())) }
}

fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn hashed(name: &str) -> String {
    digest(&SHA256, name.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn measure(path: &Path) -> io::Result<(u64, Timestamp)> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let modified = Timestamp::try_from(metadata.modified()?).map_err(io::Error::other)?;
    Ok((metadata.len(), modified))
}

fn md5_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut sum = Md5::new();
    let mut step = vec![0; STEP_BYTES];
    loop {
        let read = file.read(&mut step)?;
        if read == 0 {
            return Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        sum.update(&step[..read]);
    }
}

fn walk(folder: &Path, above: &str, names: &mut Vec<String>) -> io::Result<()> {
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        listed => listed?,
    };
    for entry in listed {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = format!("{above}{name}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn user() -> StageId {
        StageId::User("U".to_owned())
    }

    fn put(store: &StageStore, stage: &StageId, name: &str, body: &[u8]) -> Result<StageFile, StageError> {
        let mut upload = store.upload().unwrap();
        upload.write_all(body).unwrap();
        store.put(stage, name, upload, "etag".to_owned(), FileTags::default())
    }

    fn names(store: &StageStore, stage: &StageId, prefix: &str) -> Vec<String> {
        store.list(stage, prefix).unwrap().into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn files_are_listed_by_prefix_and_removed_one_by_one() {
        let store = StageStore::open(None).unwrap();
        for name in ["run1/b", "run1/a", "run10/a", "x"] {
            put(&store, &user(), name, b"rows").unwrap();
        }
        put(&store, &StageId::Named(1), "other", b"rows").unwrap();
        assert_eq!(names(&store, &user(), "run1"), ["run1/a", "run1/b", "run10/a"]);
        assert_eq!(names(&store, &user(), "run1/"), ["run1/a", "run1/b"]);
        assert!(store.remove(&user(), "run1/a").unwrap());
        assert!(!store.remove(&user(), "run1/a").unwrap(), "gone already");
        assert!(store.remove(&user(), "run1/b").unwrap());
        put(&store, &user(), "run1", b"a file where the folder was").unwrap();
        assert_eq!(names(&store, &user(), ""), ["run1", "run10/a", "x"]);
    }

    #[test]
    fn a_name_that_leaves_the_stage_is_refused() {
        let store = StageStore::open(None).unwrap();
        for name in ["../x", "a//b", "/a", "a/", "", ".", "a/../../b"] {
            assert!(matches!(put(&store, &user(), name, b""), Err(StageError::Name(_))), "{name}");
        }
    }

    #[test]
    fn a_file_copied_into_the_folder_is_found_with_its_md5() {
        let store = StageStore::open(None).unwrap();
        put(&store, &user(), "a", b"uploaded").unwrap();
        fs::write(store.location(&user()).join("a"), b"hello").unwrap();
        let file = store.file(&user(), "a").unwrap();
        assert_eq!((file.size, file.etag.as_str()), (5, "5d41402abc4b2a76b9719d911017c592"));
        assert_eq!(fs::read(store.plaintext(&user(), "a").unwrap()).unwrap(), b"hello");
    }

    #[test]
    fn what_is_kept_in_a_folder_is_there_again_after_a_restart() {
        let folder = TempDir::new().unwrap();
        let store = StageStore::open(Some(folder.path())).unwrap();
        put(&store, &user(), "a", b"rows").unwrap();
        put(&store, &StageId::Named(7), "a", b"rows").unwrap();
        let material = store.key(&user()).unwrap().material("q", super::super::KeySize::Bits256);
        drop(store);
        let store = StageStore::open(Some(folder.path())).unwrap();
        assert_eq!(store.file(&user(), "a").unwrap().etag, "etag");
        assert_eq!(store.key(&user()).unwrap().material("q", super::super::KeySize::Bits256), material);
        store.retain(|stage| *stage != StageId::Named(7)).unwrap();
        assert!(names(&store, &StageId::Named(7), "").is_empty());
    }
}
