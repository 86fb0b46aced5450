//! A scripted Snowflake that answers `PUT` and `GET` with a place in some object store.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use snowflake::Session;

use crate::server::{Answer, Asked, QUERY, Server, success};

/// The folder of every transfer, inside the bucket.
pub(super) const PREFIX: &str = "u7x/stages/abc/run 42/";
/// Python asks for its own endpoint; every other client gets the one on this machine.
const PYTHON: &str = "PythonConnector";

/// What the service says about a stage; tests change it while clients use it.
#[derive(Clone)]
pub(super) struct Offer {
    /// `stageInfo` without the location and the keys.
    pub(super) stage: Value,
    pub(super) bucket: String,
    pub(super) keys: Value,
    /// Of the master key; `None` where the cloud encrypts by itself.
    pub(super) key_bytes: Option<usize>,
    pub(super) threshold: u64,
    /// What a `GET` finds.
    pub(super) files: Vec<String>,
    /// Makes the signed link to a file, for a store without keys.
    pub(super) link: Option<fn(&str) -> String>,
    /// The address that links lead to.
    pub(super) origin: String,
}

/// The service, and what it offers at the moment.
pub(super) struct StageService {
    pub(super) server: Server,
    offer: Arc<Mutex<Offer>>,
}

impl StageService {
    pub(super) async fn start(offer: Offer) -> Self {
        let server = Server::start().await;
        let offer = Arc::new(Mutex::new(offer));
        let answers = Arc::clone(&offer);
        server.rule(move |asked| answer(asked, &answers.lock().unwrap()));
        Self { server, offer }
    }

    pub(super) async fn session(&self) -> Session {
        self.server.session().await
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Offer)) {
        change(&mut self.offer.lock().unwrap());
    }

    /// The texts of the transfers so far.
    pub(super) fn transfers(&self) -> Vec<Asked> {
        let asked = self.server.asked(QUERY);
        asked
            .into_iter()
            .filter(|asked| sql(asked).starts_with("PUT") || sql(asked).starts_with("GET"))
            .collect()
    }
}

pub(super) fn sql(asked: &Asked) -> &str {
    asked.body["sqlText"].as_str().unwrap_or_default()
}

/// The same master key in every reply, whatever its length.
pub(super) fn master_key(key_bytes: usize) -> String {
    let key: Vec<u8> = (0..key_bytes).map(|byte| u8::try_from(byte * 5 + 1).unwrap()).collect();
    BASE64_STANDARD.encode(key)
}

fn answer(asked: &Asked, offer: &Offer) -> Option<Answer> {
    let is_put = sql(asked).starts_with("PUT");
    if asked.path != QUERY || !(is_put || sql(asked).starts_with("GET")) {
        return None;
    }
    let material = offer.key_bytes.map(|key_bytes| {
        json!({ "queryStageMasterKey": master_key(key_bytes), "queryId": "01b2-3", "smkId": 92_019_681_909_886_i64 })
    });
    let mut stage = offer.stage.clone();
    stage["location"] = json!(format!("{}/{PREFIX}", offer.bucket));
    stage["creds"] = offer.keys.clone();
    stage["isClientSideEncrypted"] = json!(offer.key_bytes.is_some());
    if asked.headers.get("user-agent").is_some_and(|value| value.to_str().unwrap().starts_with(PYTHON)) {
        stage["endPoint"] =
            if stage["locationType"] == "AZURE" { json!("core.windows.net") } else { Value::Null };
    }
    let mut data = json!({
        "operation": "Node", "queryId": "01b2-3", "parallel": 3, "threshold": offer.threshold,
        "stageInfo": stage, "uploadInfo": {}, "stageWarnings": [],
        "clientShowEncryptionParameter": true, "overwrite": true,
        "autoCompress": false, "sourceCompression": "none",
    });
    let link = |name: &str| {
        offer.link.map(|link| link(&format!("{}/{}/{PREFIX}{name}", offer.origin, offer.bucket)))
    };
    if is_put {
        let file = local_file(sql(asked));
        data["command"] = json!("UPLOAD");
        data["encryptionMaterial"] = json!(material);
        data["stageInfo"]["presignedUrl"] = json!(link(file.rsplit('/').next().unwrap()));
        data["src_locations"] = json!([file]);
    } else {
        data["command"] = json!("DOWNLOAD");
        data["encryptionMaterial"] = json!(vec![material; offer.files.len()]);
        data["presignedUrls"] = json!(offer.files.iter().filter_map(|file| link(file)).collect::<Vec<_>>());
        data["src_locations"] = json!(offer.files);
        data["localLocation"] = json!(local_file(sql(asked)));
    }
    Some(Answer::Json(success(data)))
}

/// The path after `file://`, up to the quote or the blank that ends it.
fn local_file(sql: &str) -> String {
    let (before, rest) = sql.split_once("file://").unwrap();
    let end = if before.ends_with('\'') { '\'' } else { ' ' };
    rest.split(end).next().unwrap().to_owned()
}
