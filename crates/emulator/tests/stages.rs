//! PUT, GET, LIST and REMOVE with their object store, as a client sees them.

use std::time::Duration;

use emulator::{Action, EmulatorConfig, FaultRule, KeySize, Route, RunningEmulator, StageSettings};
use object_store::{
    Attribute, Attributes, MultipartUpload, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutPayload,
};
use serde_json::{Value, json};

use crate::client::{Client, config, start, start_with, uuid};
use crate::staged::{Place, Sealed, opened, sealed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A part that S3 takes as one of several.
const PART_BYTES: usize = 5 * 1024 * 1024;

async fn client(emulator: &RunningEmulator) -> Client {
    Client::logged_in_as(emulator, "Snowferry", json!({})).await
}

async fn with_stages() -> (RunningEmulator, Client) {
    let emulator = start().await;
    let client = client(&emulator).await;
    for text in
        ["CREATE DATABASE D", "CREATE STAGE S", "CREATE STAGE P ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')"]
    {
        client.query(text).await.succeeded();
    }
    (emulator, client)
}

async fn data(client: &Client, text: &str) -> Value {
    client.query(text).await.succeeded().data().clone()
}

fn plain(body: &[u8]) -> Sealed {
    Sealed { attributes: Attributes::new(), body: body.to_vec() }
}

async fn rows(client: &Client, text: &str) -> Vec<Value> {
    data(client, text).await["rowset"].as_array().unwrap().clone()
}

fn message(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(" {cause}"));
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn the_reply_to_put_tells_everything_that_a_client_needs() {
    let (emulator, client) = with_stages().await;
    let text = "PUT 'file:///data/it\\'s a part.csv' '@D.PUBLIC.S/run 1' OVERWRITE=TRUE PARALLEL=8 AUTO_COMPRESS=FALSE";
    let reply = data(&client, text).await;
    assert_eq!(reply["command"], "UPLOAD");
    assert_eq!(reply["src_locations"], json!(["/data/it's a part.csv"]));
    assert_eq!((&reply["overwrite"], &reply["autoCompress"]), (&json!(true), &json!(false)));
    assert_eq!((&reply["parallel"], &reply["sourceCompression"]), (&json!(8), &json!("auto_detect")));
    let stage = &reply["stageInfo"];
    assert_eq!((&stage["locationType"], &stage["isClientSideEncrypted"]), (&json!("S3"), &json!(true)));
    assert_eq!(stage["endPoint"], emulator.url());
    assert!(stage["location"].as_str().unwrap().ends_with("/run 1/"));
    assert_eq!(reply["encryptionMaterial"]["queryId"], reply["queryId"]);
    let smk_id = reply["encryptionMaterial"]["smkId"].as_u64().unwrap();
    assert!(smk_id > 1 << 53, "so that a client that reads it as a double is found out");
    let mut reading = crate::client::password("snowferry", "snowferry");
    reading["CLIENT_CAPABILITIES"] = json!({ "SMK_ID_AS_STRING": true });
    reading["CLIENT_APP_ID"] = json!("Snowferry");
    let mut texts = Client::new(&emulator);
    texts.adopt(&texts.log_in(reading).await.succeeded());
    let reply = data(&texts, text).await;
    assert_eq!(
        reply["encryptionMaterial"]["smkId"],
        smk_id.to_string(),
        "for a driver that says it reads texts"
    );
    let reply = data(&client, "put file:///data/part*.csv @d.public.p").await;
    assert!(reply["encryptionMaterial"].is_null());
    assert_eq!(reply["stageInfo"]["isClientSideEncrypted"], false);
}

#[tokio::test]
async fn an_encrypted_file_is_listed_fetched_and_removed() {
    for key_size in [KeySize::Bits128, KeySize::Bits256] {
        let stages = StageSettings { key_size, ..StageSettings::default() };
        let emulator = start_with(EmulatorConfig { stages, ..config() }).await;
        let client = client(&emulator).await;
        let put = data(&client, "PUT file:///a @~/run/").await;
        let place = Place::of(&put);
        let stored = place.put("a.csv", sealed(&put["encryptionMaterial"], b"1,one")).await.unwrap();
        place.put("b.csv", sealed(&put["encryptionMaterial"], b"")).await.unwrap();
        let listed = rows(&client, "LIST @~").await;
        assert_eq!((&listed[0][0], &listed[0][1]), (&json!("run/a.csv"), &json!("16")));
        assert_eq!(format!("\"{}\"", listed[0][2].as_str().unwrap()), stored.e_tag.unwrap());
        assert!(listed[0][3].as_str().unwrap().ends_with(" GMT"));

        let get = data(&client, "GET @~/run/a file:///tmp/").await;
        assert_eq!((&get["src_locations"], &get["localLocation"]), (&json!(["a.csv"]), &json!("/tmp/")));
        let place = Place::of(&get);
        let fetched = place.store.get(&place.path("a.csv")).await.unwrap();
        let attributes = fetched.attributes.clone();
        let body = fetched.bytes().await.unwrap().to_vec();
        assert_eq!(opened(&get["encryptionMaterial"][0], &attributes, body), b"1,one");

        assert_eq!(rows(&client, "RM @~/run PATTERN='.*a[.]csv'").await, [json!(["run/a.csv", "removed"])]);
        assert_eq!(rows(&client, "LS @~/run/").await.len(), 1);
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_stage_encrypted_by_the_service_takes_plain_files_and_checks_their_digest() {
    let (_emulator, client) = with_stages().await;
    let put = data(&client, "PUT file:///a @D.PUBLIC.P/x").await;
    let place = Place::of(&put);
    place.put("a", plain(b"rows")).await.unwrap();
    assert_eq!(rows(&client, "LIST @D.PUBLIC.P").await[0][0], "p/x/a");
    let get = data(&client, "GET @D.PUBLIC.P file:///tmp/").await;
    assert!(get["encryptionMaterial"].is_null());
    let mut wrong = plain(b"rows");
    wrong.set("sfc-digest", "AAAA".to_owned());
    assert!(message(&place.put("b", wrong).await.unwrap_err()).contains("SHA-256"));
    let own = data(&client, "PUT file:///a @~").await;
    let encrypted = sealed(&own["encryptionMaterial"], b"rows");
    assert!(message(&place.put("b", encrypted).await.unwrap_err()).contains("no client-side encryption"));
}

#[tokio::test]
async fn a_file_that_snowflake_could_not_read_is_refused_at_the_upload() {
    let (_emulator, client) = with_stages().await;
    let put = data(&client, "PUT file:///a @D.PUBLIC.S").await;
    let place = Place::of(&put);
    let good = sealed(&put["encryptionMaterial"], b"rows");
    let mut wrong_digest = good.clone();
    wrong_digest.set("sfc-digest", "AAAA".to_owned());
    let mut no_digest = good.clone();
    no_digest.attributes.remove(&Attribute::Metadata("sfc-digest".into()));
    let mut wrong_key = good.clone();
    wrong_key.set("x-amz-key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned());
    let mut rounded = good.clone();
    let smk_id = put["encryptionMaterial"]["smkId"].as_u64().unwrap();
    let query_id = put["queryId"].as_str().unwrap();
    rounded.set(
        "x-amz-matdesc",
        format!(r#"{{"queryId":"{query_id}","smkId":"{}","keySize":"128"}}"#, smk_id - 1),
    );
    let own = data(&client, "PUT file:///a @~").await;
    let other_key = sealed(&own["encryptionMaterial"], b"rows");
    for (file, reason) in [
        (plain(b"rows"), "no x-amz-key"),
        (wrong_digest, "SHA-256"),
        (no_digest, "lack sfc-digest"),
        (wrong_key, "unwrap"),
        (rounded, "smkId"),
        (other_key, "smkId"),
        (Sealed { body: b"not encrypted".to_vec(), ..good.clone() }, "does not decrypt"),
    ] {
        let error = message(&place.put("a", file).await.unwrap_err());
        assert!(error.contains("Snowflake could not read this file") && error.contains(reason), "{error}");
    }
    assert!(rows(&client, "LIST @D.PUBLIC.S").await.is_empty(), "nothing is kept");
    place.put("a", good).await.unwrap();
}

#[tokio::test]
async fn a_file_in_parts_is_whole_after_its_completion_only() {
    let (emulator, client) = with_stages().await;
    let put = data(&client, "PUT file:///a @D.PUBLIC.S").await;
    let place = Place::of(&put);
    let content: Vec<u8> = (0..2 * PART_BYTES + 1000).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let file = sealed(&put["encryptionMaterial"], &content);
    let options = PutMultipartOptions { attributes: file.attributes, ..PutMultipartOptions::default() };
    let mut upload = place.store.put_multipart_opts(&place.path("big"), options).await.unwrap();
    for part in file.body.chunks(PART_BYTES) {
        upload.put_part(PutPayload::from(part.to_vec())).await.unwrap();
    }
    assert!(rows(&client, "LIST @D.PUBLIC.S").await.is_empty(), "not complete");
    let done = upload.complete().await.unwrap();
    assert!(done.e_tag.unwrap().ends_with("-3\""));
    let get = data(&client, "GET @D.PUBLIC.S file:///tmp/").await;
    let place = Place::of(&get);
    let fetched = place.store.get(&place.path("big")).await.unwrap();
    let attributes = fetched.attributes.clone();
    let body = fetched.bytes().await.unwrap().to_vec();
    assert!(opened(&get["encryptionMaterial"][0], &attributes, body) == content);
    assert_eq!(emulator.open_multipart_count(), 0);
}

#[tokio::test]
async fn parts_that_are_given_up_or_too_small_leave_nothing() {
    let (emulator, client) = with_stages().await;
    let put = data(&client, "PUT file:///a @D.PUBLIC.P").await;
    let place = Place::of(&put);
    let mut upload = place.store.put_multipart(&place.path("a")).await.unwrap();
    upload.put_part(PutPayload::from_static(b"small")).await.unwrap();
    upload.put_part(PutPayload::from_static(b"small")).await.unwrap();
    assert_eq!(emulator.open_multipart_count(), 1);
    assert!(message(&upload.complete().await.unwrap_err()).contains("EntityTooSmall"));
    upload.abort().await.unwrap();
    assert_eq!(emulator.open_multipart_count(), 0);
    assert!(rows(&client, "LIST @D.PUBLIC.P").await.is_empty());
}

#[tokio::test]
async fn ranges_heads_lists_and_deletions_are_those_of_s3() {
    let (_emulator, client) = with_stages().await;
    let place = Place::of(&data(&client, "PUT file:///a @D.PUBLIC.P").await);
    for name in ["a", "x/b", "x/c"] {
        place.put(name, plain(b"0123456789")).await.unwrap();
    }
    let (store, path) = (&place.store, place.path("a"));
    assert_eq!(&store.get_range(&path, 2..5).await.unwrap()[..], b"234");
    assert_eq!(store.head(&path).await.unwrap().size, 10);
    assert!(matches!(store.head(&place.path("none")).await, Err(object_store::Error::NotFound { .. })));
    let root = place.path("").to_string();
    let listed = store.list_with_delimiter(Some(&root.into())).await.unwrap();
    assert_eq!((listed.objects.len(), listed.common_prefixes.len()), (1, 1));
    let create = object_store::PutOptions::from(object_store::PutMode::Create);
    let taken = store.put_opts(&path, PutPayload::from_static(b"x"), create).await;
    assert!(matches!(taken, Err(object_store::Error::AlreadyExists { .. })));
}

#[tokio::test]
async fn expired_credentials_are_refused_until_the_same_text_brings_new_ones() {
    let (emulator, client) = with_stages().await;
    let text = "PUT file:///a @D.PUBLIC.S";
    let first = data(&client, text).await;
    emulator.clock().advance(Duration::from_secs(3601));
    let file = sealed(&first["encryptionMaterial"], b"rows");
    let error = message(&Place::of(&first).put("a", file.clone()).await.unwrap_err());
    assert!(error.contains("400") && error.contains("ExpiredToken"), "{error}");
    let client = crate::stages::client(&emulator).await;
    let second = data(&client, "PUT file:///a @D.PUBLIC.S").await;
    assert_ne!(first["stageInfo"]["creds"], second["stageInfo"]["creds"]);
    Place::of(&second)
        .put("a", file)
        .await
        .expect("the first reply's key goes with the second one's credentials");
}

#[tokio::test]
async fn credentials_open_what_their_statement_asked_for_and_nothing_else() {
    let (_emulator, client) = with_stages().await;
    let put = data(&client, "PUT file:///a @D.PUBLIC.P/run").await;
    let forged = Place::with_secret(&put, "not the secret").put("a", plain(b"rows")).await.unwrap_err();
    assert!(message(&forged).contains("SignatureDoesNotMatch"), "{forged}");
    let mut place = Place::of(&put);
    place.put("a", plain(b"rows")).await.unwrap();
    let own = place.prefix.clone();
    for prefix in [own.replace("run/", ""), own.replace("run/", "run2/"), "user-SNOWFERRY/".to_owned()] {
        place.prefix = prefix;
        let error = place.put("a", plain(b"rows")).await.unwrap_err();
        assert!(message(&error).contains("AccessDenied"), "{error}");
    }
    let place = Place::of(&data(&client, "GET @D.PUBLIC.P/run/ file:///tmp/").await);
    place.store.get(&place.path("a")).await.unwrap();
    let error = place.put("a", plain(b"rows")).await.unwrap_err();
    assert!(message(&error).contains("AccessDenied"), "what may be read may not be written: {error}");
}

#[tokio::test]
async fn an_unsigned_request_and_one_with_a_strange_key_are_refused() {
    let (_emulator, client) = with_stages().await;
    let path = "/sfc-emulator/user-SNOWFERRY/a";
    let unsigned = client.bare(reqwest::Method::PUT, path).body("x").send().await.unwrap();
    assert_eq!(unsigned.status(), 403);
    assert!(unsigned.text().await.unwrap().contains("<Code>AccessDenied</Code>"));
    let credential = "AWS4-HMAC-SHA256 Credential=ASIA0/20260101/us-west-2/s3/aws4_request, \
                      SignedHeaders=host, Signature=00";
    let request = client.bare(reqwest::Method::GET, path).header("authorization", credential);
    let strange = request.send().await.unwrap().text().await.unwrap();
    assert!(strange.contains("<Code>InvalidAccessKeyId</Code>"), "{strange}");
}

#[tokio::test]
async fn every_step_of_a_transfer_can_go_wrong_on_demand() {
    let (emulator, client) = with_stages().await;
    let put = data(&client, "PUT file:///a @D.PUBLIC.P/steps").await;
    let place = Place::of(&put);
    let script = |route, action| {
        emulator.faults().add(FaultRule::on(route, action).statement("put file:///a @d.public.p/steps"));
    };
    script(Route::StageUpload, Action::Status { status: 503, retry_after_s: None });
    assert!(message(&place.put("a", plain(b"1")).await.unwrap_err()).contains("503"));
    script(Route::StageUpload, Action::DropBefore);
    place.put("a", plain(b"1")).await.unwrap_err();
    assert!(
        rows(&client, "LIST @D.PUBLIC.P").await.is_empty(),
        "refused and dropped before: nothing is there"
    );
    script(Route::StageUpload, Action::DropAfter);
    place.put("a", plain(b"1")).await.unwrap_err();
    assert_eq!(rows(&client, "LIST @D.PUBLIC.P").await.len(), 1, "dropped after: it is there");
    let mut upload = place.store.put_multipart(&place.path("b")).await.unwrap();
    script(Route::StagePart, Action::Status { status: 500, retry_after_s: None });
    upload.put_part(PutPayload::from_static(b"x")).await.unwrap_err();
    upload.put_part(PutPayload::from_static(b"x")).await.unwrap();
    script(Route::StageDownload, Action::Truncate { bytes: 0 });
    assert!(place.store.get(&place.path("a")).await.unwrap().bytes().await.unwrap().is_empty());
    script(Route::StageHead, Action::ExpireCredentials);
    place.store.head(&place.path("a")).await.unwrap_err();
    let error = message(&place.put("a", plain(b"1")).await.unwrap_err());
    assert!(error.contains("ExpiredToken"), "they stay expired: {error}");
    assert_eq!(emulator.faults().pending(), 0);
    let logged = emulator.requests();
    let upload = logged.iter().find(|request| request.route == Route::StageUpload).unwrap();
    assert_eq!(upload.statement.as_deref(), Some("PUT file:///a @D.PUBLIC.P/steps"));
    assert_eq!((upload.faults.as_slice(), upload.status), (&["status".to_owned()][..], Some(503)));
    assert_eq!(upload.headers["x-amz-security-token"], "", "the log has no tokens");
}

#[tokio::test]
async fn a_user_stage_is_the_users_own_and_a_temporary_one_ends_with_its_session() {
    let (emulator, client) = with_stages().await;
    for text in ["CREATE USER OTHER PASSWORD = 'other'", "CREATE TEMPORARY STAGE D.PUBLIC.T"] {
        client.query(text).await.succeeded();
    }
    for text in ["PUT file:///a @~", "PUT file:///a @D.PUBLIC.T"] {
        let put = data(&client, text).await;
        Place::of(&put).put("a", sealed(&put["encryptionMaterial"], b"rows")).await.unwrap();
    }
    assert_eq!(rows(&client, "LIST @D.PUBLIC.T").await.len(), 1);
    let mut other = Client::new(&emulator);
    let mut login = crate::client::password("other", "other");
    login["CLIENT_APP_ID"] = json!("Snowferry");
    other.adopt(&other.log_in(login).await.succeeded());
    assert!(rows(&other, "LIST @~").await.is_empty());
    assert_eq!(other.query("LIST @D.PUBLIC.T").await.code(), "002003");
    client.post("/session?delete=true", json!({})).await.succeeded();
    let again = crate::stages::client(&emulator).await;
    assert_eq!(rows(&again, "LIST @~").await.len(), 1);
    again.query("CREATE TEMPORARY STAGE D.PUBLIC.T").await.succeeded();
    assert!(rows(&again, "LIST @D.PUBLIC.T").await.is_empty());
}

#[tokio::test]
async fn a_client_that_copies_files_gets_a_folder_and_what_others_encrypted_decrypted() {
    let (emulator, client) = with_stages().await;
    let copying = Client::logged_in_as(&emulator, "JavaScript", json!({})).await;
    let put = data(&copying, "PUT file:///a @D.PUBLIC.S/run/").await;
    assert_eq!(put["stageInfo"]["locationType"], "LOCAL_FS");
    assert!(put["encryptionMaterial"].is_null());
    let folder = std::path::PathBuf::from(put["stageInfo"]["location"].as_str().unwrap());
    std::fs::write(folder.join("copied"), b"rows").unwrap();
    assert_eq!(rows(&client, "LIST @D.PUBLIC.S").await[0][0], "s/run/copied");
    let put = data(&client, "PUT file:///a @D.PUBLIC.S/run/").await;
    Place::of(&put).put("uploaded", sealed(&put["encryptionMaterial"], b"more rows")).await.unwrap();
    let get = data(&copying, "GET @D.PUBLIC.S/run/ file:///tmp/").await;
    assert_eq!(get["src_locations"], json!(["copied", "uploaded"]));
    let folder = std::path::PathBuf::from(get["stageInfo"]["location"].as_str().unwrap());
    assert_eq!(std::fs::read(folder.join("uploaded")).unwrap(), b"more rows");
    assert_eq!(std::fs::read(folder.join("copied")).unwrap(), b"rows");
    let asked = Client::logged_in_as(&emulator, "Go", json!({ "EMULATOR_STAGE_ACCESS": "S3" })).await;
    assert_eq!(data(&asked, "PUT file:///a @~").await["stageInfo"]["locationType"], "S3");
}

#[tokio::test]
async fn a_client_that_takes_links_writes_and_reads_what_they_name_and_nothing_else() {
    let (emulator, client) = with_stages().await;
    let linked = Client::logged_in_as(&emulator, "Go", json!({})).await;
    let http = reqwest::Client::new();
    let text = "PUT 'file://a b.csv' @D.PUBLIC.P/run/";
    let put = data(&linked, text).await;
    let stage = &put["stageInfo"];
    assert_eq!((&stage["locationType"], &stage["creds"]), (&json!("GCS"), &json!({})));
    let up = stage["presignedUrl"].as_str().unwrap().to_owned();
    let digest = |body: &[u8]| STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body));
    let upload = |link: &str, body: &'static [u8], sum: String| {
        http.put(link).header("x-goog-meta-sfc-digest", sum).body(body).send()
    };
    assert_eq!(upload(&up, b"rows", digest(b"others")).await.unwrap().status(), 400, "another file's digest");
    assert_eq!(upload(&up.replace("b.csv", "c.csv"), b"rows", digest(b"rows")).await.unwrap().status(), 403);
    assert_eq!(http.get(&up).send().await.unwrap().status(), 403, "a link to write does not read");
    assert_eq!(upload(&up, b"rows", digest(b"rows")).await.unwrap().status(), 200);
    assert_eq!(rows(&client, "LIST @D.PUBLIC.P").await[0][0], "p/run/a b.csv");

    let encrypted = data(&client, "PUT file:///a @D.PUBLIC.S/run/").await;
    Place::of(&encrypted)
        .put("sealed", sealed(&encrypted["encryptionMaterial"], b"more rows"))
        .await
        .unwrap();
    let get = data(&linked, "GET @D.PUBLIC.S/run/ file:///tmp/").await;
    let [down] = get["presignedUrls"].as_array().unwrap().as_slice() else { panic!("one link: {get}") };
    let down = down.as_str().unwrap();
    assert_eq!(upload(down, b"rows", digest(b"rows")).await.unwrap().status(), 403, "nor one to read write");
    let reply = http.get(down).send().await.unwrap();
    let header = |name: &str| reply.headers()[name].to_str().unwrap().to_owned();
    let bundle: Value = serde_json::from_str(&header("x-goog-meta-encryptiondata")).unwrap();
    let own: Value = serde_json::from_str(&header("x-goog-meta-matdesc")).unwrap();
    assert_eq!(own["queryId"], get["encryptionMaterial"][0]["queryId"]);
    let mut found = Sealed { attributes: Attributes::new(), body: Vec::new() };
    for (name, value) in [
        ("x-amz-key", &bundle["WrappedContentKey"]["EncryptedKey"]),
        ("x-amz-iv", &bundle["ContentEncryptionIV"]),
        ("sfc-digest", &json!(header("x-goog-meta-sfc-digest"))),
    ] {
        found.set(name, value.as_str().unwrap().to_owned());
    }
    let body = reply.bytes().await.unwrap().to_vec();
    assert_eq!(opened(&get["encryptionMaterial"][0], &found.attributes, body), b"more rows");
}

#[tokio::test]
async fn an_expired_link_is_a_bad_request_and_the_same_text_brings_another() {
    let (emulator, _) = with_stages().await;
    let linked = Client::logged_in_as(&emulator, "Go", json!({})).await;
    let text = "PUT 'file://a.csv' @D.PUBLIC.P";
    let link = |reply: &Value| reply["stageInfo"]["presignedUrl"].as_str().unwrap().to_owned();
    let up = link(&data(&linked, text).await);
    emulator.faults().add(FaultRule::on(Route::StageUpload, Action::ExpireCredentials));
    let http = reqwest::Client::new();
    assert_eq!(http.put(&up).body("rows").send().await.unwrap().status(), 400);
    assert_eq!(http.put(&up).body("rows").send().await.unwrap().status(), 400);
    let up = link(&data(&linked, text).await);
    assert_eq!(http.put(&up).body("rows").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn put_and_get_are_refused_where_they_make_no_sense() {
    let (_emulator, client) = with_stages().await;
    for (text, code) in [
        ("PUT /data/a @~", "001003"),
        ("PUT file:///a @~ SOURCE_COMPRESSION=RAR", "001008"),
        ("PUT file:///a @~ PARALLEL=0", "001008"),
        ("PUT file:///a @~ COMPRESS=1", "000002"),
        ("PUT file:///a @D.PUBLIC.NONE", "002003"),
        ("GET @~ /tmp/", "001003"),
        ("GET @~ file:///tmp/ PATTERN='('", "100048"),
        ("PUT file:///a", "001003"),
    ] {
        assert_eq!(client.query(text).await.code(), code, "{text}");
    }
    let body = json!({ "sqlText": "PUT file:///a @~", "asyncExec": true });
    let reply = client.submit(&uuid(), body).await.succeeded();
    let path = format!("/queries/{}/result", reply.data()["queryId"].as_str().unwrap());
    assert_eq!(client.get(&path).await.code(), "000002");
}
