//! The text of both scripts, section by section.

use std::collections::BTreeSet;

use model::Result;
use snowflake::{Identifier, string_literal};

use super::reserved::NAME_LENGTH_MAX;
use super::{Access, Ipv4Network, Onboarding, Purpose};
use crate::snowflake::catalog::like_pattern;
use crate::snowflake::sql::{database_of, quoted, table_sql};

const OPENING: &str = "\
-- Access for Snowferry, for whoever reviews it and then runs it.
-- It makes one role and one service user, and grants that role what is listed here and nothing else. The user has no
-- password: it logs in with a key pair whose private half never leaves the vendor. Running this again changes nothing.
-- Run it as a role that may create users and roles and grant on these objects, such as ACCOUNTADMIN. The names of the user
-- and the role have to be new ones: where they are somebody's already, ask for others.
";

const CLOSING: &str = "\
-- Takes back what was given to Snowferry. Dropping the role takes all its grants along. Running this again changes nothing.
-- Only what the first script has made is dropped: it is known by its comment. No table is touched, and no row that was
-- delivered. Run it as the role that ran the first script.
";

/// The session variable that holds one statement of the closing script.
const STEP: &str = "SNOWFERRY_STEP";

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
    // Of network policies SHOW lists all; there are few.
    let like = |kinds: &str, name: &Identifier| {
        format!("{kinds} LIKE {}", string_literal(&like_pattern(name.as_str())))
    };
    // Whoever closes need not know any more what was asked for in the beginning: what was not made is not dropped.
    let made = [
        (like("USERS", user), "USER", user.clone()),
        (like("ROLES", role), "ROLE", role.clone()),
        ("NETWORK POLICIES".to_owned(), "NETWORK POLICY", policy(user)),
        (like("WAREHOUSES", virtual_warehouse), "WAREHOUSE", virtual_warehouse.clone()),
    ];
    let mut script = CLOSING.to_owned();
    for (number, (kinds, kind, name)) in made.into_iter().enumerate() {
        let title = kind.to_lowercase();
        script.push_str(&format!(
            "\n-- {}. The {title}.\n{}\n",
            number + 1,
            dropped_if_ours(onboarding, &kinds, kind, &name)
        ));
    }
    script + &format!("\nUNSET {STEP};\n")
}

/// Drops what carries our comment; CREATE … IF NOT EXISTS has left without it what was there before.
fn dropped_if_ours(onboarding: &Onboarding, kinds: &str, kind: &str, name: &Identifier) -> String {
    let drop = string_literal(&format!("DROP {kind} {name}"));
    let leave = string_literal("SELECT 'nothing to drop: not there, or not made for Snowferry'");
    let shown = string_literal(name.as_str());
    let comment = string_literal(&comment(onboarding));
    format!(
        "SHOW {kinds};
SET {STEP} = (SELECT IFF(COUNT(*) = 1, {drop}, {leave})
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE \"name\" = {shown} AND \"comment\" = {comment});
EXECUTE IMMEDIATE ${STEP};"
    )
}

/// What is made for us is marked as ours.
fn comment(onboarding: &Onboarding) -> String {
    format!("Snowferry, tenant {}", onboarding.tenant)
}

fn role(onboarding: &Onboarding) -> Vec<String> {
    let comment = string_literal(&comment(onboarding));
    vec![format!("CREATE ROLE IF NOT EXISTS {} COMMENT = {comment};", onboarding.role)]
}

fn virtual_warehouse(onboarding: &Onboarding) -> Vec<String> {
    let Onboarding { role, virtual_warehouse: name, makes_virtual_warehouse, .. } = onboarding;
    let make = format!(
        "CREATE WAREHOUSE IF NOT EXISTS {name}\n    WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE\n    COMMENT = {};",
        string_literal(&comment(onboarding))
    );
    let grant = format!("GRANT USAGE ON WAREHOUSE {name} TO ROLE {role};");
    makes_virtual_warehouse.then_some(make).into_iter().chain([grant]).collect()
}

fn user(onboarding: &Onboarding) -> Vec<String> {
    let Onboarding { user, role, virtual_warehouse, public_key, fingerprint, .. } = onboarding;
    let literal = |name: &Identifier| string_literal(name.as_str());
    vec![
        format!(
            "CREATE USER IF NOT EXISTS {user} TYPE = SERVICE COMMENT = {};",
            string_literal(&comment(onboarding))
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

fn network_policy(onboarding: &Onboarding) -> Vec<String> {
    if onboarding.egress.is_empty() {
        return Vec::new();
    }
    policy_statements(&onboarding.user, &onboarding.egress, Some(&comment(onboarding)))
}

/// A network policy of the user alone, which goes before the account's own; that one stays as it is.
pub(crate) fn policy_statements(
    user: &Identifier,
    networks: &[Ipv4Network],
    comment: Option<&str>,
) -> Vec<String> {
    let name = policy(user);
    let networks: Vec<String> = networks.iter().map(|network| format!("'{network}'")).collect();
    let networks = networks.join(", ");
    let comment =
        comment.map_or_else(String::new, |text| format!("\n    COMMENT = {}", string_literal(text)));
    vec![
        format!("CREATE NETWORK POLICY IF NOT EXISTS {name} ALLOWED_IP_LIST = ({networks}){comment};"),
        format!("ALTER NETWORK POLICY {name} SET ALLOWED_IP_LIST = ({networks});"),
        format!("ALTER USER {user} SET NETWORK_POLICY = {name};"),
    ]
}

fn policy(user: &Identifier) -> Identifier {
    let name: String = user.as_str().chars().take(NAME_LENGTH_MAX).collect();
    Identifier::new(format!("{name}_ONLY_FROM")).expect("a name of bounded length with a suffix is a name")
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
