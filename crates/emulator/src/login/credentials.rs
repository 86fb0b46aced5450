//! Which user a log-in proves to be, for each way of proving it.

use super::request::LoginRequest;
use super::{LoginFailure, jwt};
use crate::account::Account;
use crate::users::User;

/// A user who proved who they are.
#[derive(Debug)]
pub(super) struct Identity {
    pub user: User,
    /// The only role that the credential is good for.
    pub role_restriction: Option<String>,
}

/// Checks the credentials, and that the user may log in at all.
pub(super) fn check(account: &Account, request: &LoginRequest) -> Result<Identity, LoginFailure> {
    let identity = match request.authenticator().as_str() {
        "SNOWFLAKE" => password(account, request, false)?,
        "USERNAME_PASSWORD_MFA" => password(account, request, true)?,
        "SNOWFLAKE_JWT" => jwt::check(account, request)?,
        "PROGRAMMATIC_ACCESS_TOKEN" => access_token(account, request, request.token.as_deref())?,
        "OAUTH" => oauth_token(account, request)?,
        other => {
            let message = format!("Authenticator {other} is not one that the emulator knows.");
            return Err(LoginFailure::new("390139", message));
        }
    };
    usable(identity)
}

fn usable(identity: Identity) -> Result<Identity, LoginFailure> {
    if identity.user.is_disabled {
        return Err(LoginFailure::new(
            "390101",
            "User access disabled. Contact your local system administrator.",
        ));
    }
    if identity.user.is_locked {
        return Err(locked());
    }
    Ok(identity)
}

fn locked() -> LoginFailure {
    LoginFailure::new(
        "390102",
        "User temporarily locked. Try again later, or contact your local system administrator.",
    )
}

fn wrong_password() -> LoginFailure {
    LoginFailure::new("390100", "Incorrect username or password was specified.")
}

fn password(account: &Account, request: &LoginRequest, is_mfa: bool) -> Result<Identity, LoginFailure> {
    let login_name = request.login_name.as_deref().unwrap_or_default();
    let given = request.password.as_deref().unwrap_or_default();
    let user = account.users.by_login_name(login_name).ok_or_else(wrong_password)?;
    if user.is_locked {
        return Err(locked());
    }
    // A programmatic access token may also come as a password.
    if user.access_tokens.iter().any(|token| token.secret == given) {
        return access_token(account, request, Some(given));
    }
    let Some(password) = user.password.clone() else { return Err(wrong_password()) };
    let Some(rest) = given.strip_prefix(password.as_str()) else { return Err(wrong_password()) };
    match &user.mfa_passcode {
        None if rest.is_empty() => {}
        None => return Err(wrong_password()),
        Some(expected) => second_factor(&user, request, expected, rest, is_mfa)?,
    }
    Ok(Identity { user, role_restriction: None })
}

/// The passcode comes in its own field, behind the password, or not at all where a remembered token replaces it.
fn second_factor(
    user: &User,
    request: &LoginRequest,
    expected: &str,
    behind_password: &str,
    is_mfa: bool,
) -> Result<(), LoginFailure> {
    if is_mfa && request.token.is_some() && request.token == user.mfa_token {
        return Ok(());
    }
    let given =
        request.passcode.as_deref().filter(|passcode| !passcode.is_empty()).unwrap_or(behind_password);
    if given == expected {
        return Ok(());
    }
    if given.is_empty() {
        let message = "Multi-factor authentication is required for this account. Log in with a passcode.";
        return Err(LoginFailure::new("390197", message));
    }
    Err(LoginFailure::new("394508", "TOTP Invalid."))
}

fn access_token(
    account: &Account,
    request: &LoginRequest,
    secret: Option<&str>,
) -> Result<Identity, LoginFailure> {
    let invalid = || LoginFailure::new("394400", "Programmatic access token is invalid.");
    let secret = secret.ok_or_else(invalid)?;
    let user = account
        .users
        .find(|user| user.access_tokens.iter().any(|token| token.secret == secret))
        .ok_or_else(invalid)?;
    let is_named = |name: &String| !name.is_empty() && !user.name.eq_ignore_ascii_case(name);
    if request.login_name.as_ref().is_some_and(is_named) {
        return Err(invalid());
    }
    let token = user.access_tokens.iter().find(|token| token.secret == secret).ok_or_else(invalid)?;
    if token.is_disabled || token.expires_at.is_some_and(|at| at <= account.clock.now()) {
        return Err(invalid());
    }
    let role_restriction = token.role_restriction.clone();
    Ok(Identity { user, role_restriction })
}

fn oauth_token(account: &Account, request: &LoginRequest) -> Result<Identity, LoginFailure> {
    let invalid = || LoginFailure::new("390303", "Invalid OAuth access token.");
    let secret = request.token.as_deref().ok_or_else(invalid)?;
    let is_it = |user: &User| user.oauth_tokens.iter().any(|token| token.secret == secret);
    let user = account.users.find(is_it).ok_or_else(invalid)?;
    let token = user.oauth_tokens.iter().find(|token| token.secret == secret).ok_or_else(invalid)?;
    if token.expires_at.is_some_and(|at| at <= account.clock.now()) {
        return Err(LoginFailure::new("390318", "OAuth access token expired."));
    }
    let is_other = |name: &String| !name.is_empty() && !user.name.eq_ignore_ascii_case(name);
    if request.login_name.as_ref().is_some_and(is_other) {
        let message =
            "The user you were trying to authenticate as differs from the user tied to the access token.";
        return Err(LoginFailure::new("390309", message));
    }
    Ok(Identity { user, role_restriction: None })
}
