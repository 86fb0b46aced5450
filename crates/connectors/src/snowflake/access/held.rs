//! The privileges of a role and of all that are granted to it, as SHOW GRANTS lists them.

use arrow_array::RecordBatch;
use model::Result;
use snowflake::{ObjectName, Session};

use crate::snowflake::catalog::{ShownRows, show};
use crate::snowflake::sql::quoted;

/// Roles that are granted to roles, followed this deep.
const ROLES_MAX: usize = 100;
/// Every role has what this one has.
const EVERYBODY: &str = "PUBLIC";

/// What a role may do.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// The role that was asked about.
    pub(crate) role: String,
    pub(crate) grants: Vec<HeldGrant>,
}

/// A privilege on something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldGrant {
    pub(crate) privilege: String,
    /// As SHOW GRANTS calls it: `TABLE`, `MATERIALIZED_VIEW`, `ACCOUNT`.
    pub(crate) kind: String,
    /// The name as it was shown.
    pub(crate) name: String,
    pub(crate) parts: Vec<String>,
    /// The role that it comes with, as SQL, where that is not the role itself.
    pub(crate) through: Option<String>,
}

/// Somebody to whom privileges are granted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Grantee {
    Role(String),
    /// A role inside a database, as SHOW GRANTS names it.
    DatabaseRole(String),
}

impl Held {
    /// Asks for the grants of a role, and of the roles that it inherits from.
    pub(crate) async fn of_role(session: &Session, role: &str) -> Result<Self> {
        let mut held = Self { role: role.to_owned(), grants: Vec::new() };
        let mut grantees = vec![Grantee::Role(role.to_owned()), Grantee::Role(EVERYBODY.to_owned())];
        let mut next = 0;
        while let Some(grantee) = grantees.get(next).filter(|_| next < ROLES_MAX).cloned() {
            let batches = match show(session, &format!("SHOW GRANTS TO {}", grantee.sql()?)).await {
                Ok(batches) => batches,
                Err(error) if next == 0 => return Err(error),
                Err(error) => {
                    tracing::debug!(error = %error, "the grants of an inherited role cannot be seen");
                    Vec::new()
                }
            };
            let through = (next > 0).then(|| grantee.sql()).transpose()?;
            for grant in batches.iter().flat_map(|batch| grants(batch, through.as_ref())) {
                if let Some(inherited) = grant.inherited().filter(|inherited| !grantees.contains(inherited)) {
                    grantees.push(inherited);
                }
                held.grants.push(grant);
            }
            next += 1;
        }
        Ok(held)
    }

    /// Whether `privilege` on the object with this name is held, by itself or as a part of more.
    pub(crate) fn has(&self, privilege: &str, kind: &str, parts: &[String]) -> bool {
        self.grants.iter().any(|grant| grant.kind == kind && grant.gives(privilege, parts))
    }

    /// The same for a table or view, whichever kind of it the account says it is.
    pub(crate) fn has_on_object(&self, privilege: &str, parts: &[String]) -> bool {
        self.grants.iter().any(|grant| grant.is_on_object() && grant.gives(privilege, parts))
    }

    /// What was granted for this role's sake: without what everybody has, and without the roles themselves.
    pub(crate) fn own(&self) -> impl Iterator<Item = &HeldGrant> {
        let everybody = format!("ROLE \"{EVERYBODY}\"");
        self.grants
            .iter()
            .filter(move |grant| grant.through.as_ref() != Some(&everybody) && grant.inherited().is_none())
    }
}

impl HeldGrant {
    fn gives(&self, privilege: &str, parts: &[String]) -> bool {
        let is_enough = [privilege, "OWNERSHIP", "ALL"].contains(&self.privilege.as_str());
        is_enough && self.parts == parts
    }

    /// Whether it is on something in a schema.
    pub(crate) fn is_on_object(&self) -> bool {
        self.parts.len() == 3
    }

    fn inherited(&self) -> Option<Grantee> {
        match (self.kind.as_str(), self.privilege.as_str(), self.parts.as_slice()) {
            ("ROLE", "USAGE", [role]) => Some(Grantee::Role(role.clone())),
            ("DATABASE_ROLE", "USAGE", _) => Some(Grantee::DatabaseRole(self.name.clone())),
            _ => None,
        }
    }
}

impl Grantee {
    fn sql(&self) -> Result<String> {
        Ok(match self {
            Grantee::Role(role) => format!("ROLE {}", quoted(role)?),
            Grantee::DatabaseRole(name) => match ObjectName::parse(name) {
                Ok(name) => format!("DATABASE ROLE {name}"),
                Err(_) => format!("DATABASE ROLE {}", quoted(name)?),
            },
        })
    }
}

fn grants(batch: &RecordBatch, through: Option<&String>) -> Vec<HeldGrant> {
    let rows = ShownRows(batch);
    let grant = |row: usize| {
        let text = |column: &str| rows.text(column, row).unwrap_or_default();
        let name = text("name");
        HeldGrant {
            privilege: text("privilege"),
            kind: text("granted_on"),
            parts: parts(&name),
            name,
            through: through.cloned(),
        }
    };
    (0..batch.num_rows()).map(grant).collect()
}

/// A name's parts, or the name as it stands where it is not written as SQL would.
fn parts(name: &str) -> Vec<String> {
    match ObjectName::parse(name) {
        Ok(parsed) => parsed.parts().iter().map(|part| part.as_str().to_owned()).collect(),
        Err(_) => name.split('.').map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_quoted_and_plain() {
        assert_eq!(parts(r#"D."odd schema".T"#), ["D", "odd schema", "T"]);
        assert_eq!(parts("D.odd schema.T"), ["D", "odd schema", "T"]);
    }

    fn grant(privilege: &str, kind: &str, name: &str, through: Option<&str>) -> HeldGrant {
        HeldGrant {
            privilege: privilege.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            parts: parts(name),
            through: through.map(str::to_owned),
        }
    }

    #[test]
    fn ownership_is_every_privilege_on_that_object_and_none_on_another() {
        let held = Held {
            role: "R".to_owned(),
            grants: vec![grant("OWNERSHIP", "SCHEMA", "D.S", None), grant("SELECT", "VIEW", "D.S.V", None)],
        };
        let path = |name: &str| parts(name);
        assert!(held.has("CREATE TABLE", "SCHEMA", &path("D.S")));
        assert!(!held.has_on_object("SELECT", &path("D.S.T")));
        assert!(held.has_on_object("SELECT", &path("D.S.V")));
        assert!(!held.has_on_object("INSERT", &path("D.S.V")));
    }

    #[test]
    fn what_everybody_has_was_not_granted_to_the_role() {
        let held = Held {
            role: "R".to_owned(),
            grants: vec![
                grant("USAGE", "DATABASE", "A", Some("ROLE \"PUBLIC\"")),
                grant("USAGE", "DATABASE", "B", Some("ROLE \"OTHER\"")),
                grant("USAGE", "ROLE", "OTHER", None),
            ],
        };
        let own: Vec<&str> = held.own().map(|grant| grant.name.as_str()).collect();
        assert_eq!(own, ["B"]);
    }
}
