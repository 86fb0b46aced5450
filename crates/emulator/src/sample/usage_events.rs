//! `CRM.PRODUCT.USAGE_EVENTS`: what people do in the product, the largest table.

use super::contacts;
use super::moment::Moment;
use super::random::Random;
use super::table::{Row, SampleTable, some};

const EVENTS: [&str; 6] =
    ["signed_in", "report_viewed", "export_started", "invite_sent", "seat_added", "plan_changed"];
/// Between two events.
const STEP_SECONDS: u64 = 97;

pub(super) fn table(count: u32, accounts: u32) -> SampleTable {
    let (count, accounts) = (u64::from(count), u64::from(accounts));
    SampleTable {
        name: "CRM.PRODUCT.USAGE_EVENTS".to_owned(),
        columns: vec![
            ("EVENT_ID", "VARCHAR(36) NOT NULL"),
            ("USER_EMAIL", "VARCHAR"),
            ("EVENT", "VARCHAR(40)"),
            ("OCCURRED_AT", "TIMESTAMP_NTZ(9)"),
            ("DURATION_MS", "NUMBER(10,0)"),
            ("REVENUE", "NUMBER(18,2)"),
            ("CURRENCY", "VARCHAR(3)"),
            ("SCORE", "FLOAT"),
            ("PROPERTIES", "VARIANT"),
            ("ADDED_AT", "TIMESTAMP_NTZ(9)"),
        ],
        rows: Box::new((0..count).map(move |number| row(number, count, accounts))),
    }
}

fn row(number: u64, count: u64, accounts: u64) -> Row {
    let mut random = Random::of("USAGE_EVENTS", number);
    let seconds = i64::try_from((count - number) * STEP_SECONDS).unwrap_or(i64::MAX);
    let occurred = Moment::before_export(seconds).with_nanosecond(random.next());
    // Some events reach the warehouse hours after they happened.
    let delay = if random.once_in(200) { random.below(50_000) } else { random.below(60) };
    let event = random.pick(&EVENTS);
    let is_paid = event == "plan_changed";
    vec![
        some(event_id(&mut random)),
        some(contacts::email(1 + random.below(accounts * 3), accounts)),
        some(event),
        some(occurred.plain()),
        (!random.once_in(30)).then(|| random.below(90_000).to_string()),
        is_paid.then(|| format!("{}.00", random.below(2_000))),
        is_paid.then(|| "USD".to_owned()),
        (!random.once_in(25)).then(|| format!("{}.{:03}", random.below(100), random.below(1_000))),
        properties(&mut random),
        some(occurred.plus_seconds(i64::try_from(delay).unwrap_or(0)).plain()),
    ]
}

fn event_id(random: &mut Random) -> String {
    let (high, low) = (random.next(), random.next());
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0x0fff);
    format!("{a:08x}-{b:04x}-4{c:03x}-8{:03x}-{:012x}", low >> 48 & 0x0fff, low & 0xffff_ffff_ffff)
}

fn properties(random: &mut Random) -> Option<String> {
    let page = random.pick(&["/", "/reports/42", "/settings?tab=seats", "/日本語"]);
    match random.below(20) {
        0 => None,
        1 => some("null"),
        _ => some(format!(
            r#"{{"page": "{page}", "plan": "{}", "seats": {}, "experiments": ["a", "b"]}}"#,
            random.pick(&["free", "team", "enterprise"]),
            random.below(500),
        )),
    }
}
