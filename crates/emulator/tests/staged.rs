//! The client's half of PUT and GET: encryption and the object store, through crates the emulator does not use for it.

use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::iv::FixedLength;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Attribute, Attributes, ObjectStore, PutOptions, PutPayload, RetryConfig};
use serde_json::Value;

const BLOCK_BYTES: usize = 16;

/// Where a PUT or GET reply sends its client.
pub(crate) struct Place {
    pub(crate) store: AmazonS3,
    /// With a slash at its end.
    pub(crate) prefix: String,
}

impl Place {
    pub(crate) fn of(data: &Value) -> Self {
        Self::with_secret(data, data["stageInfo"]["creds"]["AWS_SECRET_KEY"].as_str().unwrap())
    }

    pub(crate) fn with_secret(data: &Value, secret: &str) -> Self {
        let stage = &data["stageInfo"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (bucket, prefix) = stage["location"].as_str().unwrap().split_once('/').unwrap();
        let store = AmazonS3Builder::new()
            .with_endpoint(text(&stage["endPoint"]))
            .with_allow_http(true)
            .with_bucket_name(bucket)
            .with_region(text(&stage["region"]))
            .with_access_key_id(text(&stage["creds"]["AWS_KEY_ID"]))
            .with_secret_access_key(secret)
            .with_token(text(&stage["creds"]["AWS_TOKEN"]))
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .build()
            .unwrap();
        Self { store, prefix: prefix.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> Path {
        Path::parse(format!("{}{name}", self.prefix)).unwrap()
    }

    pub(crate) async fn put(
        &self,
        name: &str,
        file: Sealed,
    ) -> object_store::Result<object_store::PutResult> {
        let options = PutOptions { attributes: file.attributes, ..PutOptions::default() };
        self.store.put_opts(&self.path(name), PutPayload::from(file.body), options).await
    }
}

/// A file as it is uploaded.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) attributes: Attributes,
    pub(crate) body: Vec<u8>,
}

impl Sealed {
    pub(crate) fn set(&mut self, name: &'static str, value: String) {
        self.attributes.insert(Attribute::Metadata(name.into()), value.into());
    }
}

fn algorithm(key: &[u8]) -> &'static aws_lc_rs::cipher::Algorithm {
    if key.len() == 16 { &AES_128 } else { &AES_256 }
}

/// Encrypts as the reply's material says.
pub(crate) fn sealed(material: &Value, plain: &[u8]) -> Sealed {
    let text = |name: &str| material[name].as_str().unwrap();
    let master = STANDARD.decode(text("queryStageMasterKey")).unwrap();
    let (file_key, vector) = (vec![7; master.len()], [9; BLOCK_BYTES]);
    let key = UnboundCipherKey::new(algorithm(&file_key), &file_key).unwrap();
    let mut body = plain.to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(vector));
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
    cipher.less_safe_encrypt(&mut body, context).unwrap();
    let key = UnboundCipherKey::new(algorithm(&master), &master).unwrap();
    let mut wrapped = file_key;
    PaddedBlockEncryptingKey::ecb_pkcs7(key).unwrap().encrypt(&mut wrapped).unwrap();
    let mut file = Sealed { attributes: Attributes::new(), body };
    file.set("x-amz-key", STANDARD.encode(wrapped));
    file.set("x-amz-iv", STANDARD.encode(vector));
    let description = format!(
        r#"{{"queryId":"{}","smkId":"{}","keySize":"{}"}}"#,
        text("queryId"),
        material["smkId"],
        master.len() * 8
    );
    file.set("x-amz-matdesc", description);
    file.set("sfc-digest", STANDARD.encode(digest(&SHA256, plain)));
    file
}

/// Decrypts what was fetched, with the material of the GET reply.
pub(crate) fn opened(material: &Value, attributes: &Attributes, mut body: Vec<u8>) -> Vec<u8> {
    let metadata = |name: &'static str| {
        let value = attributes.get(&Attribute::Metadata(name.into())).unwrap();
        STANDARD.decode(value.as_ref()).unwrap()
    };
    let master = STANDARD.decode(material["queryStageMasterKey"].as_str().unwrap()).unwrap();
    let key = UnboundCipherKey::new(algorithm(&master), &master).unwrap();
    let mut file_key = metadata("x-amz-key");
    let cipher = PaddedBlockDecryptingKey::ecb_pkcs7(key).unwrap();
    let file_key = cipher.decrypt(&mut file_key, DecryptionContext::None).unwrap();
    let key = UnboundCipherKey::new(algorithm(file_key), file_key).unwrap();
    let vector = <[u8; BLOCK_BYTES]>::try_from(metadata("x-amz-iv")).unwrap();
    let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(key).unwrap();
    let plain =
        cipher.decrypt(&mut body, DecryptionContext::Iv128(FixedLength::from(vector))).unwrap().to_vec();
    assert_eq!(metadata("sfc-digest"), digest(&SHA256, &plain).as_ref());
    plain
}
