//! Stages of the emulator, end to end: its own store checks the signature, unwraps the key and compares the digest.

use bytes::Bytes;
use emulator::{Emulator, EmulatorConfig, KeySize, RunningEmulator, StageSettings, User};
use snowflake::{
    ConnectionConfig, Credentials, Endpoint, ErrorKind, ObjectName, Session, StageLocation, UploadOptions,
};

use super::content;

const SIZES: [usize; 6] = [0, 15, 16, 65_536, 65_537, 9 * 1024 * 1024];

async fn start(key_size: KeySize) -> (RunningEmulator, Session) {
    let config = EmulatorConfig {
        users: vec![User::new("SYNC").with_password("p4ssw0rd")],
        stages: StageSettings { key_size, ..StageSettings::default() },
        ..EmulatorConfig::default()
    };
    let emulator = Emulator::start(config).await.unwrap();
    let endpoint = Endpoint::parse(emulator.url()).unwrap();
    let config =
        ConnectionConfig::new("myorg-acct".parse().unwrap(), "SYNC", Credentials::password("p4ssw0rd"))
            .endpoint(endpoint)
            .allow_http_loopback(true);
    let session = Session::connect(config).await.unwrap();
    (emulator, session)
}

fn name(size: usize) -> String {
    format!("part {size}.parquet")
}

/// Puts, lists, gets and removes files in a folder.
async fn round(session: &Session, folder: &StageLocation, is_encrypted: bool) {
    let mut options = UploadOptions::default();
    options.single_request_bytes_max = 5 * 1024 * 1024;
    let uploads = session.begin_uploads(folder, options).await.unwrap();
    let mut stored = Vec::new();
    for size in SIZES {
        let uploaded = uploads.upload(&name(size), content(size)).await.unwrap();
        assert_eq!(uploaded.stored_size > uploaded.size, is_encrypted);
        stored.push(uploaded.stored_size);
    }
    stored.sort_unstable();
    let mut listed: Vec<u64> =
        session.list_stage(folder).await.unwrap().iter().map(|file| file.size).collect();
    listed.sort_unstable();
    assert_eq!(listed, stored, "LIST shows the bytes as stored");
    let downloads = session.begin_downloads(folder, None).await.unwrap();
    assert_eq!(downloads.names().count(), SIZES.len());
    for size in SIZES {
        let file = downloads.download(&name(size)).await.unwrap();
        assert!(file.content == content(size), "{size} bytes in {folder}");
    }
    let only = folder.join(&name(16)).unwrap();
    assert!(session.begin_downloads(&only, None).await.unwrap().names().eq([name(16)]));
    let removed = session.remove_from_stage(folder, Some(r".*part 1[56]\.parquet")).await.unwrap();
    assert_eq!(removed.len(), 2);
    session.remove_from_stage(folder, None).await.unwrap();
    assert!(session.list_stage(folder).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_stage_takes_files_and_gives_them_back() {
    for key_size in [KeySize::Bits128, KeySize::Bits256] {
        let (emulator, session) = start(key_size).await;
        for text in [
            "CREATE DATABASE d",
            "CREATE STAGE d.public.\"it's\"",
            "CREATE STAGE d.public.plain ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')",
            "CREATE TABLE d.public.t (v INTEGER)",
        ] {
            session.query(text).await.unwrap();
        }
        let quoted: ObjectName = r#"d.public."it's""#.parse().unwrap();
        round(&session, &StageLocation::user("run 42/").unwrap(), true).await;
        round(&session, &StageLocation::named(&quoted, "it's/").unwrap(), true).await;
        round(&session, &StageLocation::table(&"d.public.t".parse().unwrap(), "x/").unwrap(), true).await;
        round(&session, &StageLocation::named(&"d.public.plain".parse().unwrap(), "").unwrap(), false).await;
        let nowhere = StageLocation::named(&"d.public.nowhere".parse().unwrap(), "").unwrap();
        let error = session.begin_uploads(&nowhere, UploadOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        session.close().await.unwrap();
        emulator.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_at_once_arrive_whole() {
    let (emulator, session) = start(KeySize::Bits128).await;
    let folder = StageLocation::user("many/").unwrap();
    let uploads = session.begin_uploads(&folder, UploadOptions::default()).await.unwrap();
    let sends: Vec<_> = (0..40)
        .map(|number| {
            let uploads = uploads.clone();
            let bytes: Bytes = content(100_000 + number);
            tokio::spawn(async move { uploads.upload(&format!("{number}"), bytes).await.unwrap() })
        })
        .collect();
    for send in sends {
        send.await.unwrap();
    }
    let downloads = session.begin_downloads(&folder, None).await.unwrap();
    for number in 0..40 {
        let file = downloads.download(&number.to_string()).await.unwrap();
        assert!(file.content == content(100_000 + number));
    }
    emulator.shutdown().await;
}
