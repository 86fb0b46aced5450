//! The keys to a stage's place in cloud storage, and their renewal: however many uploads find them expired, the service is
//! asked once.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::cloud::Cloud;
use crate::session::Core;
use crate::statement::{Statement, run};
use crate::wire::stage::WireStage;
use crate::{Error, ErrorKind, Result, Secret};

/// What proves to a cloud that we may read and write.
pub(super) enum StorageKey {
    Aws {
        id: Secret,
        secret: Secret,
        token: Option<Secret>,
    },
    /// Query parameters, without the question mark.
    AzureSas(Secret),
    GcsToken(Secret),
    /// A signed link to one file, for GCS without a token.
    Presigned(Secret),
}

/// The newest keys of one location.
pub(super) struct StorageKeys {
    core: Arc<Core>,
    /// The statement that asked first, to be sent again as it was.
    statement: Statement,
    cloud: Cloud,
    /// Which of the reply's signed links is ours.
    link: usize,
    newest: Mutex<Generation>,
}

/// One key, and how many renewals it took to get it.
#[derive(Clone)]
pub(super) struct Generation {
    number: u64,
    pub(super) key: Arc<StorageKey>,
}

impl StorageKey {
    /// The key in a reply. A link of the file itself wins over one of the whole stage.
    pub(super) fn of(cloud: Cloud, stage: &WireStage, link: Option<&Secret>) -> Result<Self> {
        let keys = &stage.creds;
        let key = match cloud {
            Cloud::S3 => match (filled(keys.aws_key_id.as_ref()), filled(keys.aws_secret_key.as_ref())) {
                (Some(id), Some(secret)) => {
                    let token = filled(keys.aws_token.as_ref()).cloned();
                    Some(Self::Aws { id: id.clone(), secret: secret.clone(), token })
                }
                _ => None,
            },
            Cloud::Azure => filled(keys.azure_sas_token.as_ref())
                .map(|sas| Self::AzureSas(Secret::new(sas.expose().trim_start_matches('?')))),
            Cloud::Gcs => match filled(keys.gcs_access_token.as_ref()) {
                Some(token) => Some(Self::GcsToken(token.clone())),
                None => filled(link.or(stage.presigned_url.as_ref())).cloned().map(Self::Presigned),
            },
        };
        let key = key.ok_or_else(|| malformed(&format!("the reply holds no keys to {cloud}")))?;
        match key.parts().iter().all(|part| part.expose().chars().all(|c| c.is_ascii_graphic())) {
            true => Ok(key),
            false => Err(malformed("the keys in the reply cannot be sent in a header")),
        }
    }

    fn parts(&self) -> Vec<&Secret> {
        match self {
            Self::Aws { id, secret, token } => [id, secret].into_iter().chain(token).collect(),
            Self::AzureSas(secret) | Self::GcsToken(secret) | Self::Presigned(secret) => vec![secret],
        }
    }
}

impl StorageKeys {
    pub(super) fn new(
        core: &Arc<Core>,
        statement: Statement,
        cloud: Cloud,
        link: usize,
        key: StorageKey,
    ) -> Self {
        let first = Generation { number: 0, key: Arc::new(key) };
        Self { core: Arc::clone(core), statement, cloud, link, newest: Mutex::new(first) }
    }

    pub(super) async fn newest(&self) -> Generation {
        self.newest.lock().await.clone()
    }

    /// A key that is newer than `stale`. Whoever comes first asks for it; the others wait here.
    pub(super) async fn newer(&self, stale: &Generation) -> Result<Generation> {
        let mut newest = self.newest.lock().await;
        if newest.number == stale.number {
            let data = run::transfer(&self.core, &self.statement).await?;
            // Only the keys are taken over: files that are under way keep their path and their encryption.
            let stage = data.stage_info.ok_or_else(|| malformed("the reply names no stage"))?;
            let key = StorageKey::of(self.cloud, &stage, data.presigned_urls.get(self.link))?;
            *newest = Generation { number: newest.number + 1, key: Arc::new(key) };
            tracing::debug!("the keys to the Snowflake stage were renewed");
        }
        Ok(newest.clone())
    }
}

fn filled(secret: Option<&Secret>) -> Option<&Secret> {
    secret.filter(|secret| !secret.is_empty())
}

fn malformed(why: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the Snowflake stage cannot be reached: {why}"))
}
