//! Which privileges a delivery takes, and which of them the role lacks after a statement was refused.

use model::{Error, ErrorKind, Publish, Result, TableName};
use snowflake::{Session, string_literal};

use crate::snowflake::access::Held;
use crate::snowflake::catalog::{ShownRows, like_pattern, show};
use crate::snowflake::sql::{database_of, quoted, table_sql};

use super::link::Link;

/// A privilege on something that the target's name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    UsageOnDatabase,
    UsageOnSchema,
    CreateTable,
    OnTable(&'static str),
}

impl Grant {
    /// The statement that grants it.
    pub(super) fn sql(self, target: &TableName, role: &str) -> Result<String> {
        Ok(format!("GRANT {} TO ROLE {};", self.name(target)?, quoted(role)?))
    }

    /// The privilege and what it is on, as SQL writes it.
    pub(super) fn name(self, target: &TableName) -> Result<String> {
        let database = quoted(database_of(target)?)?;
        let schema = format!("{database}.{}", quoted(&target.schema)?);
        Ok(match self {
            Self::UsageOnDatabase => format!("USAGE ON DATABASE {database}"),
            Self::UsageOnSchema => format!("USAGE ON SCHEMA {schema}"),
            Self::CreateTable => format!("CREATE TABLE ON SCHEMA {schema}"),
            Self::OnTable(privilege) => format!("{privilege} ON TABLE {}", table_sql(target)?),
        })
    }

    fn described(self, target: &TableName) -> String {
        match self {
            Self::UsageOnDatabase => {
                format!("use the database {}", target.database.as_deref().unwrap_or_default())
            }
            Self::UsageOnSchema => format!("use the schema {}", target.schema),
            Self::CreateTable => format!("create tables in the schema {}", target.schema),
            Self::OnTable(privilege) => format!("{privilege} on {target}"),
        }
    }
}

/// What a delivery takes on the table itself.
pub(super) fn on_table(publish: &Publish, has_values: bool) -> Vec<Grant> {
    let privileges: &[&str] = match publish {
        Publish::Append { .. } => &["INSERT"],
        Publish::RemoveRows { .. } => &["DELETE"],
        Publish::Replace { .. } | Publish::ReplaceFrom { .. } | Publish::ReplaceBuckets { .. } => {
            &["INSERT", "DELETE"]
        }
        Publish::Merge { delete_flag: None, .. } if !has_values => &["INSERT"],
        Publish::Merge { delete_flag: None, .. } => &["INSERT", "UPDATE"],
        Publish::Merge { delete_flag: Some(_), .. } if !has_values => &["INSERT", "DELETE"],
        Publish::Merge { delete_flag: Some(_), .. } => &["INSERT", "UPDATE", "DELETE"],
    };
    privileges.iter().map(|privilege| Grant::OnTable(privilege)).collect()
}

/// Puts the one grant that is missing in place of an error that a missing grant can be behind.
pub(super) async fn explained(link: &Link, target: &TableName, needed: &[Grant], error: Error) -> Error {
    if !matches!(error.kind(), ErrorKind::Permission | ErrorKind::NotFound) || error.code() == "grant_missing"
    {
        return error;
    }
    let Some(role) = link.role().await else { return error };
    let Ok(session) = link.session().await else { return error };
    match first_missing(&session, target, needed, &role).await {
        Ok(Some(grant)) => missing(grant, target, &role, error.query_id()),
        Ok(None) => error,
        Err(failure) => {
            tracing::debug!(error = %failure, "the role's grants could not be looked up");
            let grants: Vec<String> =
                needed.iter().filter_map(|grant| grant.sql(target, &role).ok()).collect();
            error.with_remedy(format!("the role needs: {}", grants.join(" ")))
        }
    }
}

/// That a grant is missing, and how it is given.
pub(super) fn missing(grant: Grant, target: &TableName, role: &str, query_id: Option<&str>) -> Error {
    let message = format!("the role {role} may not {}", grant.described(target));
    let mut error = Error::new(ErrorKind::Permission, "grant_missing", message);
    if let Some(query_id) = query_id {
        error = error.with_query_id(query_id);
    }
    match grant.sql(target, role) {
        Ok(sql) => error.with_remedy(format!("let the customer run: {sql}")),
        Err(_) => error,
    }
}

/// The first of what is needed that the role does not have, from the outside to the inside.
async fn first_missing(
    session: &Session,
    target: &TableName,
    needed: &[Grant],
    role: &str,
) -> Result<Option<Grant>> {
    let database = database_of(target)?;
    let databases = format!("SHOW DATABASES LIKE {}", string_literal(&like_pattern(database)));
    if !is_shown(session, &databases, database).await? {
        return Ok(Some(Grant::UsageOnDatabase));
    }
    let schemas = format!(
        "SHOW SCHEMAS LIKE {} IN DATABASE {}",
        string_literal(&like_pattern(&target.schema)),
        quoted(database)?
    );
    match is_shown(session, &schemas, &target.schema).await {
        Ok(true) => {}
        Ok(false) => return Ok(Some(Grant::UsageOnSchema)),
        // A database can be seen by whoever has something inside it, and is still not to be entered.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(Grant::UsageOnDatabase)),
        Err(error) => return Err(error),
    }
    let held = Held::of_role(session, role).await?;
    Ok([Grant::UsageOnDatabase, Grant::UsageOnSchema]
        .iter()
        .chain(needed)
        .copied()
        .find(|grant| !covers(&held, *grant, target)))
}

async fn is_shown(session: &Session, sql: &str, name: &str) -> Result<bool> {
    let batches = show(session, sql).await?;
    Ok(batches.iter().any(|batch| {
        let rows = ShownRows(batch);
        (0..batch.num_rows()).any(|row| rows.text("name", row).as_deref() == Some(name))
    }))
}

/// Whether the role holds a grant on the target, or on what it is in.
pub(super) fn covers(held: &Held, grant: Grant, target: &TableName) -> bool {
    let database = target.database.clone().unwrap_or_default();
    let schema = [database.clone(), target.schema.clone()];
    let table = [database.clone(), target.schema.clone(), target.table.clone()];
    match grant {
        Grant::UsageOnDatabase => held.has("USAGE", "DATABASE", &[database]),
        Grant::UsageOnSchema => held.has("USAGE", "SCHEMA", &schema),
        Grant::CreateTable => held.has("CREATE TABLE", "SCHEMA", &schema),
        Grant::OnTable(privilege) => held.has(privilege, "TABLE", &table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_takes_no_more_than_it_uses() {
        let key = || vec!["ID".to_owned()];
        for (publish, has_values, expected) in [
            (Publish::Append { key: key() }, true, vec!["INSERT"]),
            (Publish::Replace { key: key(), max_shrink_percent: 0 }, true, vec!["INSERT", "DELETE"]),
            (Publish::Merge { key: key(), delete_flag: None }, true, vec!["INSERT", "UPDATE"]),
            (Publish::Merge { key: key(), delete_flag: None }, false, vec!["INSERT"]),
            (
                Publish::Merge { key: key(), delete_flag: Some("GONE".into()) },
                true,
                vec!["INSERT", "UPDATE", "DELETE"],
            ),
        ] {
            let expected: Vec<Grant> = expected.into_iter().map(Grant::OnTable).collect();
            assert_eq!(on_table(&publish, has_values), expected);
        }
    }

    #[test]
    fn a_grant_is_written_so_that_it_can_be_run() {
        let target = TableName::in_snowflake("D", "odd schema", "T");
        let sql = |grant: Grant| grant.sql(&target, "SYNC").unwrap();
        assert_eq!(
            sql(Grant::OnTable("INSERT")),
            r#"GRANT INSERT ON TABLE "D"."odd schema"."T" TO ROLE "SYNC";"#
        );
        assert_eq!(sql(Grant::UsageOnSchema), r#"GRANT USAGE ON SCHEMA "D"."odd schema" TO ROLE "SYNC";"#);
    }
}
