//! Privileges: each mode runs with nothing more than it needs, and each one that is taken away is named.

use connectors::snowflake::push::PushSettings;
use model::WriteSpec;

use super::account::Account;
use super::deliveries::COLUMNS;
use super::vendor::{Vendor, actions_into};

fn upsert(has_flag: bool) -> WriteSpec {
    WriteSpec::Upsert { delete_flag: has_flag.then(|| "is_gone".into()) }
}

fn vendor(has_flag: bool) -> Vendor {
    let vendor = Vendor::with_actions(0..10);
    if has_flag {
        vendor.change("ALTER TABLE app.actions ADD COLUMN is_gone BOOLEAN DEFAULT false");
    }
    vendor
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_runs_with_nothing_more_and_names_the_one_grant_that_is_missing() {
    let account = Account::start().await;
    for (name, write, has_flag, privileges) in [
        ("A", WriteSpec::Append, false, &["INSERT"][..]),
        ("R", WriteSpec::Rewrite, false, &["INSERT", "DELETE"][..]),
        ("U", upsert(false), false, &["INSERT", "UPDATE"][..]),
        ("D", upsert(true), true, &["INSERT", "UPDATE", "DELETE"][..]),
    ] {
        let target = account.table(name, COLUMNS, &privileges.join(", "));
        let spec = actions_into(&target, write);
        let on_table = privileges.iter().map(|privilege| {
            let what = |quote: &str| {
                format!("{privilege} ON TABLE {quote}CRM{quote}.{quote}OUT{quote}.{quote}{name}{quote}")
            };
            (what(""), what("\""))
        });
        let others = [
            ("USAGE ON DATABASE CRM".to_owned(), "USAGE ON DATABASE \"CRM\"".to_owned()),
            ("USAGE ON SCHEMA CRM.OUT".to_owned(), "USAGE ON SCHEMA \"CRM\".\"OUT\"".to_owned()),
            ("USAGE ON WAREHOUSE WH".to_owned(), "USAGE ON WAREHOUSE \"WH\"".to_owned()),
        ];
        for (taken, named) in on_table.chain(others) {
            account.admin(&[&format!("REVOKE {taken} FROM ROLE PUSHING")]);
            let vendor = vendor(has_flag);
            let error = vendor.push(&account, &spec, PushSettings::default()).await.unwrap_err();
            let remedy = error.remedy().unwrap_or_default();
            let grant = format!("GRANT {named} TO ROLE \"PUSHING\";");
            assert!(remedy.contains(&grant), "{name} without {taken}: {error}: {remedy}");
            assert_eq!(remedy.matches("GRANT ").count(), 1, "{name} without {taken}: {remedy}");
            assert_eq!(account.ids(&target).await, Vec::<i64>::new(), "{name} without {taken}");
            account.admin(&[&format!("GRANT {taken} TO ROLE PUSHING")]);
            assert_eq!(account.staged().await, Vec::<String>::new(), "{name} without {taken}");
        }
        let report = vendor(has_flag).push(&account, &spec, PushSettings::default()).await.unwrap();
        assert_eq!(report.inserted, 10, "{name}");
    }
}
