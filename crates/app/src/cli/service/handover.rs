//! `snowferry handover`: a link by which a customer hands over the secret of a connection, once.

use clap::Args;
use model::{Error, Result};
use reqwest::Url;
use service::{HANDOVER_HOURS_DEFAULT, handover_path, make_handover};
use snowflake::{PrivateKey, Secret};
use store::SecretValue;

use super::super::state::{StoreArgument, actor};
use super::connections::ConnectionArgument;
use super::opened;
use crate::config::PRIVATE_KEY;
use crate::output::print_line;

/// No secret of Snowflake's is as long, but for keys.
const CHARACTERS_MAX: usize = 8 * 1024;

#[derive(Args, Debug)]
#[command(after_help = "Example:
  snowferry handover acme/acme-prod-snowferry --url https://bridge.example.com --hours 48

The link takes one secret, once, from whoever has it: send it over a way that you trust.")]
pub(crate) struct HandoverCommand {
    #[command(flatten)]
    connection: ConnectionArgument,

    /// Where `snowferry serve` is reached from outside, by https
    #[arg(long, value_name = "URL", env = "SNOWFERRY_PUBLIC_URL")]
    url: String,

    /// For how many hours it is good
    #[arg(long, value_name = "HOURS", default_value_t = HANDOVER_HOURS_DEFAULT)]
    hours: u16,

    #[command(flatten)]
    store: StoreArgument,
}

impl HandoverCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        let base = self.url.trim_end_matches('/');
        if !is_private(base) {
            return Err(Error::config("handover_url", "a secret is handed over by https only")
                .with_remedy("give the address of the proxy in front of `snowferry serve`, such as https://bridge.example.com"));
        }
        let (store, _queue) = opened(&self.store).await?;
        let (_tenant, connection) = self.connection.find(&store).await?;
        let issued = make_handover(&store, &connection, self.hours, &actor()).await?;
        eprintln!("good once, until {}", issued.expires_at.strftime("%Y-%m-%d %H:%M UTC"));
        print_line(&format!("{base}{}", handover_path(&issued).expose()))
    }
}

/// Whether nobody on the way reads what is sent to this address: it is by https, or never leaves the machine.
fn is_private(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| match url.scheme() {
        "https" => url.has_host(),
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")),
        _ => false,
    })
}

/// What is sealed of what a customer has entered: a key without its passphrase, anything else as it is.
pub(super) fn accept(
    field: &str,
    secret: &SecretValue,
    passphrase: Option<&SecretValue>,
) -> Result<SecretValue> {
    let entered = secret.expose().trim_end_matches(['\r', '\n']);
    let refused =
        |message: String, remedy: &str| Error::config("handover_refused", message).with_remedy(remedy);
    if entered.is_empty() || entered.len() > CHARACTERS_MAX {
        return Err(refused(
            "there is nothing in it, or far too much".to_owned(),
            "enter the secret, and nothing else",
        ));
    }
    if field != PRIVATE_KEY {
        return Ok(SecretValue::from(entered.to_owned()));
    }
    let passphrase = passphrase.map(|passphrase| Secret::new(passphrase.expose()));
    let key = PrivateKey::parse(entered, passphrase.as_ref()).map_err(|error| {
        refused(
            error.message().to_owned(),
            error.remedy().unwrap_or("paste the whole file, from BEGIN to END"),
        )
    })?;
    let pem = key.to_pkcs8_pem().map_err(|error| Error::internal(error.message().to_owned()))?;
    Ok(SecretValue::from(pem.expose().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn an_address_is_local_by_its_whole_host_and_not_by_how_it_begins() {
        for private in
            ["https://bridge.example.com", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"]
        {
            assert!(is_private(private), "{private}");
        }
        for public in [
            "http://bridge.example.com",
            "http://localhost.evil.com",
            "http://127.0.0.1.evil.com",
            "http://localhost@evil.com",
            "https://",
            "ftp://localhost",
            "localhost",
        ] {
            assert!(!is_private(public), "{public}");
        }
    }
}
