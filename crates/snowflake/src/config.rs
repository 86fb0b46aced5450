//! Everything that says how to connect: who, where, as what, and how patiently.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::auth::Credentials;
use crate::client_identity::ClientIdentity;
use crate::endpoint::Endpoint;
use crate::http::{Network, Proxy, RetryPolicy};
use crate::result::MemoryBudget;
use crate::{Account, Error, ErrorKind, Result, UsageMeter};

/// Time to the first byte of a reply and between two bytes. The service itself holds a reply back for 45 seconds
/// while a query runs.
const REPLY_WAIT_MAX: Duration = Duration::from_secs(120);
/// One try of a log-in; a token signed for it must still be valid when it arrives.
const LOGIN_WAIT_MAX: Duration = Duration::from_secs(20);
/// A whole log-in with all its tries.
const LOGIN_BUDGET: Duration = Duration::from_secs(120);
/// The longest query tag that Snowflake takes.
const QUERY_TAG_LENGTH_MAX: usize = 2000;

/// The value of a session parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ParameterValue {
    /// `TRUE` or `FALSE`.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// Everything else.
    Text(String),
}

impl From<bool> for ParameterValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for ParameterValue {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for ParameterValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for ParameterValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// How to connect to one account.
///
/// ```
/// use snowflake::{ConnectionConfig, Credentials, PrivateKey, KeyBits};
/// # fn main() -> snowflake::Result<()> {
/// let key = PrivateKey::generate(KeyBits::Rsa2048)?;
/// let config = ConnectionConfig::new("myorg-acct".parse()?, "SYNC", Credentials::KeyPair(key))
///     .role("SYNC_READ")
///     .virtual_warehouse("SYNC_WH")
///     .query_tag("nightly");
/// # let _ = config; Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    /// The account to log in to.
    pub account: Account,
    /// The log-in name; may be empty for tokens that name their user.
    pub user: String,
    /// How to prove who we are.
    pub credentials: Credentials,
    /// The primary role; the user's default where absent.
    pub role: Option<String>,
    /// The virtual warehouse that runs the queries.
    pub virtual_warehouse: Option<String>,
    /// The current database.
    pub database: Option<String>,
    /// The current schema.
    pub schema: Option<String>,
    /// Whether the user's other roles count too. Off by default: rights then come from the primary role alone.
    pub secondary_roles: bool,
    /// Refuse the log-in when one of the four above does not exist, instead of going on without it. On by default.
    pub validate_defaults: bool,
    /// The tag of every query that has none of its own.
    pub query_tag: Option<String>,
    /// Further session parameters; they win over the ones this crate pins.
    pub session_parameters: BTreeMap<String, ParameterValue>,
    /// The name to appear under.
    pub client: ClientIdentity,
    /// Another place than the account's own host.
    pub endpoint: Option<Endpoint>,
    /// Development only: allows an `http` endpoint, and chunk links, on a loopback address.
    pub allow_http_loopback: bool,
    /// Storage hosts that chunk links may also name, such as the private endpoint of a storage account.
    pub storage_hosts: Vec<String>,
    /// Which proxy to use; without effect where `network` is given.
    pub proxy: Proxy,
    /// PEM files of root certificates to trust besides the system's; without effect where `network` is given.
    pub extra_roots: Vec<Vec<u8>>,
    /// Shared HTTP clients; made for this session alone where absent.
    pub network: Option<Network>,
    /// How often failed requests are repeated.
    pub retry: RetryPolicy,
    /// Time to the first byte of a reply and between two bytes of it.
    pub reply_wait_max: Duration,
    /// The same for one try of a log-in.
    pub login_wait_max: Duration,
    /// A whole log-in with all its tries.
    pub login_budget: Duration,
    /// Keep the session alive while it is idle. On by default.
    pub keep_alive: bool,
    /// How often; within what the service allows. Its least frequency where absent.
    pub heartbeat_every: Option<Duration>,
    /// Log in anew, once, when the session is gone, for work that needs nothing of it: statements that were declared
    /// repeatable, and results by query id. Off by default: the caller is told, because temporary tables and session
    /// settings are lost with the session.
    pub relogin: bool,
    /// The bound on result bytes in memory.
    pub memory_budget: MemoryBudget,
    /// Notes which statements were sent and what they took; nothing is noted where absent.
    pub usage: Option<UsageMeter>,
}

impl ConnectionConfig {
    /// The defaults for this account, user and proof.
    pub fn new(account: Account, user: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            account,
            user: user.into(),
            credentials,
            role: None,
            virtual_warehouse: None,
            database: None,
            schema: None,
            secondary_roles: false,
            validate_defaults: true,
            query_tag: None,
            session_parameters: BTreeMap::new(),
            client: ClientIdentity::default(),
            endpoint: None,
            allow_http_loopback: false,
            storage_hosts: Vec::new(),
            proxy: Proxy::default(),
            extra_roots: Vec::new(),
            network: None,
            retry: RetryPolicy::default(),
            reply_wait_max: REPLY_WAIT_MAX,
            login_wait_max: LOGIN_WAIT_MAX,
            login_budget: LOGIN_BUDGET,
            keep_alive: true,
            heartbeat_every: None,
            relogin: false,
            memory_budget: MemoryBudget::process_wide(),
            usage: None,
        }
    }

    /// Sets the primary role.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Sets the virtual warehouse.
    pub fn virtual_warehouse(mut self, name: impl Into<String>) -> Self {
        self.virtual_warehouse = Some(name.into());
        self
    }

    /// Sets the current database.
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = Some(name.into());
        self
    }

    /// Sets the current schema.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// Sets the tag of every query.
    pub fn query_tag(mut self, tag: impl Into<String>) -> Self {
        self.query_tag = Some(tag.into());
        self
    }

    /// Sets a session parameter.
    pub fn session_parameter(mut self, name: impl AsRef<str>, value: impl Into<ParameterValue>) -> Self {
        self.session_parameters.insert(name.as_ref().to_ascii_uppercase(), value.into());
        self
    }

    /// Lets the user's other roles count too, or not.
    pub fn secondary_roles(mut self, are_used: bool) -> Self {
        self.secondary_roles = are_used;
        self
    }

    /// Sends everything through a proxy.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Talks to another endpoint than the account's own host.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Development only: allows plain `http` on a loopback address.
    pub fn allow_http_loopback(mut self, is_allowed: bool) -> Self {
        self.allow_http_loopback = is_allowed;
        self
    }

    /// Shares HTTP clients with other sessions.
    pub fn network(mut self, network: Network) -> Self {
        self.network = Some(network);
        self
    }

    /// Sets how often failed requests are repeated.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the bound on result bytes in memory.
    pub fn memory_budget(mut self, budget: MemoryBudget) -> Self {
        self.memory_budget = budget;
        self
    }

    /// Notes which statements are sent, and what they take.
    pub fn usage(mut self, meter: UsageMeter) -> Self {
        self.usage = Some(meter);
        self
    }

    /// Keeps the session alive while it is idle, or does not.
    pub fn keep_alive(mut self, is_kept: bool) -> Self {
        self.keep_alive = is_kept;
        self
    }

    /// Logs in anew for repeatable statements when the session is gone.
    pub fn relogin(mut self, is_allowed: bool) -> Self {
        self.relogin = is_allowed;
        self
    }

    /// What can be found wrong without asking the service.
    pub fn check(&self) -> Result<()> {
        self.target().check(self.allow_http_loopback)?;
        check_query_tag(self.query_tag.as_deref())?;
        self.credentials.check(&self.user, self.allow_http_loopback)
    }

    /// Where requests go.
    pub(crate) fn target(&self) -> Endpoint {
        self.endpoint.clone().unwrap_or_else(|| Endpoint::of(&self.account))
    }
}

pub(crate) fn check_query_tag(tag: Option<&str>) -> Result<()> {
    match tag {
        Some(tag) if tag.chars().count() > QUERY_TAG_LENGTH_MAX => {
            Err(Error::new(ErrorKind::Config, "the query tag is longer than 2000 characters"))
        }
        _ => Ok(()),
    }
}
