//! Snowflake stages: files in and out of the cloud storage that Snowflake loads from, listed and removed.

mod address;
mod body;
mod cipher;
mod cloud;
pub(crate) mod download;
mod keys;
pub(crate) mod listing;
mod location;
mod metadata;
mod presigned;
mod request;
mod storage;
mod store;
pub(crate) mod upload;
mod verdict;

pub use self::download::{DownloadedFile, StageDownloads};
pub use self::listing::StageFile;
pub use self::location::StageLocation;
pub use self::upload::{StageUploads, UploadOptions, UploadedFile};
