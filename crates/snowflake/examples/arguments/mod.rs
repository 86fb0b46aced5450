//! What the examples have in common: account, user, role, virtual warehouse and endpoint from the command line.

use std::error::Error;

use snowflake::{ConnectionConfig, Credentials, Endpoint};

/// The options, and whatever else was given.
#[derive(Default)]
pub(crate) struct Arguments {
    account: Option<String>,
    user: Option<String>,
    role: Option<String>,
    virtual_warehouse: Option<String>,
    endpoint: Option<String>,
    /// A PEM file with the root certificate of a proxy that opens TLS.
    root: Option<String>,
    pub(crate) rest: Vec<String>,
}

impl Arguments {
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let mut arguments = Self::default();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let slot = match word.as_str() {
                "--account" => &mut arguments.account,
                "--user" => &mut arguments.user,
                "--role" => &mut arguments.role,
                "--virtual-warehouse" => &mut arguments.virtual_warehouse,
                "--endpoint" => &mut arguments.endpoint,
                "--root" => &mut arguments.root,
                _ => {
                    arguments.rest.push(word);
                    continue;
                }
            };
            *slot = Some(words.next().ok_or(format!("{word} needs a value"))?);
        }
        Ok(arguments)
    }

    pub(crate) fn config(&self, credentials: Credentials) -> Result<ConnectionConfig, Box<dyn Error>> {
        // An emulator takes any account.
        let account = match (&self.account, &self.endpoint) {
            (Some(account), _) => account,
            (None, Some(_)) => "emulator",
            (None, None) => return Err("--account is missing".into()),
        };
        let user = self.user.clone().ok_or("--user is missing")?;
        let mut config = ConnectionConfig::new(account.parse()?, user, credentials);
        config.role.clone_from(&self.role);
        config.virtual_warehouse.clone_from(&self.virtual_warehouse);
        if let Some(root) = &self.root {
            config.extra_roots.push(std::fs::read(root)?);
        }
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint(Endpoint::parse(endpoint)?).allow_http_loopback(true);
        }
        Ok(config)
    }
}
