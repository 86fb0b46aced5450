//! The connection files of Snowflake's own tools, read only when somebody asks for it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::auth::{Credentials, OAuthClient};
use crate::config::ConnectionConfig;
use crate::endpoint::Endpoint;
use crate::key::KeySource;
use crate::secret::read_secret_file;
use crate::{Account, Error, ErrorKind, Result, Secret};

const CONNECTIONS: &str = "connections.toml";
const CONFIG: &str = "config.toml";
const DEFAULT_NAME: &str = "default";

/// Named connections from `~/.snowflake/connections.toml`, or from the `[connections.NAME]` sections of `config.toml`
/// where the former does not exist.
///
/// ```no_run
/// use snowflake::{ConnectionsFile, Session};
/// # async fn example() -> snowflake::Result<()> {
/// let config = ConnectionsFile::read_default()?.connection("acme")?;
/// let session = Session::connect(config).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ConnectionsFile {
    path: PathBuf,
    default_name: Option<String>,
    connections: BTreeMap<String, Section>,
}

/// The keys of one connection that this crate understands. Others are left to the tools that do.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Section {
    account: Option<String>,
    user: Option<String>,
    authenticator: Option<String>,
    password: Option<Secret>,
    passcode: Option<Secret>,
    token: Option<Secret>,
    token_file_path: Option<PathBuf>,
    private_key_file: Option<PathBuf>,
    private_key_path: Option<PathBuf>,
    private_key_raw: Option<Secret>,
    private_key_file_pwd: Option<Secret>,
    private_key_passphrase: Option<Secret>,
    oauth_client_id: Option<String>,
    oauth_client_secret: Option<Secret>,
    oauth_token_request_url: Option<String>,
    oauth_scope: Option<String>,
    role: Option<String>,
    warehouse: Option<String>,
    database: Option<String>,
    schema: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    protocol: Option<String>,
}

/// Either file: `connections.toml` has the names at the top, `config.toml` below `connections`.
#[derive(Deserialize)]
struct Config {
    default_connection_name: Option<String>,
    #[serde(default)]
    connections: BTreeMap<String, Section>,
}

impl ConnectionsFile {
    /// Reads the files below `$SNOWFLAKE_HOME`, or `~/.snowflake`.
    pub fn read_default() -> Result<Self> {
        let folder = std::env::var_os("SNOWFLAKE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".snowflake")))
            .ok_or_else(|| {
                Error::new(ErrorKind::Config, "there is no home folder to look for connections in")
            })?;
        let connections = folder.join(CONNECTIONS);
        match connections.exists() {
            true => Self::read(&connections),
            false => Self::read(&folder.join(CONFIG)),
        }
    }

    /// Reads a file of either form; one that is called `config.toml` has the names below `connections`.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_secret_file(path)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| broken(path, "it is not UTF-8"))?;
        let is_config = path.file_name().is_some_and(|name| name == CONFIG);
        let config = match is_config {
            true => toml::from_str::<Config>(text).map_err(|error| unreadable(path, text, &error))?,
            false => Config {
                default_connection_name: None,
                connections: toml::from_str(text).map_err(|error| unreadable(path, text, &error))?,
            },
        };
        Ok(Self {
            path: path.to_owned(),
            default_name: config.default_connection_name,
            connections: config.connections,
        })
    }

    /// The names of the connections.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.connections.keys().map(String::as_str)
    }

    /// The connection that the tools take when none is named: `$SNOWFLAKE_DEFAULT_CONNECTION_NAME`, the file's own
    /// choice, or `default`.
    pub fn default_connection(&self) -> Result<ConnectionConfig> {
        let from_env = std::env::var("SNOWFLAKE_DEFAULT_CONNECTION_NAME").ok();
        let name = from_env.or_else(|| self.default_name.clone());
        self.connection(name.as_deref().unwrap_or(DEFAULT_NAME))
    }

    /// The connection of this name, with its key read.
    pub fn connection(&self, name: &str) -> Result<ConnectionConfig> {
        let section = self.connections.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.names().collect();
            broken(&self.path, &format!("it has no connection {name:?}, only {}", names.join(", ")))
        })?;
        section.config().map_err(|error| {
            let message = format!("connection {name:?}: {}", error.message());
            Error::new(error.kind(), message).with_source(error)
        })
    }
}

impl Section {
    fn config(&self) -> Result<ConnectionConfig> {
        let account = Account::parse(self.account.as_deref().ok_or_else(|| missing("account"))?)?;
        let user = self.user.clone().unwrap_or_default();
        let mut config = ConnectionConfig::new(account, user, self.credentials()?);
        config.role.clone_from(&self.role);
        config.virtual_warehouse.clone_from(&self.warehouse);
        config.database.clone_from(&self.database);
        config.schema.clone_from(&self.schema);
        config.endpoint = self.endpoint()?;
        Ok(config)
    }

    fn credentials(&self) -> Result<Credentials> {
        let authenticator = self.authenticator.as_deref().unwrap_or_default().to_ascii_uppercase();
        match authenticator.as_str() {
            "SNOWFLAKE_JWT" => self.key_pair(),
            "PROGRAMMATIC_ACCESS_TOKEN" => Ok(Credentials::ProgrammaticAccessToken(self.token()?)),
            "OAUTH" => Ok(Credentials::OAuthToken(self.token()?)),
            "OAUTH_CLIENT_CREDENTIALS" => self.oauth_client(),
            "" | "SNOWFLAKE" | "USERNAME_PASSWORD_MFA" if self.has_key() => self.key_pair(),
            "" | "SNOWFLAKE" | "USERNAME_PASSWORD_MFA" => Ok(Credentials::Password {
                password: self.password.clone().ok_or_else(|| missing("password"))?,
                passcode: self.passcode.clone(),
            }),
            _ => Err(Error::new(
                ErrorKind::Config,
                "its authenticator needs a browser or a cloud identity, which is not supported",
            )),
        }
    }

    fn has_key(&self) -> bool {
        self.private_key_file.is_some() || self.private_key_path.is_some() || self.private_key_raw.is_some()
    }

    fn key_pair(&self) -> Result<Credentials> {
        let file = self.private_key_file.as_ref().or(self.private_key_path.as_ref());
        let source = match (file, &self.private_key_raw) {
            (Some(path), _) => KeySource::File(from_home(path)),
            (None, Some(text)) => KeySource::Value(text.clone()),
            (None, None) => return Err(missing("private_key_file")),
        };
        let passphrase = self.private_key_file_pwd.as_ref().or(self.private_key_passphrase.as_ref());
        let from_env = Secret::from_env("PRIVATE_KEY_PASSPHRASE").ok();
        Ok(Credentials::KeyPair(source.load(passphrase.or(from_env.as_ref()))?))
    }

    fn token(&self) -> Result<Secret> {
        match (&self.token, &self.token_file_path) {
            (Some(token), _) => Ok(token.clone()),
            (None, Some(path)) => Secret::from_file(from_home(path)),
            (None, None) => Err(missing("token")),
        }
    }

    fn oauth_client(&self) -> Result<Credentials> {
        Ok(Credentials::OAuthClient(OAuthClient {
            token_url: self
                .oauth_token_request_url
                .clone()
                .ok_or_else(|| missing("oauth_token_request_url"))?,
            client_id: self.oauth_client_id.clone().ok_or_else(|| missing("oauth_client_id"))?,
            client_secret: self.oauth_client_secret.clone().ok_or_else(|| missing("oauth_client_secret"))?,
            scope: self.oauth_scope.clone(),
        }))
    }

    fn endpoint(&self) -> Result<Option<Endpoint>> {
        let Some(host) = &self.host else { return Ok(None) };
        let protocol = self.protocol.as_deref().unwrap_or("https");
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        Endpoint::parse(&format!("{protocol}://{host}{port}")).map(Some)
    }
}

fn from_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

fn missing(key: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{key} is missing"))
}

fn broken(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{}: {why}", path.display()))
}

/// The parser's own message quotes the line, which may hold a password: only its number is told.
fn unreadable(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
    broken(path, &format!("line {line} cannot be read"))
}

impl fmt::Debug for ConnectionsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionsFile").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<ConnectionsFile> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        ConnectionsFile::read(&path)
    }

    #[test]
    fn both_files_give_the_same_connection() {
        let keys =
            "account = \"myorg-acct\"\nuser = \"me\"\npassword = \"p\"\nwarehouse = \"WH\"\nrole = \"R\"\n";
        let own = read("connections.toml", &format!("[acme]\n{keys}")).unwrap();
        let shared = format!(
            "default_connection_name = \"acme\"\n[cli.logs]\nlevel = \"info\"\n[connections.acme]\n{keys}"
        );
        let shared = read("config.toml", &shared).unwrap();
        for file in [own, shared] {
            let config = file.connection("acme").unwrap();
            assert_eq!(config.account.host(), "myorg-acct.snowflakecomputing.com");
            assert_eq!(config.virtual_warehouse.as_deref(), Some("WH"));
            assert_eq!(config.credentials.name(), "password");
        }
    }

    #[test]
    fn the_authenticator_decides_which_keys_are_needed() {
        for (keys, expected) in [
            ("authenticator = \"PROGRAMMATIC_ACCESS_TOKEN\"\ntoken = \"t\"", "programmatic access token"),
            ("authenticator = \"oauth\"\ntoken = \"t\"", "OAuth token"),
            (
                "authenticator = \"OAUTH_CLIENT_CREDENTIALS\"\noauth_client_id = \"i\"\noauth_client_secret = \"s\"\n\
                 oauth_token_request_url = \"https://idp.example/token\"",
                "OAuth client credentials",
            ),
            ("password = \"p\"\nport = 443\nunknown_key = [1]", "password"),
        ] {
            let file =
                read("connections.toml", &format!("[a]\naccount = \"o-a\"\nuser = \"u\"\n{keys}")).unwrap();
            assert_eq!(file.connection("a").unwrap().credentials.name(), expected);
        }
    }

    #[test]
    fn errors_name_the_place_but_not_the_content() {
        let broken = read("connections.toml", "[a]\naccount = \"o-a\"\npassword = hunter2\n").unwrap_err();
        assert!(broken.message().ends_with("line 3 cannot be read"), "{broken}");
        assert!(!format!("{broken:?}").contains("hunter2"));
        let file = read("connections.toml", "[a]\naccount = \"o-a\"\nauthenticator = \"externalbrowser\"\n")
            .unwrap();
        assert!(file.connection("a").unwrap_err().message().contains("browser"));
        assert!(file.connection("b").unwrap_err().message().contains("only a"));
    }
}
