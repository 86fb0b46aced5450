//! The way to the account: name, TLS, clock.

use jiff::SignedDuration;
use model::{Error, ErrorKind};
use snowflake::{ConnectionConfig, Greeting, Reachability};

use super::{Finding, Report, Step, StepName};
use crate::snowflake::error::from_client;

/// A key pair's token is good for two minutes, and a schedule that is off by one is right enough.
const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Looks at the way; false where it leads nowhere.
pub(super) async fn check(config: &ConnectionConfig, report: Report<'_>) -> bool {
    let Reachability { host, addresses, greeting } = Reachability::of(config).await;
    match addresses {
        Ok(addresses) if addresses.is_empty() => {
            report(Step::passed(StepName::Name, format!("{host} is left to the proxy")));
        }
        Ok(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            report(Step::passed(StepName::Name, format!("{host} is {}", addresses.join(", "))));
        }
        Err(error) => report(Step::failed(StepName::Name, host.as_str(), unresolved(error))),
    }
    match greeting {
        None => false,
        Some(Err(error)) => {
            report(Step::failed(StepName::Tls, host, unreachable(error)));
            false
        }
        Some(Ok(greeting)) => {
            let how = if greeting.is_encrypted {
                "the certificate is trusted"
            } else {
                "plain http on this machine"
            };
            report(Step::passed(StepName::Tls, how));
            report(clock(greeting));
            true
        }
    }
}

fn unresolved(error: snowflake::Error) -> Finding {
    let error = Error::new(ErrorKind::Unavailable, "name_unresolved", error.message().to_owned())
        .with_remedy("check the account identifier (organisation-account, as in the address of Snowflake's web page) and this machine's DNS");
    Finding::of(error)
}

fn unreachable(error: snowflake::Error) -> Finding {
    let lifted = from_client(error);
    let (kind, code, remedy) = match lifted.kind() {
        ErrorKind::Config => (
            ErrorKind::Config,
            "certificate_untrusted",
            "where a proxy opens TLS, add its root certificate to this machine; otherwise somebody else answers for this host",
        ),
        _ => (
            ErrorKind::Unavailable,
            "host_unreachable",
            "check the account identifier, the proxy's settings, and that outgoing connections to this host on port 443 are allowed",
        ),
    };
    Finding::of(Error::new(kind, code, lifted.message().to_owned()).with_remedy(remedy))
}

fn clock(greeting: Greeting) -> Step {
    let Some(skew) = greeting.clock_skew else {
        return Step::skipped(StepName::Clock, "the host does not tell its time");
    };
    let seconds = skew.abs().as_secs();
    if skew.abs() <= CLOCK_SKEW_MAX {
        return Step::passed(StepName::Clock, format!("{seconds} s from Snowflake's"));
    }
    let direction = if skew.is_positive() { "behind" } else { "ahead of" };
    let subject = format!("{seconds} s {direction} Snowflake's");
    let message = format!("this machine's clock is {subject}");
    let error = Error::config("clock_skew", message)
        .with_remedy("let the machine set its clock by NTP: log-ins by key pair and schedules go by it");
    Step::failed(StepName::Clock, subject, Finding::of(error))
}
