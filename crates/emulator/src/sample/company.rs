//! `CRM.SALES.ACCOUNTS`: companies, with domains as people type them.

use super::moment::Moment;
use super::random::Random;
use super::table::{Row, SampleTable, some};
use super::words::{COMPANY_STEMS, COMPANY_TAILS, COUNTRIES, DOMAIN_ENDS, INDUSTRIES, OFFSETS};

/// The clean name and domain of a company; other tables refer to companies by it.
pub(super) struct Company {
    pub(super) name: String,
    pub(super) domain: String,
}

pub(super) fn company(id: u64) -> Company {
    let mut random = Random::of("COMPANY", id);
    let (stem, tail) = (random.pick(&COMPANY_STEMS), random.pick(&COMPANY_TAILS));
    let end = random.pick(&DOMAIN_ENDS);
    // The number keeps domains unique, as real ones are.
    let domain = format!("{}-{}{id}{end}", stem.to_lowercase(), tail.to_lowercase());
    Company { name: format!("{stem} {tail} {id}"), domain }
}

pub(super) fn table(count: u32) -> SampleTable {
    SampleTable {
        name: "CRM.SALES.ACCOUNTS".to_owned(),
        columns: vec![
            ("ACCOUNT_ID", "NUMBER(38,0) NOT NULL"),
            ("NAME", "VARCHAR(200)"),
            ("DOMAIN", "VARCHAR(200)"),
            ("INDUSTRY", "VARCHAR(80)"),
            ("EMPLOYEES", "NUMBER(10,0)"),
            ("ANNUAL_REVENUE", "NUMBER(38,2)"),
            ("COUNTRY", "VARCHAR(2)"),
            ("PARENT_ACCOUNT_ID", "NUMBER(38,0)"),
            ("LEDGER_NUMBER", "NUMBER(38,0)"),
            ("FOUNDED_ON", "DATE"),
            ("ATTRIBUTES", "VARIANT"),
            ("TAGS", "ARRAY"),
            ("FINGERPRINT", "BINARY"),
            ("CREATED_AT", "TIMESTAMP_TZ(9)"),
            ("UPDATED_AT", "TIMESTAMP_NTZ(9)"),
        ],
        rows: Box::new((1..=u64::from(count)).map(row)),
    }
}

fn row(id: u64) -> Row {
    let mut random = Random::of("ACCOUNTS", id);
    let Company { name, domain } = company(id);
    let typed = match id % 7 {
        0 => format!("https://www.{}/about", domain.to_uppercase()),
        1 => format!("www.{domain}"),
        2 => domain.to_uppercase(),
        _ => domain,
    };
    let industry = random.pick(&INDUSTRIES);
    let employees = 5 + random.below(40_000);
    let created = Moment::days_before_export(400 + i64::try_from(random.below(1_600)).unwrap_or(0));
    let updated = created.plus_seconds(i64::try_from(random.below(400 * 86_400)).unwrap_or(0));
    vec![
        some(id),
        some(name),
        (!random.once_in(50)).then_some(typed),
        some(industry),
        (!random.once_in(20)).then(|| employees.to_string()),
        some(format!("{}.{:02}", employees * (50_000 + random.below(200_000)), random.below(100))),
        some(random.pick(&COUNTRIES)),
        (id > 10 && random.once_in(8)).then(|| (1 + random.below(id - 1)).to_string()),
        some(format!(
            "{:019}{:019}",
            1 + random.below(9_000_000_000_000_000_000),
            random.below(9_999_999_999_999_999_999)
        )),
        some(Moment::days_before_export(2_000 + i64::try_from(random.below(40_000)).unwrap_or(0)).date()),
        attributes(&mut random, industry),
        some(if random.once_in(3) { "[]" } else { r#"["customer", "emea", null]"# }),
        some(format!("{:016X}{:016X}", random.next(), random.next())),
        some(created.with_nanosecond(random.next()).with_offset(*random.pick(&OFFSETS))),
        some(updated.with_nanosecond(random.next()).plain()),
    ]
}

/// Documents of several shapes: missing, JSON null, nested, with text beyond ASCII.
fn attributes(random: &mut Random, industry: &str) -> Option<String> {
    match random.below(12) {
        0 => None,
        1 => some("null"),
        2 => some("{}"),
        _ => some(format!(
            r#"{{"segment": "{industry}", "score": {}.5, "is_partner": {}, "owner": {{"name": "Søren 雪", "team": null}}, "products": ["core", "push"]}}"#,
            random.below(100),
            random.once_in(2),
        )),
    }
}
