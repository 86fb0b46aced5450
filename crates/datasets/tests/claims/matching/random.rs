//! On random deals and actions, matched again after random changes, the outcome is that of looking at every pair.

use datasets::MatchScope;
use proptest::prelude::*;

use super::oracle::{Currency, DAY, Minute, PlainAction, PlainDeal, matches};
use super::{Action, Deal, Vendor};

const LOOKBACK_DAYS: Minute = 6;
const CONFIG: &str =
    "{ won: [Won], lookback: 6d, priority: [n0, n1], main_currency: EUR, rates: { USD: 0.5 } }";
const IDS: usize = 12;
const ACTION_IDS: usize = 24;

/// What happens between two runs.
#[derive(Clone, Debug)]
enum Change {
    Deal(PlainDeal),
    NoDeal(usize),
    Action(PlainAction),
    NoAction(usize),
}

fn deal() -> impl Strategy<Value = PlainDeal> {
    let who = (prop::option::weighted(0.7, 0..3_u8), prop::option::weighted(0.7, 0..3_u8));
    let what = (
        prop::option::weighted(0.9, -50..50_i32),
        prop::bool::weighted(0.8),
        prop::option::weighted(0.2, 0..IDS),
        prop_oneof![Just(Currency::Main), Just(Currency::Half), Just(Currency::WithoutRate)],
    );
    (0..IDS, who, what, (0..20 * 4_i64, any::<bool>())).prop_map(
        |(id, (email, company), (amount, is_won, refund_of, currency), (quarter_day, is_closed_by_day))| {
            let at = quarter_day * DAY / 4;
            let closed_at = if is_closed_by_day { at / DAY * DAY } else { at };
            PlainDeal { id, email, company, amount, currency, closed_at, is_closed_by_day, is_won, refund_of }
        },
    )
}

fn action() -> impl Strategy<Value = PlainAction> {
    let who = (
        prop::option::weighted(0.2, 0..IDS),
        prop::option::weighted(0.6, 0..3_u8),
        prop::option::weighted(0.6, 0..3_u8),
    );
    (0..ACTION_IDS, who, 0..3_usize, 0..24 * 4_i64).prop_map(
        |(id, (deal, email, company), rank, quarter_day)| PlainAction {
            id,
            deal,
            email,
            company,
            rank,
            at: quarter_day * DAY / 4,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => deal().prop_map(Change::Deal),
        1 => (0..IDS).prop_map(Change::NoDeal),
        5 => action().prop_map(Change::Action),
        2 => (0..ACTION_IDS).prop_map(Change::NoAction),
    ]
}

fn moment(minute: Minute) -> String {
    let (day, minute) = (1 + minute / DAY, minute % DAY);
    format!("2026-03-{day:02}T{:02}:{:02}:00", minute / 60, minute % 60)
}

fn land_deal(vendor: &Vendor, deal: &PlainDeal) {
    let (email, company) =
        (deal.email.map(|n| format!("p{n}@x.com")), deal.company.map(|n| format!("c{n}.com")));
    let closed_at = moment(deal.closed_at);
    let closed_at = if deal.is_closed_by_day { &closed_at[..10] } else { &closed_at };
    let mut properties =
        format!(r#"{{"closed_at":"{closed_at}","stage":"{}""#, if deal.is_won { "Won" } else { "Open" });
    if let Some(amount) = deal.amount {
        properties.push_str(&format!(r#","amount":{amount}"#));
    }
    let currency = match deal.currency {
        Currency::Main => "eur",
        Currency::Half => "USD",
        Currency::WithoutRate => "SEK",
    };
    properties.push_str(&format!(r#","currency":"{currency}""#));
    if let Some(refund_of) = deal.refund_of {
        properties.push_str(&format!(r#","refund_of":"d{refund_of}""#));
    }
    properties.push('}');
    vendor.deal(&Deal {
        id: &format!("d{}", deal.id),
        email: email.as_deref(),
        company: company.as_deref(),
        properties: &properties,
    });
}

fn land_action(vendor: &Vendor, action: &PlainAction) {
    let email = action.email.map(|n| format!("p{n}@x.com"));
    let company = action.company.map(|n| format!("c{n}.com"));
    let deal = action.deal.map(|n| format!("d{n}"));
    vendor.action(&Action {
        id: &format!("a{:03}", action.id),
        deal: deal.as_deref(),
        email: email.as_deref(),
        company: company.as_deref(),
        name: &format!("n{}", action.rank),
        at: &moment(action.at),
    });
}

fn found(vendor: &Vendor) -> Vec<String> {
    vendor.rows(
        "SELECT deal_id, matched_action_id AS what, match_rule AS why, candidates, tied, amount_in_main_currency
         FROM model.opportunity_revenue
         UNION ALL SELECT deal_id, NULL, reason, 0, 0, amount_in_main_currency FROM model.opportunity_unmatched ORDER BY ALL",
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn matching_what_changed_gives_what_looking_at_every_pair_gives(
        rounds in prop::collection::vec(prop::collection::vec(change(), 1..20), 1..5)
    ) {
        let vendor = Vendor::new();
        let (mut deals, mut actions): (Vec<PlainDeal>, Vec<PlainAction>) = (Vec::new(), Vec::new());
        for changes in rounds {
            for change in changes {
                match change {
                    Change::Deal(deal) => {
                        land_deal(&vendor, &deal);
                        deals.retain(|other| other.id != deal.id);
                        deals.push(deal);
                    }
                    Change::NoDeal(id) => {
                        vendor.delete_deal(&format!("d{id}"));
                        deals.retain(|other| other.id != id);
                    }
                    Change::Action(action) => {
                        land_action(&vendor, &action);
                        actions.retain(|other| other.id != action.id);
                        actions.push(action);
                    }
                    Change::NoAction(id) => {
                        vendor.delete_action(&format!("a{id:03}"));
                        actions.retain(|other| other.id != id);
                    }
                }
            }
            vendor.matched(CONFIG, MatchScope::Changed);
            let mut incremental = found(&vendor);
            incremental.sort();
            prop_assert_eq!(&incremental, &matches(&deals, &actions, LOOKBACK_DAYS * DAY));
            let full = vendor.matched(CONFIG, MatchScope::Full);
            prop_assert_eq!((full.changed, full.gone), (Some(0), Some(0)));
        }
        let afresh = Vendor::new();
        deals.iter().for_each(|deal| land_deal(&afresh, deal));
        actions.iter().for_each(|action| land_action(&afresh, action));
        afresh.matched(CONFIG, MatchScope::Full);
        prop_assert_eq!(found(&afresh), found(&vendor));
    }
}
