//! The text of a staged file: decompressed, and in UTF-8.

use std::fs;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::files::SourceFile;
use super::format::FileFormat;
use crate::outcome::SqlError;
use crate::sql::error::{error, internal, unsupported};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTANDARD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const BZIP2: &[u8] = b"BZh";
const BYTE_ORDER_MARK: char = '\u{feff}';

pub(super) fn read(file: &SourceFile, format: &FileFormat) -> Result<String, SqlError> {
    let stored = fs::read(&file.plaintext).map_err(internal)?;
    let bytes = decompressed(file, stored, &format.text("COMPRESSION").to_uppercase())?;
    let replaces = format.flag("REPLACE_INVALID_CHARACTERS") || format.flag("IGNORE_UTF8_ERRORS");
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(invalid) if replaces => String::from_utf8_lossy(invalid.as_bytes()).into_owned(),
        Err(_) => {
            let message = format!("Invalid UTF8 detected in string\n  File '{}'", file.shown);
            return Err(error("100144", "22000", message));
        }
    };
    match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) if format.flag("SKIP_BYTE_ORDER_MARK") => Ok(rest.to_owned()),
        _ => Ok(text),
    }
}

fn decompressed(file: &SourceFile, stored: Vec<u8>, compression: &str) -> Result<Vec<u8>, SqlError> {
    let has_extension = |extension: &str| file.name.to_lowercase().ends_with(extension);
    let compression = match compression {
        "AUTO" if stored.starts_with(&GZIP) => "GZIP",
        "AUTO" if stored.starts_with(&ZSTANDARD) => "ZSTD",
        "AUTO" if stored.starts_with(BZIP2) && has_extension(".bz2") => "BZ2",
        "AUTO" if has_extension(".deflate") => "DEFLATE",
        "AUTO" if has_extension(".raw_deflate") => "RAW_DEFLATE",
        "AUTO" => "NONE",
        given => given,
    };
    let mut content = Vec::new();
    let read = match compression {
        "NONE" => return Ok(stored),
        "GZIP" => MultiGzDecoder::new(stored.as_slice()).read_to_end(&mut content),
        "DEFLATE" => ZlibDecoder::new(stored.as_slice()).read_to_end(&mut content),
        "RAW_DEFLATE" => DeflateDecoder::new(stored.as_slice()).read_to_end(&mut content),
        other => return Err(unsupported(format!("a staged file compressed with {other}"))),
    };
    let broken = |_| {
        let message = format!("Invalid data encountered during decompression for file: '{}'", file.shown);
        error("100142", "22000", message)
    };
    read.map_err(broken)?;
    Ok(content)
}
