//! What a push of the model reads, and how it learns what changed.

use datasets::{ExportChoice, ExportConfig, publication_sql};

use crate::matching::{Action, Vendor};

fn export(written: &str) -> ExportConfig {
    serde_saphyr::from_str::<ExportChoice>(written).unwrap().0.unwrap()
}

/// Lands an action in an import that began at `began` and can be seen from now on, if it `is_seen`.
fn import(vendor: &Vendor, id: &str, began: &str, is_seen: bool) {
    vendor.action(&Action {
        id,
        email: Some("jo@acme.com"),
        name: "Call",
        at: "2026-03-01",
        ..Action::default()
    });
    vendor.run(&format!(
        "UPDATE imports.activity SET _synced_at = '{began}', _sync_id = 'activity' WHERE _row_id = '{id}'"
    ));
    if is_seen {
        vendor.run(&publication_sql("activity", "imports.activity"));
    }
}

/// A row's id, of which the first digits tell its place within the second of its import.
const IDS: [&str; 3] = ["ffffffff0", "000000001", "0000000a2"];

#[test]
fn an_import_that_is_seen_later_has_a_later_cursor_however_early_it_began() {
    let vendor = Vendor::new();
    import(&vendor, IDS[0], "2026-06-01 10:00:00", true);
    import(&vendor, IDS[1], "2026-06-01 09:00:00", false);
    let query = export("raw_actions").query("actions-out", false);
    let unseen = format!("SELECT action_id FROM ({query}) WHERE etl_modified_at IS NULL");
    assert_eq!(
        vendor.rows(&unseen),
        [IDS[1]],
        "what nobody has noted yet has no cursor, and is left to the next push"
    );
    import(&vendor, IDS[2], "2026-06-01 08:00:00", true);
    let order = format!("SELECT action_id FROM ({query}) ORDER BY etl_modified_at");
    assert_eq!(vendor.rows(&order), IDS);
    let before = vendor.rows(&format!("SELECT action_id, etl_modified_at FROM ({query}) ORDER BY ALL"));
    vendor.run(&publication_sql("activity", "imports.activity"));
    assert_eq!(
        vendor.rows(&format!("SELECT action_id, etl_modified_at FROM ({query}) ORDER BY ALL")),
        before
    );
}

#[test]
fn exports_have_the_columns_that_they_say_and_no_key_twice() {
    let vendor = Vendor::new();
    import(&vendor, IDS[0], "2026-06-01 10:00:00", true);
    for written in [
        "raw_actions",
        "{ stage_data: { stages: [{ name: Caller, kind: person, actions: [call] }] } }",
        "{ objects: { type: deal } }",
        "opportunity_revenue",
        "metrics",
    ] {
        let export = export(written);
        for statement in export.refresh_sql("out", false) {
            vendor.run(&statement);
        }
        let query = export.query("out", false);
        let mut found = vendor.rows(&format!("SELECT column_name FROM (DESCRIBE {query})"));
        found.retain(|name| name != "properties");
        let said: Vec<&str> = export.columns().iter().map(|column| column.name).collect();
        assert_eq!(found, said, "{written}");
        let key = export.key();
        let repeated = format!("SELECT {key} FROM ({query}) GROUP BY {key} HAVING count(*) > 1");
        assert_eq!(vendor.rows(&repeated), Vec::<String>::new());
    }
}

#[test]
fn a_stage_that_is_left_is_marked_and_may_be_entered_again() {
    let vendor = Vendor::new();
    let export = export("{ stage_data: { stages: [{ name: Caller, kind: person, actions: [call] }] } }");
    let refresh = || {
        for statement in export.refresh_sql("out", false) {
            vendor.run(&statement);
        }
        vendor.rows(&format!("SELECT identity, is_gone FROM ({})", export.query("out", false)))
    };
    import(&vendor, IDS[0], "2026-06-01 10:00:00", true);
    assert_eq!(refresh(), ["jo@acme.com | false"]);
    let before = vendor.rows("FROM _snowferry.stage_entries");
    assert_eq!(refresh(), ["jo@acme.com | false"]);
    assert_eq!(
        vendor.rows("FROM _snowferry.stage_entries"),
        before,
        "an entry that is as before is left alone"
    );
    vendor.delete_action(IDS[0]);
    assert_eq!(refresh(), ["jo@acme.com | true"]);
    assert_eq!(vendor.rows("FROM model.stages"), Vec::<String>::new());
    import(&vendor, IDS[1], "2026-06-01 11:00:00", true);
    assert_eq!(refresh(), ["jo@acme.com | false"]);
}

#[test]
fn a_row_that_is_gone_from_the_model_is_told_once_and_its_return_too() {
    let vendor = Vendor::new();
    let export = export("raw_actions");
    let refresh = || export.refresh_sql("out", true).iter().for_each(|statement| vendor.run(statement));
    let told = || {
        vendor.rows(&format!(
            "SELECT action_id, is_gone FROM ({}) ORDER BY etl_modified_at",
            export.query("out", true)
        ))
    };
    import(&vendor, IDS[0], "2026-06-01 10:00:00", true);
    import(&vendor, IDS[1], "2026-06-01 11:00:00", true);
    refresh();
    assert_eq!(told(), [format!("{} | false", IDS[0]), format!("{} | false", IDS[1])]);
    vendor.delete_action(IDS[0]);
    refresh();
    assert_eq!(
        told(),
        [format!("{} | false", IDS[1]), format!("{} | true", IDS[0])],
        "behind all that was told before"
    );
    let before = told();
    refresh();
    assert_eq!(told(), before);
    import(&vendor, IDS[0], "2026-06-01 12:00:00", true);
    refresh();
    assert_eq!(told(), [format!("{} | false", IDS[1]), format!("{} | false", IDS[0])]);
}

#[test]
fn the_vendors_own_actions_are_told_when_they_are_new_or_changed() {
    let vendor = Vendor::new();
    vendor.run(
        "CREATE SCHEMA own; CREATE TABLE own.actions (action_id BIGINT, identity VARCHAR, action_name VARCHAR, action_date TIMESTAMP);
         INSERT INTO own.actions VALUES (1, 'jo@acme.com', 'Demo', '2026-03-01'), (2, 'acme.com', 'Visit', '2026-03-02')",
    );
    vendor.has_own(&[
        ("action_id", "BIGINT"),
        ("identity", "VARCHAR"),
        ("action_name", "VARCHAR"),
        ("action_date", "TIMESTAMP"),
    ]);
    let export = export("raw_actions");
    let refresh = || export.refresh_sql("out", false).iter().for_each(|statement| vendor.run(statement));
    let told = || {
        vendor.rows(&format!(
            "SELECT action_id, etl_modified_at FROM ({}) ORDER BY 1",
            export.query("out", false)
        ))
    };
    refresh();
    let first = told();
    assert!(first.len() == 2 && !first.iter().any(|row| row.ends_with('-')), "{first:?}");
    import(&vendor, IDS[0], "2026-06-01 10:00:00", true);
    vendor.run("UPDATE own.actions SET action_name = 'Call' WHERE action_id = 2");
    refresh();
    let second = told();
    assert_eq!((second.len(), &second[0]), (3, &first[0]), "what is the same keeps its moment");
    assert_ne!(second[1], first[1]);
    let latest = format!(
        "SELECT action_id FROM ({}) ORDER BY etl_modified_at DESC LIMIT 1",
        export.query("out", false)
    );
    assert_eq!(vendor.rows(&latest), ["2"], "behind what was to be seen before");
}
