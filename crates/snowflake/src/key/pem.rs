//! From pasted text to the one document in it: marker, label and bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::diagnosis::{not_a_key, refused};
use crate::Result;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// RFC 7468 wraps at this width.
const LINE_WIDTH: usize = 64;
/// The first byte of every DER document in question.
const DER_SEQUENCE: u8 = 0x30;

/// The bytes of a key file and what its markers say it is.
pub(super) struct Document {
    /// `PRIVATE KEY`, `RSA PRIVATE KEY`, …; nothing for bare base64 and DER.
    pub(super) label: Option<String>,
    pub(super) der: Zeroizing<Vec<u8>>,
}

impl Document {
    /// Reads text in any shape it is pasted in.
    pub(super) fn read_text(text: &str) -> Result<Self> {
        let text = unwrapped(text);
        if text.is_empty() {
            return Err(refused("it is empty"));
        }
        if let Some(document) = read_marked(&text)? {
            return Ok(document);
        }
        read_bare(&text)
    }

    /// Reads a file, which may be binary.
    pub(super) fn read_bytes(bytes: &[u8]) -> Result<Self> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::read_text(text),
            Err(_) if bytes.first() == Some(&DER_SEQUENCE) => {
                Ok(Self { label: None, der: Zeroizing::new(bytes.to_vec()) })
            }
            Err(_) => Err(not_a_key()),
        }
    }
}

/// PEM of `der`.
pub(super) fn write(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(BASE64.encode(der));
    let mut pem = format!("{BEGIN}{label}{DASHES}\n");
    for start in (0..body.len()).step_by(LINE_WIDTH) {
        pem.push_str(&body[start..body.len().min(start + LINE_WIDTH)]);
        pem.push('\n');
    }
    pem.push_str(END);
    pem.push_str(label);
    pem.push_str(DASHES);
    pem.push('\n');
    pem
}

/// Takes off what copying adds: a byte order mark, quotes, and line breaks written as `\n`.
fn unwrapped(text: &str) -> Zeroizing<String> {
    let mut text = text.trim_start_matches('\u{feff}').trim();
    for quote in ['"', '\'', '`'] {
        if text.len() > 1 && text.starts_with(quote) && text.ends_with(quote) {
            text = text[1..text.len() - 1].trim();
        }
    }
    let text = Zeroizing::new(text.replace("\\r", "").replace("\\n", "\n").replace("\\\n", "\n"));
    Zeroizing::new(text.trim().to_owned())
}

/// Finds the first private key between markers, or else the first document of any kind.
fn read_marked(text: &str) -> Result<Option<Document>> {
    let mut first_label = None;
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let after = &rest[start + BEGIN.len()..];
        let Some((label, body)) = after.split_once(DASHES) else {
            return Err(refused("its BEGIN line is cut off"));
        };
        if label.contains("PRIVATE KEY") {
            let Some((body, _)) = body.split_once(END) else {
                return Err(refused("its END line is missing: a part of the text was not copied"));
            };
            return read_body(label, body).map(Some);
        }
        first_label.get_or_insert_with(|| label.to_owned());
        rest = body;
    }
    match first_label {
        None if text.contains(END) => {
            Err(refused("its BEGIN line is missing: a part of the text was not copied"))
        }
        None => Ok(None),
        // What it is matters more than its bytes: the label alone names it.
        Some(label) => Ok(Some(Document { label: Some(label), der: Zeroizing::new(Vec::new()) })),
    }
}

fn read_body(label: &str, body: &str) -> Result<Document> {
    let label = Some(label.trim().to_owned());
    if body.contains("DEK-Info") || body.contains("Proc-Type") {
        return Err(super::diagnosis::legacy_encryption());
    }
    let der =
        decoded(body).ok_or_else(|| refused("the text between its BEGIN and END lines is not base64"))?;
    Ok(Document { label, der })
}

/// Base64 without markers: of the DER, or of a whole PEM file, as some secret stores keep it.
fn read_bare(text: &str) -> Result<Document> {
    if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
        return Err(super::diagnosis::openssh_public());
    }
    let der = decoded(text).ok_or_else(not_a_key)?;
    match std::str::from_utf8(&der) {
        Ok(inner) if inner.contains(BEGIN) => read_marked(&unwrapped(inner))?.ok_or_else(not_a_key),
        _ if der.first() == Some(&DER_SEQUENCE) => Ok(Document { label: None, der }),
        _ => Err(not_a_key()),
    }
}

fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let compact: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
    BASE64.decode(compact.as_bytes()).ok().map(Zeroizing::new)
}
