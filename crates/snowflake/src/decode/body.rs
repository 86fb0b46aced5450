//! The bytes of a chunk as they are decompressed, with a bound on how many may come out.

use std::io::{self, Read};

use crate::decode::frames::Frames;
use crate::decode::gunzip::Gunzip;
use crate::error::{Error, ErrorKind};

/// How a gzip body begins. Some storages send it compressed without saying so in a header.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads a body that may be compressed, and fails once more than the announced bytes have come out.
#[derive(Debug)]
pub(crate) struct BodyReader {
    encoded: Encoded,
    bytes_read: u64,
    bytes_max: u64,
}

#[derive(Debug)]
enum Encoded {
    Plain(Frames),
    Gzip(Box<Gunzip>),
}

impl BodyReader {
    pub(crate) fn new(body: Frames, bytes_max: u64) -> Self {
        let encoded = if body.starts_with(&GZIP_MAGIC) {
            Encoded::Gzip(Box::new(Gunzip::new(body)))
        } else {
            Encoded::Plain(body)
        };
        Self { encoded, bytes_read: 0, bytes_max }
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Bytes that may still come out.
    pub(crate) fn bytes_left(&self) -> u64 {
        self.bytes_max - self.bytes_read
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.encoded {
            Encoded::Plain(plain) => plain.read(buffer)?,
            Encoded::Gzip(gzip) => {
                let _timed = tracing::trace_span!(target: "timings", "gunzip").entered();
                gzip.read(buffer)?
            }
        };
        self.bytes_read += count as u64;
        if self.bytes_read > self.bytes_max {
            self.bytes_read = self.bytes_max;
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more bytes than were announced"));
        }
        Ok(count)
    }
}

/// What a failure to read a body means.
pub(crate) fn body_error(error: io::Error) -> Error {
    let what = match error.kind() {
        io::ErrorKind::FileTooLarge => "the rows of a chunk take more bytes than were announced",
        io::ErrorKind::UnexpectedEof => "the rows of a chunk end too early",
        _ => "the rows of a chunk cannot be decompressed",
    };
    Error::new(ErrorKind::Protocol, what).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(body: Vec<u8>, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        BodyReader::new(bytes::Bytes::from(body).into(), bytes_max).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn plain_and_compressed_bodies_read_alike() {
        assert_eq!(read(b"rows".to_vec(), 4).unwrap(), b"rows");
        assert_eq!(read(gzip(b"rows"), 4).unwrap(), b"rows");
    }

    #[test]
    fn a_bomb_stops_at_the_announced_size() {
        let error = read(gzip(&vec![0; 1 << 20]), 1000).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_truncated_body_is_an_error() {
        let whole = gzip(b"rows and rows and rows");
        for length in 2..whole.len() {
            read(whole[..length].to_vec(), 1000).unwrap_err();
        }
    }
}
