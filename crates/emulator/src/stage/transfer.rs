//! A PUT or GET that was allowed: what the client may do, and the reply that tells it.

use std::path::PathBuf;

use axum::http::Method;
use serde_json::{Value, json};

use super::credentials::{Credentials, Scope};
use super::{EncryptionMaterial, StageError, StageFile, StageId};
use crate::account::Account;
use crate::s3::{BUCKET, REGION, link};

/// Files at least this large are uploaded in parts.
const THRESHOLD_BYTES: u64 = 200 * 1024 * 1024;

/// How a client reaches the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageAccess {
    /// Over the emulator's own S3 endpoint.
    S3,
    /// By links into the same store, one for each file, in the manner of Google's.
    Links,
    /// By copying files into and out of a folder of this machine: what official drivers keep for their own tests.
    LocalFolder,
}

/// What a session's driver makes of the replies to PUT and GET.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StageDialect {
    pub access: StageAccess,
    /// It reads the number of the stage's key as a text, which none of its languages rounds.
    pub is_smk_id_text: bool,
}

/// What the session's PUT or GET asks for.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub(crate) stage: StageId,
    pub(crate) is_client_side_encrypted: bool,
    /// The folder in the stage: empty, or with a slash at its end.
    pub(crate) folder: String,
    pub(crate) parallel: u64,
    pub(crate) direction: Direction,
}

#[derive(Clone, Debug)]
pub(crate) enum Direction {
    Upload {
        source: String,
        overwrites: bool,
        auto_compresses: bool,
        source_compression: String,
    },
    Download {
        destination: String,
        /// With names below the stage, all of them in the folder.
        files: Vec<StageFile>,
    },
}

/// A transfer with its keys, ready to be replied.
#[derive(Debug)]
pub(crate) struct GrantedTransfer {
    transfer: Transfer,
    /// One for an upload, one for each file of a download.
    materials: Vec<Option<EncryptionMaterial>>,
    is_smk_id_text: bool,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Store(Credentials),
    Links(Credentials),
    Folder(PathBuf),
}

impl Transfer {
    /// Issues what the client needs. Decrypts what a client without encryption is about to read.
    pub(crate) fn grant(
        self,
        account: &Account,
        dialect: StageDialect,
        query_id: &str,
        text: &str,
    ) -> Result<GrantedTransfer, StageError> {
        let store = account.database.stages();
        if dialect.access == StageAccess::LocalFolder {
            let place = Place::Folder(self.local_folder(account)?);
            return Ok(GrantedTransfer {
                transfer: self,
                materials: Vec::new(),
                is_smk_id_text: false,
                place,
            });
        }
        let materials = match &self.direction {
            Direction::Upload { .. } if self.is_client_side_encrypted => {
                let size = account.config.stages.key_size;
                vec![Some(store.key(&self.stage)?.material(query_id, size))]
            }
            Direction::Upload { .. } => vec![None],
            Direction::Download { files, .. } => {
                files.iter().map(|file| store.material(&self.stage, file)).collect::<Result<_, _>>()?
            }
        };
        let scope = Scope {
            stage: self.stage.clone(),
            folder: self.folder.clone(),
            may_write: matches!(self.direction, Direction::Upload { .. }),
            is_client_side_encrypted: self.is_client_side_encrypted,
            statement: text.to_owned(),
        };
        let credentials = account.stage_credentials.issue(scope);
        let place = match dialect.access {
            StageAccess::Links => Place::Links(credentials),
            _ => Place::Store(credentials),
        };
        Ok(GrantedTransfer { transfer: self, materials, is_smk_id_text: dialect.is_smk_id_text, place })
    }

    fn files(&self) -> &[StageFile] {
        match &self.direction {
            Direction::Upload { .. } => &[],
            Direction::Download { files, .. } => files,
        }
    }

    fn local_folder(&self, account: &Account) -> Result<PathBuf, StageError> {
        let store = account.database.stages();
        if self.files().iter().any(StageFile::is_encrypted) {
            return store.export(&self.stage, &self.folder, self.files());
        }
        let folder = store.location(&self.stage).join(&self.folder);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The key in the bucket of a name below the stage.
    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.stage.folder())
    }

    /// File names as the reply gives them: below the folder.
    fn relative<'t>(&self, file: &'t StageFile) -> &'t str {
        file.name.strip_prefix(&self.folder).unwrap_or(&file.name)
    }
}

impl GrantedTransfer {
    /// The reply's `data`.
    pub(crate) fn reply(&self, query_id: &str, base_url: &str) -> Value {
        let mut reply = json!({
            "operation": "Node",
            "kind": null,
            "queryId": query_id,
            "parallel": self.transfer.parallel,
            "threshold": THRESHOLD_BYTES,
            "clientShowEncryptionParameter": true,
            "stageInfo": self.stage_info(base_url),
            "presignedUrls": self.download_links(base_url),
            "stageWarnings": [],
        });
        let materials = self.materials.iter().map(|material| {
            material.as_ref().map_or(Value::Null, |material| material.reply(self.is_smk_id_text))
        });
        let mut materials: Vec<Value> = materials.collect();
        // Drivers take the key's presence for encryption, and some of them read no list of nulls.
        let is_encrypted = materials.iter().any(|material| !material.is_null());
        match &self.transfer.direction {
            Direction::Upload { source, overwrites, auto_compresses, source_compression } => {
                reply["command"] = json!("UPLOAD");
                reply["src_locations"] = json!([source]);
                reply["overwrite"] = json!(overwrites);
                reply["autoCompress"] = json!(auto_compresses);
                reply["sourceCompression"] = json!(source_compression);
                if is_encrypted {
                    reply["encryptionMaterial"] = materials.remove(0);
                }
                reply["uploadInfo"] = json!({});
            }
            Direction::Download { destination, files } => {
                let names: Vec<&str> = files.iter().map(|file| self.transfer.relative(file)).collect();
                reply["command"] = json!("DOWNLOAD");
                reply["src_locations"] = json!(names);
                reply["localLocation"] = json!(destination);
                if is_encrypted {
                    reply["encryptionMaterial"] = Value::Array(materials);
                }
            }
        }
        reply
    }

    /// The link to the file that an upload names. A client that has several, or another name for one, asks again for each.
    fn upload_link(&self, base_url: &str) -> Option<String> {
        let Place::Links(credentials) = &self.place else { return None };
        let Direction::Upload { source, .. } = &self.transfer.direction else { return None };
        let name = source.rsplit('/').next().unwrap_or(source);
        let key = self.transfer.key(&format!("{}{name}", self.transfer.folder));
        Some(link(base_url, credentials, &Method::PUT, &key))
    }

    /// The links to the files of a download, in their order.
    fn download_links(&self, base_url: &str) -> Option<Vec<String>> {
        let Place::Links(credentials) = &self.place else { return None };
        let Direction::Download { files, .. } = &self.transfer.direction else { return None };
        let keys = files.iter().map(|file| self.transfer.key(&file.name));
        Some(keys.map(|key| link(base_url, credentials, &Method::GET, &key)).collect())
    }

    fn stage_info(&self, base_url: &str) -> Value {
        let transfer = &self.transfer;
        let (kind, location, end_point, credentials) = match &self.place {
            Place::Store(credentials) => (
                "S3",
                format!("{BUCKET}/{}", transfer.key(&transfer.folder)),
                json!(base_url),
                json!({
                    "AWS_KEY_ID": credentials.key_id,
                    "AWS_SECRET_KEY": credentials.secret,
                    "AWS_TOKEN": credentials.token,
                    "AWS_ID": credentials.key_id,
                    "AWS_KEY": credentials.secret,
                }),
            ),
            Place::Links(_) => {
                ("GCS", format!("{BUCKET}/{}", transfer.key(&transfer.folder)), Value::Null, json!({}))
            }
            Place::Folder(folder) => {
                ("LOCAL_FS", folder.to_string_lossy().into_owned(), Value::Null, json!({}))
            }
        };
        json!({
            "locationType": kind,
            "location": location,
            "path": transfer.folder,
            "region": REGION,
            "storageAccount": null,
            "isClientSideEncrypted": kind != "LOCAL_FS" && transfer.is_client_side_encrypted,
            "useS3RegionalUrl": false,
            "useRegionalUrl": false,
            "useVirtualUrl": false,
            "presignedUrl": self.upload_link(base_url),
            "endPoint": end_point,
            "creds": credentials,
        })
    }
}
