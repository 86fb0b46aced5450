//! The log-in: what its refusal says about network policy, proof, role and virtual warehouse, each told apart.

use model::{Error, ErrorKind};
use snowflake::{ConnectionConfig, Credentials, Identifier, Session, string_literal};

use super::{Finding, Report, Step, StepName, folded};
use crate::snowflake::error::from_client;
use crate::snowflake::onboarding::{Ipv4Network, policy_statements};

/// Logs in, and says of each thing that a log-in stands on whether it holds.
pub(super) async fn check(config: &ConnectionConfig, report: Report<'_>) -> Option<Session> {
    let error = match Session::connect(config.clone()).await {
        Ok(session) => {
            passed(config, report, &[StepName::NetworkPolicy, StepName::LogIn]);
            return Some(session);
        }
        Err(error) => error,
    };
    match error.code() {
        Some("390422") => {
            report(Step::failed(StepName::NetworkPolicy, "", policy(config, &error)));
        }
        Some("390189" | "390194") => {
            passed(config, report, &[StepName::NetworkPolicy, StepName::LogIn]);
            report(Step::failed(
                StepName::Role,
                config.role.clone().unwrap_or_default(),
                role(config, error),
            ));
        }
        Some("390201") if config.virtual_warehouse.is_some() => {
            passed(config, report, &[StepName::NetworkPolicy, StepName::LogIn, StepName::Role]);
            let subject = config.virtual_warehouse.clone().unwrap_or_default();
            report(Step::failed(StepName::VirtualWarehouse, subject, virtual_warehouse(config, error)));
        }
        // Whoever gets this far with a token was let in by the network policy, and refused for the token.
        Some(code @ ("390144" | "394300" | "394304")) => {
            let step = if code == "394304" { StepName::Key } else { StepName::LogIn };
            report(Step::failed(step, config.user.trim(), key(config, error)));
        }
        code => {
            let sql = account_state(code, config);
            let finding = match sql {
                Some(sql) => Finding::customers(from_client(error), sql),
                None => Finding::of(from_client(error)),
            };
            report(Step::failed(StepName::LogIn, config.user.trim(), finding));
        }
    }
    None
}

fn passed(config: &ConnectionConfig, report: Report<'_>, steps: &[StepName]) {
    for step in steps {
        let subject = match step {
            StepName::NetworkPolicy => "lets this machine in".to_owned(),
            StepName::Role => config.role.clone().unwrap_or_default(),
            _ => {
                let proof = config.credentials.name();
                format!("{} by {proof}", config.user.trim()).trim_start().to_owned()
            }
        };
        report(Step::passed(*step, subject));
    }
}

/// The statements that let the refused address in, for this user alone.
fn policy(config: &ConnectionConfig, error: &snowflake::Error) -> Finding {
    let address = error
        .message()
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find_map(|word| Ipv4Network::parse(word.trim_end_matches('.')).ok());
    let shown = address.map_or_else(|| "this machine's address".to_owned(), |address| address.to_string());
    let message = format!("a network policy of the account or of the user does not let {shown} in");
    let refused = Error::new(ErrorKind::Auth, "network_policy", message);
    match (folded(&config.user), address) {
        (Some(user), Some(address)) => {
            let mut finding = Finding::customers(refused, policy_statements(&user, &[address], None));
            let remedy = format!(
                "let the customer run the script of `snowferry connect --egress {shown}`, with all addresses that you come from, \
                 or add {shown} to the policy that refuses it"
            );
            finding.error = finding.error.with_remedy(remedy);
            finding
        }
        _ => Finding::of(
            refused.with_remedy("let the customer add the address that you come from to the policy"),
        ),
    }
}

fn role(config: &ConnectionConfig, error: snowflake::Error) -> Finding {
    let lifted = from_client(error);
    let (Some(role), Some(user)) = (config.role.as_deref().and_then(folded), folded(&config.user)) else {
        let message = "no role is named, and the user has no default role";
        return Finding::of(
            Error::config("role_missing", message).with_remedy("name one under `snowflake.role`"),
        );
    };
    let message = format!("the role {role} does not exist, or is not granted to the user {user}");
    let missing = Error::new(ErrorKind::Permission, "role_not_granted", message).with_source(lifted);
    Finding::customers(missing, vec![format!("GRANT ROLE {role} TO USER {user};")])
}

fn virtual_warehouse(config: &ConnectionConfig, error: snowflake::Error) -> Finding {
    let lifted = from_client(error);
    let folded_of = |name: &Option<String>| name.as_deref().and_then(folded);
    let (Some(warehouse), Some(role)) = (folded_of(&config.virtual_warehouse), folded_of(&config.role))
    else {
        return Finding::of(lifted);
    };
    let message =
        format!("the virtual warehouse {warehouse} does not exist, or the role {role} may not use it");
    let missing = Error::new(ErrorKind::Permission, "grant_missing", message).with_source(lifted);
    Finding::customers(missing, vec![format!("GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role};")])
}

/// A refused token of a key pair: most often the user has another public key, or there is no such user.
fn key(config: &ConnectionConfig, error: snowflake::Error) -> Finding {
    let details = failure_id(error.message())
        .map(|id| format!("SELECT SYSTEM$GET_LOGIN_FAILURE_DETAILS({});", string_literal(&id)));
    let lifted = from_client(error);
    let (Credentials::KeyPair(key), Some(user)) = (&config.credentials, folded(&config.user)) else {
        return Finding::of(lifted);
    };
    let message = format!(
        "the key pair {} was refused: the user {user} does not exist, is of another account, or has another public key",
        key.fingerprint()
    );
    let refused = Error::new(ErrorKind::Auth, "key_refused", message).with_source(lifted);
    Finding::customers(refused, key_statements(&user, key, details))
}

fn key_statements(user: &Identifier, key: &snowflake::PrivateKey, details: Option<String>) -> Vec<String> {
    let mut sql = vec![format!("DESC USER {user};")];
    sql.extend(details);
    if let Ok(body) = key.public_key_body() {
        sql.push(format!("ALTER USER {user} SET RSA_PUBLIC_KEY = {};", string_literal(&body)));
    }
    sql
}

/// The id in brackets by which an account's administrator finds out why a token was refused.
fn failure_id(message: &str) -> Option<String> {
    let (_, rest) = message.split_once('[')?;
    let (id, _) = rest.split_once(']')?;
    let is_id = id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    is_id.then(|| id.to_owned())
}

/// What an administrator does about a user that may not log in at all.
fn account_state(code: Option<&str>, config: &ConnectionConfig) -> Option<Vec<String>> {
    let user = folded(&config.user)?;
    match code? {
        "390101" => Some(vec![format!("ALTER USER {user} SET DISABLED = FALSE;")]),
        "390102" => Some(vec![format!("ALTER USER {user} SET MINS_TO_UNLOCK = 0;")]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_refused_token_is_read_from_the_message() {
        let message = "JWT token is invalid. [0ce9eb56-821d-4ca9-a774-04ae89a0cf5a]";
        assert_eq!(failure_id(message).as_deref(), Some("0ce9eb56-821d-4ca9-a774-04ae89a0cf5a"));
        assert_eq!(failure_id("JWT token is invalid. ['; DROP TABLE t; --]"), None);
    }
}
