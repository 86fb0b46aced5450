//! The text of both scripts, section by section.

use std::collections::BTreeSet;

use model::Result;
use snowflake::{Identifier, string_literal};

use super::{Access, Onboarding, Purpose};
use crate::snowflake::sql::{database_of, quoted, table_sql};

const OPENING: &str = "\
-- Access for Snowferry, for whoever reviews it and then runs it.
-- It makes one role and one service user, and grants that role what is listed here and nothing else. The user has no
-- password: it logs in with a key pair whose private half never leaves the vendor. Running this again changes nothing.
-- Run it as a role that may create users and roles and grant on these objects, such as ACCOUNTADMIN.
";

const CLOSING: &str = "\
-- Takes back what was given to Snowferry. Dropping the role takes all its grants along. Running this again changes nothing.
-- No table is touched, and no row that was delivered.
";

pub(super) fn opening(onboarding: &Onboarding) -> Result<String> {
    let mut script = OPENING.to_owned();
    let sections = [
        ("A role that can do only what follows", role(onboarding)),
        ("The virtual warehouse that its queries run on", virtual_warehouse(onboarding)),
        ("A service user with our public key", user(onboarding)),
        ("Where it may log in from", network_policy(onboarding)),
        ("What it may use", containers(onboarding)?),
        ("What it may do there", objects(onboarding)?),
        ("Changes that the account remembers", change_tracking(onboarding)?),
        ("What was granted: compare it with the above", shown(onboarding)),
    ];
    let sections = sections.into_iter().filter(|(_, statements)| !statements.is_empty());
    for (number, (title, statements)) in sections.enumerate() {
        script.push_str(&format!("\n-- {}. {title}.\n{}\n", number + 1, statements.join("\n")));
    }
    Ok(script)
}

pub(super) fn closing(onboarding: &Onboarding) -> String {
    let Onboarding { user, role, virtual_warehouse, .. } = onboarding;
    let mut statements = vec![format!("DROP USER IF EXISTS {user};"), format!("DROP ROLE IF EXISTS {role};")];
    if !onboarding.egress.is_empty() {
        statements.push(format!("DROP NETWORK POLICY IF EXISTS {};", policy(onboarding)));
    }
    if onboarding.makes_virtual_warehouse {
        statements.push(format!("DROP WAREHOUSE IF EXISTS {virtual_warehouse};"));
    }
    format!("{CLOSING}\n{}\n", statements.join("\n"))
}

fn role(onboarding: &Onboarding) -> Vec<String> {
    vec![format!("CREATE ROLE IF NOT EXISTS {};", onboarding.role)]
}

fn virtual_warehouse(onboarding: &Onboarding) -> Vec<String> {
    let Onboarding { role, virtual_warehouse: name, makes_virtual_warehouse, .. } = onboarding;
    let make = format!(
        "CREATE WAREHOUSE IF NOT EXISTS {name}\n    WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE;"
    );
    let grant = format!("GRANT USAGE ON WAREHOUSE {name} TO ROLE {role};");
    makes_virtual_warehouse.then_some(make).into_iter().chain([grant]).collect()
}

fn user(onboarding: &Onboarding) -> Vec<String> {
    let Onboarding { user, role, virtual_warehouse, public_key, fingerprint, tenant, .. } = onboarding;
    let literal = |name: &Identifier| string_literal(name.as_str());
    vec![
        format!(
            "CREATE USER IF NOT EXISTS {user} TYPE = SERVICE COMMENT = {};",
            string_literal(&format!("Snowferry, tenant {tenant}"))
        ),
        format!("-- DESC USER shows the key as {fingerprint}"),
        format!(
            "ALTER USER {user} SET\n    DEFAULT_ROLE = {}\n    DEFAULT_WAREHOUSE = {}\n    RSA_PUBLIC_KEY = {};",
            literal(role),
            literal(virtual_warehouse),
            string_literal(public_key)
        ),
        format!("GRANT ROLE {role} TO USER {user};"),
    ]
}

/// The network policy belongs to the user alone; the account's own stays as it is.
fn network_policy(onboarding: &Onboarding) -> Vec<String> {
    if onboarding.egress.is_empty() {
        return Vec::new();
    }
    let name = policy(onboarding);
    let networks: Vec<String> = onboarding.egress.iter().map(|network| format!("'{network}'")).collect();
    let networks = networks.join(", ");
    vec![
        format!("CREATE NETWORK POLICY IF NOT EXISTS {name} ALLOWED_IP_LIST = ({networks});"),
        format!("ALTER NETWORK POLICY {name} SET ALLOWED_IP_LIST = ({networks});"),
        format!("ALTER USER {} SET NETWORK_POLICY = {name};", onboarding.user),
    ]
}

fn policy(onboarding: &Onboarding) -> Identifier {
    let name: String = onboarding.user.as_str().chars().take(200).collect();
    Identifier::new(format!("{name}_ONLY_FROM")).expect("a shortened name with a suffix is a name")
}

fn containers(onboarding: &Onboarding) -> Result<Vec<String>> {
    let role = &onboarding.role;
    let mut databases = BTreeSet::new();
    let mut schemas = BTreeSet::new();
    for Access { table, .. } in &onboarding.objects {
        let database = quoted(database_of(table)?)?;
        schemas.insert(format!("{database}.{}", quoted(&table.schema)?));
        databases.insert(database);
    }
    let databases = databases.iter().map(|name| format!("GRANT USAGE ON DATABASE {name} TO ROLE {role};"));
    let schemas = schemas.iter().map(|name| format!("GRANT USAGE ON SCHEMA {name} TO ROLE {role};"));
    Ok(databases.chain(schemas).collect())
}

fn objects(onboarding: &Onboarding) -> Result<Vec<String>> {
    let role = &onboarding.role;
    let mut statements = BTreeSet::new();
    for Access { table, is_view, purpose } in &onboarding.objects {
        let schema = format!("{}.{}", quoted(database_of(table)?)?, quoted(&table.schema)?);
        let privileges = purpose.privileges()?.join(", ");
        let kind = if *is_view { "VIEW" } else { "TABLE" };
        match purpose {
            // The table is not there to be granted on; whoever makes a table owns it.
            Purpose::Write { makes_table: true, .. } => {
                statements.insert(format!("GRANT CREATE TABLE ON SCHEMA {schema} TO ROLE {role};"));
            }
            _ => {
                statements
                    .insert(format!("GRANT {privileges} ON {kind} {} TO ROLE {role};", table_sql(table)?));
            }
        }
        if onboarding.includes_future_tables && matches!(purpose, Purpose::Read { .. }) {
            statements.insert(format!("GRANT SELECT ON FUTURE {kind}S IN SCHEMA {schema} TO ROLE {role};"));
        }
    }
    Ok(statements.into_iter().collect())
}

fn change_tracking(onboarding: &Onboarding) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for Access { table, purpose, .. } in &onboarding.objects {
        if *purpose != (Purpose::Read { follows_changes: true }) {
            continue;
        }
        let statement = format!("ALTER TABLE {} SET CHANGE_TRACKING = TRUE;", table_sql(table)?);
        statements.push(match onboarding.tracks_changes {
            true => statement,
            false => format!("-- needed unless it is on already: {statement}"),
        });
    }
    Ok(statements)
}

fn shown(onboarding: &Onboarding) -> Vec<String> {
    vec![
        format!("SHOW GRANTS TO ROLE {};", onboarding.role),
        format!("SHOW GRANTS TO USER {};", onboarding.user),
        format!("DESC USER {};", onboarding.user),
    ]
}
