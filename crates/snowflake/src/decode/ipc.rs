//! An Arrow IPC stream message by message. Lengths are checked against what was announced before memory is taken for
//! them: a body that is no Arrow at all must fail, not fill the memory.

use std::collections::HashMap;
use std::io::{ErrorKind as IoErrorKind, Read};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_ipc::{Message, MessageHeader, convert, root_as_message};
use arrow_schema::{ArrowError, SchemaRef};

use crate::decode::body::{BodyReader, body_error};
use crate::decode::pool::Body;
use crate::error::{Error, ErrorKind, Result};

/// Precedes every message of a stream.
const CONTINUATION: u32 = u32::MAX;
/// The largest message header that is believed: a schema of thousands of columns is a few MiB.
const HEADER_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// The record batches of one IPC stream, each in the physical types it was sent in.
#[derive(Debug)]
pub(crate) struct IpcStream {
    body: BodyReader,
    schema: Option<SchemaRef>,
    dictionaries: HashMap<i64, ArrayRef>,
}

impl IpcStream {
    pub(crate) fn new(body: BodyReader) -> Self {
        Self { body, schema: None, dictionaries: HashMap::new() }
    }

    /// Bytes read so far, decompressed.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.body.bytes_read()
    }

    /// The schema of this stream, once its first message has been read.
    pub(crate) fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(header) = self.read_header()? {
            let message =
                root_as_message(&header).map_err(|error| malformed().with_source(error.to_string()))?;
            let body = self.read_body(message.bodyLength())?;
            if let Some(batch) = self.take_message(&message, &body)? {
                return Ok(Some(batch));
            }
        }
        self.drain()?;
        Ok(None)
    }

    fn take_message(&mut self, message: &Message<'_>, body: &Buffer) -> Result<Option<RecordBatch>> {
        match message.header_type() {
            MessageHeader::Schema => {
                let schema = message.header_as_schema().ok_or_else(malformed)?;
                self.schema = Some(Arc::new(convert::fb_to_schema(schema)));
                Ok(None)
            }
            MessageHeader::DictionaryBatch => {
                let dictionary = message.header_as_dictionary_batch().ok_or_else(malformed)?;
                let schema = self.schema.clone().ok_or_else(malformed)?;
                read_dictionary(body, dictionary, &schema, &mut self.dictionaries, &message.version())
                    .map_err(unreadable)?;
                Ok(None)
            }
            MessageHeader::RecordBatch => {
                let batch = message.header_as_record_batch().ok_or_else(malformed)?;
                let schema = self.schema.clone().ok_or_else(malformed)?;
                read_record_batch(body, batch, schema, &self.dictionaries, None, &message.version())
                    .map(Some)
                    .map_err(unreadable)
            }
            _ => Err(malformed()),
        }
    }

    /// The header of the next message, or `None` at the end of the stream.
    fn read_header(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(marker) = self.read_word()? else {
            return Ok(None);
        };
        // Streams of before Arrow 0.15 begin with the length at once.
        let length = if marker == CONTINUATION { self.read_word()?.ok_or_else(malformed)? } else { marker };
        if length == 0 {
            return Ok(None);
        }
        if length > HEADER_BYTES_MAX || u64::from(length) > self.body.bytes_left() {
            return Err(malformed());
        }
        let mut header = vec![0; length as usize];
        self.body.read_exact(&mut header).map_err(body_error)?;
        Ok(Some(header))
    }

    fn read_body(&mut self, length: i64) -> Result<Buffer> {
        let length = u64::try_from(length).map_err(|_| malformed())?;
        if length > self.body.bytes_left() {
            return Err(malformed());
        }
        let mut body = Body::of_length(usize::try_from(length).map_err(|_| malformed())?);
        self.body.read_exact(body.as_mut_slice()).map_err(body_error)?;
        Ok(body.into())
    }

    /// Four bytes as a number, or `None` when the body ends here.
    fn read_word(&mut self) -> Result<Option<u32>> {
        let mut word = [0; 4];
        let mut filled = 0;
        while filled < word.len() {
            match self.body.read(&mut word[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(body_error(IoErrorKind::UnexpectedEof.into())),
                Ok(count) => filled += count,
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(body_error(error)),
            }
        }
        Ok(Some(u32::from_le_bytes(word)))
    }

    /// Reads to the very end, which is where a compressed body proves its checksum.
    fn drain(&mut self) -> Result<()> {
        std::io::copy(&mut self.body, &mut std::io::sink()).map(drop).map_err(body_error)
    }
}

fn malformed() -> Error {
    Error::new(ErrorKind::Protocol, "the rows of a chunk are not an Arrow stream")
}

fn unreadable(error: ArrowError) -> Error {
    Error::new(ErrorKind::Protocol, "the rows of a chunk are not valid Arrow").with_source(error)
}
