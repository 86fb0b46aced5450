//! Where the files of a Snowflake stage are: host, bucket and prefix, by each cloud's own rules.

use url::{Host, Url};

use super::cloud::Cloud;
use crate::result::LinkPolicy;
use crate::wire::stage::WireStage;
use crate::{Error, ErrorKind, Result};

/// The region whose GCS endpoint must always be a regional one.
const GCS_REGION_OF_ITS_OWN: &str = "me-central2";

/// The place of a stage's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) cloud: Cloud,
    /// Scheme, host and port, and for a path-style Azure endpoint the account.
    pub(super) base: Url,
    /// Bucket or container.
    pub(super) bucket: String,
    /// Whether the bucket is a part of the host instead of the path.
    pub(super) is_bucket_in_host: bool,
    /// Azure only.
    pub(super) account: String,
    /// Empty, or ends in a slash.
    pub(super) prefix: String,
    /// S3 only: what requests are signed for.
    pub(super) region: String,
}

impl Address {
    /// Reads the service's description; every host in it must be one that the cloud owns.
    pub(super) fn of(stage: &WireStage, policy: &LinkPolicy) -> Result<Self> {
        let cloud = cloud_of(stage.location_type.as_deref())?;
        let location = stage.location.as_deref().unwrap_or_default();
        let (bucket, prefix) = location.split_once('/').unwrap_or((location, ""));
        let prefix = match prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let address = Self {
            cloud,
            base: Url::parse("https://unknown").expect("a constant address"),
            bucket: label(bucket, "bucket")?.to_owned(),
            is_bucket_in_host: cloud == Cloud::S3,
            account: String::new(),
            prefix,
            region: label(stage.region.as_deref().unwrap_or("us-east-1"), "region")?.to_owned(),
        };
        let address = match cloud {
            Cloud::S3 => address.in_s3(stage)?,
            Cloud::Azure => address.in_azure(stage)?,
            Cloud::Gcs => address.in_gcs(stage)?,
        };
        policy.clone().within(cloud.domains()).check(address.base.as_str())?;
        Ok(address)
    }

    /// This place by the host of another region: what S3 asks for with a redirect. Only for hosts of our own making.
    pub(super) fn in_region(&self, region: &str) -> Option<Self> {
        let is_global = self.base.host_str() == Some(format!("{}.s3.amazonaws.com", self.bucket).as_str());
        if self.cloud != Cloud::S3 || !is_global || label(region, "region").is_err() {
            return None;
        }
        let base = Url::parse(&format!("https://{}.s3.{region}.amazonaws.com", self.bucket)).ok()?;
        Some(Self { base, region: region.to_owned(), ..self.clone() })
    }

    fn in_s3(self, stage: &WireStage) -> Result<Self> {
        let (bucket, region) = (&self.bucket, &self.region);
        let is_regional = [stage.use_s3_regional_url, stage.use_regional_url].contains(&Some(true));
        let host = match given(stage)? {
            Some(Given::Origin(base)) => return Ok(Self { base, is_bucket_in_host: false, ..self }),
            Some(Given::Host(host)) => host,
            None if region.starts_with("cn-") => format!("s3.{region}.amazonaws.com.cn"),
            None if is_regional => format!("s3.{region}.amazonaws.com"),
            None => "s3.amazonaws.com".to_owned(),
        };
        Ok(Self { base: https(&format!("{bucket}.{host}"))?, ..self })
    }

    fn in_azure(self, stage: &WireStage) -> Result<Self> {
        let account =
            label(stage.storage_account.as_deref().unwrap_or_default(), "storage account")?.to_owned();
        let base = match given(stage)? {
            Some(Given::Origin(mut base)) => {
                base.set_path(&account);
                base
            }
            Some(Given::Host(host)) => {
                https(&format!("{account}.blob.{}", host.strip_prefix("blob.").unwrap_or(&host)))?
            }
            None => https(&format!("{account}.blob.core.windows.net"))?,
        };
        Ok(Self { base, account, ..self })
    }

    fn in_gcs(self, stage: &WireStage) -> Result<Self> {
        let is_regional = stage.use_regional_url == Some(true) || self.region == GCS_REGION_OF_ITS_OWN;
        let host = match given(stage)? {
            Some(Given::Origin(base)) => return Ok(Self { base, ..self }),
            Some(Given::Host(host)) => host,
            None if stage.use_virtual_url == Some(true) => {
                let base = https(&format!("{}.storage.googleapis.com", self.bucket))?;
                return Ok(Self { base, is_bucket_in_host: true, ..self });
            }
            None if is_regional => format!("storage.{}.rep.googleapis.com", self.region),
            None => "storage.googleapis.com".to_owned(),
        };
        Ok(Self { base: https(&host)?, ..self })
    }
}

/// An endpoint that the service names itself.
enum Given {
    Host(String),
    /// Used as it is, with buckets in paths: a server on this machine. The link policy decides whether it may be.
    Origin(Url),
}

fn given(stage: &WireStage) -> Result<Option<Given>> {
    let Some(typed) = stage.end_point.as_deref().map(str::trim).filter(|typed| !typed.is_empty()) else {
        return Ok(None);
    };
    let has_scheme = typed.contains("://");
    let url = if has_scheme { Url::parse(typed) } else { Url::parse(&format!("https://{typed}")) };
    let url = url.map_err(|_| unusable("its endpoint is not a host"))?;
    let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_origin || !url.username().is_empty() || url.password().is_some() {
        return Err(unusable("its endpoint is more than a host"));
    }
    match url.host() {
        Some(Host::Domain(host)) if url.scheme() == "https" && url.port().is_none() => {
            Ok(Some(Given::Host(host.to_owned())))
        }
        Some(_) => Ok(Some(Given::Origin(url))),
        None => Err(unusable("its endpoint has no host")),
    }
}

fn cloud_of(location_type: Option<&str>) -> Result<Cloud> {
    match location_type {
        None | Some("S3") => Ok(Cloud::S3),
        Some("AZURE") => Ok(Cloud::Azure),
        Some("GCS") => Ok(Cloud::Gcs),
        Some("LOCAL_FS") => Err(unusable(
            "it is a folder on the server's own disk, which only test servers offer; S3, Azure and GCS are supported",
        )),
        Some(_) => {
            Err(unusable("it is in a cloud that this client does not know; S3, Azure and GCS are supported"))
        }
    }
}

/// Becomes a part of a host or the first part of a path, so it may hold nothing but what names are made of.
fn label<'a>(text: &'a str, what: &str) -> Result<&'a str> {
    let is_label = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '$'))
        && !text.split('.').any(str::is_empty);
    is_label.then_some(text).ok_or_else(|| unusable(&format!("its {what} is not a name")))
}

fn https(host: &str) -> Result<Url> {
    Url::parse(&format!("https://{host}")).map_err(|_| unusable("its host cannot be read"))
}

fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("this Snowflake stage cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(location_type: &str) -> WireStage {
        WireStage {
            location_type: Some(location_type.into()),
            location: Some("bucket-1/u7x/stages/a b/run42".into()),
            region: Some("us-west-2".into()),
            storage_account: Some("sfc1".into()),
            ..WireStage::default()
        }
    }

    fn policy() -> LinkPolicy {
        LinkPolicy::new("acme.snowflakecomputing.com")
    }

    fn base(stage: &WireStage) -> String {
        Address::of(stage, &policy().with_loopback(true)).unwrap().base.to_string()
    }

    #[test]
    fn s3_hosts_follow_the_flags() {
        let address = Address::of(&stage("S3"), &policy()).unwrap();
        assert_eq!((address.bucket.as_str(), address.prefix.as_str()), ("bucket-1", "u7x/stages/a b/run42/"));
        assert_eq!(address.base.as_str(), "https://bucket-1.s3.amazonaws.com/");
        let regional = "https://bucket-1.s3.us-west-2.amazonaws.com/";
        assert_eq!(base(&WireStage { use_s3_regional_url: Some(true), ..stage("S3") }), regional);
        assert_eq!(base(&WireStage { use_regional_url: Some(true), ..stage("S3") }), regional);
        let china = WireStage { region: Some("cn-north-1".into()), ..stage("S3") };
        assert_eq!(base(&china), "https://bucket-1.s3.cn-north-1.amazonaws.com.cn/");
        let private = "vpce-1.s3.us-west-2.vpce.amazonaws.com";
        let private = WireStage { end_point: Some(private.into()), ..stage("S3") };
        assert_eq!(base(&private), "https://bucket-1.vpce-1.s3.us-west-2.vpce.amazonaws.com/");
    }

    #[test]
    fn a_redirect_moves_to_a_region_and_nowhere_else() {
        let address = Address::of(&stage("S3"), &policy()).unwrap();
        let moved = address.in_region("eu-central-1").unwrap();
        assert_eq!(moved.base.as_str(), "https://bucket-1.s3.eu-central-1.amazonaws.com/");
        assert_eq!(moved.region, "eu-central-1");
        assert_eq!(address.in_region("evil.example/"), None);
        assert_eq!(moved.in_region("us-east-2"), None);
    }

    #[test]
    fn azure_and_gcs_hosts_follow_the_flags() {
        assert_eq!(base(&stage("AZURE")), "https://sfc1.blob.core.windows.net/");
        for suffix in ["core.usgovcloudapi.net", "blob.core.usgovcloudapi.net"] {
            let other = WireStage { end_point: Some(suffix.into()), ..stage("AZURE") };
            assert_eq!(base(&other), "https://sfc1.blob.core.usgovcloudapi.net/");
        }
        assert_eq!(base(&stage("GCS")), "https://storage.googleapis.com/");
        let virtual_host = WireStage { use_virtual_url: Some(true), ..stage("GCS") };
        assert_eq!(base(&virtual_host), "https://bucket-1.storage.googleapis.com/");
        let regional = WireStage { region: Some("me-central2".into()), ..stage("GCS") };
        assert_eq!(base(&regional), "https://storage.me-central2.rep.googleapis.com/");
    }

    #[test]
    fn a_loopback_endpoint_means_paths_and_needs_the_switch() {
        for cloud in ["S3", "AZURE", "GCS"] {
            let local = WireStage { end_point: Some("http://127.0.0.1:9000".into()), ..stage(cloud) };
            assert!(base(&local).starts_with("http://127.0.0.1:9000/"));
            assert!(!Address::of(&local, &policy().with_loopback(true)).unwrap().is_bucket_in_host);
            assert!(Address::of(&local, &policy()).is_err());
        }
    }

    #[test]
    fn hosts_that_the_cloud_does_not_own_are_refused() {
        for end_point in [
            "evil.example",
            "https://evil.example",
            "http://s3.amazonaws.com",
            "169.254.169.254",
            "http://169.254.169.254",
            "http://10.0.0.1:9000",
            "amazonaws.com.evil.example",
            "amazonaws.com/x",
            "amazonaws.com?x",
            "user@amazonaws.com",
            "amazonaws.com:8443",
            "core.windows.net",
            "storage.googleapis.com",
        ] {
            let strange = WireStage { end_point: Some(end_point.into()), ..stage("S3") };
            assert!(Address::of(&strange, &policy().with_loopback(true)).is_err(), "{end_point}");
        }
        for bucket in ["", "a@b", "evil.example#", "a?b", "..", "a:80"] {
            let strange = WireStage { location: Some(bucket.into()), ..stage("S3") };
            assert!(Address::of(&strange, &policy()).is_err(), "{bucket}");
        }
    }

    #[test]
    fn a_folder_on_the_servers_disk_is_refused_by_name() {
        let error = Address::of(&stage("LOCAL_FS"), &policy().with_loopback(true)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("S3, Azure and GCS"));
    }
}
