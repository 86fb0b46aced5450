//! What a client sends to log in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct LoginBody {
    pub data: LoginRequest,
}

/// The fields that the emulator reads; clients send many more.
#[derive(Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", default)]
pub(super) struct LoginRequest {
    pub account_name: Option<String>,
    pub login_name: Option<String>,
    pub password: Option<String>,
    pub passcode: Option<String>,
    pub ext_authn_duo_method: Option<String>,
    pub authenticator: Option<String>,
    pub token: Option<String>,
    pub client_app_id: Option<String>,
    pub client_app_version: Option<String>,
    pub client_environment: Value,
    pub session_parameters: BTreeMap<String, Value>,
    pub client_capabilities: BTreeMap<String, Value>,
}

impl LoginRequest {
    /// The account as a JWT names it: without region and cloud.
    pub(super) fn account(&self) -> &str {
        account_part(self.account_name.as_deref().unwrap_or_default())
    }

    /// The program that uses the driver, where it says so.
    pub(super) fn application(&self) -> &str {
        self.client_environment["APPLICATION"].as_str().unwrap_or_default()
    }

    pub(super) fn authenticator(&self) -> String {
        match self.authenticator.as_deref() {
            None | Some("") => "SNOWFLAKE".to_owned(),
            Some(authenticator) => authenticator.to_uppercase(),
        }
    }

    /// Session parameters as text, under upper-case names.
    pub(super) fn parameters(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.session_parameters.iter().map(|(name, value)| (name.to_uppercase(), text(value))).collect()
    }
}

/// `xy12345.eu-west-1.aws` is account `xy12345`; `acme-main.global` is account `acme`.
pub(super) fn account_part(account: &str) -> &str {
    let separator = if account.to_ascii_lowercase().contains(".global") { '-' } else { '.' };
    account.split(separator).next().unwrap_or(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_and_cloud_are_not_part_of_the_account() {
        assert_eq!(account_part("xy12345.eu-west-1.aws"), "xy12345");
        assert_eq!(account_part("myorg-myacct"), "myorg-myacct");
        assert_eq!(account_part("acme-main.global"), "acme");
    }
}
