//! Every kind of bad input, and its documented outcome.

use std::fmt::Write;

use datasets::{Dataset, Need, Reason};

use crate::stream::{Col, NOON, boolean, compile, float, int, json, map, moment, money, shown, text};

/// What came in, and what became of it.
pub(crate) struct Outcome {
    pub(crate) input: String,
    pub(crate) mapping: String,
    pub(crate) outcome: String,
}

/// One kind of input.
pub(crate) struct Chapter {
    pub(crate) title: &'static str,
    pub(crate) outcomes: Vec<Outcome>,
}

pub(crate) fn chapters() -> Vec<Chapter> {
    vec![
        Chapter { title: "A required column is missing", outcomes: missing_columns() },
        Chapter { title: "Dates", outcomes: dates() },
        Chapter { title: "Numbers", outcomes: numbers() },
        Chapter { title: "Booleans", outcomes: booleans() },
        Chapter { title: "E-mail addresses, as identity", outcomes: identities(EMAILS) },
        Chapter { title: "Domains and other identities", outcomes: identities(IDENTITIES) },
        Chapter {
            title: "A company's domain, beside the identity `jo@acme.com`",
            outcomes: company_domains(),
        },
        Chapter { title: "Money", outcomes: money_fields() },
        Chapter { title: "Extras", outcomes: extras() },
    ]
}

/// What became of the first row: a value, or the reason against it.
fn first(config: &str, columns: &[Col], column: &str) -> String {
    let mapping = match compile(config, columns) {
        Ok(_) => map(config, columns),
        Err(error) => return format!("the run is refused: {} (`{}`)", error.message(), error.code()),
    };
    match shown(&mapping, "_reject_reason", 0) {
        Some(reason) => format!("reject `{reason}` of `{}`", shown(&mapping, "_reject_column", 0).unwrap()),
        None => {
            shown(&mapping, column, 0).map_or_else(|| "no value".to_owned(), |value| format!("`{value}`"))
        }
    }
}

fn missing_columns() -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for dataset in Dataset::ALL {
        let needed = dataset
            .fields()
            .iter()
            .filter(|field| matches!(field.need, Need::Required | Need::RequiredColumn));
        for missing in needed {
            let columns: Vec<Col> = (dataset.fields().iter())
                .filter(|field| field.name != missing.name && !field.name.starts_with("property"))
                .map(|field| text(field.name, &[Some("2026-03-01")]))
                .collect();
            outcomes.push(Outcome {
                input: format!("`{dataset}` without `{}`", missing.name),
                mapping: String::new(),
                outcome: first(dataset.name(), &columns, "_row_id"),
            });
        }
    }
    let metrics = [text("date", &[Some("2026-03-01")]), text("campaign_name", &[Some("spring")])];
    outcomes.push(Outcome {
        input: "`metrics` without spend, impressions and clicks".to_owned(),
        mapping: String::new(),
        outcome: first("metrics", &metrics, "_row_id"),
    });
    let objects = [text("object_id", &[Some("7")])];
    outcomes.push(Outcome {
        input: "`objects` without identity and domain".to_owned(),
        mapping: "`{ objects: { type: deal } }`".to_owned(),
        outcome: first("{ objects: { type: deal } }", &objects, "_row_id"),
    });
    outcomes
}

fn dates() -> Vec<Outcome> {
    let cases = [
        ("2026-03-01", "WHEN"),
        ("2026-03-01 10:30:00", "WHEN"),
        ("2026-03-01T10:30:00.123456Z", "WHEN"),
        ("2026-03-01T10:30:00+02:00", "WHEN"),
        ("2026-03-01 10:30:00", "{ date: WHEN, zone: Europe/Berlin }"),
        ("01.03.2026", "WHEN"),
        ("01.03.2026", "{ date: WHEN, format: '%d.%m.%Y' }"),
        ("03/01/2026 10:30 PM", "{ date: WHEN, format: '%m/%d/%Y %I:%M %p' }"),
        ("1 March 2026", "{ date: WHEN, format: '%d %B %Y' }"),
        ("1. März 2026", "{ date: WHEN, format: '%d. %B %Y', language: de }"),
        ("1 février 2026", "{ date: WHEN, format: '%d %B %Y', language: fr }"),
        ("1 de mayo de 2026", "{ date: WHEN, format: '%d de %B de %Y', language: es }"),
        ("1. März 2026", "{ date: WHEN, format: '%d. %B %Y' }"),
        ("20260301", "WHEN"),
        ("20260301", "{ date: WHEN, format: ['%d.%m.%Y', '%Y%m%d'] }"),
        ("1772323200", "{ date: WHEN, format: unix_seconds }"),
        ("1772323200500", "{ date: WHEN, format: unix_milliseconds }"),
        ("2026-02-30", "WHEN"),
        ("yesterday", "WHEN"),
        ("", "WHEN"),
    ];
    let mut outcomes: Vec<Outcome> = cases
        .iter()
        .map(|(value, expression)| {
            let columns = [text("email", &[Some("jo@acme.com")]), text("WHEN", &[Some(value)])];
            let config = format!("{{ custom_actions: {{ date: {expression} }} }}");
            outcome(value, expression, first(&config, &columns, "action_date"))
        })
        .collect();
    let columns = [text("email", &[Some("jo@acme.com")]), int("WHEN", &[Some(1_772_323_200)])];
    outcomes.push(outcome(
        "1772323200, a number",
        "WHEN",
        first("{ custom_actions: { date: WHEN } }", &columns, "action_date"),
    ));
    let columns = [text("email", &[Some("jo@acme.com")]), text("WHEN", &[None])];
    outcomes.push(outcome(
        "NULL",
        "WHEN",
        first("{ custom_actions: { date: WHEN } }", &columns, "action_date"),
    ));
    outcomes
}

fn outcome(input: &str, mapping: &str, outcome: String) -> Outcome {
    let input = if input.is_empty() { "empty text".to_owned() } else { format!("`{input}`") };
    Outcome { input, mapping: format!("`{mapping}`"), outcome }
}

fn numbers() -> Vec<Outcome> {
    let german = "{ number: COST, decimal: ',', thousands: '.', strip: '€' }";
    let cases = [
        ("12.50", "COST"),
        ("-3", "COST"),
        ("1e3", "COST"),
        (" 7 ", "COST"),
        ("$12.50", "COST"),
        ("$12.50", "{ number: COST, strip: $ }"),
        ("USD 12.50", "COST"),
        ("1,234.50", "COST"),
        ("1,234.50", "{ number: COST, thousands: ',' }"),
        ("1.234,50 €", "COST"),
        ("1.234,50 €", german),
        ("12.50", german),
        ("12,5", "COST"),
        ("0.0000000001", "COST"),
        ("123456789012345678901234567890", "COST"),
        ("twelve", "COST"),
        ("", "COST"),
    ];
    let base = || vec![text("date", &[Some("2026-03-01")]), text("campaign", &[Some("spring")])];
    let mut outcomes: Vec<Outcome> = cases
        .iter()
        .map(|(value, expression)| {
            let columns = [base(), vec![text("COST", &[Some(value)])]].concat();
            let config = format!("{{ metrics: {{ spend: {expression} }} }}");
            outcome(value, expression, first(&config, &columns, "spend"))
        })
        .collect();
    let columns = [base(), vec![float("CLICKS", &[Some(1.5)])]].concat();
    outcomes.push(outcome("1.5, as `clicks`", "CLICKS", first("metrics", &columns, "clicks")));
    let columns = [base(), vec![float("COST", &[Some(f64::NAN)])]].concat();
    outcomes.push(outcome("NaN", "COST", first("metrics", &columns, "spend")));
    let columns = [base(), vec![boolean("COST", &[Some(true)])]].concat();
    outcomes.push(outcome("true, a boolean", "COST", first("metrics", &columns, "spend")));
    let columns = [base(), vec![int("COST", &[None])]].concat();
    outcomes.push(outcome("NULL, and no other measure", "COST", first("metrics", &columns, "spend")));
    outcomes
}

fn booleans() -> Vec<Outcome> {
    let spellings =
        ["true", "TRUE", "t", "yes", "Y", "on", "1", "false", "No", "off", "0", " n ", "maybe", ""];
    let column = |value| {
        [text("email", &[Some("jo@acme.com")]), moment("date", &[Some(NOON)]), text("PAID", &[Some(value)])]
    };
    spellings
        .map(|value| {
            let config = "{ custom_actions: { properties: { paid: { bool: PAID } } } }";
            outcome(value, "{ bool: PAID }", first(config, &column(value), "action_properties"))
        })
        .into()
}

const EMAILS: &[&str] = &[
    "Jo.Doe@ACME.com",
    " jo@acme.com ",
    "jo+news@acme.com",
    "mailto:jo@acme.com",
    "Jo Doe <jo@acme.com>",
    "'jo@acme.com'",
    "\"jo doe\"@acme.com",
    "jo@MÜLLER.de",
    "jo@xn--mller-kva.de",
    "jo@acme.com.",
    "jo@gmail.com",
    "jo@acme",
    "jo doe@acme.com",
    "jo@acme.com, al@acme.com",
    "@acme.com",
];

const IDENTITIES: &[&str] = &[
    "ACME.com",
    "https://www.acme.com/about?x=1",
    "acme.com:8080",
    "acme.com.",
    "müller.de",
    "xn--mller-kva.de",
    "ftp://user:secret@WWW.acme.com:21/a/b?c#d",
    "shop.acme.co.uk",
    "gmail.com",
    "co.uk",
    "10.0.0.1",
    "acme.internal",
    "0035e00000AbC",
    "John Smith",
    "n/a",
    "",
];

fn identities(texts: &[&str]) -> Vec<Outcome> {
    texts
        .iter()
        .map(|value| {
            let columns = [text("WHO", &[Some(value)]), moment("date", &[Some(NOON)])];
            let config = "{ custom_actions: { identity: WHO } }";
            let found = first(config, &columns, "identity");
            let mapped = map(config, &columns);
            let outcome_text = match shown(&mapped, "identity_kind", 0) {
                Some(kind) => {
                    let company = shown(&mapped, "company_id", 0)
                        .map_or("none".to_owned(), |company| format!("`{company}`"));
                    format!("{kind} {found}, company {company}")
                }
                None => found,
            };
            outcome(value, "WHO", outcome_text)
        })
        .collect()
}

fn company_domains() -> Vec<Outcome> {
    ["WWW.Globex.com", "https://globex.com/", "gmail.com", "Globex Inc", "co.uk", ""]
        .into_iter()
        .map(|value| {
            let columns = [
                text("email", &[Some("jo@acme.com")]),
                moment("date", &[Some(NOON)]),
                text("company_domain", &[Some(value)]),
            ];
            let mapped = map("custom_actions", &columns);
            let company = shown(&mapped, "company_id", 0).unwrap();
            let kept = shown(&mapped, "company_properties", 0).unwrap();
            let kept =
                if kept == "{}" { String::new() } else { format!("; `company_properties` keep `{kept}`") };
            outcome(value, "company_domain", format!("company `{company}`{kept}"))
        })
        .collect()
}

fn money_fields() -> Vec<Outcome> {
    let row =
        |column: Col| vec![text("email", &[Some("jo@acme.com")]), moment("date", &[Some(NOON)]), column];
    let case = |column: Col, input: &str, field: &str| Outcome {
        input: format!("`{input}`, as `{field}`"),
        mapping: String::new(),
        outcome: first("custom_actions", &row(column), field),
    };
    vec![
        case(text("revenue", &[Some("1200.50")]), "1200.50", "revenue"),
        case(text("revenue", &[Some("€ 1.200,50")]), "€ 1.200,50", "revenue"),
        case(money("revenue", &[Some(120_050)]), "1200.50 (NUMBER(12,2))", "revenue"),
        case(text("currency", &[Some("eur")]), "eur", "currency"),
        case(text("currency", &[Some("EURO")]), "EURO", "currency"),
        case(text("currency", &[Some("DEM")]), "DEM", "currency"),
        case(text("currency", &[Some("ZZZ")]), "ZZZ", "currency"),
        case(text("currency", &[Some("")]), "", "currency"),
        case(text("period", &[Some("One Time")]), "One Time", "period"),
        case(text("period", &[Some("monthly")]), "monthly", "period"),
        case(text("period", &[Some("quarter")]), "quarter", "period"),
    ]
}

fn extras() -> Vec<Outcome> {
    let row = |columns: Vec<Col>| {
        [vec![text("email", &[Some("jo@acme.com")]), moment("date", &[Some(NOON)])], columns].concat()
    };
    let case = |input: &str, mapping: &str, config: &str, columns: Vec<Col>| Outcome {
        input: input.to_owned(),
        mapping: mapping.to_owned(),
        outcome: first(config, &row(columns), "action_properties"),
    };
    let document = r#"{"user": {"tags": ["a", 1.50]}}"#;
    let many: Vec<Col> = (0..2_000).map(|n| int(&format!("C{n}"), &[Some(n)])).collect();
    let mapped = map("custom_actions", &row(many));
    let packed = crate::stream::document(&mapped, "action_properties", 0);
    let packed = packed.as_object().unwrap();
    let as_they_came = (0..2_000).filter(|n| packed.get(&format!("c{n}")) == Some(&(*n).into())).count();
    vec![
        case("nested JSON in a VARIANT", "", "custom_actions", vec![json("PAYLOAD", &[Some(document)])]),
        case("nested JSON in a text column", "", "custom_actions", vec![text("PAYLOAD", &[Some(document)])]),
        case(
            "the same, by a path",
            "`{ json: PAYLOAD, path: $.user.tags[1] }`",
            "{ custom_actions: { skip: [PAYLOAD], properties: { tag: { json: PAYLOAD, path: '$.user.tags[1]' } } } }",
            vec![text("PAYLOAD", &[Some(document)])],
        ),
        case(
            "text that is no JSON, by a path",
            "`{ json: PAYLOAD, path: $.user }`",
            "{ custom_actions: { skip: [PAYLOAD], properties: { user: { json: PAYLOAD, path: '$.user' } } } }",
            vec![text("PAYLOAD", &[Some("{user")])],
        ),
        case("`undefined` in a VARIANT", "", "custom_actions", vec![json("PAYLOAD", &[Some("undefined")])]),
        case("JSON `null` in a VARIANT", "", "custom_actions", vec![json("PAYLOAD", &[Some("null")])]),
        case("NULL", "", "custom_actions", vec![json("PAYLOAD", &[None])]),
        case("NaN in a FLOAT", "", "custom_actions", vec![float("SCORE", &[Some(f64::NAN)])]),
        case(
            "two names that are one in `snake_case`",
            "",
            "custom_actions",
            vec![int("DEAL_SIZE", &[Some(1)]), int("Deal Size", &[Some(2)])],
        ),
        case(
            "a text that `values` does not name",
            "`{ map: STAGE, values: { won: Won } }`",
            "{ custom_actions: { properties: { stage: { map: STAGE, values: { won: Won } } } } }",
            vec![text("STAGE", &[Some("lost")])],
        ),
        Outcome {
            input: "2,000 columns".to_owned(),
            mapping: String::new(),
            outcome: format!("{} properties, of which {as_they_came} have the column's value", packed.len()),
        },
    ]
}

/// The chapters as tables of a page.
pub(crate) fn tables() -> String {
    let mut page = String::new();
    for Chapter { title, outcomes } in chapters() {
        let _ = write!(page, "\n**{title}**\n\n");
        let has_mapping = outcomes.iter().any(|outcome| !outcome.mapping.is_empty());
        page.push_str(if has_mapping {
            "| what comes | mapped by | what becomes of it |\n|---|---|---|\n"
        } else {
            "| what comes | what becomes of it |\n|---|---|\n"
        });
        for Outcome { input, mapping, outcome } in outcomes {
            let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
            let mapping = if has_mapping { format!(" {} |", cell(&mapping)) } else { String::new() };
            let _ = writeln!(page, "| {} |{mapping} {} |", cell(&input), cell(&outcome));
        }
    }
    page
}

/// The codes of rejects as a table of a page.
pub(crate) fn reasons() -> String {
    let row = |reason: &Reason| format!("| `{reason}` | {} |\n", reason.meaning());
    format!("| code | what it says |\n|---|---|\n{}", Reason::ALL.iter().map(row).collect::<String>())
}

#[test]
fn nothing_required_is_ever_done_without() {
    let outcomes = missing_columns();
    assert!(outcomes.len() >= 12);
    for outcome in outcomes {
        let is_default = ["object_type", "action_name"].iter().any(|name| outcome.input.contains(name));
        assert!(
            outcome.outcome.contains("field_unmapped") || is_default,
            "{}: {}",
            outcome.input,
            outcome.outcome
        );
    }
}

#[test]
fn what_cannot_be_read_is_never_guessed_at() {
    for (chapter, input, mapping, expected) in [
        ("Dates", "`01.03.2026`", "`WHEN`", "reject `date_unreadable` of `date`"),
        (
            "Dates",
            "`1. März 2026`",
            "`{ date: WHEN, format: '%d. %B %Y' }`",
            "reject `date_unreadable` of `date`",
        ),
        ("Dates", "`2026-03-01 10:30:00`", "`{ date: WHEN, zone: Europe/Berlin }`", "`2026-03-01T09:30:00Z`"),
        ("Numbers", "`1,234.50`", "`COST`", "reject `number_unreadable` of `spend`"),
        ("Numbers", "`12,5`", "`COST`", "reject `number_unreadable` of `spend`"),
        ("Numbers", "`1.5, as `clicks``", "`CLICKS`", "reject `number_not_whole` of `clicks`"),
        ("Booleans", "`maybe`", "`{ bool: PAID }`", "reject `boolean_unreadable` of `paid`"),
        ("Domains and other identities", "`John Smith`", "`WHO`", "reject `identity_invalid` of `identity`"),
        ("Money", "`EURO`, as `currency`", "", "reject `currency_unknown` of `currency`"),
        ("Money", "`€ 1.200,50`, as `revenue`", "", "reject `number_unreadable` of `revenue`"),
    ] {
        let chapters = chapters();
        let chapter = chapters.iter().find(|c| c.title == chapter).unwrap();
        let found = chapter.outcomes.iter().find(|o| o.input == input && o.mapping == mapping);
        assert_eq!(found.map(|found| found.outcome.as_str()), Some(expected), "{input}");
    }
}
