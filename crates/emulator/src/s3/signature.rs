//! AWS Signature Version 4 verified: known key, session token, unexpired, and the signature over the request.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::error::S3Error;
use super::request::{decoded, encoded, hex, queries};
use super::{REGION, header};
use crate::account::Account;
use crate::stage::Issued;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far a request's time may be from now, as in S3.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(15);
/// What S3 wants to be signed.
const SIGNED_HEADERS_MIN: [&str; 4] = ["host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];

/// The parts of an `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
struct Authorization<'h> {
    key_id: &'h str,
    /// Day, region and service.
    scope: [&'h str; 3],
    signed_headers: Vec<&'h str>,
    signature: &'h str,
}

/// The key id that a request names.
pub(super) fn key_id(headers: &HeaderMap) -> Option<&str> {
    Some(Authorization::of(headers.get(AUTHORIZATION)?.to_str().ok()?)?.key_id)
}

/// The credentials that signed the request.
pub(super) fn verify(account: &Account, head: &Parts) -> Result<Issued, S3Error> {
    let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(authorization) = authorization else { return Err(S3Error::access_denied()) };
    let authorization = Authorization::of(authorization).ok_or_else(|| {
        S3Error::bad_request("AuthorizationHeaderMalformed", "The authorization header is malformed.")
    })?;
    let issued = account.stage_credentials.by_key_id(authorization.key_id).ok_or_else(|| {
        let message = "The AWS Access Key Id you provided does not exist in our records.";
        S3Error::forbidden("InvalidAccessKeyId", message)
    })?;
    if header(head, "x-amz-security-token") != Some(&issued.credentials.token) {
        let message = "The provided token is malformed or otherwise invalid.";
        return Err(S3Error::bad_request("InvalidToken", message));
    }
    if account.stage_credentials.is_expired(&issued) {
        return Err(S3Error::bad_request("ExpiredToken", "The provided token has expired."));
    }
    authorization.check_shape(head)?;
    let key = signing_key(&issued.credentials.secret, authorization.scope);
    let text = authorization.string_to_sign(head);
    let is_valid = unhex(authorization.signature)
        .is_some_and(|signature| hmac::verify(&key, text.as_bytes(), &signature).is_ok());
    if is_valid {
        Ok(issued)
    } else {
        let message = "The request signature we calculated does not match the signature you provided.";
        Err(S3Error::forbidden("SignatureDoesNotMatch", message))
    }
}

impl<'h> Authorization<'h> {
    fn of(text: &'h str) -> Option<Self> {
        let mut found = [None; 3];
        for part in text.strip_prefix(ALGORITHM)?.split(',') {
            let (name, value) = part.trim().split_once('=')?;
            let place =
                ["Credential", "SignedHeaders", "Signature"].iter().position(|known| *known == name)?;
            found[place] = Some(value);
        }
        let [Some(credential), Some(signed_headers), Some(signature)] = found else { return None };
        let parts: Vec<&str> = credential.split('/').collect();
        let [key_id, day, region, service, "aws4_request"] = parts.as_slice() else { return None };
        Some(Self {
            key_id,
            scope: [day, region, service],
            signed_headers: signed_headers.split(';').collect(),
            signature,
        })
    }

    /// What S3 checks before it computes anything.
    fn check_shape(&self, head: &Parts) -> Result<(), S3Error> {
        let [day, region, service] = self.scope;
        if region != REGION || service != "s3" {
            let message = format!("The authorization header is malformed; expecting '{REGION}' and 's3'.");
            return Err(S3Error::bad_request("AuthorizationHeaderMalformed", message));
        }
        let unsigned = SIGNED_HEADERS_MIN.iter().find(|name| !self.signed_headers.contains(name));
        if let Some(name) = unsigned {
            let message = format!("There were headers present in the request which were not signed: {name}");
            return Err(S3Error::forbidden("AccessDenied", message));
        }
        let date = header(head, "x-amz-date").unwrap_or_default();
        let at = DateTime::strptime("%Y%m%dT%H%M%SZ", date)
            .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC));
        let skew = at.map(|at| at.timestamp().duration_since(Timestamp::now()).abs());
        if !date.starts_with(day) || skew.map_or(true, |skew| skew > SKEW_MAX) {
            let message = "The difference between the request time and the current time is too large.";
            return Err(S3Error::forbidden("RequestTimeTooSkewed", message));
        }
        Ok(())
    }

    fn string_to_sign(&self, head: &Parts) -> String {
        let [day, region, service] = self.scope;
        let date = header(head, "x-amz-date").unwrap_or_default();
        let request = hex(digest(&SHA256, self.canonical_request(head).as_bytes()).as_ref());
        format!("{ALGORITHM}\n{date}\n{day}/{region}/{service}/aws4_request\n{request}")
    }

    fn canonical_request(&self, head: &Parts) -> String {
        let path: Vec<String> = head.uri.path().split('/').map(|part| encoded(&decoded(part))).collect();
        // Sorted as S3 wants it: by the encoded names.
        let mut query: Vec<String> = queries(head.uri.query())
            .into_iter()
            .map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value)))
            .collect();
        query.sort_unstable();
        let mut headers = String::new();
        for name in &self.signed_headers {
            let values = head.headers.get_all(*name).iter().filter_map(|value| value.to_str().ok());
            let values: Vec<String> =
                values.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
            headers.push_str(&format!("{name}:{}\n", values.join(",")));
        }
        let payload = header(head, "x-amz-content-sha256").unwrap_or_default();
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{payload}",
            head.method,
            path.join("/"),
            query.join("&"),
            self.signed_headers.join(";"),
        )
    }
}

fn signing_key(secret: &str, [day, region, service]: [&str; 3]) -> hmac::Key {
    let first = hmac::Key::new(HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    [day, region, service, "aws4_request"]
        .into_iter()
        .fold(first, |key, part| hmac::Key::new(HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref()))
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    /// The example of AWS's documentation for `GET` with a range.
    #[test]
    fn the_signature_of_the_published_example_is_computed() {
        let (head, ()) = Request::get("https://examplebucket.s3.amazonaws.com/test.txt")
            .header("host", "examplebucket.s3.amazonaws.com")
            .header("range", "bytes=0-9")
            .header(
                "x-amz-content-sha256",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            )
            .header("x-amz-date", "20130524T000000Z")
            .body(())
            .unwrap()
            .into_parts();
        let text = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
                    SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
                    Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        let authorization = Authorization::of(text).unwrap();
        let key = signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", authorization.scope);
        let signature = hmac::sign(&key, authorization.string_to_sign(&head).as_bytes());
        assert_eq!(hex(signature.as_ref()), authorization.signature);
    }

    #[test]
    fn what_is_no_signature_is_not_read_as_one() {
        for text in ["", "Basic abc", "AWS4-HMAC-SHA256 Credential=a/b", "AWS4-HMAC-SHA256 x"] {
            assert_eq!(Authorization::of(text), None, "{text}");
        }
    }
}
