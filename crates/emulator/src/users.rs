//! Who may log in, and with what: shared between the log-in, the configuration and `CREATE USER`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;

use crate::login::network::AddressRange;
use crate::login::public_key::PublicKey;

/// One user of the emulated account.
#[derive(Clone)]
pub struct User {
    /// As stored: upper case unless it was quoted.
    pub name: String,
    pub password: Option<String>,
    /// `RSA_PUBLIC_KEY` and `RSA_PUBLIC_KEY_2`.
    pub public_keys: [Option<PublicKey>; 2],
    pub access_tokens: Vec<AccessToken>,
    pub oauth_tokens: Vec<OauthToken>,
    /// The one-time code that this user's authenticator shows, where a second factor is asked for.
    pub mfa_passcode: Option<String>,
    /// A remembered second factor, as given to a client that asked for one.
    pub mfa_token: Option<String>,
    pub is_locked: bool,
    pub is_disabled: bool,
    /// The roles granted to this user; any role is accepted when absent.
    pub roles: Option<Vec<String>>,
    pub default_role: Option<String>,
    pub default_warehouse: Option<String>,
    pub default_database: Option<String>,
    pub default_schema: Option<String>,
    /// Where the user may log in from; anywhere when empty.
    pub allowed_addresses: Vec<AddressRange>,
}

/// A programmatic access token.
#[derive(Clone)]
pub struct AccessToken {
    pub name: String,
    pub secret: String,
    pub expires_at: Option<Timestamp>,
    pub role_restriction: Option<String>,
    pub is_disabled: bool,
}

/// An access token of an OAuth server that the account trusts.
#[derive(Clone)]
pub struct OauthToken {
    pub secret: String,
    pub expires_at: Option<Timestamp>,
}

/// The users of one emulated account. Copies share the same registry.
#[derive(Clone, Debug, Default)]
pub struct Users {
    registry: Arc<RwLock<BTreeMap<String, User>>>,
}

impl Users {
    pub(crate) fn new(users: Vec<User>) -> Self {
        let registry = users.into_iter().map(|user| (user.name.clone(), user)).collect();
        Self { registry: Arc::new(RwLock::new(registry)) }
    }

    /// Adds a user; false where the name is taken.
    pub fn add(&self, user: User) -> bool {
        let mut registry = self.write();
        if registry.contains_key(&user.name) {
            return false;
        }
        registry.insert(user.name.clone(), user);
        true
    }

    /// Changes a user; `None` where there is none of this name.
    pub fn alter<T>(&self, name: &str, change: impl FnOnce(&mut User) -> T) -> Option<T> {
        self.write().get_mut(name).map(change)
    }

    /// Removes a user; false where there is none of this name.
    pub fn drop_user(&self, name: &str) -> bool {
        self.write().remove(name).is_some()
    }

    pub fn get(&self, name: &str) -> Option<User> {
        self.read().get(name).cloned()
    }

    pub fn names(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    /// The user of a log-in name, which is not case-sensitive.
    pub(crate) fn by_login_name(&self, login_name: &str) -> Option<User> {
        let registry = self.read();
        registry.values().find(|user| user.name.eq_ignore_ascii_case(login_name)).cloned()
    }

    pub(crate) fn find(&self, is_wanted: impl Fn(&User) -> bool) -> Option<User> {
        self.read().values().find(|user| is_wanted(user)).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, User>> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, User>> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl User {
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: None,
            public_keys: [None, None],
            access_tokens: Vec::new(),
            oauth_tokens: Vec::new(),
            mfa_passcode: None,
            mfa_token: None,
            is_locked: false,
            is_disabled: false,
            roles: None,
            default_role: None,
            default_warehouse: None,
            default_database: None,
            default_schema: None,
            allowed_addresses: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Takes the first free of the two key slots, or the second.
    #[must_use]
    pub fn with_public_key(mut self, key: PublicKey) -> Self {
        let slot = usize::from(self.public_keys[0].is_some());
        self.public_keys[slot] = Some(key);
        self
    }

    #[must_use]
    pub fn with_access_token(mut self, secret: impl Into<String>) -> Self {
        self.access_tokens.push(AccessToken {
            name: format!("TOKEN_{}", self.access_tokens.len() + 1),
            secret: secret.into(),
            expires_at: None,
            role_restriction: None,
            is_disabled: false,
        });
        self
    }

    #[must_use]
    pub fn with_oauth_token(mut self, secret: impl Into<String>) -> Self {
        self.oauth_tokens.push(OauthToken { secret: secret.into(), expires_at: None });
        self
    }

    #[must_use]
    pub fn with_mfa_passcode(mut self, passcode: impl Into<String>) -> Self {
        self.mfa_passcode = Some(passcode.into());
        self
    }

    #[must_use]
    pub fn with_roles(mut self, roles: &[&str]) -> Self {
        self.roles = Some(roles.iter().map(|role| (*role).to_owned()).collect());
        self
    }

    #[must_use]
    pub fn with_default_role(mut self, role: impl Into<String>) -> Self {
        self.default_role = Some(role.into());
        self
    }

    #[must_use]
    pub fn with_default_warehouse(mut self, warehouse: impl Into<String>) -> Self {
        self.default_warehouse = Some(warehouse.into());
        self
    }

    #[must_use]
    pub fn with_default_schema(mut self, database: impl Into<String>, schema: impl Into<String>) -> Self {
        self.default_database = Some(database.into());
        self.default_schema = Some(schema.into());
        self
    }

    #[must_use]
    pub fn with_allowed_addresses(mut self, ranges: Vec<AddressRange>) -> Self {
        self.allowed_addresses = ranges;
        self
    }
}

impl fmt::Debug for User {
    /// Names the user and leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for OauthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthToken").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_added_by_sql_is_seen_by_every_copy_of_the_registry() {
        let users = Users::default();
        let copy = users.clone();
        assert!(users.add(User::new("SYNC")));
        assert!(copy.by_login_name("sync").is_some());
        assert!(!copy.add(User::new("SYNC")), "the name is taken");
        assert!(copy.drop_user("SYNC"));
        assert!(users.get("SYNC").is_none());
    }

    #[test]
    fn secrets_do_not_print() {
        let user = User::new("SYNC").with_password("hunter2").with_access_token("hunter3");
        assert!(!format!("{user:?} {:?}", user.access_tokens).contains("hunter"));
    }
}
