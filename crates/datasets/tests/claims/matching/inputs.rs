//! What becomes of deals whose properties cannot be read.

use datasets::{MatchConfig, MatchScope};

use super::{Action, Deal, Vendor};

/// Properties, and the amount in euros or the reason.
const PROPERTIES: &[(&str, &str)] = &[
    (r#"{"amount":1200.50,"closed_at":"2026-03-31"}"#, "1200.500000000"),
    (r#"{"amount":"1200.50","closed_at":"2026-03-31"}"#, "1200.500000000"),
    (r#"{"amount":1e3,"closed_at":"2026-03-31"}"#, "1000.000000000"),
    (r#"{"amount":0,"closed_at":"2026-03-31"}"#, "0.000000000"),
    (r#"{"amount":"€ 1.200,50","closed_at":"2026-03-31"}"#, "amount_unreadable"),
    (r#"{"amount":"1,200.50","closed_at":"2026-03-31"}"#, "amount_unreadable"),
    (r#"{"amount":"NaN","closed_at":"2026-03-31"}"#, "amount_unreadable"),
    (r#"{"amount":true,"closed_at":"2026-03-31"}"#, "amount_unreadable"),
    (r#"{"amount":{"value":5},"closed_at":"2026-03-31"}"#, "amount_unreadable"),
    (r#"{"amount":12345678901234,"closed_at":"2026-03-31"}"#, "amount_unreadable"),
    (r#"{"amount":" ","closed_at":"2026-03-31"}"#, "amount_missing"),
    (r#"{"amount":null,"closed_at":"2026-03-31"}"#, "amount_missing"),
    (r#"{"closed_at":"2026-03-31"}"#, "amount_missing"),
    (r#"{"amount":5,"period":"quarter","closed_at":"2026-03-31"}"#, "period_unknown"),
    (r#"{"amount":5,"close_date":"2026-03-31T23:00:00+02:00"}"#, "5.000000000"),
    (r#"{"amount":5,"closed_at":"31.03.2026"}"#, "close_unreadable"),
    (r#"{"amount":5,"closed_at":"2026-02-30"}"#, "close_unreadable"),
    (r#"{"amount":5,"closed_at":"infinity"}"#, "close_unreadable"),
    (r#"{"amount":5,"closed_at":""}"#, "close_missing"),
    (r#"{"amount":5}"#, "close_missing"),
];

/// The lines of the page's table.
pub(crate) fn table() -> String {
    let vendor = Vendor::new();
    vendor.action(&Action {
        id: "a1",
        email: Some("jo@acme.com"),
        name: "Call",
        at: "2026-03-01",
        ..Action::default()
    });
    let mut page = "| properties | amount, or why it is not matched |\n|---|---|\n".to_owned();
    for (properties, expected) in PROPERTIES {
        vendor.deal(&Deal { id: "d1", email: Some("jo@acme.com"), company: None, properties });
        vendor.matched("{}", MatchScope::Changed);
        let found = vendor.rows(
            "SELECT amount::VARCHAR FROM model.opportunity_revenue UNION ALL SELECT reason FROM model.opportunity_unmatched",
        );
        assert_eq!(found, [*expected], "{properties}");
        let told = if expected.ends_with(|c: char| c.is_ascii_digit()) {
            (*expected).to_owned()
        } else {
            format!("`{expected}`")
        };
        page.push_str(&format!("| `{properties}` | {told} |\n"));
    }
    page
}

#[test]
fn a_setting_that_makes_no_sense_is_told() {
    for (config, expected) in [
        ("rules: []", "each once"),
        ("rules: [email, email]", "each once"),
        ("only_priority: true", "under `priority`"),
        ("main_currency: Euro", "ISO 4217"),
        ("rates: { USD: 1 }", "`main_currency`"),
        ("{ main_currency: EUR, rates: { USD: 0 } }", "what one of it is worth"),
        ("{ main_currency: EUR, rates: { Dollar: 1 } }", "what one of it is worth"),
        ("{ main_currency: EUR, rates: rates }", "schema.table"),
    ] {
        let parsed: MatchConfig = serde_saphyr::from_str(config).unwrap();
        let mistake = parsed.mistake().unwrap_or_default();
        assert!(mistake.contains(expected), "{config}: {mistake}");
    }
    for config in ["lookback: soon", "lookback: 0d", "lookback: 2000000d", "rules: [name]", "amounts: a"] {
        assert!(serde_saphyr::from_str::<MatchConfig>(config).is_err(), "{config}");
    }
}
