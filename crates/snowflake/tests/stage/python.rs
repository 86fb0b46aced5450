//! Crosswise with the official Python connector: it gets and decrypts what we put, and we what it put.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use snowflake::{StageLocation, UploadOptions};

use super::content;
use super::service::StageService;
use super::stores::Store;
use crate::peer::environment;

const SIZES: [usize; 6] = [0, 15, 16, 65_536, 65_537, 9 * 1024 * 1024];
const FOLDER: &str = "run 42/";

/// Runs the connector's script in a thread of its own, while the service goes on answering.
async fn connector(service: &StageService, origin: &str, act: &str, folder: &Path) -> String {
    let python = environment("classic").unwrap().join("bin").join("python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("stage").join("connector.py");
    let mut command = Command::new(python);
    command.arg(script).args([service.server.address(), origin, act]).arg(folder);
    command.env("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true").env("NO_PROXY", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn line(name: &str, content: &[u8]) -> String {
    let hex = digest(&SHA256, content).as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    format!("{name} {hex}")
}

async fn both_ways(store: Store) {
    let service = StageService::start(store.offer.clone()).await;
    for key_bytes in [Some(16), Some(32), None] {
        let ours: Vec<String> = SIZES.iter().map(|size| format!("ours-{size}")).collect();
        service.change(|offer| {
            offer.key_bytes = key_bytes;
            offer.files.clone_from(&ours);
        });
        let session = service.session().await;
        let folder = StageLocation::user(FOLDER).unwrap();
        let uploads = session.begin_uploads(&folder, UploadOptions::default()).await.unwrap();
        for (name, size) in ours.iter().zip(SIZES) {
            uploads.upload(name, content(size)).await.unwrap();
        }
        let downloaded = tempfile::tempdir().unwrap();
        let printed = connector(&service, &store.offer.origin, "get", downloaded.path()).await;
        let mut expected: Vec<String> =
            ours.iter().zip(SIZES).map(|(name, size)| line(name, &content(size))).collect();
        expected.sort();
        assert_eq!(printed.lines().collect::<Vec<_>>(), expected, "got by Python under {key_bytes:?}");

        let theirs = tempfile::tempdir().unwrap();
        for size in SIZES {
            std::fs::write(theirs.path().join(format!("theirs-{size}")), content(size)).unwrap();
        }
        connector(&service, &store.offer.origin, "put", theirs.path()).await;
        service.change(|offer| offer.files = SIZES.iter().map(|size| format!("theirs-{size}")).collect());
        let downloads = session.begin_downloads(&folder, None).await.unwrap();
        for size in SIZES {
            let file = downloads.download(&format!("theirs-{size}")).await.unwrap();
            assert!(file.content == content(size) && file.is_verified, "{size} bytes under {key_bytes:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_what_we_put_into_s3_and_the_reverse() {
    let (Some(store), Some(_)) = (Store::s3().await, environment("classic")) else { return };
    both_ways(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_what_we_put_into_azure_and_the_reverse() {
    let (Some(store), Some(_)) = (Store::azure().await, environment("classic")) else { return };
    both_ways(store).await;
}
