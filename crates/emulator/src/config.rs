//! What a running emulator can be told: where it listens, whom it knows, how long things last, how results are cut.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::stage::{KeySize, StageAccess};
use crate::users::User;

/// The user of [`EmulatorConfig::default`].
pub const DEFAULT_USER: &str = "SNOWFERRY";
/// The password of the user of [`EmulatorConfig::default`].
pub const DEFAULT_PASSWORD: &str = "snowferry";

/// The settings of one emulated account.
#[derive(Clone, Debug)]
pub struct EmulatorConfig {
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// Where DuckDB keeps the data; in memory when absent.
    pub data_folder: Option<PathBuf>,
    /// The account that log-ins must name; any name is accepted when absent.
    pub account: Option<String>,
    pub users: Vec<User>,
    pub oauth_clients: Vec<OauthClient>,
    /// Session parameters whose defaults differ from Snowflake's.
    pub parameters: BTreeMap<String, String>,
    pub validity: Validity,
    pub results: ResultSizes,
    pub stages: StageSettings,
    /// How long a request waits for its statement before the reply says that it is still running.
    pub hold: Duration,
    /// How far the emulator's clock is ahead of the machine's, in milliseconds.
    pub clock_offset_ms: i64,
    /// Answer JWT failures with their precise code (394301, 394304, …) instead of 390144 and a lookup id.
    pub has_precise_jwt_codes: bool,
    /// Compress replies for clients that accept it.
    pub compresses_replies: bool,
}

/// A client that may fetch access tokens from `/oauth/token-request`.
#[derive(Clone, Debug)]
pub struct OauthClient {
    pub id: String,
    pub secret: String,
    /// The user as whom its tokens log in.
    pub user: String,
    pub token_validity: Duration,
}

/// How long tokens, results and links last.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    pub session_token: Duration,
    pub master_token: Duration,
    /// How long a finished result can be fetched again by its id.
    pub result: Duration,
    /// How long a chunk can be fetched by the link of one reply.
    pub chunk_link: Duration,
    /// How long the object store takes the credentials of one PUT or GET.
    pub stage_credentials: Duration,
}

/// How clients reach Snowflake stages.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageSettings {
    /// Chosen by driver when absent: those that insist on a store of one of the clouds get a local folder. A session
    /// chooses for itself with the parameter `EMULATOR_STAGE_ACCESS`.
    pub access: Option<StageAccess>,
    /// The length of the keys that clients encrypt with.
    pub key_size: KeySize,
}

/// How a result is cut into the reply's own rows and chunks.
#[derive(Clone, Copy, Debug)]
pub struct ResultSizes {
    /// A result goes into the reply whole if it is within both inline bounds; else its first rows do.
    pub inline_rows_max: usize,
    pub inline_bytes_max: usize,
    pub chunk_rows_max: usize,
    /// Bytes before compression. `CLIENT_RESULT_CHUNK_SIZE` can make chunks smaller than this, not larger.
    pub chunk_bytes_max: usize,
    /// Encoded bytes of finished results kept together; the oldest are forgotten first.
    pub kept_bytes_max: usize,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            data_folder: None,
            account: None,
            users: vec![User::new(DEFAULT_USER).with_password(DEFAULT_PASSWORD)],
            oauth_clients: Vec::new(),
            parameters: BTreeMap::new(),
            validity: Validity::default(),
            results: ResultSizes::default(),
            stages: StageSettings::default(),
            hold: Duration::from_secs(45),
            clock_offset_ms: 0,
            has_precise_jwt_codes: false,
            compresses_replies: true,
        }
    }
}

impl Default for Validity {
    /// Snowflake's own.
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            session_token: HOUR,
            master_token: 4 * HOUR,
            result: 24 * HOUR,
            chunk_link: 6 * HOUR,
            stage_credentials: HOUR,
        }
    }
}

impl Default for ResultSizes {
    /// Snowflake puts about 100 KB into the reply and cuts chunks of some 10 MB.
    fn default() -> Self {
        Self {
            inline_rows_max: 4096,
            inline_bytes_max: 128 * 1024,
            chunk_rows_max: 262_144,
            chunk_bytes_max: 16 * 1024 * 1024,
            kept_bytes_max: 2 * 1024 * 1024 * 1024,
        }
    }
}
