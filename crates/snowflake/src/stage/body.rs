//! A file on its way into a stage: cut into parts, each encrypted only when its turn comes.

use std::sync::Arc;

use bytes::Bytes;

use super::cipher::{Encryption, Material, digest_of, encrypted_len};
use super::metadata::FileMetadata;
use crate::{Error, ErrorKind, Result};

/// The parts of one file, in order.
pub(super) struct FileBody {
    rest: Bytes,
    encryption: Option<Encryption>,
    part_bytes: usize,
    is_done: bool,
    /// As it will be stored.
    pub(super) stored_bytes: usize,
}

impl FileBody {
    /// The body of a file and what has to be stored beside it, under a fresh key where the stage has a master key.
    pub(super) fn new(
        content: Bytes,
        material: Option<&Material>,
        part_bytes: usize,
    ) -> Result<(Self, FileMetadata)> {
        let digest = Some(digest_of(&content));
        let sealed = material.map(Material::seal).transpose()?;
        let stored_bytes = if sealed.is_some() { encrypted_len(content.len()) } else { content.len() };
        let (encryption, envelope) = sealed.unzip();
        let body = Self { rest: content, encryption, part_bytes, is_done: false, stored_bytes };
        Ok((body, FileMetadata { digest, envelope }))
    }

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

    /// All parts at once.
    pub(super) fn whole(mut self) -> Result<Vec<Bytes>> {
        let mut parts = Vec::new();
        while let Some(part) = self.next_part()? {
            parts.push(part);
        }
        Ok(parts)
    }

    /// The memory that all parts at once take besides the content: none where they are the content itself.
    pub(super) fn costs(&self) -> u64 {
        if self.encryption.is_some() { self.stored_bytes as u64 } else { 0 }
    }

    /// The same for one part.
    pub(super) fn part_costs(&self) -> u64 {
        self.costs().min(self.part_bytes as u64)
    }
}

/// Does work that is all computing where it does not hold up the network.
pub(super) async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|source| {
        Error::new(ErrorKind::Internal, "the encryption of a file was interrupted").with_source(source)
    })?
}

/// [`FileBody::new`], computed.
pub(super) async fn prepared(
    content: Bytes,
    material: Option<Arc<Material>>,
    part_bytes: usize,
) -> Result<(FileBody, FileMetadata)> {
    computed(move || FileBody::new(content, material.as_deref(), part_bytes)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stage::WireMaterial;

    const PART: usize = 64;

    fn parts(content: &'static [u8], material: Option<&Material>) -> Vec<usize> {
        let (body, _) = FileBody::new(Bytes::from_static(content), material, PART).unwrap();
        let stored = body.stored_bytes;
        let lengths: Vec<usize> = body.whole().unwrap().iter().map(Bytes::len).collect();
        assert_eq!(lengths.iter().sum::<usize>(), stored);
        lengths
    }

    #[test]
    fn all_parts_but_the_last_have_one_size() {
        let wire = WireMaterial {
            query_stage_master_key: "AAECAwQFBgcICQoLDA0ODw==".into(),
            query_id: None,
            smk_id: None,
        };
        let material = Material::new(&wire).unwrap();
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
