//! An asynchronous Snowflake client: log-in, statements, and results as a stream of Arrow batches.
//!
//! It speaks the protocol of Snowflake's own drivers, so results come as Arrow and in parallel. It is made for
//! programs that run for a long time on other people's accounts:
//!
//! * Account names become hosts by construction; nothing that is typed can redirect a log-in.
//! * Private keys are read in every shape they are pasted in, and an error says what was pasted instead.
//! * A lost reply is answered by sending the same request id again, so a statement does not run twice.
//! * An expired session is renewed once for all who use it. A session that is gone is reported, never papered over.
//! * A result can be fetched again by its query id for a day, also after a crash, chunk by chunk.
//! * Every result's rows are counted against what the service said; missing rows are an error.
//! * Files go into Snowflake stages from memory and in parallel, encrypted as the stage asks, on all three clouds.
//! * No secret, row value or statement text gets into an error, a log line or a `Debug` output.
//!
//! ```no_run
//! use snowflake::{ConnectionConfig, Credentials, KeySource, Session, Statement};
//!
//! # async fn example() -> snowflake::Result<()> {
//! let key = KeySource::File("sync.p8".into()).load(None)?;
//! let config = ConnectionConfig::new("myorg-acct".parse()?, "SYNC", Credentials::KeyPair(key))
//!     .role("SYNC_READ")
//!     .virtual_warehouse("SYNC_WH");
//! let session = Session::connect(config).await?;
//!
//! let orders = Statement::new("SELECT id, amount FROM crm.sales.orders WHERE id > ?").bind(42);
//! let result = session.query(orders).await?;
//! println!("{} rows in {} chunks", result.total_rows(), result.chunk_count());
//! for batch in result.collect().await? {
//!     println!("{} rows", batch.num_rows());
//! }
//! session.close().await?;
//! # Ok(()) }
//! ```

mod account;
mod auth;
mod client_identity;
mod column;
mod config;
mod connections_file;
mod decode;
mod endpoint;
mod error;
mod error_code;
mod error_message;
mod http;
mod key;
#[doc(hidden)]
pub mod measured;
mod networks;
mod reachability;
mod result;
mod secret;
mod session;
mod sql;
mod stage;
mod statement;
mod usage;
mod wire;

pub use account::Account;
pub use auth::{Credentials, OAuthClient};
pub use client_identity::ClientIdentity;
pub use column::{Column, ColumnOrigin, ColumnType, VectorElement};
pub use config::{ConnectionConfig, ParameterValue};
pub use connections_file::ConnectionsFile;
pub use decode::{DecodeOptions, WideTimestamps};
pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind, Result};
pub use error_code::{CodeMeaning, meaning_of_code};
pub use http::{Network, Proxy, RetryPolicy};
pub use key::{KeyBits, KeySource, PrivateKey};
pub use networks::Networks;
pub use reachability::{Greeting, Reachability};
pub use result::{MemoryBudget, QueryResult, ResultBatch, ResultStream, ResultSummary, when_decoders_rest};
pub use secret::Secret;
pub use session::{Session, SessionContext};
pub use sql::{Identifier, ObjectName, string_literal};
pub use stage::{
    DownloadedFile, StageDownloads, StageFile, StageLocation, StageUploads, UploadOptions, UploadedFile,
};
pub use statement::{Bind, QueryHandle, QueryState, QueryStatus, Statement};
pub use usage::{StatementUse, UsageMeter, WarehouseTime};

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
