//! A file on its way into a stage: encrypted where it is, or in parts, each only when its turn comes.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::cipher::{Encryption, FileKey, Material, digest_of, encrypted_len};
use super::metadata::FileMetadata;
use crate::{Error, ErrorKind, Result};

/// One file before it is sent.
pub(super) struct FileBody {
    content: Bytes,
    key: Option<FileKey>,
}

/// The parts of one file, in order.
pub(super) struct FileParts {
    rest: Bytes,
    encryption: Option<Encryption>,
    part_bytes: usize,
    is_done: bool,
}

impl FileBody {
    /// The body of a file and what has to be stored beside it, under a fresh key where the stage has a master key.
    pub(super) fn new(content: Bytes, material: Option<&Material>) -> Result<(Self, FileMetadata)> {
        let digest = Some(digest_of(&content));
        let (key, envelope) = material.map(Material::seal).transpose()?.unzip();
        Ok((Self { content, key }, FileMetadata { digest, envelope }))
    }

    /// All of it. Where nobody else holds the content it is encrypted in place.
    pub(super) fn whole(self) -> Result<Bytes> {
        match self.key {
            Some(key) => key.encrypt(BytesMut::from(self.content)),
            None => Ok(self.content),
        }
    }

    /// The memory that [`Self::whole`] takes besides the content.
    pub(super) fn whole_costs(&self) -> u64 {
        match self.key {
            Some(_) if !self.content.is_unique() => encrypted_len(self.content.len()) as u64,
            _ => 0,
        }
    }

    /// The same in parts of `part_bytes`.
    pub(super) fn parts(self, part_bytes: usize) -> Result<FileParts> {
        let encryption = self.key.map(FileKey::piecewise).transpose()?;
        Ok(FileParts { rest: self.content, encryption, part_bytes, is_done: false })
    }
}

impl FileParts {
    /// The next part. All but the last have the same size; a file without bytes has one part.
    pub(super) fn next_part(&mut self) -> Result<Option<Bytes>> {
        if self.is_done {
            return Ok(None);
        }
        if self.rest.len() > self.part_bytes {
            let part = self.rest.split_to(self.part_bytes);
            return Ok(Some(match &mut self.encryption {
                Some(encryption) => encryption.update(&part)?,
                None => part,
            }));
        }
        self.is_done = true;
        let part = std::mem::take(&mut self.rest);
        Ok(Some(match self.encryption.take() {
            Some(encryption) => encryption.finish(&part)?,
            None => part,
        }))
    }

    /// The memory that one part takes besides the content: none where it is a piece of the content itself.
    pub(super) fn part_costs(&self) -> u64 {
        if self.encryption.is_some() { self.part_bytes.min(encrypted_len(self.rest.len())) as u64 } else { 0 }
    }
}

/// Does work that is all computing where it does not hold up the network.
pub(super) async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let timed = tracing::trace_span!(target: "timings", "encrypt");
    let work = move || timed.in_scope(work);
    tokio::task::spawn_blocking(work).await.map_err(|source| {
        Error::new(ErrorKind::Internal, "the encryption of a file was interrupted").with_source(source)
    })?
}

/// [`FileBody::new`], computed.
pub(super) async fn prepared(
    content: Bytes,
    material: Option<Arc<Material>>,
) -> Result<(FileBody, FileMetadata)> {
    computed(move || FileBody::new(content, material.as_deref())).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stage::WireMaterial;

    const PART: usize = 64;

    fn parts(content: &'static [u8], material: Option<&Material>) -> Vec<usize> {
        let (body, _) = FileBody::new(Bytes::from_static(content), material).unwrap();
        let mut parts = body.parts(PART).unwrap();
        let mut lengths = Vec::new();
        while let Some(part) = parts.next_part().unwrap() {
            lengths.push(part.len());
        }
        let stored = if material.is_some() { encrypted_len(content.len()) } else { content.len() };
        assert_eq!(lengths.iter().sum::<usize>(), stored);
        lengths
    }

    fn material() -> Material {
        let wire = WireMaterial {
            query_stage_master_key: "AAECAwQFBgcICQoLDA0ODw==".into(),
            query_id: None,
            smk_id: None,
        };
        Material::new(&wire).unwrap()
    }

    #[test]
    fn content_that_nobody_else_holds_is_encrypted_without_more_memory() {
        let content = Bytes::from(vec![7; 1000]);
        let shared = content.clone();
        let (body, _) = FileBody::new(content, Some(&material())).unwrap();
        assert_eq!(body.whole_costs(), 1008);
        assert_ne!(body.whole().unwrap().as_ptr(), shared.as_ptr());
        assert_eq!(shared, vec![7; 1000], "the other holder's content is untouched");

        let mut content = Vec::with_capacity(1008);
        content.resize(1000, 7);
        let address = content.as_ptr();
        let (body, _) = FileBody::new(content.into(), Some(&material())).unwrap();
        assert_eq!(body.whole_costs(), 0);
        assert_eq!(body.whole().unwrap().as_ptr(), address);
    }

    #[test]
    fn all_parts_but_the_last_have_one_size() {
        let material = material();
        for (content, plain, encrypted) in [
            (&[0_u8; 0][..], vec![0], vec![16]),
            (&[0; 63], vec![63], vec![64]),
            (&[0; 64], vec![64], vec![80]),
            (&[0; 65], vec![64, 1], vec![64, 16]),
            (&[0; 128], vec![64, 64], vec![64, 80]),
        ] {
            assert_eq!(parts(content, None), plain);
            assert_eq!(parts(content, Some(&material)), encrypted);
        }
    }
}
