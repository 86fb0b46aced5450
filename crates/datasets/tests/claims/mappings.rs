//! Mappings at work: what columns become, and what is refused before any row is read.

use datasets::{DatasetChoice, Stamps};
use serde_json::json;

use crate::stream::{
    NOON, batch, boolean, compile, compile_with_key, document, int, json as variant, map, moment, money,
    shown, text,
};

#[test]
fn columns_are_found_by_their_names_and_the_rest_becomes_properties_in_their_types() {
    let columns = [
        int("ID", &[Some(1)]),
        text("ContactEmail", &[Some("Jo@Acme.com")]),
        moment("ActionDate", &[Some(NOON)]),
        text("COMPANY_DOMAIN", &[Some("www.acme.com")]),
        int("COMPANY_SIZE", &[Some(250)]),
        money("AMOUNT", &[Some(1250)]),
        boolean("IS_PAID", &[Some(true)]),
        text("NOTE", &[Some("say \"hi\"\n\u{1}")]),
        moment("SEEN_AT", &[Some(NOON + 1)]),
        text("EMPTY", &[None]),
    ];
    let mapped = map("custom_actions", &columns);
    assert_eq!(mapped.rejects, []);
    assert_eq!(shown(&mapped, "email", 0).as_deref(), Some("jo@acme.com"));
    assert_eq!(shown(&mapped, "company_id", 0).as_deref(), Some("acme.com"));
    assert_eq!(shown(&mapped, "action_name", 0).as_deref(), Some("events"));
    assert_eq!(shown(&mapped, "action_date", 0).as_deref(), Some("2026-03-01T10:30:00Z"));
    assert_eq!(document(&mapped, "company_properties", 0), json!({"company_size": 250}));
    let properties = document(&mapped, "action_properties", 0);
    let expected = json!({
        "id": 1, "amount": 12.5, "is_paid": true, "note": "say \"hi\"\n\u{1}", "seen_at": "2026-03-01T10:30:00.000001Z",
    });
    assert_eq!(properties, expected);
}

#[test]
fn a_page_view_comes_apart_into_its_url() {
    let url = "https://www.Acme.com/pricing?utm_source=news%20letter&UTM_Medium=mail&x=1&x=2&q=a%22b#plans";
    let columns = [
        text("identity", &[Some("acme.com")]),
        moment("date", &[Some(NOON)]),
        text("page_url", &[Some(url)]),
        text("referrer", &[None]),
    ];
    let mapped = map("website_actions", &columns);
    assert_eq!(mapped.rejects, []);
    for (column, expected) in [
        ("domain", "acme.com"),
        ("path", "/pricing"),
        ("hash", "plans"),
        ("utm_source", "news letter"),
        ("utm_medium", "mail"),
        ("page_url", url),
        ("action_type", "enter-page"),
    ] {
        assert_eq!(shown(&mapped, column, 0).as_deref(), Some(expected), "{column}");
    }
    let expected = json!({"utm_source": "news letter", "UTM_Medium": "mail", "x": "1", "q": "a\"b"});
    assert_eq!(document(&mapped, "query_param", 0), expected);
}

#[test]
fn expressions_do_what_they_say() {
    let columns = [
        int("ID", &[Some(1), Some(2)]),
        text("MAIL", &[None, Some("al@acme.com")]),
        text("MAIL_2", &[Some("JO@ACME.COM"), Some("never@used.com")]),
        text("FIRST", &[Some(" Jo "), None]),
        text("LAST", &[Some("Doe"), Some("Smith")]),
        text("STAGE", &[Some("closedwon"), Some("negotiation")]),
        variant("PAYLOAD", &[Some(r#"{"a": {"b": [1, "x"]}}"#), None]),
    ];
    let mapped = map(
        "custom_actions:
           identity: { coalesce: [MAIL, MAIL_2] }
           date: { value: 2026-03-01 }
           action_name: { map: STAGE, values: { closedwon: Won }, otherwise: Open }
           skip: [PAYLOAD, ID, MAIL, MAIL_2, FIRST, LAST, STAGE]
           properties:
             name: { concat: [{ trim: FIRST }, { lower: LAST }], separator: ' ' }
             second: { json: PAYLOAD, path: '$.a.b[1]', default: nothing }
             won: { map: STAGE, values: { closedwon: true }, otherwise: false }
             constant: { value: 7 }
             number: { number: { value: '7.50' } }
             id: { text: ID }",
        &columns,
    );
    assert_eq!(mapped.rejects, []);
    let identities = [shown(&mapped, "identity", 0), shown(&mapped, "identity", 1)];
    assert_eq!(identities.map(Option::unwrap), ["jo@acme.com", "al@acme.com"]);
    assert_eq!(shown(&mapped, "action_name", 1).as_deref(), Some("Open"));
    let expected = [
        json!({"name": "Jo doe", "second": "x", "won": true, "constant": 7, "number": 7.5, "id": "1"}),
        json!({"name": "smith", "second": "nothing", "won": false, "constant": 7, "number": 7.5, "id": "2"}),
    ];
    assert_eq!(
        [document(&mapped, "action_properties", 0), document(&mapped, "action_properties", 1)],
        expected
    );
}

#[test]
fn a_reject_has_its_key_and_reason_and_nothing_else() {
    let columns = [
        int("ID", &[Some(1), Some(2)]),
        text("email", &[Some("jo@acme"), Some("jo@acme.com")]),
        moment("date", &[Some(NOON), Some(NOON)]),
    ];
    let mapped = map("custom_actions", &columns);
    assert_eq!(mapped.rows.num_rows(), 2);
    let count = &mapped.rejects[0];
    assert_eq!(
        (count.reason.code(), count.column.as_str(), count.row_count),
        ("email_invalid", "identity", 1)
    );
    assert_eq!(shown(&mapped, "_reject_reason", 0).as_deref(), Some("email_invalid"));
    assert_eq!(shown(&mapped, "_source_key", 0).as_deref(), Some(r#"{"ID":1}"#));
    for column in ["identity", "action_date", "action_properties", "action_name"] {
        assert_eq!(shown(&mapped, column, 0), None, "{column}");
        assert!(shown(&mapped, column, 1).is_some(), "{column}");
    }
    assert_eq!(shown(&mapped, "_source_key", 1), None);
}

#[test]
fn the_id_of_a_row_depends_on_its_key_alone_and_of_a_keyless_one_on_all_of_it() {
    let row = |id: i64, note| {
        [
            int("ID", &[Some(id)]),
            text("email", &[Some("jo@acme.com")]),
            moment("date", &[Some(NOON)]),
            text("NOTE", &[note]),
        ]
    };
    let ids = |columns: &[crate::stream::Col], key: &[&str]| {
        let mapping = compile_with_key("custom_actions", columns, key).unwrap();
        let mapped = mapping.map(&batch(columns), &Stamps::default()).unwrap();
        (shown(&mapped, "_row_id", 0).unwrap(), shown(&mapped, "_row_hash", 0).unwrap())
    };
    let (a, b, other) = (row(1, Some("a")), row(1, Some("b")), row(2, Some("a")));
    assert_eq!(ids(&a, &["ID"]).0, ids(&b, &["ID"]).0);
    assert_ne!(ids(&a, &["ID"]).1, ids(&b, &["ID"]).1, "the content differs");
    assert_ne!(ids(&a, &["ID"]).0, ids(&other, &["ID"]).0);
    assert_ne!(ids(&a, &[]).0, ids(&b, &[]).0);
    assert_eq!(ids(&a, &[]), ids(&a, &[]));
    // The id is kept in databases: it never changes.
    assert_eq!(ids(&a, &["ID"]).0, "6626ca5b6e88671816aeaa0f5921a4b2");
    let wide = [crate::stream::money("ID", &[Some(100)]), a[1].clone(), a[2].clone(), a[3].clone()];
    assert_eq!(ids(&a, &["ID"]).0, ids(&wide, &["ID"]).0, "a number is a number in any type");
}

#[test]
fn objects_take_their_ids_by_type_and_the_long_form_gives_one_property_a_row() {
    let columns = [
        text("DEAL_ID", &[Some("d1")]),
        text("CONTACT_EMAIL", &[None]),
        text("WEBSITE", &[Some("https://acme.com")]),
        money("AMOUNT", &[Some(100)]),
        moment("LAST_MODIFIED_DATE", &[Some(NOON)]),
    ];
    let mapped = map("{ objects: { type: deal } }", &columns);
    assert_eq!(mapped.rejects, []);
    for (column, expected) in [
        ("object_type", "deal"),
        ("object_id", "d1"),
        ("company_domain", "acme.com"),
        ("properties", r#"{"amount":1}"#),
    ] {
        assert_eq!(shown(&mapped, column, 0).as_deref(), Some(expected), "{column}");
    }
    assert_eq!(shown(&mapped, "updated_at", 0).as_deref(), Some("2026-03-01T10:30:00Z"));
    let columns = [
        text("object_type", &[Some("company")]),
        text("object_id", &[Some("acme.com")]),
        text("company_domain", &[Some("acme.com")]),
        text("property_name", &[Some("size")]),
        int("property_value", &[Some(250)]),
    ];
    let mapped = map("objects", &columns);
    assert_eq!(mapped.rejects, []);
    assert_eq!(shown(&mapped, "properties", 0).as_deref(), Some("250"));
    assert_eq!(shown(&mapped, "property_name", 0).as_deref(), Some("size"));
}

#[test]
fn unknown_columns_of_metrics_are_left_out_and_named() {
    let columns = [
        text("date", &[Some("2026-03-01")]),
        text("campaign", &[Some("spring")]),
        int("clicks", &[Some(3)]),
        text("NOISE", &[Some("x")]),
    ];
    let mapping = compile("metrics", &columns).unwrap();
    assert_eq!(mapping.report().skipped, ["NOISE"]);
    let mapped = map("metrics", &columns);
    assert_eq!(shown(&mapped, "date", 0).as_deref(), Some("2026-03-01"));
    assert_eq!(shown(&mapped, "clicks", 0).as_deref(), Some("3"));
}

#[test]
fn times_without_a_zone_are_of_the_zone_that_the_mapping_names() {
    let columns =
        [text("email", &[Some("jo@acme.com")]), moment("date", &[Some(NOON)]), moment("SEEN", &[Some(NOON)])];
    let mapped = map("{ custom_actions: { zone: Europe/Berlin } }", &columns);
    assert_eq!(shown(&mapped, "action_date", 0).as_deref(), Some("2026-03-01T09:30:00Z"));
    assert_eq!(document(&mapped, "action_properties", 0), json!({"seen": "2026-03-01T09:30:00Z"}));
}

#[test]
fn a_mapping_that_cannot_work_is_refused_with_what_to_do() {
    let columns =
        [text("EMAIL", &[None]), moment("DATE", &[None]), int("COUNT", &[None]), boolean("FLAG", &[None])];
    for (config, code) in [
        ("{ custom_actions: { identity: NOBODY } }", "unknown_column"),
        ("{ custom_actions: { skip: [NOBODY] } }", "unknown_column"),
        ("{ custom_actions: { properties: { x: { lower: NOBODY } } } }", "unknown_column"),
        ("{ custom_actions: { date: COUNT } }", "mapping_type"),
        ("{ custom_actions: { date: FLAG } }", "mapping_type"),
        ("{ custom_actions: { revenue: FLAG } }", "mapping_type"),
        ("{ custom_actions: { properties: { revenue: COUNT } } }", "property_reserved"),
        ("website_actions", "field_unmapped"),
        (
            "{ objects: { type: x, id: COUNT, property_name: EMAIL, property_value: COUNT, identity: EMAIL, merge: shallow } }",
            "dataset_unsupported",
        ),
        ("{ objects: { id: COUNT } }", "field_unmapped"),
    ] {
        let error = compile(config, &columns).unwrap_err();
        assert_eq!(error.code(), code, "{config}: {error}");
        assert!(error.remedy().is_some(), "{config}: {error}");
    }
}

#[test]
fn a_mapping_that_is_no_mapping_is_refused_where_it_stands() {
    for (config, expected) in [
        ("custom_action", "custom_actions"),
        ("{ custom_actions: { identit: EMAIL } }", "no field `identit`"),
        ("{ custom_actions: { date: { dat: X } } }", "unknown field"),
        ("{ custom_actions: { date: { date: X, format: DD.MM } } }", "no date format"),
        ("{ custom_actions: { date: { date: X, zone: Berlin } } }", "no time zone"),
        ("{ custom_actions: { date: { lower: X, trim: X } } }", "one function"),
        ("{ custom_actions: { date: { lower: X, format: iso } } }", "no option of `lower`"),
        ("{ custom_actions: { date: { default: X } } }", "needs one of"),
        ("{ custom_actions: { date: { json: X } } }", "needs a `path`"),
        ("{ custom_actions: { date: { map: X } } }", "needs `values`"),
        ("{ custom_actions: { revenue: { number: X, decimal: '.', thousands: '.' } } }", "have to differ"),
        ("{ metrics: { properties: { a: B } } }", "no field `properties`"),
        ("{ custom_actions: {}, metrics: {} }", "one dataset"),
    ] {
        let error = serde_saphyr::from_str::<DatasetChoice>(config).unwrap_err().to_string();
        assert!(error.contains(expected), "{config}: {error}");
    }
    let table: DatasetChoice = serde_saphyr::from_str("table").unwrap();
    assert_eq!(table, DatasetChoice(None));
}
