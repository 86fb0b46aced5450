//! What goes up comes down: in every cloud, under both key sizes and without, whole and in parts.

use snowflake::{StageLocation, StageUploads, UploadOptions};

use super::content;
use super::service::StageService;
use super::stores::Store;

/// Around the block of the cipher, around the buffers, and more than one part.
const SIZES: [usize; 6] = [0, 15, 16, 65_536, 65_537, 9 * 1024 * 1024];
const FOLDER: &str = "run 42/";

fn name(size: usize) -> String {
    format!("part {size}.parquet")
}

async fn begin(service: &StageService) -> StageUploads {
    let folder = StageLocation::user(FOLDER).unwrap();
    service.session().await.begin_uploads(&folder, UploadOptions::default()).await.unwrap()
}

async fn files_come_back(store: Store) {
    let service = StageService::start(store.offer.clone()).await;
    for key_bytes in [Some(16), Some(32), None] {
        service.change(|offer| {
            offer.key_bytes = key_bytes;
            offer.files = SIZES.map(name).to_vec();
        });
        let uploads = begin(&service).await;
        let sends = SIZES.map(|size| {
            let uploads = uploads.clone();
            tokio::spawn(async move { uploads.upload(&name(size), content(size)).await.unwrap() })
        });
        for (sent, size) in sends.into_iter().zip(SIZES) {
            let sent = sent.await.unwrap();
            assert_eq!((sent.name.as_str(), sent.size), (name(size).as_str(), size as u64));
            let padding = if key_bytes.is_some() { 16 - size % 16 } else { 0 };
            assert_eq!(sent.stored_size, (size + padding) as u64);
        }
        let session = service.session().await;
        let folder = StageLocation::user(FOLDER).unwrap();
        let downloads = session.begin_downloads(&folder, None).await.unwrap();
        assert_eq!(downloads.names().collect::<Vec<_>>(), SIZES.map(name));
        for size in SIZES {
            let file = downloads.download(&name(size)).await.unwrap();
            assert!(file.content == content(size) && file.is_verified, "{size} bytes under {key_bytes:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_back_from_s3() {
    let Some(store) = Store::s3().await else { return };
    files_come_back(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_back_from_azure() {
    let Some(store) = Store::azure().await else { return };
    files_come_back(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_back_from_gcs_with_a_token() {
    files_come_back(Store::gcs_with_token().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_back_from_gcs_with_signed_links() {
    let Some(store) = Store::gcs_with_links().await else { return };
    files_come_back(store).await;
}
