//! Actions that the vendor has gathered itself, in a table of its own: visits of a website, activity of a connected CRM.

use model::{Error, Result};

use crate::matching::{fingerprint, literal};
use crate::views::quoted;

/// The schema and the table, or view, in which a tenant's file holds them.
pub const OWN_ACTIONS: (&str, &str) = ("own", "actions");

/// The table as it is: its columns and their types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnActions {
    columns: Vec<(String, String)>,
}

/// Columns without which nothing can be told of an action.
const NEEDED: [&str; 4] = ["action_id", "identity", "action_name", "action_date"];
/// Columns of the model that are no text, and the beginnings of the types that they may have here.
const TYPED: [(&str, &[&str]); 2] = [
    ("action_date", &["TIMESTAMP"]),
    (
        "revenue",
        &[
            "DECIMAL",
            "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "UBIGINT",
        ],
    ),
];

/// The columns of the model that deals are matched by.
const MATCHED: [(&str, &str); 7] = [
    ("action_id", "VARCHAR"),
    ("deal_id", "VARCHAR"),
    ("email", "VARCHAR"),
    ("company_id", "VARCHAR"),
    ("action_type", "VARCHAR"),
    ("action_name", "VARCHAR"),
    ("action_date", "TIMESTAMP"),
];

/// Keeps what [`OwnActions::matched_sql`] answered when deals were matched last.
pub const CREATE_OWN_MATCHED: &str =
    "CREATE TABLE IF NOT EXISTS _snowferry.own_matched (fingerprint VARCHAR NOT NULL)";

/// Asks for what is kept; empty where nothing is.
pub const OWN_MATCHED_SQL: &str = "SELECT coalesce(max(fingerprint), '') FROM _snowferry.own_matched";

/// Keeps what the vendor's own actions were when deals were matched, or that nobody looked.
pub fn note_own_matched_sql(fingerprint: Option<&str>) -> String {
    let note =
        fingerprint.map(|text| format!("; INSERT INTO _snowferry.own_matched VALUES ({})", literal(text)));
    format!("{CREATE_OWN_MATCHED}; DELETE FROM _snowferry.own_matched{}", note.unwrap_or_default())
}

impl OwnActions {
    /// Checks that the table can be a part of the model.
    pub fn new(columns: Vec<(String, String)>) -> Result<Self> {
        let own = Self { columns };
        let absent: Vec<&str> = NEEDED.into_iter().filter(|name| own.data_type(name).is_none()).collect();
        if !absent.is_empty() {
            return Err(unfit(&format!("has no column {}", absent.join(", "))));
        }
        for (name, types) in TYPED {
            let fits = |data_type: &str| {
                types.iter().any(|start| data_type.starts_with(start)) && !data_type.ends_with("TIME ZONE")
            };
            if let Some(data_type) = own.data_type(name).filter(|data_type| !fits(data_type)) {
                return Err(unfit(&format!(
                    "has {name} as {data_type}, which is no {}",
                    types[0].to_lowercase()
                )));
            }
        }
        Ok(own)
    }

    fn data_type(&self, name: &str) -> Option<&str> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, data_type)| data_type.as_str())
    }

    /// What the model's column `name` of type `data_type` is made from.
    fn expression(&self, name: &str, data_type: &str) -> String {
        const IS_ADDRESS: &str = "contains(identity::VARCHAR, '@')";
        match name {
            // These tell of imports.
            "etl_modified_at" | "sync_id" | "added_at" => format!("NULL::{data_type}"),
            _ if self.data_type(name).is_some() => format!("{}::{data_type}", quoted(name)),
            "email" => format!("CASE WHEN {IS_ADDRESS} THEN identity::VARCHAR END"),
            "identity_kind" => format!("CASE WHEN {IS_ADDRESS} THEN 'email' ELSE 'id' END"),
            "action_type" => "'custom'".to_owned(),
            "integration" => "'own'".to_owned(),
            "action_properties" | "company_properties" => "'{}'".to_owned(),
            _ => format!("NULL::{data_type}"),
        }
    }

    /// Asks for a text that is another one once any of its rows could be matched in another way. Reading it through takes a
    /// fraction of what it takes to find out which deals that would be.
    pub fn matched_sql(&self) -> String {
        let names = MATCHED.map(|(name, _)| name).join(", ");
        format!(
            "SELECT count(*) || ' ' || coalesce({}, 0) FROM ({}) AS own({names})",
            fingerprint(&names),
            self.rows_sql(&MATCHED)
        )
    }

    /// Its rows in the columns of a view of the model.
    pub(crate) fn rows_sql(&self, shape: &[(&str, &str)]) -> String {
        let columns: Vec<String> =
            shape.iter().map(|(name, data_type)| self.expression(name, data_type)).collect();
        let (schema, table) = OWN_ACTIONS;
        format!("SELECT {} FROM {schema}.{table}", columns.join(", "))
    }
}

/// Asks the model whether each of the vendor's own actions has an id of its own; [`refuse_unfit_ids`] knows the answers.
pub const OWN_IDS_SQL: &str = "\
SELECT CASE WHEN count(*) > count(action_id) THEN 'missing'
    WHEN count(action_id) > count(DISTINCT action_id) THEN 'repeated' ELSE 'well' END
FROM model.actions WHERE sync_id IS NULL";

/// Refuses own actions that cannot be told apart: they could not be pushed once each.
pub fn refuse_unfit_ids(answer: &str) -> Result<()> {
    match answer {
        "missing" => Err(unfit("has rows without an action_id")),
        "repeated" => Err(unfit("has several rows with one action_id")),
        _ => Ok(()),
    }
}

fn unfit(what: &str) -> Error {
    let (schema, table) = OWN_ACTIONS;
    Error::config("own_actions_unfit", format!("the table {schema}.{table} of the vendor database {what}"))
        .with_remedy(
            "docs/imports.md has its columns; change it, make a view of that name over it, or call it something else",
        )
}

#[cfg(test)]
mod tests {
    use super::OwnActions;

    #[test]
    fn a_table_that_cannot_be_a_part_of_the_model_is_refused() {
        let text = |name: &str| (name.to_owned(), "VARCHAR".to_owned());
        let date = |data_type: &str| ("action_date".to_owned(), data_type.to_owned());
        let named = || vec![text("action_id"), text("identity"), text("action_name")];
        for (more, expected) in [
            (vec![], Some("has no column action_date")),
            (vec![date("VARCHAR")], Some("has action_date as VARCHAR, which is no timestamp")),
            (vec![date("TIMESTAMP WITH TIME ZONE")], Some("which is no timestamp")),
            (
                vec![date("TIMESTAMP"), ("revenue".to_owned(), "DOUBLE".to_owned())],
                Some("which is no decimal"),
            ),
            (vec![date("TIMESTAMP_NS"), ("revenue".to_owned(), "DECIMAL(18,2)".to_owned())], None),
        ] {
            let found = OwnActions::new([named(), more].concat()).map_err(|error| error.message().to_owned());
            assert_eq!(found.is_err(), expected.is_some(), "{found:?}");
            assert!(found.err().is_none_or(|message| message.contains(expected.unwrap())), "{expected:?}");
        }
    }
}
