//! DESCRIBE of tables, views, users and results.

use sqlparser::parser::Parser;

use crate::outcome::{Column, Outcome, SnowType, SqlError};
use crate::sql::catalog::{ColumnEntry, TableEntry};
use crate::sql::error::{compilation, missing, unsupported};
use crate::sql::listing::{Cell, Listing, yes_no};
use crate::sql::physical::type_name;
use crate::sql::session::{SqlSession, listed};
use crate::sql::state::Object;
use crate::sql::{names, parse};

const DESCRIBE: u64 = 0x4500;

pub(crate) fn execute(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<Outcome, SqlError> {
    if !parse::accept(parser, &["DESC"]) {
        parse::expect(parser, &["DESCRIBE"])?;
    }
    let word = parse::peek_word(parser).unwrap_or_default();
    let is_kind = matches!(
        word.as_str(),
        "TABLE" | "VIEW" | "STAGE" | "FILE" | "USER" | "RESULT" | "WAREHOUSE" | "DATABASE" | "SCHEMA"
    );
    let kind = if is_kind { parse::take_word(parser)? } else { "TABLE".to_owned() };
    let listing = match kind.as_str() {
        "TABLE" | "VIEW" => object(session, parser)?,
        "FILE" => {
            parse::expect(parser, &["FORMAT"])?;
            let parts = parse::name(parser)?;
            parse::end(parser)?;
            super::formats::describe(session, &parts)?
        }
        "STAGE" => super::stages::describe(session, parser)?,
        "USER" => user(session, parser)?,
        "RESULT" => result(session, parser)?,
        other => return Err(unsupported(format!("DESCRIBE {other}"))),
    };
    listed(DESCRIBE, listing)
}

fn object(session: &SqlSession, parser: &mut Parser<'_>) -> Result<Listing, SqlError> {
    let parts = parse::name(parser)?;
    if parse::accept(parser, &["TYPE"]) {
        let _ = parser.consume_token(&sqlparser::tokenizer::Token::Eq);
        parse::expect(parser, &["COLUMNS"])?;
    }
    parse::end(parser)?;
    let path = session.state.qualify_table(&parts)?;
    match session.state.object(path, &names::display_path(&parts), "")? {
        Object::Table { entry, .. } => Ok(columns(&entry.columns, Some(&entry))),
        Object::View { entry, .. } => Ok(columns(&entry.columns, None)),
        Object::Information { .. } => Err(unsupported("DESCRIBE of INFORMATION_SCHEMA")),
    }
}

fn empty() -> Listing {
    Listing::new(&[
        "name",
        "type",
        "kind",
        "null?",
        "default",
        "primary key",
        "unique key",
        "check",
        "expression",
        "comment",
        "policy name",
        "privacy domain",
        "schema evolution record",
    ])
}

fn columns(columns: &[ColumnEntry], table: Option<&TableEntry>) -> Listing {
    let mut listing = empty();
    let in_key = |name: &String, is_primary: bool| {
        table.is_some_and(|table| {
            let mut keys = table.constraints.iter().filter(|constraint| constraint.is_primary == is_primary);
            keys.any(|constraint| constraint.columns.contains(name))
        })
    };
    for column in columns {
        let default = column.identity.as_ref().map_or_else(
            || column.default.clone(),
            |identity| Some(format!("IDENTITY START {} INCREMENT {}", identity.start, identity.increment)),
        );
        listing.push(vec![
            Cell::from(column.name.as_str()),
            Cell::from(type_name(&column.ty)),
            Cell::from("COLUMN"),
            yes_no(column.nullable),
            Cell::from(default.as_deref()),
            yes_no(in_key(&column.name, true)),
            yes_no(in_key(&column.name, false)),
            Cell::Null,
            Cell::Null,
            Cell::from(Some(column.comment.as_str()).filter(|comment| !comment.is_empty())),
            Cell::Null,
            Cell::Null,
            Cell::Null,
        ]);
    }
    listing
}

/// A column's type as the JSON document of SHOW COLUMNS.
pub(super) fn type_document(column: &ColumnEntry) -> String {
    let nullable = column.nullable;
    match &column.ty {
        SnowType::Fixed { precision, scale } => {
            format!(r#"{{"type":"FIXED","precision":{precision},"scale":{scale},"nullable":{nullable}}}"#)
        }
        SnowType::Text { length } => format!(
            r#"{{"type":"TEXT","length":{length},"byteLength":{},"nullable":{nullable},"fixed":false}}"#,
            u64::from(*length) * 4
        ),
        SnowType::Binary { length } => format!(
            r#"{{"type":"BINARY","length":{length},"byteLength":{length},"nullable":{nullable},"fixed":true}}"#
        ),
        SnowType::Time { scale }
        | SnowType::TimestampNtz { scale }
        | SnowType::TimestampLtz { scale }
        | SnowType::TimestampTz { scale } => {
            let family = crate::sql::physical::family_name(&column.ty);
            format!(r#"{{"type":"{family}","precision":0,"scale":{scale},"nullable":{nullable}}}"#)
        }
        SnowType::Real => format!(r#"{{"type":"REAL","nullable":{nullable}}}"#),
        other => {
            format!(r#"{{"type":"{}","nullable":{nullable}}}"#, crate::sql::physical::family_name(other))
        }
    }
}

fn user(session: &SqlSession, parser: &mut Parser<'_>) -> Result<Listing, SqlError> {
    let name = parse::identifier(parser)?;
    parse::end(parser)?;
    let registered = session.users.get(&name);
    let entry = session.state.catalog.users.get(&name);
    // Users see themselves; others are seen by whoever owns them.
    let owner = entry.map_or("ACCOUNTADMIN", |entry| entry.owner.as_str());
    let is_seen = session.state.user == name
        || session.state.may("USER", std::slice::from_ref(&name), owner, &["OWNERSHIP"]);
    if !is_seen || (entry.is_none() && registered.is_none()) {
        return Err(missing("User", &names::display(&name)));
    }
    let mut listing = Listing::new(&["property", "value", "default", "description"]);
    let mut push = |property: &str, value: Option<&str>, default: &str, description: &str| {
        let value = value.filter(|value| !value.is_empty()).unwrap_or("null");
        listing.push([property, value, default, description].into_iter().map(Cell::from).collect());
    };
    let property = |key: &str| entry.map(|entry| entry.property(key));
    push("NAME", Some(&name), "null", "Name");
    push("COMMENT", property("COMMENT"), "null", "user comment associated to an object in the dictionary");
    push(
        "DISPLAY_NAME",
        property("DISPLAY_NAME").filter(|text| !text.is_empty()).or(Some(&name)),
        "null",
        "Display name of the associated object",
    );
    push("TYPE", property("TYPE"), "null", "Indicates the type of user");
    push(
        "LOGIN_NAME",
        property("LOGIN_NAME").filter(|text| !text.is_empty()).or(Some(&name)),
        "null",
        "Login name of the user",
    );
    for (key, description) in [
        ("FIRST_NAME", "First name of the user"),
        ("LAST_NAME", "Last name of the user"),
        ("EMAIL", "Email address of the user"),
    ] {
        push(key, property(key), "null", description);
    }
    let has_password = registered.as_ref().is_some_and(|user| user.password.is_some());
    push("PASSWORD", has_password.then_some("********"), "null", "Password of the user");
    let disabled = registered.as_ref().is_some_and(|user| user.is_disabled);
    push("DISABLED", Some(if disabled { "true" } else { "false" }), "false", "Whether the user is disabled");
    for (key, description) in [
        ("DEFAULT_WAREHOUSE", "Default warehouse for this user"),
        ("DEFAULT_NAMESPACE", "Default database namespace prefix for this user"),
        ("DEFAULT_ROLE", "Primary principal of user session will be set to this role"),
        ("DEFAULT_SECONDARY_ROLES", "The secondary roles will be set to all roles provided here"),
    ] {
        push(key, property(key), "null", description);
    }
    for (slot, key) in ["RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"].into_iter().enumerate() {
        let fingerprint = registered.as_ref().and_then(|user| {
            user.public_keys[slot].as_ref().map(crate::login::public_key::PublicKey::fingerprint)
        });
        push(key, property(key), "null", "RSA public key of the user");
        push(
            &format!("{key}_FP"),
            fingerprint.as_deref(),
            "null",
            "Fingerprint of the user's RSA public key",
        );
    }
    Ok(listing)
}

fn result(session: &SqlSession, parser: &mut Parser<'_>) -> Result<Listing, SqlError> {
    let ids = &session.state.query_ids;
    let id = if parse::accept(parser, &["LAST_QUERY_ID"]) {
        let _ = parser.consume_token(&sqlparser::tokenizer::Token::LParen);
        let _ = parser.consume_token(&sqlparser::tokenizer::Token::RParen);
        ids.len().checked_sub(2).and_then(|place| ids.get(place)).cloned().unwrap_or_default()
    } else {
        parse::string(parser)?
    };
    parse::end(parser)?;
    let rows = session
        .results
        .rows(&id)
        .map_err(|_| compilation("000709", "02000", &format!("Statement {id} not found")))?;
    let entries: Vec<ColumnEntry> = rows.columns.iter().map(entry).collect();
    Ok(columns(&entries, None))
}

fn entry(column: &Column) -> ColumnEntry {
    ColumnEntry {
        name: column.name.clone(),
        physical: String::new(),
        ty: column.ty.clone(),
        nullable: column.nullable,
        default: None,
        identity: None,
        comment: String::new(),
    }
}
