//! Key-pair log-in: a JSON web token, verified for real.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::LoginFailure;
use super::credentials::Identity;
use super::request::LoginRequest;
use crate::account::Account;
use crate::users::User;

/// How much a client's clock may be ahead of or behind the emulator's.
const CLOCK_SKEW_SECONDS: i64 = 60;
/// A token may not be good for longer than this after it was issued.
const LIFETIME_SECONDS_MAX: i64 = 3600;

/// What is wrong with a token. The text is for whoever looks the failure up, never for the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Format,
    Algorithm,
    Account,
    User,
    Fingerprint,
    Signature,
    Expired,
    NotYetValid,
    Expiration,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
}

/// The parts of a token; the signature is over the text before the last dot.
struct Token<'a> {
    signed: &'a str,
    header: Header,
    claims: Claims,
    signature: Vec<u8>,
}

pub(super) fn check(account: &Account, request: &LoginRequest) -> Result<Identity, LoginFailure> {
    let token = request.token.as_deref().unwrap_or_default();
    let now = account.clock.now().as_second();
    let find = |name: &str| account.users.by_login_name(name);
    match verify(token, request, now, find) {
        Ok(user) => Ok(Identity { user, role_restriction: None }),
        Err(flaw) => Err(failure(account, flaw)),
    }
}

fn verify(
    token: &str,
    request: &LoginRequest,
    now: i64,
    find: impl Fn(&str) -> Option<User>,
) -> Result<User, Flaw> {
    let token = Token::parse(token).ok_or(Flaw::Format)?;
    if token.header.alg != "RS256" {
        return Err(Flaw::Algorithm);
    }
    let (subject_account, name) = token.claims.sub.split_once('.').ok_or(Flaw::Format)?;
    if subject_account != request.account().to_uppercase() {
        return Err(Flaw::Account);
    }
    let user = find(name).ok_or(Flaw::User)?;
    // The claims are compared as they are: Snowflake wants account and user in upper case.
    let is_other = |login: &String| !login.is_empty() && !login.eq_ignore_ascii_case(name);
    if name != user.name.to_uppercase() || request.login_name.as_ref().is_some_and(is_other) {
        return Err(Flaw::User);
    }
    let fingerprint =
        token.claims.iss.strip_prefix(&format!("{}.", token.claims.sub)).ok_or(Flaw::Fingerprint)?;
    let key = user
        .public_keys
        .iter()
        .flatten()
        .find(|key| key.fingerprint() == fingerprint)
        .ok_or(Flaw::Fingerprint)?;
    if !key.verifies(token.signed.as_bytes(), &token.signature) {
        return Err(Flaw::Signature);
    }
    check_times(&token.claims, now)?;
    Ok(user)
}

fn check_times(claims: &Claims, now: i64) -> Result<(), Flaw> {
    let expires_at = in_seconds(claims.exp);
    let not_before = claims.nbf.map(in_seconds);
    let issued_at = claims.iat.map(in_seconds).or(not_before).unwrap_or(now);
    if expires_at + CLOCK_SKEW_SECONDS <= now {
        return Err(Flaw::Expired);
    }
    if issued_at.max(not_before.unwrap_or(issued_at)) > now + CLOCK_SKEW_SECONDS {
        return Err(Flaw::NotYetValid);
    }
    if expires_at > issued_at + LIFETIME_SECONDS_MAX || expires_at <= issued_at {
        return Err(Flaw::Expiration);
    }
    Ok(())
}

/// The official Node driver writes times in milliseconds, against the standard, and Snowflake takes them.
fn in_seconds(time: i64) -> i64 {
    /// As seconds this is the year 5138; as milliseconds, 1973.
    const SECONDS_MAX: i64 = 100_000_000_000;
    if time > SECONDS_MAX { time / 1000 } else { time }
}

impl<'a> Token<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            signed,
            header: serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?,
            claims: serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }
}

fn failure(account: &Account, flaw: Flaw) -> LoginFailure {
    if account.config.has_precise_jwt_codes {
        return LoginFailure::new(flaw.code(), format!("JWT token is invalid: {}.", flaw.text()));
    }
    let id = account.login_failures.record(flaw.text());
    LoginFailure::new("390144", format!("JWT token is invalid. [{id}]"))
}

impl Flaw {
    fn code(self) -> &'static str {
        match self {
            Flaw::User | Flaw::Signature => "394300",
            Flaw::Expired => "394301",
            Flaw::NotYetValid => "394302",
            Flaw::Expiration => "394303",
            Flaw::Fingerprint => "394304",
            Flaw::Algorithm => "394305",
            Flaw::Format => "394306",
            Flaw::Account => "394307",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Flaw::Format => "the token is not in the format of a JWT",
            Flaw::Algorithm => "the signature algorithm is not RS256",
            Flaw::Account => "the subject names another account",
            Flaw::User => "the subject names no user of the account",
            Flaw::Fingerprint => "the issuer's fingerprint is not that of one of the user's public keys",
            Flaw::Signature => "the signature does not verify",
            Flaw::Expired => "the token has expired",
            Flaw::NotYetValid => "the token is issued in the future",
            Flaw::Expiration => "the token's lifetime is not within one hour",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(iat: i64, exp: i64) -> Claims {
        Claims { iss: String::new(), sub: String::new(), exp, iat: Some(iat), nbf: None }
    }

    #[test]
    fn times_in_milliseconds_are_taken_as_from_the_node_driver() {
        let now = 1_800_000_000;
        assert!(check_times(&claims(now * 1000, (now + 120) * 1000), now).is_ok());
        assert!(check_times(&claims((now - 600) * 1000, (now - 480) * 1000), now).is_err());
    }

    #[test]
    fn a_token_is_good_from_issue_to_expiry_give_or_take_a_minute() {
        let token = claims(1000, 1120);
        assert_eq!(check_times(&token, 1000 - 61), Err(Flaw::NotYetValid));
        assert_eq!(check_times(&token, 1000 - 60), Ok(()));
        assert_eq!(check_times(&token, 1120 + 59), Ok(()));
        assert_eq!(check_times(&token, 1120 + 60), Err(Flaw::Expired));
    }

    #[test]
    fn a_token_may_not_outlive_an_hour() {
        assert_eq!(check_times(&claims(1000, 1000 + 3600), 1000), Ok(()));
        assert_eq!(check_times(&claims(1000, 1000 + 3601), 1000), Err(Flaw::Expiration));
        assert_eq!(check_times(&claims(1000, 1000), 1000), Err(Flaw::Expiration));
    }

    #[test]
    fn a_text_without_three_parts_is_no_token() {
        for text in ["", "a", "a.b", "a.b.c", "e30.e30.e30"] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }
}
