//! Keys that expire under way, stores that are unwell, and refusals: each ends in the file or in one clear error.

use std::sync::{Arc, Mutex};

use serde_json::json;
use snowflake::{ErrorKind, Session, StageLocation, StageUploads, UploadOptions};

use super::content;
use super::gate::Gate;
use super::service::{StageService, sql};
use super::stores::Store;
use crate::server::{QUERY, failure};

const MIB: usize = 1024 * 1024;

/// A stage behind a gate, and a session that uses it.
struct Gated {
    service: StageService,
    gate: Gate,
    session: Session,
    _store: Store,
}

impl Gated {
    async fn start(store: Store) -> Self {
        let gate = Gate::before(&store.offer.origin).await;
        let mut offer = store.offer.clone();
        offer.stage["endPoint"] = json!(gate.origin);
        let service = StageService::start(offer).await;
        let session = service.session().await;
        Self { service, gate, session, _store: store }
    }

    async fn uploads(&self) -> StageUploads {
        let folder = StageLocation::user("run 42/").unwrap();
        self.session.begin_uploads(&folder, UploadOptions::default()).await.unwrap()
    }

    /// What is in the stage under this name.
    async fn holds(&self, name: &str, size: usize) {
        self.service.change(|offer| offer.files = vec![name.to_owned()]);
        let folder = StageLocation::user("run 42/").unwrap();
        let downloads = self.session.begin_downloads(&folder, None).await.unwrap();
        assert!(downloads.download(name).await.unwrap().content == content(size));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_expire_in_mid_upload_are_renewed_once_for_all() {
    let Some(store) = Store::s3().await else { return };
    let gated = Gated::start(store).await;
    let old = Arc::new(Mutex::new("TK".to_owned()));
    let expired = Arc::clone(&old);
    // Two parts get through with the old token, then it is worth nothing any more.
    let mut parts = 0;
    gated.gate.refuse(move |passed| {
        let token = passed.headers["x-amz-security-token"].to_str().unwrap();
        parts += u32::from(passed.is_part());
        (parts > 2 && token == *expired.lock().unwrap())
            .then(|| (400, "<Error><Code>ExpiredToken</Code></Error>".to_owned()))
    });
    let uploads = gated.uploads().await;
    gated.service.change(|offer| offer.keys["AWS_TOKEN"] = json!("TK-2"));
    let sends = [9 * MIB, 17 * MIB, 18 * MIB].map(|size| {
        let uploads = uploads.clone();
        tokio::spawn(async move { uploads.upload(&format!("f{size}"), content(size)).await.unwrap() })
    });
    for send in sends {
        send.await.unwrap();
    }
    let transfers = gated.service.transfers();
    assert_eq!(transfers.len(), 2, "asked once to begin and once to renew");
    assert_eq!(sql(&transfers[0]), sql(&transfers[1]), "the identical text");
    assert_eq!(transfers[0].headers["accept"], "application/json");
    assert_ne!(transfers[0].request_id(), transfers[1].request_id());
    for size in [9 * MIB, 17 * MIB, 18 * MIB] {
        gated.holds(&format!("f{size}"), size).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cloud_has_its_keys_renewed() {
    for (store, status) in [(Store::azure().await, 403), (Some(Store::gcs_with_token().await), 401)] {
        let Some(store) = store else { return };
        let gated = Gated::start(store).await;
        let uploads = gated.uploads().await;
        gated.gate.refuse_first(1, status, "AuthenticationFailed", |_| true);
        uploads.upload("small", content(1000)).await.unwrap();
        gated.gate.refuse_first(1, status, "AuthenticationFailed", |passed| passed.uri.query().is_some());
        uploads.upload("large", content(9 * MIB)).await.unwrap();
        gated.holds("small", 1000).await;
        gated.holds("large", 9 * MIB).await;
        let puts = gated.service.transfers();
        assert!(puts.iter().filter(|asked| sql(asked).starts_with("PUT")).count() >= 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_stay_refused_are_a_missing_permission() {
    let Some(store) = Store::s3().await else { return };
    let gated = Gated::start(store).await;
    let uploads = gated.uploads().await;
    gated.gate.refuse_first(usize::MAX, 400, "ExpiredToken", |_| true);
    let error = uploads.upload("f", content(10)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(error.message().contains("S3 answered HTTP 400 (ExpiredToken)"), "{error}");
    assert_eq!((gated.service.transfers().len(), gated.gate.passed().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_not_tried_again() {
    let Some(store) = Store::s3().await else { return };
    let gated = Gated::start(store).await;
    let uploads = gated.uploads().await;
    gated.gate.refuse_first(usize::MAX, 403, "AccessDenied", |_| true);
    let error = uploads.upload("f", content(10)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    assert!(error.message().contains("(AccessDenied)"), "{error}");
    assert_eq!((gated.service.transfers().len(), gated.gate.passed().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_unwell_is_asked_again() {
    let Some(store) = Store::s3().await else { return };
    let gated = Gated::start(store).await;
    let uploads = gated.uploads().await;
    gated
        .gate
        .refuse_first(2, 503, "SlowDown", |_| true)
        .refuse_first(2, 500, "InternalError", |passed| passed.is_part());
    uploads.upload("small", content(100)).await.unwrap();
    uploads.upload("large", content(17 * MIB)).await.unwrap();
    gated.holds("small", 100).await;
    gated.holds("large", 17 * MIB).await;
    gated.gate.refuse_first(usize::MAX, 503, "SlowDown", |_| true);
    let error = uploads.upload("f", content(10)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_failed_upload_are_removed() {
    let Some(store) = Store::s3().await else { return };
    let gated = Gated::start(store).await;
    let uploads = gated.uploads().await;
    gated.gate.refuse_first(usize::MAX, 403, "AccessDenied", |passed| passed.is_part());
    assert!(uploads.upload("large", content(17 * MIB)).await.is_err());
    let removed = async {
        while !gated.gate.passed().iter().any(|passed| passed.method == "DELETE") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), removed).await.expect("the parts are given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_end_got_lost_is_sent_once_more() {
    let Some(store) = Store::s3().await else { return };
    let gated = Gated::start(store).await;
    let uploads = gated.uploads().await;
    let is_end = |passed: &super::gate::Passed| {
        passed.method == "POST" && passed.uri.query().is_some_and(|query| query.contains("uploadId="))
    };
    gated.gate.refuse_first(1, 404, "NoSuchUpload", is_end);
    uploads.upload("large", content(9 * MIB)).await.unwrap();
    gated.holds("large", 9 * MIB).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_signed_for_its_region_and_carries_the_metadata_once() {
    let Some(store) = Store::s3().await else { return };
    let gated = Gated::start(store).await;
    let uploads = gated.uploads().await;
    uploads.upload("small", content(100)).await.unwrap();
    uploads.upload("large", content(9 * MIB)).await.unwrap();
    let passed = gated.gate.passed();
    for request in &passed {
        let text = |name: &str| request.headers.get(name).map_or("", |value| value.to_str().unwrap());
        assert!(text("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AK/"));
        assert!(text("authorization").contains("/us-west-2/s3/aws4_request"));
        assert_eq!((text("x-amz-content-sha256"), text("x-amz-security-token")), ("UNSIGNED-PAYLOAD", "TK"));
        let begins = request.uri.query().is_none() || request.uri.query() == Some("uploads=");
        assert_eq!(text("x-amz-meta-sfc-digest").is_empty(), !begins, "{}", request.uri);
        assert_eq!(text("x-amz-meta-x-amz-key").is_empty(), !begins);
        assert_eq!(text("x-amz-meta-x-amz-iv").is_empty(), !begins);
        if begins {
            let expected = r#"{"queryId":"01b2-3","smkId":"92019681909886","keySize":"128"}"#;
            assert_eq!(text("x-amz-meta-x-amz-matdesc"), expected);
            assert_eq!(text("content-type"), "application/octet-stream");
        }
    }
    assert_eq!(passed[0].uri.path(), "/stage-bucket-1/u7x/stages/abc/run%2042/small");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_an_error() {
    let Some(store) = Store::s3().await else { return };
    let gated = Gated::start(store).await;
    let uploads = gated.uploads().await;
    uploads.upload("f", content(100)).await.unwrap();
    gated.service.change(|offer| offer.files = vec!["f".to_owned(), "gone".to_owned()]);
    let folder = StageLocation::user("run 42/").unwrap();
    let downloads = gated.session.begin_downloads(&folder, None).await.unwrap();
    assert_eq!(downloads.download("gone").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(downloads.download("never").await.unwrap_err().kind(), ErrorKind::NotFound);
    gated.service.change(|offer| offer.key_bytes = Some(32));
    let downloads = gated.session.begin_downloads(&folder, None).await.unwrap();
    assert_eq!(downloads.download("f").await.unwrap_err().kind(), ErrorKind::Protocol);
    gated.service.change(|offer| offer.key_bytes = None);
    let downloads = gated.session.begin_downloads(&folder, None).await.unwrap();
    let error = downloads.download("f").await.unwrap_err();
    assert!(error.message().contains("no master key"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_stage_is_refused_before_anything_is_sent_there() {
    let store = Store::gcs_with_token().await;
    let service = StageService::start(store.offer.clone()).await;
    let session = service.session().await;
    let folder = StageLocation::user("run/").unwrap();
    let begin = || session.begin_uploads(&folder, UploadOptions::default());
    service.change(|offer| offer.stage["endPoint"] = json!("https://evil.example"));
    assert_eq!(begin().await.unwrap_err().kind(), ErrorKind::Protocol);
    service.change(|offer| offer.stage["locationType"] = json!("LOCAL_FS"));
    assert_eq!(begin().await.unwrap_err().kind(), ErrorKind::Config);
    service.change(|offer| *offer = store.offer.clone());
    service.change(|offer| offer.keys = json!(null));
    assert_eq!(begin().await.unwrap_err().kind(), ErrorKind::Protocol);
    let file = StageLocation::user("run").unwrap();
    let error = session.begin_uploads(&file, UploadOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Statement);
    service.change(|offer| *offer = store.offer.clone());
    let uploads = begin().await.unwrap();
    for name in ["", ".", "..", "a/b", "a\nb"] {
        assert_eq!(uploads.upload(name, content(1)).await.unwrap_err().kind(), ErrorKind::Statement);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_does_not_exist_is_not_found() {
    let server = crate::server::Server::start().await;
    let session = server.session().await;
    server.then_json(
        QUERY,
        failure("002003", "SQL compilation error:\nStage 'DB.S.NOPE' does not exist or not authorized."),
    );
    let location = StageLocation::named(&"db.s.nope".parse().unwrap(), "").unwrap();
    let error = session.begin_uploads(&location, UploadOptions::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some("002003")));
}
