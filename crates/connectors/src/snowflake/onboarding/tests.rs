//! The scripts, as a customer reads them.

use model::{TableName, WriteSpec};
use snowflake::Identifier;

use super::{Access, Ipv4Network, Onboarding, Purpose};

fn read(table: &str) -> Access {
    let table = TableName::in_snowflake("CRM", "SALES", table);
    Access { table, is_view: false, purpose: Purpose::Read { follows_changes: false } }
}

fn write(write: WriteSpec, makes_table: bool) -> Access {
    let table = TableName::in_snowflake("ANALYTICS", "VENDOR", "ACTIONS");
    Access { table, is_view: false, purpose: Purpose::Write { write, makes_table } }
}

fn onboarding(objects: Vec<Access>) -> Onboarding {
    let name = |name: &str| Identifier::new(name).unwrap();
    Onboarding {
        tenant: "acme".to_owned(),
        user: name("SNOWFERRY"),
        role: name("SNOWFERRY_READ"),
        virtual_warehouse: name("SNOWFERRY_WH"),
        makes_virtual_warehouse: false,
        public_key: "MIIBIjANBgkq".to_owned(),
        fingerprint: "SHA256:abc=".to_owned(),
        objects,
        egress: Vec::new(),
        includes_future_tables: false,
        tracks_changes: false,
    }
}

#[test]
fn a_pull_asks_for_usage_and_select_on_what_it_names() {
    insta::assert_snapshot!(onboarding(vec![read("DEALS"), read("odd \"name\"")]).script().unwrap(), @r#"
    -- Access for Snowferry, for whoever reviews it and then runs it.
    -- It makes one role and one service user, and grants that role what is listed here and nothing else. The user has no
    -- password: it logs in with a key pair whose private half never leaves the vendor. Running this again changes nothing.
    -- Run it as a role that may create users and roles and grant on these objects, such as ACCOUNTADMIN. The names of the user
    -- and the role have to be new ones: where they are somebody's already, ask for others.

    -- 1. A role that can do only what follows.
    CREATE ROLE IF NOT EXISTS "SNOWFERRY_READ" COMMENT = 'Snowferry, tenant acme';

    -- 2. The virtual warehouse that its queries run on.
    GRANT USAGE ON WAREHOUSE "SNOWFERRY_WH" TO ROLE "SNOWFERRY_READ";

    -- 3. A service user with our public key.
    CREATE USER IF NOT EXISTS "SNOWFERRY" TYPE = SERVICE COMMENT = 'Snowferry, tenant acme';
    -- DESC USER shows the key as SHA256:abc=
    ALTER USER "SNOWFERRY" SET
        DEFAULT_ROLE = 'SNOWFERRY_READ'
        DEFAULT_WAREHOUSE = 'SNOWFERRY_WH'
        RSA_PUBLIC_KEY = 'MIIBIjANBgkq';
    GRANT ROLE "SNOWFERRY_READ" TO USER "SNOWFERRY";

    -- 4. What it may use.
    GRANT USAGE ON DATABASE "CRM" TO ROLE "SNOWFERRY_READ";
    GRANT USAGE ON SCHEMA "CRM"."SALES" TO ROLE "SNOWFERRY_READ";

    -- 5. What it may do there.
    GRANT SELECT ON TABLE "CRM"."SALES"."DEALS" TO ROLE "SNOWFERRY_READ";
    GRANT SELECT ON TABLE "CRM"."SALES"."odd ""name""" TO ROLE "SNOWFERRY_READ";

    -- 6. What was granted: compare it with the above.
    SHOW GRANTS TO ROLE "SNOWFERRY_READ";
    SHOW GRANTS TO USER "SNOWFERRY";
    DESC USER "SNOWFERRY";
    "#);
}

#[test]
fn everything_else_comes_only_when_it_is_asked_for() {
    let followed = Access { purpose: Purpose::Read { follows_changes: true }, ..read("DEALS") };
    let view = Access { is_view: true, ..read("ACCOUNTS") };
    let onboarding = Onboarding {
        makes_virtual_warehouse: true,
        egress: vec![
            Ipv4Network::parse("203.0.113.4").unwrap(),
            Ipv4Network::parse("198.51.100.0/28").unwrap(),
        ],
        includes_future_tables: true,
        tracks_changes: true,
        ..onboarding(vec![followed, view])
    };
    insta::assert_snapshot!(onboarding.script().unwrap(), @r#"
    -- Access for Snowferry, for whoever reviews it and then runs it.
    -- It makes one role and one service user, and grants that role what is listed here and nothing else. The user has no
    -- password: it logs in with a key pair whose private half never leaves the vendor. Running this again changes nothing.
    -- Run it as a role that may create users and roles and grant on these objects, such as ACCOUNTADMIN. The names of the user
    -- and the role have to be new ones: where they are somebody's already, ask for others.

    -- 1. A role that can do only what follows.
    CREATE ROLE IF NOT EXISTS "SNOWFERRY_READ" COMMENT = 'Snowferry, tenant acme';

    -- 2. The virtual warehouse that its queries run on.
    CREATE WAREHOUSE IF NOT EXISTS "SNOWFERRY_WH"
        WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE
        COMMENT = 'Snowferry, tenant acme';
    GRANT USAGE ON WAREHOUSE "SNOWFERRY_WH" TO ROLE "SNOWFERRY_READ";

    -- 3. A service user with our public key.
    CREATE USER IF NOT EXISTS "SNOWFERRY" TYPE = SERVICE COMMENT = 'Snowferry, tenant acme';
    -- DESC USER shows the key as SHA256:abc=
    ALTER USER "SNOWFERRY" SET
        DEFAULT_ROLE = 'SNOWFERRY_READ'
        DEFAULT_WAREHOUSE = 'SNOWFERRY_WH'
        RSA_PUBLIC_KEY = 'MIIBIjANBgkq';
    GRANT ROLE "SNOWFERRY_READ" TO USER "SNOWFERRY";

    -- 4. Where it may log in from.
    CREATE NETWORK POLICY IF NOT EXISTS "SNOWFERRY_ONLY_FROM" ALLOWED_IP_LIST = ('203.0.113.4/32', '198.51.100.0/28')
        COMMENT = 'Snowferry, tenant acme';
    ALTER NETWORK POLICY "SNOWFERRY_ONLY_FROM" SET ALLOWED_IP_LIST = ('203.0.113.4/32', '198.51.100.0/28');
    ALTER USER "SNOWFERRY" SET NETWORK_POLICY = "SNOWFERRY_ONLY_FROM";

    -- 5. What it may use.
    GRANT USAGE ON DATABASE "CRM" TO ROLE "SNOWFERRY_READ";
    GRANT USAGE ON SCHEMA "CRM"."SALES" TO ROLE "SNOWFERRY_READ";

    -- 6. What it may do there.
    GRANT SELECT ON FUTURE TABLES IN SCHEMA "CRM"."SALES" TO ROLE "SNOWFERRY_READ";
    GRANT SELECT ON FUTURE VIEWS IN SCHEMA "CRM"."SALES" TO ROLE "SNOWFERRY_READ";
    GRANT SELECT ON TABLE "CRM"."SALES"."DEALS" TO ROLE "SNOWFERRY_READ";
    GRANT SELECT ON VIEW "CRM"."SALES"."ACCOUNTS" TO ROLE "SNOWFERRY_READ";

    -- 7. Changes that the account remembers.
    ALTER TABLE "CRM"."SALES"."DEALS" SET CHANGE_TRACKING = TRUE;

    -- 8. What was granted: compare it with the above.
    SHOW GRANTS TO ROLE "SNOWFERRY_READ";
    SHOW GRANTS TO USER "SNOWFERRY";
    DESC USER "SNOWFERRY";
    "#);
    insta::assert_snapshot!(onboarding.closing_script().unwrap(), @r#"
    -- Takes back what was given to Snowferry. Dropping the role takes all its grants along. Running this again changes nothing.
    -- Only what the first script has made is dropped: it is known by its comment. No table is touched, and no row that was
    -- delivered. Run it as the role that ran the first script.

    -- 1. The user.
    SHOW USERS LIKE 'SNOWFERRY';
    SET SNOWFERRY_STEP = (SELECT IFF(COUNT(*) = 1, 'DROP USER "SNOWFERRY"', 'SELECT ''nothing to drop: not there, or not made for Snowferry''')
        FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "name" = 'SNOWFERRY' AND "comment" = 'Snowferry, tenant acme');
    EXECUTE IMMEDIATE $SNOWFERRY_STEP;

    -- 2. The role.
    SHOW ROLES LIKE 'SNOWFERRY\\_READ';
    SET SNOWFERRY_STEP = (SELECT IFF(COUNT(*) = 1, 'DROP ROLE "SNOWFERRY_READ"', 'SELECT ''nothing to drop: not there, or not made for Snowferry''')
        FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "name" = 'SNOWFERRY_READ' AND "comment" = 'Snowferry, tenant acme');
    EXECUTE IMMEDIATE $SNOWFERRY_STEP;

    -- 3. The network policy.
    SHOW NETWORK POLICIES;
    SET SNOWFERRY_STEP = (SELECT IFF(COUNT(*) = 1, 'DROP NETWORK POLICY "SNOWFERRY_ONLY_FROM"', 'SELECT ''nothing to drop: not there, or not made for Snowferry''')
        FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "name" = 'SNOWFERRY_ONLY_FROM' AND "comment" = 'Snowferry, tenant acme');
    EXECUTE IMMEDIATE $SNOWFERRY_STEP;

    -- 4. The warehouse.
    SHOW WAREHOUSES LIKE 'SNOWFERRY\\_WH';
    SET SNOWFERRY_STEP = (SELECT IFF(COUNT(*) = 1, 'DROP WAREHOUSE "SNOWFERRY_WH"', 'SELECT ''nothing to drop: not there, or not made for Snowferry''')
        FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "name" = 'SNOWFERRY_WH' AND "comment" = 'Snowferry, tenant acme');
    EXECUTE IMMEDIATE $SNOWFERRY_STEP;

    UNSET SNOWFERRY_STEP;
    "#);
}

#[test]
fn a_push_asks_for_no_more_than_it_writes_with() {
    let granted = |access: Access| {
        let script = onboarding(vec![access]).script().unwrap();
        let grants = script.lines().filter(|line| line.starts_with("GRANT") && line.contains("VENDOR"));
        grants.map(|line| line.split(" TO ROLE").next().unwrap().to_owned()).collect::<Vec<_>>()[1..]
            .join("; ")
    };
    let table = r#"ON TABLE "ANALYTICS"."VENDOR"."ACTIONS""#;
    let upsert =
        |delete_flag: Option<&str>| WriteSpec::Upsert { delete_flag: delete_flag.map(str::to_owned) };
    for (access, expected) in [
        (write(WriteSpec::Append, false), format!("GRANT INSERT {table}")),
        (write(WriteSpec::Rewrite, false), format!("GRANT INSERT, DELETE {table}")),
        (write(upsert(None), false), format!("GRANT INSERT, UPDATE {table}")),
        (write(upsert(Some("gone")), false), format!("GRANT INSERT, UPDATE, DELETE {table}")),
        (write(WriteSpec::Append, true), r#"GRANT CREATE TABLE ON SCHEMA "ANALYTICS"."VENDOR""#.to_owned()),
    ] {
        assert_eq!(granted(access), expected);
    }
}

#[test]
fn change_tracking_is_left_to_the_customer_unless_asked_for() {
    let followed = Access { purpose: Purpose::Read { follows_changes: true }, ..read("DEALS") };
    let script = onboarding(vec![followed]).script().unwrap();
    assert!(script.contains("-- needed unless it is on already: ALTER TABLE"), "{script}");
    assert!(!script.contains("\nALTER TABLE"), "{script}");
}

#[test]
fn nothing_that_a_person_writes_ends_a_literal_or_a_name() {
    let hostile = "x'; DROP TABLE A; --\n\"";
    let name = Identifier::new(hostile).unwrap();
    let onboarding = Onboarding {
        tenant: hostile.to_owned(),
        user: name.clone(),
        role: name.clone(),
        virtual_warehouse: name,
        ..onboarding(vec![read(hostile)])
    };
    for script in [onboarding.script().unwrap(), onboarding.closing_script().unwrap()] {
        // Without everything that is quoted, nothing hostile is left.
        let mut outside = String::new();
        let mut quote = None;
        for c in script
            .replace("\\'", "")
            .lines()
            .filter(|line| !line.starts_with("--"))
            .collect::<Vec<_>>()
            .join("\n")
            .chars()
        {
            match quote {
                Some(open) if c == open => quote = None,
                Some(_) => {}
                None if c == '"' || c == '\'' => quote = Some(c),
                None => outside.push(c),
            }
        }
        assert!(!outside.contains("DROP TABLE"), "{script}");
    }
}

#[test]
fn networks_that_are_none_are_refused() {
    for text in ["", "0.0.0.0/0", "10.0.0.0/7", "203.0.113.4/33", "example.com", "::1", "203.0.113.4/"] {
        assert_eq!(Ipv4Network::parse(text).unwrap_err().code(), "egress_invalid", "{text}");
    }
}

#[test]
fn what_snowflake_defines_is_neither_granted_nor_dropped() {
    let name = |name: &str| Identifier::new(name).unwrap();
    let roles = super::reserved::SYSTEM_ROLES;
    let of_role = |role: &str| Onboarding { role: name(role), ..onboarding(vec![read("DEALS")]) };
    let of_user = |user: &str| Onboarding { user: name(user), ..onboarding(vec![read("DEALS")]) };
    for refused in roles.map(of_role).into_iter().chain([of_user("SNOWFLAKE")]) {
        for error in [refused.script().unwrap_err(), refused.closing_script().unwrap_err()] {
            assert_eq!(error.code(), "connect_reserved");
        }
    }
    let long = of_user(&"X".repeat(201));
    assert_eq!(long.closing_script().unwrap_err().code(), "connect_name");
    // A quoted name in other letters is another role.
    assert!(of_role("accountadmin").script().is_ok());
}
