//! Which addresses a result's chunks may be fetched from: cloud storage of Snowflake's, and nothing a reply can invent.

use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

/// Storage behind Snowflake in each cloud, and Snowflake itself. A host matches as a whole or below one of these.
const STORAGE_DOMAINS: [&str; 12] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "blob.core.windows.net",
    "blob.core.chinacloudapi.cn",
    "blob.core.usgovcloudapi.net",
    "blob.storage.azure.net",
    "dfs.core.windows.net",
    "storage.googleapis.com",
    "storage.us-gov.googleapis.com",
    "snowflakecomputing.com",
    "snowflakecomputing.cn",
    "snowflake.app",
];

/// Decides whether a link that the service sent may be followed.
#[derive(Clone, Debug)]
pub(crate) struct LinkPolicy {
    account_host: String,
    domains: &'static [&'static str],
    extra_hosts: Vec<String>,
    is_loopback_allowed: bool,
}

impl LinkPolicy {
    /// Links to cloud storage, to Snowflake and to the account's own host, over https only.
    pub(crate) fn new(account_host: &str) -> Self {
        Self {
            account_host: account_host.to_ascii_lowercase(),
            domains: &STORAGE_DOMAINS,
            extra_hosts: Vec::new(),
            is_loopback_allowed: false,
        }
    }

    /// Also allows exactly `host`, such as the private endpoint of a storage account.
    pub(crate) fn with_host(mut self, host: &str) -> Self {
        self.extra_hosts.push(host.to_ascii_lowercase());
        self
    }

    /// Allows the storage of one cloud only, and not the account's own host.
    pub(crate) fn within(mut self, domains: &'static [&'static str]) -> Self {
        self.account_host.clear();
        self.domains = domains;
        self
    }

    /// Also allows this machine, with http: for development against an emulator.
    pub(crate) fn with_loopback(mut self, is_allowed: bool) -> Self {
        self.is_loopback_allowed = is_allowed;
        self
    }

    /// The link as an address to fetch, or an error that names the host only: the rest of a link is a secret.
    pub(crate) fn check(&self, link: &str) -> Result<Url> {
        let url = Url::parse(link).map_err(|_| refused("it is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it carries credentials"));
        }
        let host = url.host().ok_or_else(|| refused("it names no host"))?;
        if self.is_loopback_allowed && is_loopback(&host) && matches!(url.scheme(), "http" | "https") {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err(refused("it is not https"));
        }
        let Host::Domain(domain) = host else {
            return Err(refused("its host is an address instead of a name"));
        };
        let domain = domain.to_ascii_lowercase();
        let is_ours = domain == self.account_host || self.extra_hosts.contains(&domain);
        let is_storage = url.port().is_none() && self.domains.iter().any(|parent| is_below(&domain, parent));
        if is_ours || is_storage {
            Ok(url)
        } else {
            Err(refused(&format!("the host {domain:?} is not one of Snowflake's storage hosts")))
        }
    }
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("a link in the reply was not followed: {why}"))
}

fn is_below(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(domain) => domain.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> LinkPolicy {
        LinkPolicy::new("ACME-PROD.snowflakecomputing.com").with_host("storage.acme.internal")
    }

    #[test]
    fn storage_of_every_cloud_is_allowed() {
        for link in [
            "https://sfc-ds1.s3.us-west-2.amazonaws.com/results/a?X-Amz-Signature=1",
            "https://sfc.s3.cn-north-1.amazonaws.com.cn/a",
            "https://sfcprod.blob.core.windows.net/results/a?sig=1",
            "https://storage.googleapis.com/gcs-results/a?sig=1",
            "https://bucket.storage.googleapis.com/a",
            "https://acme-prod.snowflakecomputing.com/a",
            "https://storage.acme.internal/a",
        ] {
            policy().check(link).unwrap();
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for link in [
            "http://sfc.s3.amazonaws.com/a",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/a",
            "https://2130706433/a",
            "https://localhost/a",
            "http://127.0.0.1/a",
            "https://evil-amazonaws.com/a",
            "https://amazonaws.com.evil.net/a",
            "https://user:secret@sfc.s3.amazonaws.com/a",
            "https://sfc.s3.amazonaws.com:8443/a",
            "file:///etc/passwd",
            "not a link",
        ] {
            let error = policy().check(link).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{link}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn loopback_needs_the_development_switch_and_opens_nothing_else() {
        let policy = policy().with_loopback(true);
        policy.check("http://127.0.0.1:8080/chunk").unwrap();
        policy.check("http://localhost:8080/chunk").unwrap();
        policy.check("http://10.0.0.1:8080/chunk").unwrap_err();
        policy.check("http://sfc.s3.amazonaws.com/a").unwrap_err();
    }
}
