//! The object store's clients, set up for one place of a Snowflake stage, and what their errors mean.

use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::{GcpCredential, GcpSigningCredential, GoogleCloudStorageBuilder};
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, RetryConfig, StaticCredentialProvider};

use super::address::Address;
use super::cloud::Cloud;
use super::storage::{Carried, Storage, StorageService};
use crate::{Error, ErrorKind, Result};

/// A client that leaves signing and repeating to `storage`.
pub(super) fn open(storage: &Arc<Storage>) -> Result<Arc<dyn ObjectStore>> {
    let address = &storage.address;
    let service = StorageService(Arc::clone(storage));
    let store = match address.cloud {
        Cloud::S3 => s3(address, service, bodies_again(storage)),
        Cloud::Azure => azure(address, service, bodies_again(storage)),
        Cloud::Gcs => gcs(address, service, bodies_again(storage)),
    };
    store.map_err(|_| Error::new(ErrorKind::Internal, "the client of cloud storage cannot be set up"))
}

/// The key of a file in its bucket.
pub(super) fn key(address: &Address, name: &str) -> Result<Path> {
    Path::parse(format!("{}{name}", address.prefix)).map_err(|_| {
        Error::new(ErrorKind::Protocol, "a file of the Snowflake stage has a name that cannot be asked for")
    })
}

/// What the error of a client stands for. Its own text is dropped: it can quote links and bodies.
pub(super) fn error_of(error: &object_store::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Carried>().and_then(Carried::take) {
            return error;
        }
        cause = error.source();
    }
    Error::new(ErrorKind::Unavailable, "the answer of cloud storage was cut or cannot be read")
}

/// Requests are repeated by [`Storage`]; what is left are answers that break off in their body.
fn bodies_again(storage: &Storage) -> RetryConfig {
    let policy = storage.retry;
    RetryConfig {
        backoff: BackoffConfig { init_backoff: policy.delay_min, max_backoff: policy.delay_max, base: 2.0 },
        max_retries: policy.attempts_max.saturating_sub(1) as usize,
        retry_timeout: policy.budget,
    }
}

fn origin(address: &Address) -> String {
    address.base.as_str().trim_end_matches('/').to_owned()
}

fn s3(
    address: &Address,
    service: StorageService,
    retry: RetryConfig,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&address.bucket)
        .with_region(&address.region)
        .with_endpoint(origin(address))
        .with_virtual_hosted_style_request(address.is_bucket_in_host)
        .with_skip_signature(true)
        .with_retry(retry)
        .with_http_connector(service);
    Ok(Arc::new(builder.build()?))
}

fn azure(
    address: &Address,
    service: StorageService,
    retry: RetryConfig,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    let builder = MicrosoftAzureBuilder::new()
        .with_account(&address.account)
        .with_container_name(&address.bucket)
        .with_endpoint(origin(address))
        .with_skip_signature(true)
        .with_retry(retry)
        .with_http_connector(service);
    Ok(Arc::new(builder.build()?))
}

fn gcs(
    address: &Address,
    service: StorageService,
    retry: RetryConfig,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    // Replaced on the way; without one the client would look for keys on this machine.
    let bearer = StaticCredentialProvider::new(GcpCredential { bearer: "none".to_owned() });
    let signing = GcpSigningCredential { email: String::new(), private_key: None };
    let builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&address.bucket)
        .with_base_url(&origin(address))
        .with_credentials(Arc::new(bearer))
        .with_signing_credentials(Arc::new(StaticCredentialProvider::new(signing)))
        .with_retry(retry)
        .with_http_connector(service);
    Ok(Arc::new(builder.build()?))
}
