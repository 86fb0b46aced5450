//! What a storage service's answer means for the request: pure decisions, no IO.

use super::cloud::Cloud;
use crate::ErrorKind;

/// What to do about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    /// The keys have expired: ask for new ones and send the request again.
    KeyExpired,
    /// S3 keeps the bucket in another region.
    Elsewhere,
    /// It may pass: send the same request again later.
    Passing,
    Failed(ErrorKind),
}

/// The meaning of `status`, with the code that the service gave in its answer.
pub(super) fn verdict(cloud: Cloud, is_presigned: bool, status: u16, code: Option<&str>) -> Verdict {
    let code = code.unwrap_or_default();
    match (cloud, status) {
        (_, 200..=299) => Verdict::Done,
        (Cloud::S3, 301 | 302 | 307 | 308) => Verdict::Elsewhere,
        (Cloud::S3, 400..500) if is_expiry(code) => Verdict::KeyExpired,
        // A connection that was too slow for S3 is answered with a 400.
        (Cloud::S3, 400) if code == "RequestTimeout" => Verdict::Passing,
        (Cloud::S3, 403) if code == "RequestTimeTooSkewed" => Verdict::Failed(ErrorKind::Config),
        (Cloud::Azure, 401 | 403) | (Cloud::Gcs, 401) => Verdict::KeyExpired,
        (Cloud::Gcs, 400 | 403) if is_presigned => Verdict::KeyExpired,
        (_, 408 | 429 | 500 | 502 | 503 | 504) => Verdict::Passing,
        (_, 401 | 403) => Verdict::Failed(ErrorKind::Permission),
        (_, 404 | 410) => Verdict::Failed(ErrorKind::NotFound),
        _ => Verdict::Failed(ErrorKind::Protocol),
    }
}

fn is_expiry(code: &str) -> bool {
    matches!(code, "ExpiredToken" | "ExpiredTokenException" | "InvalidToken" | "TokenRefreshRequired")
}

/// The code inside an error's XML body, if there is one that can be printed.
pub(super) fn code_in(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    printable_code(code)
}

/// The code as it is, if it is one word.
pub(super) fn printable_code(code: &str) -> Option<String> {
    const LENGTH_MAX: usize = 64;
    let is_word =
        !code.is_empty() && code.len() <= LENGTH_MAX && code.chars().all(|c| c.is_ascii_alphanumeric());
    is_word.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_says_in_its_own_way_that_keys_have_expired() {
        for (cloud, is_presigned, status, code, expected) in [
            (Cloud::S3, false, 400, Some("ExpiredToken"), Verdict::KeyExpired),
            (Cloud::S3, false, 400, Some("MalformedXML"), Verdict::Failed(ErrorKind::Protocol)),
            (Cloud::S3, false, 403, Some("AccessDenied"), Verdict::Failed(ErrorKind::Permission)),
            (Cloud::Azure, false, 403, Some("AuthenticationFailed"), Verdict::KeyExpired),
            (Cloud::Gcs, false, 401, None, Verdict::KeyExpired),
            (Cloud::Gcs, false, 400, None, Verdict::Failed(ErrorKind::Protocol)),
            (Cloud::Gcs, false, 403, None, Verdict::Failed(ErrorKind::Permission)),
            (Cloud::Gcs, true, 400, None, Verdict::KeyExpired),
        ] {
            assert_eq!(verdict(cloud, is_presigned, status, code), expected, "{cloud} {status} {code:?}");
        }
    }

    #[test]
    fn what_may_pass_is_sent_again_in_every_cloud() {
        for cloud in [Cloud::S3, Cloud::Azure, Cloud::Gcs] {
            for status in [408, 429, 500, 502, 503, 504] {
                assert_eq!(verdict(cloud, false, status, None), Verdict::Passing, "{cloud} {status}");
            }
            for status in [200, 201, 204, 206] {
                assert_eq!(verdict(cloud, false, status, None), Verdict::Done, "{cloud} {status}");
            }
            assert_eq!(verdict(cloud, false, 404, None), Verdict::Failed(ErrorKind::NotFound));
            assert_eq!(verdict(cloud, false, 409, None), Verdict::Failed(ErrorKind::Protocol));
        }
        assert_eq!(verdict(Cloud::S3, false, 400, Some("RequestTimeout")), Verdict::Passing);
        assert_eq!(verdict(Cloud::S3, false, 307, None), Verdict::Elsewhere);
        assert_eq!(verdict(Cloud::Azure, false, 307, None), Verdict::Failed(ErrorKind::Protocol));
    }

    #[test]
    fn only_a_word_is_taken_for_a_code() {
        let code = |body: &str| code_in(body.as_bytes());
        let body = "<?xml?><Error><Code>ExpiredToken</Code><Token-0>secret</Token-0></Error>";
        assert_eq!(code(body).as_deref(), Some("ExpiredToken"));
        assert_eq!(code("<Code>a secret</Code>"), None);
        assert_eq!(code("<Code>"), None);
        assert_eq!(code("not xml"), None);
    }
}
