//! An account identifier as people type it, turned into a host that can only be Snowflake's.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// The only suffixes of a host that is built from an account.
const GLOBAL_SUFFIX: &str = ".snowflakecomputing.com";
const CHINA_SUFFIX: &str = ".snowflakecomputing.cn";
/// The region whose hosts leave the region out.
const DEFAULT_REGION: &str = "us-west-2";
/// DNS allows no longer label.
const LABEL_LENGTH_MAX: usize = 63;
/// Locator, region, cloud and `privatelink`.
const LABEL_COUNT_MAX: usize = 4;
/// Nobody types a longer account; it bounds the work and the error messages.
const INPUT_LENGTH_MAX: usize = 255;

/// Which Snowflake account to talk to.
///
/// Parsed from `organization-account`, `locator.region.cloud`, or the full host or address copied from a browser.
/// The host is put together from checked labels and one of two fixed suffixes, so nothing typed here can send a
/// log-in anywhere else.
///
/// ```
/// use snowflake::Account;
/// let account: Account = "myorg-my_account".parse()?;
/// assert_eq!(account.host(), "myorg-my-account.snowflakecomputing.com");
/// assert!("evil.example/#myorg".parse::<Account>().is_err());
/// # Ok::<(), snowflake::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// As typed, without scheme and suffix: `myorg-my_account`, `xy12345.eu-central-1.aws`.
    identifier: String,
    host: String,
}

impl Account {
    /// Parses what a person typed or pasted; white space around it is ignored.
    pub fn parse(input: &str) -> Result<Self> {
        let typed = input.trim();
        if typed.is_empty() {
            return Err(refused("it is empty"));
        }
        if typed.len() > INPUT_LENGTH_MAX {
            return Err(refused("it is too long"));
        }
        let rest = strip_scheme(typed)?;
        if let Some(strange) = rest.chars().find(|c| !is_allowed(*c)) {
            return Err(refused_character(strange));
        }
        let (identifier, suffix) = strip_suffix(rest);
        let labels: Vec<&str> = identifier.split('.').collect();
        check_labels(&labels)?;
        let host = host_of(&labels, suffix);
        Ok(Self { identifier: identifier.to_owned(), host })
    }

    /// The host that serves this account.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The identifier as typed, without address and suffix.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// The account's name as the log-in and a JSON web token want it: upper case, no region.
    pub fn name(&self) -> String {
        let (first, rest) = self.identifier.split_once('.').unwrap_or((&self.identifier, ""));
        let is_global = rest.split('.').any(|label| label.eq_ignore_ascii_case("global"));
        let name = if is_global { first.split('-').next().unwrap_or(first) } else { first };
        name.to_ascii_uppercase()
    }

    /// Whether the host is reached over a private link.
    pub fn is_private_link(&self) -> bool {
        self.identifier.split('.').skip(1).any(|label| label.eq_ignore_ascii_case("privatelink"))
    }
}

impl FromStr for Account {
    type Err = Error;

    fn from_str(input: &str) -> Result<Self> {
        Self::parse(input)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.identifier)
    }
}

fn refused(why: &str) -> Error {
    let message = format!(
        "this is not a Snowflake account: {why}; expected the form organization-account, locator.region.cloud or \
         account{GLOBAL_SUFFIX}"
    );
    Error::new(ErrorKind::Config, message)
}

fn refused_character(strange: char) -> Error {
    match strange {
        ':' => refused("it names a port or a password; use an endpoint to reach another port"),
        ' ' | '\t' => refused("it has a space inside"),
        c if c.is_control() => refused("it has a control character inside"),
        c if !c.is_ascii() => refused("it has letters that are not ASCII"),
        c => refused(&format!("it contains {c:?}")),
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// `https://host` and `https://host/` are what a browser's address bar gives; anything after the host is refused
/// by the character check that follows.
fn strip_scheme(typed: &str) -> Result<&str> {
    let Some((scheme, rest)) = typed.split_once("://") else { return Ok(typed) };
    if !scheme.eq_ignore_ascii_case("https") {
        return Err(refused("its address does not start with https://"));
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    match has_suffix(rest) {
        true => Ok(rest),
        false => Err(refused("its address is not one of Snowflake's")),
    }
}

fn has_suffix(host: &str) -> bool {
    strip_suffix(host).1.is_some()
}

fn strip_suffix(host: &str) -> (&str, Option<&'static str>) {
    for suffix in [GLOBAL_SUFFIX, CHINA_SUFFIX] {
        let Some(start) = host.len().checked_sub(suffix.len()) else { continue };
        if host.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(suffix)) {
            return (&host[..start], Some(suffix));
        }
    }
    (host, None)
}

fn check_labels(labels: &[&str]) -> Result<()> {
    if labels.len() > LABEL_COUNT_MAX {
        return Err(refused("it has too many parts"));
    }
    for label in labels {
        if label.is_empty() {
            return Err(refused("it has an empty part between two dots"));
        }
        if label.len() > LABEL_LENGTH_MAX {
            return Err(refused("one of its parts is too long"));
        }
        let edge = |c: char| c == '-' || c == '_';
        if label.starts_with(edge) || label.ends_with(edge) {
            return Err(refused("one of its parts starts or ends with a hyphen or an underscore"));
        }
        if label.to_ascii_lowercase().contains("snowflakecomputing") {
            return Err(refused("it looks like Snowflake's host but is not"));
        }
    }
    match labels.get(1) {
        Some(second) if !is_region(second) => Err(refused("the part after the first dot is not a region")),
        _ => Ok(()),
    }
}

/// Every region's name has a hyphen (`eu-central-1`, `west-europe`); two words stand in its place.
fn is_region(label: &str) -> bool {
    label.contains('-') || label.eq_ignore_ascii_case("privatelink") || label.eq_ignore_ascii_case("global")
}

fn host_of(labels: &[&str], suffix: Option<&'static str>) -> String {
    let mut labels: Vec<String> =
        labels.iter().map(|label| label.to_ascii_lowercase().replace('_', "-")).collect();
    if labels.len() == 2 && labels[1] == DEFAULT_REGION {
        labels.truncate(1);
    }
    let in_china = labels.get(1).is_some_and(|region| region.starts_with("cn-"));
    let suffix = suffix.unwrap_or(if in_china { CHINA_SUFFIX } else { GLOBAL_SUFFIX });
    labels.join(".") + suffix
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(input: &str) -> String {
        Account::parse(input).unwrap_or_else(|error| panic!("{input}: {error}")).host().to_owned()
    }

    #[test]
    fn every_documented_form_becomes_its_host() {
        for (input, expected) in [
            ("myorg-acct", "myorg-acct.snowflakecomputing.com"),
            ("  MYORG-ACCT\n", "myorg-acct.snowflakecomputing.com"),
            ("myorg-my_acct", "myorg-my-acct.snowflakecomputing.com"),
            ("xy12345", "xy12345.snowflakecomputing.com"),
            ("xy12345.us-west-2", "xy12345.snowflakecomputing.com"),
            ("xy12345.eu-central-1", "xy12345.eu-central-1.snowflakecomputing.com"),
            ("xy12345.west-europe.azure", "xy12345.west-europe.azure.snowflakecomputing.com"),
            ("xy12345.cn-northwest-1.aws", "xy12345.cn-northwest-1.aws.snowflakecomputing.cn"),
            ("xy12345.us-east-2.aws.privatelink", "xy12345.us-east-2.aws.privatelink.snowflakecomputing.com"),
            ("myorg-acct.privatelink", "myorg-acct.privatelink.snowflakecomputing.com"),
            ("MyOrg-Acct.SnowflakeComputing.COM", "myorg-acct.snowflakecomputing.com"),
            ("https://myorg-acct.snowflakecomputing.com", "myorg-acct.snowflakecomputing.com"),
            ("HTTPS://myorg-acct.snowflakecomputing.com/", "myorg-acct.snowflakecomputing.com"),
            ("xy12345.cn-north-1.snowflakecomputing.cn", "xy12345.cn-north-1.snowflakecomputing.cn"),
        ] {
            assert_eq!(host(input), expected, "{input}");
        }
    }

    #[test]
    fn nothing_that_could_redirect_a_log_in_is_taken() {
        for input in [
            "",
            "evil.example/#myorg-acct",
            "evil.example#",
            "myorg-acct#.snowflakecomputing.com",
            "myorg-acct/x",
            "user@myorg-acct",
            "myorg-acct:443",
            "myorg\\acct",
            "myorg acct",
            "myorg-acct\u{0}",
            "myorg\nacct",
            "evilsnowflakecomputing.com",
            "myorg.evilsnowflakecomputing.com",
            "myorg-acct.snowflakecomputing.com.evil.example",
            "myorg-acct.snowflakecomputing.org",
            "myorg-acct.snowflakecomputing.com.",
            "https://evil.example",
            "https://evil.example/.snowflakecomputing.com",
            "https://myorg-acct.snowflakecomputing.com//",
            "https://myorg-acct.snowflakecomputing.com/console",
            "https://myorg-acct.snowflakecomputing.com?x=1",
            "https://u:p@myorg-acct.snowflakecomputing.com",
            "http://myorg-acct.snowflakecomputing.com",
            "ftp://myorg-acct.snowflakecomputing.com",
            "myorg-acct..aws",
            ".myorg-acct",
            "-myorg",
            "myorg-",
            "myorg-аcct",
            "example.com",
            "127.0.0.1",
            "a.b-1.c.d.e",
            "%2e%2e",
        ] {
            assert!(Account::parse(input).is_err(), "{input:?} was taken");
        }
    }

    #[test]
    fn the_name_for_tokens_has_no_region() {
        for (input, expected) in [
            ("myorg-acct", "MYORG-ACCT"),
            ("myorg-my_acct", "MYORG-MY_ACCT"),
            ("xy12345.eu-central-1.aws", "XY12345"),
            ("myorg-acct.privatelink", "MYORG-ACCT"),
            ("acct-x5ghvy.global", "ACCT"),
            ("https://myorg-acct.snowflakecomputing.com", "MYORG-ACCT"),
        ] {
            assert_eq!(Account::parse(input).unwrap().name(), expected, "{input}");
        }
    }

    proptest! {
        #[test]
        fn a_host_is_always_snowflakes(input in "\\PC{0,80}|[a-z0-9._:/#@?\\\\-]{0,60}(\\.snowflakecomputing\\.(com|cn))?[/#.a-z]{0,6}") {
            if let Ok(account) = Account::parse(&input) {
                let host = account.host();
                prop_assert!(host.ends_with(GLOBAL_SUFFIX) || host.ends_with(CHINA_SUFFIX));
                prop_assert!(host.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.'));
                let url = url::Url::parse(&format!("https://{host}/session/v1/login-request")).unwrap();
                prop_assert_eq!(url.host_str(), Some(host));
                prop_assert_eq!(url.path(), "/session/v1/login-request");
                let again = Account::parse(host).unwrap();
                prop_assert_eq!(again.host(), host);
            }
        }
    }
}
