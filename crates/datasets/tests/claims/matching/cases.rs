//! The cases that every analyst asks about, one by one.

use datasets::MatchScope::{Changed, Full};
use datasets::properties::domain;

use super::{Action, Deal, Vendor};

const WON: &str = r#"{"amount":1000,"currency":"EUR","closed_at":"2026-03-31T12:00:00Z","stage":"Won"}"#;

fn deal<'a>(id: &'a str, email: &'a str, company: &'a str) -> Deal<'a> {
    let given = |text: &'a str| (!text.is_empty()).then_some(text);
    Deal { id, email: given(email), company: given(company), properties: WON }
}

fn action<'a>(id: &'a str, email: &'a str, company: &'a str, name: &'a str, at: &'a str) -> Action<'a> {
    let given = |text: &'a str| (!text.is_empty()).then_some(text);
    Action { id, deal: None, email: given(email), company: given(company), name, at }
}

#[test]
fn rules_are_tried_in_order_and_the_first_that_finds_activity_counts() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "jo@acme.com", "acme.com"));
    vendor.action(&action("a-company", "al@acme.com", "acme.com", "Call", "2026-03-30"));
    vendor.matched("{}", Changed);
    assert_eq!(vendor.matches(), ["d1 | a-company | company_domain"]);
    vendor.action(&action("a-person", "jo@acme.com", "acme.com", "Call", "2026-03-10"));
    vendor.matched("{}", Changed);
    assert_eq!(vendor.matches(), ["d1 | a-person | email"]);
    vendor.action(&Action { deal: Some("d1"), ..action("a-deal", "", "", "Deal created", "2026-03-01") });
    vendor.matched("{}", Changed);
    assert_eq!(vendor.matches(), ["d1 | a-deal | deal_id"]);
    vendor.matched("rules: [company_domain]", Changed);
    assert_eq!(vendor.matches(), ["d1 | a-company | company_domain"], "other rules are other matches");
}

#[test]
fn two_deals_of_one_company_are_each_matched_to_what_came_before_them() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "", "acme.com"));
    let earlier = r#"{"amount":5,"closed_at":"2026-02-15"}"#;
    vendor.deal(&Deal { properties: earlier, ..deal("d2", "", "acme.com") });
    vendor.action(&action("a1", "", "acme.com", "Call", "2026-02-01"));
    vendor.action(&action("a2", "", "acme.com", "Call", "2026-03-01"));
    vendor.matched("{}", Changed);
    assert_eq!(vendor.matches(), ["d1 | a2 | company_domain", "d2 | a1 | company_domain"]);
    let candidates = vendor.rows("SELECT deal_id, candidates FROM model.opportunity_revenue ORDER BY ALL");
    assert_eq!(candidates, ["d1 | 2", "d2 | 1"]);
}

#[test]
fn of_two_candidates_the_name_of_higher_priority_counts_and_then_the_later_one() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "jo@acme.com", ""));
    vendor.action(&action("a1", "jo@acme.com", "", "Meeting", "2026-03-01"));
    vendor.action(&action("a2", "jo@acme.com", "", "Call", "2026-03-02"));
    vendor.action(&action("a3", "jo@acme.com", "", "Newsletter", "2026-03-30"));
    for (config, expected) in [
        ("{}", "d1 | a3 | email"),
        ("priority: [meeting, call]", "d1 | a1 | email"),
        ("priority: [call, meeting]", "d1 | a2 | email"),
        ("priority: [demo]", "d1 | a3 | email"),
        ("{ priority: [demo], only_priority: true }", "d1 | - | no_activity"),
    ] {
        vendor.matched(config, Changed);
        assert_eq!(vendor.matches(), [expected], "{config}");
    }
}

#[test]
fn candidates_of_one_name_and_moment_are_told_apart_by_their_id_and_counted() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "jo@acme.com", ""));
    for id in ["b", "a", "c"] {
        vendor.action(&action(id, "jo@acme.com", "", "Call", "2026-03-02 10:00:00"));
    }
    let report = vendor.matched("{}", Changed);
    assert_eq!((vendor.matches(), report.ambiguous), (vec!["d1 | a | email".to_owned()], 1));
    assert_eq!(vendor.rows("SELECT candidates, tied FROM model.opportunity_revenue"), ["3 | 3"]);
}

#[test]
fn activity_after_the_close_or_before_the_window_is_none_and_the_reason_says_which() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "jo@acme.com", ""));
    for (at, expected) in [
        ("2026-03-31 12:00:00", "d1 | - | activity_after_close"),
        ("2026-03-31 11:59:59.999999", "d1 | a1 | email"),
        ("2026-03-21 12:00:00", "d1 | a1 | email"),
        ("2026-03-21 11:59:59.999999", "d1 | - | activity_too_old"),
    ] {
        vendor.action(&action("a1", "jo@acme.com", "", "Call", at));
        vendor.matched("lookback: 10d", Changed);
        assert_eq!(vendor.matches(), [expected], "{at}");
    }
}

#[test]
fn a_close_that_is_a_day_ends_with_it() {
    let vendor = Vendor::new();
    let properties = r#"{"amount":5,"closed_at":"2026-03-31"}"#;
    vendor.deal(&Deal { properties, ..deal("d1", "jo@acme.com", "") });
    for (at, expected) in
        [("2026-03-31 23:59:59", "d1 | a1 | email"), ("2026-04-01 00:00:00", "d1 | - | activity_after_close")]
    {
        vendor.action(&action("a1", "jo@acme.com", "", "Call", at));
        vendor.matched("{}", Changed);
        assert_eq!(vendor.matches(), [expected], "{at}");
    }
}

#[test]
fn a_close_with_an_offset_is_the_moment_that_it_was_in_utc() {
    let vendor = Vendor::new();
    vendor.action(&action("a1", "jo@acme.com", "", "Call", "2026-03-31 09:59:59"));
    for (closed_at, expected) in [
        ("2026-03-31T12:00:00+02:00", "2026-03-31 10:00:00 | email"),
        ("2026-03-31T12:00:00.123456789+02:00", "2026-03-31 10:00:00.123456 | email"),
        ("2026-03-31T12:00:00+02:30", "2026-03-31 09:30:00 | activity_after_close"),
        ("2026-03-31T02:00:00-08:00", "2026-03-31 10:00:00 | email"),
        ("2026-03-31T10:00:00Z", "2026-03-31 10:00:00 | email"),
        ("2026-03-31 10:00:00", "2026-03-31 10:00:00 | email"),
    ] {
        let properties = format!(r#"{{"amount":5,"closed_at":"{closed_at}"}}"#);
        vendor.deal(&Deal { properties: &properties, ..deal("d1", "jo@acme.com", "") });
        vendor.matched("{}", Changed);
        let found = vendor.rows(
            "SELECT closed_at, match_rule FROM model.opportunity_revenue UNION ALL SELECT closed_at, reason FROM model.opportunity_unmatched",
        );
        assert_eq!(found, [expected], "{closed_at}");
    }
}

#[test]
fn a_domain_with_www_and_capitals_is_the_same_company() {
    let vendor = Vendor::new();
    let (written, plain) = (domain("https://WWW.Acme.COM/").unwrap(), domain("acme.com").unwrap());
    vendor.deal(&deal("d1", "", &written));
    vendor.action(&action("a1", "", &plain, "Call", "2026-03-01"));
    vendor.matched("{}", Changed);
    assert_eq!(vendor.matches(), ["d1 | a1 | company_domain"]);
}

#[test]
fn people_of_a_public_mailbox_are_matched_by_themselves_and_never_as_a_company() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "jo@gmail.com", ""));
    vendor.action(&action("a1", "al@gmail.com", "", "Call", "2026-03-01"));
    vendor.matched("{}", Changed);
    assert_eq!(vendor.matches(), ["d1 | - | no_activity"]);
    vendor.deal(&deal("d2", "", ""));
    vendor.action(&action("a2", "jo@gmail.com", "", "Call", "2026-03-01"));
    vendor.matched("{}", Changed);
    assert_eq!(vendor.matches(), ["d1 | a2 | email", "d2 | - | identity_missing"]);
}

#[test]
fn a_refund_follows_the_deal_that_it_takes_back() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "jo@acme.com", ""));
    vendor.action(&action("a1", "jo@acme.com", "", "Call", "2026-03-01"));
    vendor.action(&action("a2", "jo@acme.com", "", "Complaint", "2026-04-10"));
    let refund = r#"{"amount":-250.5,"currency":"EUR","closed_at":"2026-04-30","refund_of":"d1"}"#;
    vendor.deal(&Deal { properties: refund, ..deal("r1", "jo@acme.com", "") });
    let unknown = r#"{"amount":-1,"currency":"EUR","closed_at":"2026-04-30","refund_of":"nobody"}"#;
    vendor.deal(&Deal { properties: unknown, ..deal("r2", "jo@acme.com", "") });
    let report = vendor.matched("won: [Won]", Changed);
    assert_eq!(vendor.matches(), ["d1 | a1 | email", "r1 | a1 | refund_of", "r2 | - | original_missing"]);
    assert_eq!(report.matched_revenue[0].amount, "749.500000000");

    vendor.action(&action("a3", "jo@acme.com", "", "Call", "2026-03-02"));
    vendor.matched("won: [Won]", Changed);
    assert_eq!(vendor.matches()[1], "r1 | a3 | refund_of", "it follows what becomes of its deal");
    vendor.delete_deal("d1");
    vendor.matched("won: [Won]", Changed);
    assert_eq!(vendor.matches(), ["r1 | - | original_missing", "r2 | - | original_missing"]);
}

#[test]
fn a_refund_of_a_refund_has_no_match_and_leaves_the_other_one_alone() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "jo@acme.com", ""));
    let refund = r#"{"amount":-250,"currency":"EUR","closed_at":"2026-04-30","refund_of":"d1"}"#;
    vendor.deal(&Deal { properties: refund, ..deal("r1", "", "") });
    vendor.action(&action("a1", "jo@acme.com", "", "Call", "2026-03-01"));
    vendor.matched("{}", Changed);
    let of_a_refund = r#"{"amount":250,"currency":"EUR","closed_at":"2026-05-31","refund_of":"r1"}"#;
    vendor.deal(&Deal { properties: of_a_refund, ..deal("r2", "", "") });
    let report = vendor.matched("{}", Changed);
    assert_eq!(vendor.matches(), ["d1 | a1 | email", "r1 | a1 | refund_of", "r2 | - | original_missing"]);
    assert_eq!(report.changed, Some(1), "only the new one was written");
}

#[test]
fn a_negative_amount_without_a_deal_that_it_takes_back_is_matched_like_any_other() {
    let vendor = Vendor::new();
    let properties = r#"{"amount":-20,"closed_at":"2026-03-31"}"#;
    vendor.deal(&Deal { properties, ..deal("d1", "jo@acme.com", "") });
    vendor.action(&action("a1", "jo@acme.com", "", "Call", "2026-03-01"));
    vendor.matched("{}", Changed);
    assert_eq!(
        vendor.rows("SELECT amount, match_rule FROM model.opportunity_revenue"),
        ["-20.000000000 | email"]
    );
}

#[test]
fn amounts_are_told_in_the_main_currency_and_one_without_a_rate_is_counted() {
    let vendor = Vendor::new();
    for (id, currency) in [("d1", "EUR"), ("d2", "usd"), ("d3", "SEK"), ("d4", "nonsense")] {
        let properties = format!(r#"{{"amount":100.10,"currency":"{currency}","closed_at":"2026-03-31"}}"#);
        vendor.deal(&Deal { properties: &properties, ..deal(id, "jo@acme.com", "") });
    }
    vendor.action(&action("a1", "jo@acme.com", "", "Call", "2026-03-01"));
    let amounts = || {
        vendor.rows(
            "SELECT deal_id, currency, amount_in_main_currency FROM model.opportunity_revenue ORDER BY ALL",
        )
    };
    let report = vendor.matched("{ main_currency: EUR, rates: { USD: 0.9 } }", Changed);
    let expected =
        ["d1 | EUR | 100.100000000", "d2 | USD | 90.090000000", "d3 | SEK | -", "d4 | NONSENSE | -"];
    assert_eq!(
        (amounts(), report.without_rate, report.matched),
        (expected.map(str::to_owned).to_vec(), 2, 4)
    );

    vendor.run("CREATE SCHEMA finance; CREATE TABLE finance.rates (currency VARCHAR, rate DOUBLE, valid_from DATE);
        INSERT INTO finance.rates VALUES ('USD', 0.5, NULL), ('USD', 0.8, '2026-03-01'), ('usd', 0.7, '2026-04-01'), ('SEK', 0.1, '2026-03-31')");
    let report = vendor.matched("{ main_currency: EUR, rates: finance.rates }", Changed);
    let expected = [
        "d1 | EUR | 100.100000000",
        "d2 | USD | 80.080000000",
        "d3 | SEK | 10.010000000",
        "d4 | NONSENSE | -",
    ];
    assert_eq!((amounts(), report.changed), (expected.map(str::to_owned).to_vec(), Some(4)));
    vendor.run("UPDATE finance.rates SET rate = 0.2 WHERE currency = 'SEK'");
    let report = vendor.matched("{ main_currency: EUR, rates: finance.rates }", Changed);
    assert_eq!(
        (report.looked_at, report.changed),
        (Some(1), Some(1)),
        "another rate changes its deals alone"
    );
}

#[test]
fn recurring_amounts_count_as_a_year_unless_they_are_to_stay() {
    let vendor = Vendor::new();
    for (id, period) in [("d1", "Monthly"), ("d2", "year"), ("d3", "one time"), ("d4", "week")] {
        let properties = format!(r#"{{"amount":10,"period":"{period}","closed_at":"2026-03-31"}}"#);
        vendor.deal(&Deal { properties: &properties, ..deal(id, "jo@acme.com", "") });
    }
    vendor.action(&action("a1", "jo@acme.com", "", "Call", "2026-03-01"));
    let amounts = || {
        vendor.rows("SELECT deal_id, amount::INT, source_amount::INT, period FROM model.opportunity_revenue ORDER BY ALL")
    };
    let report = vendor.matched("{}", Changed);
    assert_eq!(amounts(), ["d1 | 120 | 10 | month", "d2 | 10 | 10 | year", "d3 | 10 | 10 | one-time"]);
    assert_eq!(report.by_reason[0].word, "period_unknown");
    vendor.matched("recurring: as_is", Changed);
    assert_eq!(amounts()[0], "d1 | 10 | 10 | month");
}

#[test]
fn an_amount_that_changes_later_is_matched_again_and_keeps_its_history() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "jo@acme.com", ""));
    vendor.deal(&deal("d2", "jo@acme.com", ""));
    vendor.action(&action("a1", "jo@acme.com", "", "Call", "2026-03-01"));
    let first = vendor.matched("won: [Won]", Changed);
    assert_eq!((first.looked_at, first.changed, first.gone), (Some(2), Some(2), Some(0)));
    let before = vendor.rows("FROM model.opportunity_revenue WHERE deal_id = 'd2'");

    let properties = WON.replace("1000", "1200");
    vendor.deal(&Deal { properties: &properties, ..deal("d1", "jo@acme.com", "") });
    let again = vendor.matched("won: [Won]", Changed);
    assert_eq!((again.looked_at, again.changed), (Some(1), Some(1)));
    assert_eq!(
        vendor.rows("SELECT deal_id, amount::INT FROM model.opportunity_revenue ORDER BY ALL"),
        ["d1 | 1200", "d2 | 1000"]
    );
    assert_eq!(
        vendor.rows("SELECT deal_id, amount::INT, matched_action_id FROM model.opportunity_history"),
        ["d1 | 1000 | a1"]
    );
    assert_eq!(vendor.rows("FROM model.opportunity_revenue WHERE deal_id = 'd2'"), before);

    let properties = WON.replace("Won", "Lost");
    vendor.deal(&Deal { properties: &properties, ..deal("d1", "jo@acme.com", "") });
    let lost = vendor.matched("won: [Won]", Changed);
    assert_eq!((lost.deals, lost.gone), (1, Some(1)));
    assert_eq!(
        vendor.rows("SELECT amount::INT FROM model.opportunity_history ORDER BY ALL"),
        ["1000", "1200"]
    );
    vendor.deal(&deal("d1", "jo@acme.com", ""));
    let back = vendor.matched("won: [Won]", Changed);
    assert_eq!((back.deals, back.changed), (2, Some(1)));
}

#[test]
fn matching_again_changes_nothing_in_full_as_well_as_by_changes() {
    let vendor = Vendor::new();
    vendor.deal(&deal("d1", "jo@acme.com", "acme.com"));
    vendor.deal(&deal("d2", "", "globex.com"));
    vendor.action(&action("a1", "jo@acme.com", "acme.com", "Call", "2026-03-01"));
    vendor.matched("{}", Changed);
    let before = vendor.rows("FROM _snowferry.opportunity_matches ORDER BY deal_id");
    for (scope, looked_at) in [(Changed, 0), (Full, 2)] {
        let report = vendor.matched("{}", scope);
        assert_eq!((report.looked_at, report.changed, report.gone), (Some(looked_at), Some(0), Some(0)));
        assert_eq!(vendor.rows("FROM _snowferry.opportunity_matches ORDER BY deal_id"), before);
    }
    assert_eq!(vendor.rows("FROM model.opportunity_history"), Vec::<String>::new());
    vendor.unmatch();
    assert_eq!(vendor.matches(), Vec::<String>::new());
}

#[test]
fn only_deals_whose_activity_changed_are_looked_at_again() {
    let vendor = Vendor::new();
    for (id, email, company) in [
        ("d1", "jo@acme.com", "acme.com"),
        ("d2", "al@acme.com", "acme.com"),
        ("d3", "x@globex.com", "globex.com"),
    ] {
        vendor.deal(&deal(id, email, company));
        vendor.action(&action(&format!("a-{id}"), email, company, "Call", "2026-03-01"));
    }
    vendor.matched("{}", Changed);
    vendor.action(&action("a-new", "new@acme.com", "acme.com", "Call", "2026-03-20"));
    assert_eq!(
        vendor.matched("{}", Changed).looked_at,
        Some(0),
        "each has a person's activity, which comes first"
    );
    vendor.action(&action("a-d1", "moved@acme.com", "acme.com", "Call", "2026-03-01"));
    let report = vendor.matched("{}", Changed);
    assert_eq!((report.looked_at, report.changed), (Some(1), Some(1)), "an action that became another one's");
    assert_eq!(vendor.matches()[0], "d1 | a-new | company_domain");
    vendor.delete_action("a-new");
    assert_eq!(vendor.matched("{}", Changed).looked_at, Some(1), "an action that is gone");
    assert_eq!(vendor.matches()[0], "d1 | a-d1 | company_domain");
}
