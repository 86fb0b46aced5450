//! SHOW STAGES and DESCRIBE STAGE.

use sqlparser::parser::Parser;

use super::Filter;
use super::objects::seen_schemas;
use crate::outcome::SqlError;
use crate::sql::catalog::StageEntry;
use crate::sql::listing::{Cell, Listing, yes_no};
use crate::sql::parse;
use crate::sql::session::SqlSession;
use crate::sql::stage::StageReference;

pub(super) fn stages(session: &SqlSession, filter: &Filter) -> Listing {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "database_name",
        "schema_name",
        "url",
        "has_credentials",
        "has_encryption_key",
        "owner",
        "comment",
        "region",
        "type",
        "cloud",
        "notification_channel",
        "storage_integration",
        "endpoint",
        "owner_role_type",
        "directory_enabled",
    ]);
    for (database, schema, name, entry) in seen_stages(session, filter) {
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(name),
            Cell::from(database),
            Cell::from(schema),
            Cell::from(""),
            yes_no(false),
            yes_no(false),
            Cell::from(entry.owner.as_str()),
            Cell::from(entry.comment.as_str()),
            Cell::Null,
            Cell::from(if entry.is_temporary { "INTERNAL TEMPORARY" } else { kind(entry) }),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::from("ROLE"),
            yes_no(false),
        ]);
    }
    listing
}

/// As SHOW STAGES words it: a stage without client-side encryption says so.
fn kind(entry: &StageEntry) -> &'static str {
    if entry.is_client_side_encrypted { "INTERNAL" } else { "INTERNAL NO CSE" }
}

fn seen_stages<'s>(
    session: &'s SqlSession,
    filter: &'s Filter,
) -> Vec<(&'s str, &'s str, &'s str, &'s StageEntry)> {
    let mut stages = Vec::new();
    for (database, schema, _, entry) in seen_schemas(session, filter) {
        for (name, entry) in &entry.stages {
            let path = [database.to_owned(), schema.to_owned(), name.clone()];
            let is_hidden = session.state.temporary_stages.contains_key(&path);
            if !is_hidden && session.state.may("STAGE", &path, &entry.owner, &[]) {
                stages.push((database, schema, name.as_str(), entry));
            }
        }
    }
    for ([database, schema, name], entry) in &session.state.temporary_stages {
        if filter.has_schema(database, schema) {
            stages.push((database, schema, name, entry));
        }
    }
    stages.sort_by_key(|(database, schema, name, _)| (*database, *schema, *name));
    stages
}

pub(super) fn describe(session: &SqlSession, parser: &mut Parser<'_>) -> Result<Listing, SqlError> {
    let parts = parse::name(parser)?;
    parse::end(parser)?;
    let mut listing =
        Listing::new(&["parent_property", "property", "property_type", "property_value", "property_default"]);
    // Whoever has any privilege on it may describe it.
    let StageReference::Named { entry, .. } = session.state.named_stage(&parts, "")? else {
        return Ok(listing);
    };
    let mut push = |parent: &str, property: &str, ty: &str, value: &str, default: &str| {
        listing.push([parent, property, ty, value, default].into_iter().map(Cell::from).collect());
    };
    let format = entry.file_format.as_deref().unwrap_or("TYPE = CSV");
    push("STAGE_FILE_FORMAT", "FILE_FORMAT", "String", format, "TYPE = CSV");
    let options = entry.copy_options.as_deref().unwrap_or("");
    push("STAGE_COPY_OPTIONS", "COPY_OPTIONS", "String", options, "");
    push("STAGE_LOCATION", "URL", "String", "", "");
    let encryption = if entry.is_client_side_encrypted { "SNOWFLAKE_FULL" } else { "SNOWFLAKE_SSE" };
    push("STAGE_ENCRYPTION", "TYPE", "String", encryption, "SNOWFLAKE_FULL");
    push("DIRECTORY", "ENABLE", "Boolean", "false", "false");
    Ok(listing)
}
