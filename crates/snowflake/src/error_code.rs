//! What each of Snowflake's codes means for the caller, and what a person should do about it.

use crate::ErrorKind;

/// One row of the table: a code, the kind it stands for, and the remedy.
struct Meaning {
    code: &'static str,
    kind: ErrorKind,
    remedy: Option<&'static str>,
}

const fn means(code: &'static str, kind: ErrorKind, remedy: &'static str) -> Meaning {
    Meaning { code, kind, remedy: Some(remedy) }
}

const fn plain(code: &'static str, kind: ErrorKind) -> Meaning {
    Meaning { code, kind, remedy: None }
}

const MFA: &str =
    "the account asks for a second factor; use a key pair or a programmatic access token for programs";
const CLOCK: &str = "check this machine's clock: the token's times did not fit the service's";
const FINGERPRINT: &str = "compare the key's fingerprint with RSA_PUBLIC_KEY_FP in DESC USER, and the user and account names; \
     SYSTEM$GET_LOGIN_FAILURE_DETAILS with the id in the message tells the cause";
const NAMED_OBJECT: &str = "check the spelling (unquoted names are upper-cased) and grant the role USAGE on its \
     database and schema and the privilege on the object itself";
const OAUTH: &str = "fetch a new OAuth token; check the security integration and the role in its scope";
const VALUE: &str = "a value does not fit its column; compare the column's type with what is written";

/// Looked up by exact code. A slice, not a map: it is read only when something already went wrong.
static MEANINGS: &[Meaning] = &[
    // Log-in: credentials.
    means("390100", ErrorKind::Auth, "check the user name and the password"),
    means(
        "390101",
        ErrorKind::Auth,
        "the user is disabled; an administrator lets it in again: ALTER USER … SET DISABLED = FALSE",
    ),
    means(
        "390102",
        ErrorKind::Auth,
        "the user is locked for about 15 minutes after failed log-ins; wait, then correct it",
    ),
    means("390120", ErrorKind::Auth, MFA),
    means("390122", ErrorKind::Auth, MFA),
    means("390123", ErrorKind::Auth, MFA),
    means("390126", ErrorKind::Auth, MFA),
    means("390127", ErrorKind::Auth, MFA),
    means("390129", ErrorKind::Auth, MFA),
    means("390132", ErrorKind::Auth, MFA),
    means(
        "390139",
        ErrorKind::Auth,
        "single sign-on is not available to programs; use a key pair or a token",
    ),
    means(
        "390511",
        ErrorKind::Auth,
        "single sign-on is not available to programs; use a key pair or a token",
    ),
    means("390144", ErrorKind::Auth, FINGERPRINT),
    means(
        "390191",
        ErrorKind::Auth,
        "the user name differs from the identity provider's; use the login name of the token",
    ),
    means(
        "390309",
        ErrorKind::Auth,
        "the user name differs from the OAuth token's; use the login name of the token",
    ),
    means("390195", ErrorKind::Auth, "the stored identity token is no longer good; log in again"),
    means("390197", ErrorKind::Auth, MFA),
    means("390303", ErrorKind::Auth, OAUTH),
    means("390318", ErrorKind::Auth, OAUTH),
    means("394300", ErrorKind::Auth, FINGERPRINT),
    means("394301", ErrorKind::Auth, CLOCK),
    means("394302", ErrorKind::Auth, CLOCK),
    means("394303", ErrorKind::Auth, CLOCK),
    means("394304", ErrorKind::Auth, FINGERPRINT),
    means(
        "394305",
        ErrorKind::Auth,
        "the service wants another signature algorithm; use an RSA key of 2048 bits or more",
    ),
    means("394306", ErrorKind::Auth, FINGERPRINT),
    means(
        "394307",
        ErrorKind::Auth,
        "the account in the token is not this host's; check the account identifier",
    ),
    means(
        "394400",
        ErrorKind::Auth,
        "the programmatic access token is expired, disabled or wrong; create or rotate it",
    ),
    means("394507", ErrorKind::Auth, MFA),
    means("394508", ErrorKind::Auth, MFA),
    means("394633", ErrorKind::Auth, MFA),
    means(
        "390422",
        ErrorKind::Auth,
        "a network policy refuses this address; add it to the policy of the user or account",
    ),
    // Log-in: defaults.
    means(
        "390189",
        ErrorKind::Config,
        "the role does not exist or is not granted to the user: GRANT ROLE … TO USER …",
    ),
    means(
        "390201",
        ErrorKind::Config,
        "the database, schema or virtual warehouse does not exist or the role lacks USAGE on it",
    ),
    means("390194", ErrorKind::Config, "name a role in the connection, or set the user's DEFAULT_ROLE"),
    // Session.
    plain("390104", ErrorKind::SessionExpired),
    plain("390110", ErrorKind::SessionExpired),
    plain("390111", ErrorKind::SessionExpired),
    plain("390112", ErrorKind::SessionExpired),
    plain("390113", ErrorKind::SessionExpired),
    plain("390114", ErrorKind::SessionExpired),
    plain("390115", ErrorKind::SessionExpired),
    plain("390400", ErrorKind::SessionExpired),
    // Statements.
    means("000006", ErrorKind::Statement, "send one statement at a time"),
    means("000008", ErrorKind::Statement, "send one statement at a time"),
    plain("000604", ErrorKind::Cancelled),
    plain("000605", ErrorKind::NotFound),
    means(
        "000606",
        ErrorKind::Config,
        "name a virtual warehouse in the connection, and grant the role USAGE on it",
    ),
    means("000612", ErrorKind::ResultGone, "run the statement again: results are kept for 24 hours"),
    means("000625", ErrorKind::Unavailable, "another transaction held a lock for too long; try again later"),
    means(
        "000630",
        ErrorKind::Cancelled,
        "raise STATEMENT_TIMEOUT_IN_SECONDS or use a larger virtual warehouse",
    ),
    means("001003", ErrorKind::Statement, "correct the statement's syntax at the place that is named"),
    means("001757", ErrorKind::NotFound, NAMED_OBJECT),
    means("002003", ErrorKind::NotFound, NAMED_OBJECT),
    means("002043", ErrorKind::NotFound, NAMED_OBJECT),
    means("000904", ErrorKind::Statement, "check the column's spelling; unquoted names are upper-cased"),
    means("003001", ErrorKind::Permission, "grant the role the privilege that the message names"),
    means("003041", ErrorKind::Permission, "grant the role the privilege that the message names"),
    means("090105", ErrorKind::Config, "name a database in the connection or qualify the object's name"),
    means("090106", ErrorKind::Config, "name a schema in the connection or qualify the object's name"),
    means(
        "090073",
        ErrorKind::Config,
        "a resource monitor or an owner suspended the virtual warehouse; resume it",
    ),
    means("100072", ErrorKind::Data, "a NULL was written to a column that is NOT NULL"),
    means("100078", ErrorKind::Data, "a text is longer than its column"),
    means(
        "100090",
        ErrorKind::Data,
        "several source rows match one target row; make the source unique by key",
    ),
];

fn meaning(code: &str) -> Option<&'static Meaning> {
    // Some replies drop the padding that others have: 612 and 000612 are one code.
    let code = code.trim_start_matches('0');
    if code.is_empty() {
        return None;
    }
    MEANINGS.iter().find(|meaning| meaning.code.trim_start_matches('0') == code)
}

/// What one of Snowflake's codes stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeMeaning {
    /// What the caller of the client should do next.
    pub kind: ErrorKind,
    /// What a person should do about it, where the code alone tells.
    pub remedy: Option<&'static str>,
}

/// What a code stands for, written with or without its leading zeros; nothing for a code that this crate does not know.
pub fn meaning_of_code(code: &str) -> Option<CodeMeaning> {
    meaning(code).map(|meaning| CodeMeaning { kind: meaning.kind, remedy: meaning.remedy })
}

/// The kind of a code, or of its class where the code itself is not known.
pub(crate) fn kind_of(code: &str, sql_state: Option<&str>) -> ErrorKind {
    if let Some(meaning) = meaning(code) {
        return meaning.kind;
    }
    if is_data_code(code) {
        return ErrorKind::Data;
    }
    match code.get(..3) {
        Some("390" | "394" | "395") => return ErrorKind::Auth,
        Some("003") if code.len() == 6 => return ErrorKind::Permission,
        _ => {}
    }
    match sql_state.and_then(|state| state.get(..2)) {
        Some("22" | "23") => ErrorKind::Data,
        Some("28") => ErrorKind::Auth,
        Some("57") => ErrorKind::Cancelled,
        _ if sql_state == Some("42501") => ErrorKind::Permission,
        _ if sql_state == Some("02000") || sql_state == Some("42S02") => ErrorKind::NotFound,
        _ => ErrorKind::Statement,
    }
}

/// What a person should do about a code.
pub(crate) fn remedy_of(code: &str) -> Option<&'static str> {
    match meaning(code) {
        Some(meaning) => meaning.remedy,
        None => is_data_code(code).then_some(VALUE),
    }
}

/// Errors about values: their messages quote what stood in a row.
pub(crate) fn is_data_code(code: &str) -> bool {
    code.len() == 6 && code.starts_with("100")
}

/// The session token ran out: renew it and send the request again.
pub(crate) fn is_session_token_expired(code: &str) -> bool {
    code == "390112"
}

/// Renewal is of no use: only a new log-in helps.
pub(crate) fn is_session_gone(code: &str) -> bool {
    matches!(code, "390104" | "390110" | "390111" | "390113" | "390114" | "390115" | "390195" | "390400")
}

/// The OAuth token was refused: a new one may be taken.
pub(crate) fn is_oauth_token_refused(code: &str) -> bool {
    matches!(code, "390303" | "390318")
}

/// A JSON web token was refused for its times, or for a reason that may be its times.
pub(crate) fn is_jwt_time_refused(code: &str) -> bool {
    matches!(code, "390144" | "394301" | "394302" | "394303")
}

/// The query is still running and the reply says where to ask again.
pub(crate) fn is_in_progress(code: &str) -> bool {
    matches!(code, "333333" | "333334")
}

/// The query is not executing: it is over, or the cancellation overtook it.
pub(crate) fn is_not_executing(code: &str) -> bool {
    code == "000605"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once() {
        let mut codes: Vec<_> = MEANINGS.iter().map(|meaning| meaning.code).collect();
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn codes_are_sorted_by_what_the_caller_should_do() {
        for (code, sql_state, kind) in [
            ("390100", Some("28000"), ErrorKind::Auth),
            ("390114", None, ErrorKind::SessionExpired),
            ("390189", None, ErrorKind::Config),
            ("612", None, ErrorKind::ResultGone),
            ("000612", None, ErrorKind::ResultGone),
            ("002003", Some("42S02"), ErrorKind::NotFound),
            ("003001", Some("42501"), ErrorKind::Permission),
            ("003999", None, ErrorKind::Permission),
            ("100038", Some("22018"), ErrorKind::Data),
            ("000604", Some("57014"), ErrorKind::Cancelled),
            ("399999", Some("42501"), ErrorKind::Permission),
            ("001044", Some("42P13"), ErrorKind::Statement),
            ("394999", None, ErrorKind::Auth),
        ] {
            assert_eq!(kind_of(code, sql_state), kind, "{code}");
        }
    }

    #[test]
    fn remedies_name_an_action() {
        assert!(remedy_of("000606").unwrap().contains("virtual warehouse"));
        assert!(remedy_of("100038").unwrap().contains("column"));
        assert_eq!(remedy_of("390112"), None);
    }
}
