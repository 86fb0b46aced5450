//! Gzip, member by member, each proved by its checksum.
//!
//! `flate2` reads the header and inflates; the checksum is computed here, because that of its pure-Rust backend takes a
//! quarter of the whole work of decoding, and `crc32fast` a fiftieth.

use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, GzDecoder};

use crate::decode::frames::Frames;

/// Bytes inflated at a time, so that the checksum finds them in the cache.
const PIECE_BYTES_MAX: usize = 128 * 1024;

/// Reads all members of a gzip body as one.
#[derive(Debug)]
pub(super) struct Gunzip {
    member: DeflateDecoder<Frames>,
    checksum: crc32fast::Hasher,
    /// Whether the header of a member has been read and its checksum has not.
    is_in_member: bool,
}

impl Gunzip {
    pub(super) fn new(body: Frames) -> Self {
        Self { member: DeflateDecoder::new(body), checksum: crc32fast::Hasher::new(), is_in_member: false }
    }

    fn begin_member(&mut self) -> io::Result<()> {
        let mut with_header = GzDecoder::new(std::mem::take(self.member.get_mut()));
        if with_header.header().is_none() {
            // Reading on says what is wrong with the header.
            with_header.read_exact(&mut [0])?;
        }
        self.member.reset(with_header.into_inner());
        self.checksum = crc32fast::Hasher::new();
        self.is_in_member = true;
        Ok(())
    }

    fn end_member(&mut self) -> io::Result<()> {
        let mut trailer = [0; 8];
        self.member.get_mut().read_exact(&mut trailer)?;
        let [a, b, c, d, e, f, g, h] = trailer;
        let checksum = u32::from_le_bytes([a, b, c, d]);
        // The format counts modulo 2³².
        let length = u64::from(u32::from_le_bytes([e, f, g, h]));
        let is_whole = checksum == std::mem::take(&mut self.checksum).finalize()
            && length == self.member.total_out() & u64::from(u32::MAX);
        self.is_in_member = false;
        if is_whole {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong"))
        }
    }
}

impl Read for Gunzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(PIECE_BYTES_MAX);
        if length == 0 {
            return Ok(0);
        }
        loop {
            if !self.is_in_member {
                if self.member.get_ref().bytes_left() == 0 {
                    return Ok(0);
                }
                self.begin_member()?;
            }
            let count = self.member.read(&mut buffer[..length])?;
            if count > 0 {
                self.checksum.update(&buffer[..count]);
                return Ok(count);
            }
            self.end_member()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, GzBuilder};

    use super::*;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzBuilder::new().filename("rows").write(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn gunzip(body: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        Gunzip::new(bytes::Bytes::from(body).into()).read_to_end(&mut text).map(|_| text)
    }

    #[test]
    fn members_read_as_one() {
        let long = b"rows ".repeat(PIECE_BYTES_MAX);
        let body = [member(&long), member(b""), member(b"end")].concat();
        assert_eq!(gunzip(body).unwrap(), [long.as_slice(), b"end"].concat());
    }

    #[test]
    fn a_flipped_bit_never_changes_what_is_read() {
        let text = b"rows and rows and rows";
        let whole = member(text);
        let header_length = 10 + b"rows\0".len();
        for bit in header_length * 8..whole.len() * 8 {
            let mut body = whole.clone();
            body[bit / 8] ^= 1 << (bit % 8);
            // Bits that only pad the last byte of the compressed text do not matter; no others may pass.
            if let Ok(read) = gunzip(body) {
                assert_eq!(read, text, "bit {bit}");
            }
        }
    }

    #[test]
    fn what_follows_a_member_must_be_one() {
        gunzip([member(b"rows"), b"more".to_vec()].concat()).unwrap_err();
    }
}
