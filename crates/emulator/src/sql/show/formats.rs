//! SHOW FILE FORMATS and DESCRIBE FILE FORMAT.

use super::Filter;
use crate::outcome::SqlError;
use crate::sql::catalog::FormatEntry;
use crate::sql::listing::{Cell, Listing};
use crate::sql::load::SettingKind;
use crate::sql::session::SqlSession;

pub(super) fn formats(session: &SqlSession, filter: &Filter) -> Listing {
    let mut listing = Listing::new(&[
        "moment:created_on",
        "name",
        "database_name",
        "schema_name",
        "type",
        "owner",
        "comment",
        "format_options",
        "owner_role_type",
    ]);
    let mut push = |database: &str, schema: &str, name: &str, entry: &FormatEntry| {
        listing.push(vec![
            Cell::Moment(entry.created_on),
            Cell::from(name),
            Cell::from(database),
            Cell::from(schema),
            Cell::from(entry.format.kind.name()),
            Cell::from(entry.owner.as_str()),
            Cell::from(entry.comment.as_str()),
            Cell::from(entry.format.options_json()),
            Cell::from("ROLE"),
        ]);
    };
    for (database, schema, _, entry) in super::objects::seen_schemas(session, filter) {
        for (name, entry) in &entry.formats {
            let path = [database.to_owned(), schema.to_owned(), name.clone()];
            if session.state.may("FILE_FORMAT", &path, &entry.owner, &[]) {
                push(database, schema, name, entry);
            }
        }
    }
    for ([database, schema, name], entry) in &session.state.temporary_formats {
        if filter.has_schema(database, schema) {
            push(database, schema, name, entry);
        }
    }
    listing
}

pub(super) fn describe(session: &SqlSession, parts: &[String]) -> Result<Listing, SqlError> {
    let format = session.state.file_format(parts, "")?.format;
    let mut listing = Listing::new(&["property", "property_type", "property_value", "property_default"]);
    let kind = format.kind.name();
    listing.push(vec![Cell::from("TYPE"), Cell::from("String"), Cell::from(kind), Cell::from("CSV")]);
    for setting in format.kind.settings() {
        let (ty, value, default) = match setting.kind {
            SettingKind::Text => ("String", format.text(setting.name), setting.default.to_owned()),
            SettingKind::Flag => ("Boolean", format.text(setting.name), setting.default.to_owned()),
            SettingKind::Number => ("Integer", format.text(setting.name), setting.default.to_owned()),
            SettingKind::List => {
                let list = |items: &[String]| format!("[{}]", items.join(", "));
                ("List", list(&format.list(setting.name)), list(&[setting.default.to_owned()]))
            }
        };
        listing.push(vec![Cell::from(setting.name), Cell::from(ty), Cell::from(value), Cell::from(default)]);
    }
    Ok(listing)
}
