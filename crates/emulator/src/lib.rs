//! A Snowflake to hold in the hand: the same HTTP protocol over an embedded DuckDB, with faults on demand.

mod account;
mod clock;
mod config;
mod encode;
mod fault;
mod login;
pub mod outcome;
mod random;
mod running;
mod s3;
pub mod sample;
mod server;
mod session;
pub mod sql;
mod stage;
mod statement;
mod users;
mod wire;

pub use self::clock::Clock;
pub use self::config::{
    DEFAULT_PASSWORD, DEFAULT_USER, EmulatorConfig, OauthClient, ResultSizes, StageSettings, Validity,
};
pub use self::fault::{Action, FaultRule, Faults, Gate};
pub use self::login::network::{AddressRange, NotAnAddressRange};
pub use self::login::public_key::{NotAPublicKey, PublicKey};
pub use self::running::{Emulator, RunningEmulator, StartError};
pub use self::server::request_log::LoggedRequest;
pub use self::server::route::Route;
pub use self::stage::{KeySize, StageAccess, Transfer};
pub use self::statement::FinishedResults;
pub use self::statement::canned::CannedResult;
pub use self::users::{AccessToken, OauthToken, User, Users};
