//! Decoding without a network, for the benchmark that counts instructions. No part of what the client promises.

use arrow_array::RecordBatch;
use bytes::Bytes;

use crate::decode::{DecodeOptions, Decoder};
use crate::result::decoder_of;
use crate::{Error, ErrorKind, Result};

/// What decodes the chunks of one result.
#[derive(Debug)]
pub struct ChunkDecoder(Decoder);

impl ChunkDecoder {
    /// For the result of this reply's `data`.
    pub fn of(reply: &[u8]) -> Result<Self> {
        let data = serde_json::from_slice(reply)
            .map_err(|_| Error::new(ErrorKind::Protocol, "the reply cannot be read"))?;
        decoder_of(data, &DecodeOptions::default()).map(Self)
    }

    /// Decompresses and decodes a chunk as the pipeline does.
    pub fn batches(&self, body: Bytes, bytes_max: u64) -> Result<Vec<RecordBatch>> {
        self.0.decode(body.into(), bytes_max).map(|decoded| decoded.batches)
    }
}
