//! The token that a private key signs for a log-in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use jiff::Timestamp;
use serde_json::json;

use crate::{Account, PrivateKey, Result, Secret};

/// The token's life. A new one is signed for every try, so it only has to outlive one.
const LIFETIME_S: i64 = 120;

/// Signs a token for `user` of `account`, issued `now`.
pub(super) fn signed(account: &Account, user: &str, key: &PrivateKey, now: Timestamp) -> Result<Secret> {
    let subject = format!("{}.{}", account.name(), user.trim().to_uppercase());
    let issued_at = now.as_second();
    let header = json!({ "alg": "RS256", "typ": "JWT" });
    let claims = json!({
        "iss": format!("{subject}.{}", key.fingerprint()),
        "sub": subject,
        "iat": issued_at,
        "exp": issued_at + LIFETIME_S,
    });
    let signed_part =
        format!("{}.{}", BASE64_URL.encode(header.to_string()), BASE64_URL.encode(claims.to_string()));
    let signature = key.sign(signed_part.as_bytes())?;
    Ok(Secret::new(format!("{signed_part}.{}", BASE64_URL.encode(signature))))
}
