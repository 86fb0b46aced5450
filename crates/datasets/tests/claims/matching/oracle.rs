//! Matching by looking at every action for every deal: slow, and plain enough to be believed.

use std::cmp::Reverse;

/// Days and microseconds alike are minutes since some midnight here.
pub(crate) type Minute = i64;
pub(crate) const DAY: Minute = 24 * 60;

#[derive(Clone, Debug)]
pub(crate) struct PlainDeal {
    pub(crate) id: usize,
    pub(crate) email: Option<u8>,
    pub(crate) company: Option<u8>,
    pub(crate) amount: Option<i32>,
    pub(crate) currency: Currency,
    pub(crate) closed_at: Minute,
    pub(crate) is_closed_by_day: bool,
    pub(crate) is_won: bool,
    pub(crate) refund_of: Option<usize>,
}

/// What an amount is counted in, and how much of the main currency it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Currency {
    Main,
    /// Two of it are one of the main one.
    Half,
    WithoutRate,
}

#[derive(Clone, Debug)]
pub(crate) struct PlainAction {
    pub(crate) id: usize,
    pub(crate) deal: Option<usize>,
    pub(crate) email: Option<u8>,
    pub(crate) company: Option<u8>,
    /// The place of its name in the list of priorities.
    pub(crate) rank: usize,
    pub(crate) at: Minute,
}

/// One line for each deal that is revenue, as the tests read it from the database.
pub(crate) fn matches(deals: &[PlainDeal], actions: &[PlainAction], lookback: Minute) -> Vec<String> {
    let revenue: Vec<&PlainDeal> =
        deals.iter().filter(|deal| deal.is_won || deal.refund_of.is_some()).collect();
    let mut lines: Vec<String> = revenue.iter().map(|deal| line(deal, &revenue, actions, lookback)).collect();
    lines.sort();
    lines
}

fn line(deal: &PlainDeal, revenue: &[&PlainDeal], actions: &[PlainAction], lookback: Minute) -> String {
    let money = money(deal);
    let unmatched = |reason: &str| format!("d{} | - | {reason} | 0 | 0 | {money}", deal.id);
    if deal.amount.is_none() {
        return unmatched("amount_missing");
    }
    let Some(of) = deal.refund_of else {
        return match found(deal, actions, lookback) {
            Ok((rule, rest)) => format!("d{} | {} | {rule} | {} | {money}", deal.id, rest.0, rest.1),
            Err(reason) => unmatched(reason),
        };
    };
    let original = revenue.iter().find(|original| original.id == of && original.refund_of.is_none());
    match original.map(|original| (original.amount, found(original, actions, lookback))) {
        None => unmatched("original_missing"),
        Some((Some(_), Ok((_, rest)))) => {
            format!("d{} | {} | refund_of | {} | {money}", deal.id, rest.0, rest.1)
        }
        Some(_) => unmatched("original_unmatched"),
    }
}

/// The amount in the main currency, with nine digits behind the point.
fn money(deal: &PlainDeal) -> String {
    let halves = match (deal.amount, deal.currency) {
        (None, _) | (_, Currency::WithoutRate) => return "-".to_owned(),
        (Some(amount), Currency::Main) => amount * 2,
        (Some(amount), Currency::Half) => amount,
    };
    let sign = if halves < 0 { "-" } else { "" };
    let tenths = if halves % 2 == 0 { 0 } else { 5 };
    format!("{sign}{}.{tenths}00000000", halves.abs() / 2)
}

/// Whether an action belongs to the deal.
type Rule<'a> = &'a dyn Fn(&&PlainAction) -> bool;

/// The rule, and the action with how many candidates there were and how many were as good.
fn found(
    deal: &PlainDeal,
    actions: &[PlainAction],
    lookback: Minute,
) -> Result<(&'static str, (String, String)), &'static str> {
    let until = if deal.is_closed_by_day { deal.closed_at + DAY } else { deal.closed_at };
    let is_in_window = |action: &&PlainAction| action.at >= deal.closed_at - lookback && action.at < until;
    let by_deal = |action: &&PlainAction| action.deal == Some(deal.id);
    let by_email = |action: &&PlainAction| action.email.is_some() && action.email == deal.email;
    let by_company = |action: &&PlainAction| action.company.is_some() && action.company == deal.company;
    let rules: [(&str, Rule<'_>); 3] =
        [("deal_id", &by_deal), ("email", &by_email), ("company_domain", &by_company)];
    for (name, rule) in rules {
        let candidates: Vec<&PlainAction> = actions.iter().filter(rule).filter(is_in_window).collect();
        let place = |action: &PlainAction| (action.rank, Reverse(action.at));
        if let Some(best) =
            candidates.iter().min_by_key(|action| (place(action), format!("a{:03}", action.id)))
        {
            let tied = candidates.iter().filter(|action| place(action) == place(best)).count();
            let counts = format!("{} | {tied}", candidates.len());
            return Ok((name, (format!("a{:03}", best.id), counts)));
        }
    }
    let any: Vec<&PlainAction> =
        actions.iter().filter(|action| rules.iter().any(|(_, rule)| rule(action))).collect();
    Err(match any.iter().map(|action| action.at).min() {
        None if deal.email.is_none() && deal.company.is_none() => "identity_missing",
        None => "no_activity",
        Some(first) if first < deal.closed_at - lookback => "activity_too_old",
        Some(_) => "activity_after_close",
    })
}
