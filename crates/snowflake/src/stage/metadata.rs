//! What is stored beside each file: its digest, and where it is encrypted, its wrapped key. Each cloud has its own names.

use object_store::{Attribute, AttributeValue, Attributes};
use serde::Deserialize;
use serde_json::Value;

use super::cipher::Envelope;
use super::cloud::Cloud;
use crate::{Error, ErrorKind, Result};

/// Files are bytes to the cloud, whatever their name says.
const CONTENT_TYPE: &str = "application/octet-stream";

/// What is known about a stored file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileMetadata {
    /// Of the bytes before encryption; files that others put into a stage may have none.
    pub(super) digest: Option<String>,
    pub(super) envelope: Option<Envelope>,
}

impl FileMetadata {
    /// As attributes of an upload. `description` says which master key wraps the file's.
    pub(super) fn attributes(&self, cloud: Cloud, description: &str) -> Attributes {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, CONTENT_TYPE.into());
        if cloud == Cloud::Gcs {
            // Present and empty, so that no reader decompresses on the way.
            attributes.insert(Attribute::ContentEncoding, "".into());
        }
        let mut put = |name: &'static str, value: AttributeValue| {
            attributes.insert(Attribute::Metadata(name.into()), value);
        };
        if let Some(digest) = &self.digest {
            put(digest_name(cloud), digest.clone().into());
        }
        if let Some(envelope) = &self.envelope {
            match cloud {
                Cloud::S3 => {
                    put("x-amz-key", envelope.wrapped_key.clone().into());
                    put("x-amz-iv", envelope.iv.clone().into());
                    put("x-amz-matdesc", description.to_owned().into());
                }
                Cloud::Azure | Cloud::Gcs => {
                    put("encryptiondata", bundle(envelope).into());
                    put("matdesc", description.to_owned().into());
                }
            }
        }
        attributes
    }

    /// From what came with a download.
    pub(super) fn of(cloud: Cloud, attributes: &Attributes) -> Result<Self> {
        let text = |name: &'static str| {
            attributes.get(&Attribute::Metadata(name.into())).map(|value| value.as_ref().to_owned())
        };
        let envelope = match cloud {
            Cloud::S3 => match (text("x-amz-key"), text("x-amz-iv")) {
                (Some(wrapped_key), Some(iv)) => Some(Envelope { wrapped_key, iv }),
                _ => None,
            },
            Cloud::Azure | Cloud::Gcs => text("encryptiondata").map(|text| unbundled(&text)).transpose()?,
        };
        Ok(Self { digest: text(digest_name(cloud)).filter(|digest| !digest.is_empty()), envelope })
    }
}

fn digest_name(cloud: Cloud) -> &'static str {
    match cloud {
        // Azure's names may hold no dash.
        Cloud::Azure => "sfcdigest",
        Cloud::S3 | Cloud::Gcs => "sfc-digest",
    }
}

/// The form that Azure's own encryption library once wrote. Readers look at the key and the IV only; the labels are
/// what the other drivers write.
fn bundle(envelope: &Envelope) -> String {
    format!(
        concat!(
            r#"{{"EncryptionMode":"FullBlob","WrappedContentKey":{{"KeyId":"symmKey1","EncryptedKey":{key},"#,
            r#""Algorithm":"AES_CBC_256"}},"EncryptionAgent":{{"Protocol":"1.0","EncryptionAlgorithm":"AES_CBC_128"}},"#,
            r#""ContentEncryptionIV":{iv},"KeyWrappingMetadata":{{"EncryptionLibrary":"Java 5.3.0"}}}}"#
        ),
        key = Value::from(envelope.wrapped_key.as_str()),
        iv = Value::from(envelope.iv.as_str()),
    )
}

fn unbundled(text: &str) -> Result<Envelope> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Bundle {
        wrapped_content_key: WrappedKey,
        #[serde(rename = "ContentEncryptionIV")]
        iv: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct WrappedKey {
        encrypted_key: String,
    }
    let bundle: Bundle = serde_json::from_str(text)
        .map_err(|_| Error::new(ErrorKind::Protocol, "a file's encryption data cannot be read"))?;
    Ok(Envelope { wrapped_key: bundle.wrapped_content_key.encrypted_key, iv: bundle.iv })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> FileMetadata {
        let envelope = Envelope { wrapped_key: "a2V5".into(), iv: "aXY=".into() };
        FileMetadata { digest: Some("ZGlnZXN0".into()), envelope: Some(envelope) }
    }

    #[test]
    fn what_is_written_is_read_back_in_every_cloud() {
        for cloud in [Cloud::S3, Cloud::Azure, Cloud::Gcs] {
            let attributes = metadata().attributes(cloud, "{}");
            assert_eq!(FileMetadata::of(cloud, &attributes).unwrap(), metadata());
            let plain = FileMetadata { digest: None, envelope: None };
            assert_eq!(FileMetadata::of(cloud, &plain.attributes(cloud, "")).unwrap(), plain);
        }
    }

    #[test]
    fn each_cloud_has_the_names_that_other_drivers_look_for() {
        for (cloud, names) in [
            (Cloud::S3, ["sfc-digest", "x-amz-iv", "x-amz-key", "x-amz-matdesc"].as_slice()),
            (Cloud::Azure, &["encryptiondata", "matdesc", "sfcdigest"]),
            (Cloud::Gcs, &["encryptiondata", "matdesc", "sfc-digest"]),
        ] {
            let attributes = metadata().attributes(cloud, "{}");
            let mut found: Vec<&str> = attributes
                .iter()
                .filter_map(|(attribute, _)| match attribute {
                    Attribute::Metadata(name) => Some(name.as_ref()),
                    _ => None,
                })
                .collect();
            found.sort_unstable();
            assert_eq!(found, names, "{cloud}");
        }
    }

    #[test]
    fn the_bundle_has_the_form_of_the_other_drivers() {
        let bundle: Value = serde_json::from_str(&bundle(&metadata().envelope.unwrap())).unwrap();
        assert_eq!(bundle["EncryptionMode"], "FullBlob");
        assert_eq!(bundle["WrappedContentKey"]["EncryptedKey"], "a2V5");
        assert_eq!(bundle["ContentEncryptionIV"], "aXY=");
        assert_eq!(bundle["EncryptionAgent"]["Protocol"], "1.0");
    }
}
