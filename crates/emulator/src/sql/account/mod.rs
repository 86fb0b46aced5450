//! What belongs to the account as a whole: virtual warehouses, roles, users, network policies, grants, and where a session is.

pub(crate) mod context;
pub(crate) mod grants;
pub(crate) mod network_policies;
pub(crate) mod roles;
pub(crate) mod users;
pub(crate) mod warehouses;
