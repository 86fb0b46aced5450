//! A body in the pieces in which it arrived. They are never copied together, and each is freed once it has been read.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use bytes::Bytes;

/// The pieces of a body, none of them empty.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    frames: VecDeque<Bytes>,
    bytes: u64,
}

impl Frames {
    pub(crate) fn push(&mut self, frame: Bytes) {
        if !frame.is_empty() {
            self.bytes += frame.len() as u64;
            self.frames.push_back(frame);
        }
    }

    /// Bytes that are left.
    pub(crate) fn bytes_left(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn starts_with(&self, prefix: &[u8]) -> bool {
        self.bytes >= prefix.len() as u64
            && self.frames.iter().flatten().zip(prefix).all(|(byte, wanted)| byte == wanted)
    }
}

impl From<Bytes> for Frames {
    fn from(body: Bytes) -> Self {
        let mut frames = Self::default();
        frames.push(body);
        frames
    }
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Frames {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.frames.front().map_or(&[], |frame| frame))
    }

    fn consume(&mut self, count: usize) {
        let Some(frame) = self.frames.front_mut() else {
            return;
        };
        let count = count.min(frame.len());
        self.bytes -= count as u64;
        if count == frame.len() {
            self.frames.pop_front();
        } else {
            let _ = frame.split_to(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_read_as_one_body() {
        let mut frames = Frames::default();
        for piece in ["a", "", "bc", "def"] {
            frames.push(Bytes::from_static(piece.as_bytes()));
        }
        assert!(frames.starts_with(b"ab") && !frames.starts_with(b"ac") && !frames.starts_with(b"abcdefg"));
        assert_eq!(frames.bytes_left(), 6);
        let mut text = String::new();
        frames.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), frames.bytes_left()), ("abcdef", 0));
    }
}
