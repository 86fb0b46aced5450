//! One file of a Snowflake stage, as it is stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The metadata key under which a client keeps the SHA-256 of what it encrypted, base64.
pub(crate) const DIGEST: &str = "sfc-digest";
/// The metadata key of the file's own key, wrapped and base64.
pub(crate) const WRAPPED_KEY: &str = "x-amz-key";
/// The metadata key of the initialization vector, base64.
pub(crate) const VECTOR: &str = "x-amz-iv";
/// The metadata key of what names the master key.
pub(crate) const MATERIAL: &str = "x-amz-matdesc";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StageFile {
    /// The path below the stage, without a leading slash.
    pub name: String,
    /// Bytes as stored, which for an encrypted file includes the padding.
    pub size: u64,
    /// MD5 in hexadecimal of the stored bytes, or of the parts' MD5s with their number after a dash.
    pub etag: String,
    pub last_modified: Timestamp,
    pub tags: FileTags,
}

/// What an upload says besides the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileTags {
    pub content_type: Option<String>,
    /// Lower-case names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

impl StageFile {
    pub(crate) fn is_encrypted(&self) -> bool {
        self.tags.is_encrypted()
    }
}

impl FileTags {
    pub(crate) fn is_encrypted(&self) -> bool {
        [WRAPPED_KEY, VECTOR, MATERIAL].iter().any(|key| self.metadata.contains_key(*key))
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }
}
