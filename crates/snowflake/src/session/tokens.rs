//! The two tokens of a session and the facts that come with them.

use std::time::Duration;

use crate::Secret;

/// What a session is known by. Both tokens change at every renewal.
#[derive(Clone)]
pub(crate) struct Tokens {
    /// Sent with every request.
    pub(crate) session: Secret,
    /// Sent to get a new pair.
    pub(crate) master: Secret,
    /// How long the master token lasts from when it was given.
    pub(crate) master_validity: Duration,
}

/// What is current in a session. Statements such as `USE` change it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionContext {
    /// The current database.
    pub database: Option<String>,
    /// The current schema.
    pub schema: Option<String>,
    /// The current virtual warehouse.
    pub virtual_warehouse: Option<String>,
    /// The primary role.
    pub role: Option<String>,
}
