//! The reply to a `PUT` or `GET`: where the files are, the keys to that place, and how the files are encrypted.

use serde::{Deserialize, Deserializer};

use crate::Secret;

/// The `data` of the reply. No `Debug` here: nearly all of it is secret.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TransferData {
    pub(crate) command: Option<String>,
    /// For a `GET`: the files, relative to the location.
    #[serde(rename = "src_locations", deserialize_with = "null_as_default")]
    pub(crate) src_locations: Vec<String>,
    pub(crate) threshold: Option<u64>,
    pub(crate) parallel: Option<u64>,
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) encryption_material: Vec<Option<WireMaterial>>,
    pub(crate) stage_info: Option<WireStage>,
    /// One for each of `src_locations`, on GCS without a token.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) presigned_urls: Vec<Secret>,
}

/// What the file keys of a stage are wrapped with.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireMaterial {
    pub(crate) query_stage_master_key: Secret,
    #[serde(default)]
    pub(crate) query_id: Option<String>,
    #[serde(default)]
    pub(crate) smk_id: Option<SmkId>,
}

/// A number in the service's own replies, a string where a driver asked for one. Never read as a double.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum SmkId {
    Number(i64),
    Text(String),
}

/// The place in cloud storage.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WireStage {
    pub(crate) location_type: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) storage_account: Option<String>,
    pub(crate) end_point: Option<String>,
    pub(crate) presigned_url: Option<Secret>,
    #[serde(rename = "useS3RegionalUrl")]
    pub(crate) use_s3_regional_url: Option<bool>,
    pub(crate) use_regional_url: Option<bool>,
    pub(crate) use_virtual_url: Option<bool>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) creds: WireKeys,
}

/// The keys of each cloud; a reply fills those of its own.
#[derive(Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
pub(crate) struct WireKeys {
    pub(crate) aws_key_id: Option<Secret>,
    pub(crate) aws_secret_key: Option<Secret>,
    pub(crate) aws_token: Option<Secret>,
    pub(crate) azure_sas_token: Option<Secret>,
    pub(crate) gcs_access_token: Option<Secret>,
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An object for an upload, a list for a download, null for a stage that the cloud itself encrypts.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Option<WireMaterial>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(WireMaterial),
        Many(Vec<Option<WireMaterial>>),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(OneOrMany::One(material)) => vec![Some(material)],
        Some(OneOrMany::Many(materials)) => materials,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_the_material_are_read_and_long_numbers_are_kept() {
        let material = r#"{"queryStageMasterKey":"AAEC","queryId":"01b","smkId":9007199254740993}"#;
        for (json, count) in [
            (format!(r#"{{"encryptionMaterial":{material}}}"#), 1),
            (format!(r#"{{"encryptionMaterial":[{material},null]}}"#), 2),
            (r#"{"encryptionMaterial":null,"src_locations":null}"#.to_owned(), 0),
        ] {
            let data: TransferData = serde_json::from_str(&json).unwrap();
            assert_eq!(data.encryption_material.len(), count);
            if let Some(Some(material)) = data.encryption_material.first() {
                assert!(matches!(material.smk_id, Some(SmkId::Number(9_007_199_254_740_993))));
            }
        }
    }

    #[test]
    fn keys_of_one_cloud_leave_the_others_empty() {
        let data: TransferData = serde_json::from_str(
            r#"{"stageInfo":{"locationType":"AZURE","creds":{"AZURE_SAS_TOKEN":"sig=1"},"endPoint":null}}"#,
        )
        .unwrap();
        let keys = data.stage_info.unwrap().creds;
        assert!(keys.aws_key_id.is_none() && keys.azure_sas_token.is_some());
    }
}
