//! The three clouds that Snowflake stages live in, and what differs between them.

use std::fmt;

/// Parts of this size travel well in parallel; official drivers use the same.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts grow in steps of this, which is a multiple of what every cloud asks for.
const PART_STEP_BYTES: usize = 1024 * 1024;

/// Where a stage's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cloud {
    S3,
    Azure,
    Gcs,
}

impl Cloud {
    /// The storage hosts of this cloud. A host matches as a whole or below one of these.
    pub(super) fn domains(self) -> &'static [&'static str] {
        match self {
            Self::S3 => &["amazonaws.com", "amazonaws.com.cn"],
            Self::Azure => &[
                "blob.core.windows.net",
                "blob.core.chinacloudapi.cn",
                "blob.core.usgovcloudapi.net",
                "blob.storage.azure.net",
            ],
            Self::Gcs => &["storage.googleapis.com", "rep.googleapis.com", "storage.us-gov.googleapis.com"],
        }
    }

    /// The size of each part of a file, so that the cloud's limit on their number holds.
    pub(super) fn part_bytes(self, file_bytes: usize) -> usize {
        let parts_max = match self {
            Self::S3 | Self::Gcs => 10_000,
            Self::Azure => 50_000,
        };
        file_bytes.div_ceil(parts_max).next_multiple_of(PART_STEP_BYTES).max(PART_BYTES)
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3 => "S3",
            Self::Azure => "Azure",
            Self::Gcs => "GCS",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_with_the_file_so_that_there_are_never_too_many() {
        const GIB: usize = 1024 * 1024 * 1024;
        for cloud in [Cloud::S3, Cloud::Azure, Cloud::Gcs] {
            assert_eq!(cloud.part_bytes(0), PART_BYTES);
            assert_eq!(cloud.part_bytes(GIB), PART_BYTES);
        }
        for (cloud, parts_max) in [(Cloud::S3, 10_000), (Cloud::Azure, 50_000), (Cloud::Gcs, 10_000)] {
            let part = cloud.part_bytes(3000 * GIB);
            assert!((3000 * GIB).div_ceil(part) <= parts_max && part % PART_STEP_BYTES == 0);
        }
    }
}
