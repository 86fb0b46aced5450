//! Names that a script for one customer must not touch: those of roles and users that Snowflake itself defines.

use model::{Error, Result};

use super::Onboarding;

/// Roles that every account has. They cannot be dropped, and whoever holds one may do far more than a sync needs.
pub(crate) const SYSTEM_ROLES: [&str; 7] =
    ["GLOBALORGADMIN", "ORGADMIN", "ACCOUNTADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC"];

/// The user by which Snowflake's own people help a customer.
const SYSTEM_USER: &str = "SNOWFLAKE";

/// In bytes: the closing script puts a statement with a name in it into a session variable, which holds 256.
pub(super) const NAME_LENGTH_MAX: usize = 200;

/// Refuses what a script must not grant, change or drop.
pub(super) fn refuse(onboarding: &Onboarding) -> Result<()> {
    let Onboarding { user, role, virtual_warehouse, .. } = onboarding;
    if SYSTEM_ROLES.contains(&role.as_str()) {
        let message = format!(
            "{} is a role that Snowflake defines, and is neither granted to a sync nor dropped",
            role.as_str()
        );
        return Err(Error::config("connect_reserved", message).with_remedy(
            "name a role of its own under `snowflake.role`, such as SNOWFERRY_READ; the script makes it",
        ));
    }
    if user.as_str() == SYSTEM_USER {
        let message = format!("{SYSTEM_USER} is a user that Snowflake defines");
        return Err(Error::config("connect_reserved", message).with_remedy(
            "name a user of its own under `snowflake.user`, such as SNOWFERRY; the script makes it",
        ));
    }
    match [user, role, virtual_warehouse].into_iter().find(|name| name.as_str().len() > NAME_LENGTH_MAX) {
        None => Ok(()),
        Some(name) => {
            let start: String = name.as_str().chars().take(20).collect();
            let message = format!("the name {start}… is longer than {NAME_LENGTH_MAX} bytes");
            Err(Error::config("connect_name", message).with_remedy("choose a shorter one"))
        }
    }
}
