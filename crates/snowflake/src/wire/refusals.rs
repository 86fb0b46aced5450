//! What Snowflake has really answered, in its own words as users have reported them, and what each means to a caller.

use serde_json::json;

use super::envelope::Envelope;
use crate::{Error, ErrorKind};

/// Code, SQLSTATE, message; then the kind, what a person must still read of the message, and what the remedy must name.
type Refusal = (&'static str, &'static str, &'static str, ErrorKind, &'static str, &'static str);

fn refused(code: &str, sql_state: &str, message: &str) -> Error {
    let body = json!({
        "data": { "errorCode": code, "sqlState": sql_state, "queryId": "01b2-0001" },
        "code": code, "message": message, "success": false, "headers": null,
    });
    Envelope::parse(body.to_string().as_bytes()).unwrap().into_error()
}

#[track_caller]
fn assert_sorted(refusals: &[Refusal]) {
    for (code, sql_state, message, kind, kept, remedy) in refusals {
        let error = refused(code, sql_state, message);
        assert_eq!(error.kind(), *kind, "{code}: {message}");
        assert!(error.message().contains(kept), "{code}: `{kept}` is gone from: {}", error.message());
        let said = error.remedy().unwrap_or_default();
        assert!(said.contains(remedy), "{code}: no `{remedy}` in: {said}");
        assert_eq!(said.is_empty(), remedy.is_empty(), "{code}: {said}");
        assert_eq!((error.code(), error.query_id()), (Some(*code), Some("01b2-0001")));
    }
}

#[test]
fn refused_log_ins_say_who_has_to_correct_what() {
    use ErrorKind::{Auth, Config};
    assert_sorted(&[
        ("390100", "28000", "Incorrect username or password was specified.", Auth, "username", "password"),
        (
            "390101",
            "08004",
            "User access disabled. Contact your local system administrator.",
            Auth,
            "disabled",
            "DISABLED",
        ),
        (
            "390102",
            "08004",
            "User temporarily locked. Try again later, or contact your local system administrator.",
            Auth,
            "locked",
            "15 minutes",
        ),
        ("390120", "08001", "EXT_AUTHN_DENIED", Auth, "", "second factor"),
        ("390122", "08001", "Duo user is not enrolled.", Auth, "enrolled", "second factor"),
        ("390123", "08001", "Duo user is locked out.", Auth, "locked", "second factor"),
        ("390126", "08001", "External authentication timed out.", Auth, "timed out", "second factor"),
        ("390127", "08001", "Invalid external authentication.", Auth, "Invalid", "second factor"),
        ("390129", "08001", "External authentication exception.", Auth, "exception", "second factor"),
        ("390132", "08001", "Duo push is disabled.", Auth, "disabled", "second factor"),
        (
            "390139",
            "08001",
            "The specified authenticator is not accepted by your account.",
            Auth,
            "authenticator",
            "key pair",
        ),
        ("390511", "08001", "SAML response is invalid.", Auth, "SAML", "key pair"),
        (
            "390144",
            "08004",
            "JWT token is invalid. [0ce9eb56-821d-4ca9-a774-04ae89a0cf5a]",
            Auth,
            "0ce9eb56-821d-4ca9-a774-04ae89a0cf5a",
            "RSA_PUBLIC_KEY_FP",
        ),
        (
            "390191",
            "08004",
            "The user you were trying to authenticate as differs from the user currently logged in at the IDP.",
            Auth,
            "differs",
            "identity provider",
        ),
        (
            "390309",
            "08004",
            "The user you were trying to authenticate as differs from the user tied to the access token.",
            Auth,
            "differs",
            "OAuth",
        ),
        ("390195", "08001", "ID Token is invalid.", Auth, "ID Token", "log in again"),
        (
            "390197",
            "08004",
            "Multi-factor authentication is required for this account. Log in to Snowsight to enroll.",
            Auth,
            "Multi-factor",
            "key pair",
        ),
        ("390303", "08004", "Invalid OAuth access token. [8f1c2a6b]", Auth, "OAuth", "OAuth token"),
        ("390318", "08004", "OAuth access token expired. [8f1c2a6b]", Auth, "expired", "OAuth token"),
        ("394300", "08004", "JWT token is invalid.", Auth, "JWT", "RSA_PUBLIC_KEY_FP"),
        ("394301", "08004", "JWT token has expired.", Auth, "expired", "clock"),
        ("394302", "08004", "JWT token is not yet valid.", Auth, "not yet", "clock"),
        ("394303", "08004", "JWT token expiration is too far in the future.", Auth, "expiration", "clock"),
        (
            "394304",
            "08004",
            "Public key fingerprint does not match.",
            Auth,
            "fingerprint",
            "RSA_PUBLIC_KEY_FP",
        ),
        ("394305", "08004", "JWT token algorithm is not supported.", Auth, "algorithm", "2048"),
        ("394306", "08004", "JWT token format is invalid.", Auth, "format", "fingerprint"),
        ("394307", "08004", "JWT token account does not match.", Auth, "account", "account identifier"),
        ("394400", "08004", "Programmatic access token is invalid.", Auth, "Programmatic", "rotate"),
        (
            "394507",
            "08004",
            "MFA with TOTP is required. To authenticate, provide both your password and a current TOTP passcode.",
            Auth,
            "TOTP",
            "key pair",
        ),
        ("394508", "08004", "TOTP Invalid", Auth, "TOTP", "key pair"),
        ("394633", "08004", "MFA authentication is required.", Auth, "MFA", "key pair"),
        (
            "390422",
            "08004",
            "Incoming request with IP/Token 203.0.113.7 is not allowed to access Snowflake. Contact your local security administrator.",
            Auth,
            "203.0.113.7",
            "network policy",
        ),
        (
            "390189",
            "08004",
            "Role 'SNOWFERRY_READ' specified in the connect string does not exist or not authorized. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.",
            Config,
            "SNOWFERRY_READ",
            "GRANT ROLE",
        ),
        (
            "390201",
            "08004",
            "The requested warehouse does not exist or not authorized.",
            Config,
            "warehouse",
            "USAGE",
        ),
        (
            "390194",
            "08004",
            "No default role has been assigned to the user.",
            Config,
            "default role",
            "DEFAULT_ROLE",
        ),
        // A code of the same family that nobody has told us of.
        ("394999", "08004", "Something about this log-in.", Auth, "log-in", ""),
    ]);
}

#[test]
fn sessions_that_end_need_a_new_log_in_and_no_person() {
    use ErrorKind::SessionExpired;
    assert_sorted(&[
        ("390104", "08001", "Session token is invalid.", SessionExpired, "Session", ""),
        ("390110", "08001", "ID token has expired.", SessionExpired, "expired", ""),
        (
            "390111",
            "08001",
            "Session no longer exists.  New login required to access the service.",
            SessionExpired,
            "no longer exists",
            "",
        ),
        ("390112", "08001", "Your session has expired.  Please login again.", SessionExpired, "expired", ""),
        ("390113", "08001", "Master token not found.", SessionExpired, "Master token", ""),
        (
            "390114",
            "08001",
            "Authentication token has expired.  The user must authenticate again.",
            SessionExpired,
            "expired",
            "",
        ),
        ("390115", "08001", "Master token is invalid.", SessionExpired, "Master token", ""),
        ("390400", "08001", "Bad request.", SessionExpired, "Bad request", ""),
    ]);
}

#[test]
fn refused_statements_are_sorted_by_what_happens_next() {
    use ErrorKind::{Cancelled, Config, Data, NotFound, Permission, ResultGone, Statement, Unavailable};
    assert_sorted(&[
        ("000604", "57014", "SQL execution canceled", Cancelled, "canceled", ""),
        (
            "000606",
            "57P03",
            "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.",
            Config,
            "No active warehouse",
            "virtual warehouse",
        ),
        ("000612", "02000", "Result for query 01b2 not found", ResultGone, "not found", "24 hours"),
        (
            "000625",
            "57014",
            "Statement '01b2' has locked table 'T' in transaction 17 and this lock has not yet been released.",
            Unavailable,
            "lock",
            "try again",
        ),
        (
            "000630",
            "57014",
            "Statement reached its statement or warehouse timeout of 10 second(s) and was canceled.",
            Cancelled,
            "timeout",
            "STATEMENT_TIMEOUT_IN_SECONDS",
        ),
        (
            "001003",
            "42000",
            "SQL compilation error:\nsyntax error line 1 at position 7 unexpected 'FORM'.",
            Statement,
            "line 1 at position 7",
            "syntax",
        ),
        (
            "001757",
            "42601",
            "SQL compilation error:\nTable 'CRM.SALES.DEALS' does not exist",
            NotFound,
            "CRM.SALES.DEALS",
            "USAGE",
        ),
        (
            "002003",
            "42S02",
            "SQL compilation error:\nObject 'CRM.SALES.DEALS' does not exist or not authorized.",
            NotFound,
            "CRM.SALES.DEALS",
            "USAGE",
        ),
        (
            "002003",
            "02000",
            "SQL compilation error:\nSchema 'CRM.SALES' does not exist or not authorized.",
            NotFound,
            "CRM.SALES",
            "USAGE",
        ),
        (
            "002043",
            "02000",
            "SQL compilation error:\nObject does not exist, or operation cannot be performed.",
            NotFound,
            "does not exist",
            "USAGE",
        ),
        (
            "000904",
            "42000",
            "SQL compilation error: error line 1 at position 7\ninvalid identifier 'UPDATED_AT'",
            Statement,
            "UPDATED_AT",
            "spelling",
        ),
        (
            "003001",
            "42501",
            "SQL access control error:\nInsufficient privileges to operate on schema 'SALES'",
            Permission,
            "SALES",
            "grant",
        ),
        (
            "003001",
            "42501",
            "SQL access control error:\nInsufficient privileges to operate on database 'CRM'",
            Permission,
            "CRM",
            "grant",
        ),
        (
            "090073",
            "22000",
            "Warehouse 'LOAD_WH' cannot be resumed because resource monitor 'MONTHLY' has exceeded its quota.",
            Config,
            "LOAD_WH",
            "resource monitor",
        ),
        (
            "090105",
            "22000",
            "Cannot perform SELECT. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.",
            Config,
            "current database",
            "database",
        ),
        (
            "090106",
            "22000",
            "Cannot perform CREATE TABLE. This session does not have a current schema. Call 'USE SCHEMA', or use a qualified name.",
            Config,
            "current schema",
            "schema",
        ),
        ("100072", "22000", "NULL result in a non-nullable column", Data, "non-nullable", "NOT NULL"),
        (
            "100078",
            "22000",
            "String 'jane@acme.com' is too long and would be truncated",
            Data,
            "too long",
            "longer",
        ),
        (
            "100069",
            "22P02",
            "Error parsing JSON: unknown keyword \"jane\", pos 4",
            Data,
            "parsing JSON",
            "column",
        ),
        ("100071", "22018", "Failed to cast variant value \"4711\" to FIXED", Data, "cast variant", "column"),
        (
            "100038",
            "22018",
            "Numeric value 'jane@acme.com' is not recognized",
            Data,
            "Numeric value",
            "column",
        ),
    ]);
}

#[test]
fn a_reported_message_about_values_shows_none_of_them() {
    for (code, message) in [
        ("100078", "String 'jane@acme.com' is too long and would be truncated"),
        ("100038", "Numeric value 'jane@acme.com' is not recognized"),
        ("100090", "Duplicate row detected during DML action\nRow Values: [4711, \"jane@acme.com\"]"),
        ("001003", "SQL compilation error:\nsyntax error line 1 at position 7 unexpected ''jane@acme.com''."),
    ] {
        let error = refused(code, "22000", message);
        for printed in [error.to_string(), format!("{error:?}")] {
            assert!(!printed.contains("jane"), "{printed}");
        }
    }
}
