//! `aws-chunked` bodies: what AWS's own SDKs send when they put a checksum behind the body.

use axum::body::Bytes;

use super::error::S3Error;

/// The body without its chunks' sizes and without what follows the last one.
pub(super) fn plain(body: &[u8]) -> Result<Bytes, S3Error> {
    let mut rest = body;
    let mut plain = Vec::with_capacity(body.len());
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or_else(incomplete)?;
        let size = std::str::from_utf8(&rest[..end]).ok().and_then(|line| line.split(';').next());
        let size = size.and_then(|size| usize::from_str_radix(size, 16).ok()).ok_or_else(incomplete)?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Ok(plain.into());
        }
        let end = size.checked_add(2).ok_or_else(incomplete)?;
        let chunk = rest.get(..end).ok_or_else(incomplete)?;
        plain.extend_from_slice(&chunk[..size]);
        rest = &rest[end..];
    }
}

fn incomplete() -> S3Error {
    let message = "You did not provide the number of bytes specified by the chunks of the body.";
    S3Error::bad_request("IncompleteBody", message)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn chunks_are_joined_and_the_trailer_is_left_out() {
        let body = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx-amz-checksum-crc32:abc=\r\n\r\n";
        assert_eq!(&plain(body).unwrap()[..], b"hello world");
        assert_eq!(&plain(b"0\r\n\r\n").unwrap()[..], b"");
    }

    #[test]
    fn a_body_that_ends_early_is_refused() {
        for body in [&b"5\r\nhel"[..], b"5\r\nhello\r\n", b"", b"x\r\n"] {
            assert!(plain(body).is_err());
        }
    }
}
