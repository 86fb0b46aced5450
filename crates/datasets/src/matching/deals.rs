//! The deals of a sync as matching looks at them: amounts, moments and windows read from their properties.

use super::config::{MatchConfig, Rates, Recurring};
use super::dialect::{
    a_day_after, amount, literal, moment, nth, properties, quoted, scratch, seconds_before, within_range,
};
use super::{MatchRule, Matching};
use crate::normal::name::snake_case;

/// What of a deal decides what it is matched to, and what is told of it.
pub(super) const INPUTS: [&str; 13] = [
    "identity",
    "email",
    "company_domain",
    "stage",
    "period",
    "source_amount",
    "amount",
    "currency",
    "amount_in_main_currency",
    "closed_at",
    "closed_until",
    "refund_of",
    "problem",
];

/// The deals in a table of their own. `problem` says why one cannot be matched whatever activity there is.
pub(super) fn deals_sql(matching: &Matching) -> String {
    let config = &matching.config;
    let until = a_day_after("closed_at");
    let read = format!(
        "SELECT deal_id, identity, email, company_domain, stage, refund_of, currency, amount_text, closed_text,\n\
         {} AS source_amount, {} AS closed_at,\n\
         CASE WHEN period_text IS NULL OR period_text IN ('one-time', 'onetime') THEN 'one-time'\n\
         WHEN period_text IN ('month', 'monthly') THEN 'month' WHEN period_text IN ('year', 'yearly', 'annual') THEN 'year' END AS period\n\
         FROM (\n{}\n) AS written",
        amount("amount_text"),
        moment("closed_text"),
        written_sql(matching)
    );
    let yearly = match config.recurring {
        Recurring::Year => "CASE WHEN period = 'month' THEN source_amount * 12 ELSE source_amount END",
        Recurring::AsIs => "source_amount",
    };
    let typed = format!(
        "SELECT *, CAST({yearly} AS DECIMAL(38,9)) AS amount,\n\
         CASE WHEN length(closed_text) = 10 THEN {until} ELSE closed_at END AS closed_until FROM (\n{read}\n) AS readable"
    );
    let problem = "CASE WHEN amount_text IS NULL THEN 'amount_missing' WHEN source_amount IS NULL THEN 'amount_unreadable'\n\
         WHEN period IS NULL THEN 'period_unknown' WHEN closed_text IS NULL THEN 'close_missing'\n\
         WHEN closed_at IS NULL THEN 'close_unreadable' END AS problem";
    let query = format!(
        "SELECT deal_id, identity, email, company_domain, stage, period, CAST(source_amount AS DECIMAL(38,9)) AS source_amount,\n\
         amount, deal.currency, {} AS amount_in_main_currency, closed_at, closed_until, refund_of, {problem},\n\
         {} AS window_start\nFROM (\n{typed}\n) AS deal{}",
        in_main_currency(config),
        seconds_before("closed_at", config.lookback.seconds),
        rates_sql(config)
    );
    scratch("match_deals", &query)
}

/// The properties that count, as text.
fn written_sql(matching: &Matching) -> String {
    let config = &matching.config;
    let mut read = Properties::default();
    let amount = read.text(config.amount.as_deref(), &["amount"]);
    let closed_at = read.text(config.closed_at.as_deref(), &["closed_at", "close_date", "closed_date"]);
    let currency = read.text(config.currency.as_deref(), &["currency", "currency_iso_code"]);
    let period = read.text(config.period.as_deref(), &["period"]);
    let stage = read.text(config.stage.as_deref(), &["stage", "stage_name"]);
    let refund_of = read.text(config.refund_of.as_deref(), &["refund_of"]);
    let won: Vec<String> = config.won.iter().map(|stage| literal(stage.trim())).collect();
    let won = match won[..] {
        [] => String::new(),
        _ => format!("\nWHERE stage IN ({}) OR refund_of IS NOT NULL", won.join(", ")),
    };
    format!(
        "SELECT * FROM (\n\
         SELECT deal_id, identity, email, company_domain, {amount} AS amount_text, {closed_at} AS closed_text,\n\
         upper({currency}) AS currency, replace(replace(lower({period}), '_', '-'), ' ', '-') AS period_text,\n\
         {stage} AS stage, {refund_of} AS refund_of FROM (\n\
         SELECT deal_id, identity, email, company_domain, {} AS texts FROM model.deals WHERE sync_id = {}\n\
         ) AS listed\n) AS deal{won}",
        properties(&read.names),
        matching.sync()
    )
}

/// The properties that are read of each deal, in the order of the list that they are read into.
#[derive(Default)]
struct Properties {
    names: Vec<String>,
}

impl Properties {
    /// The property that the file names, or the first of those that it usually is.
    fn text(&mut self, named: Option<&str>, usual: &[&str]) -> String {
        match named {
            Some(name) => self.value(&snake_case(name)),
            None => {
                let values: Vec<String> = usual.iter().map(|name| self.value(name)).collect();
                format!("coalesce({})", values.join(", "))
            }
        }
    }

    fn value(&mut self, name: &str) -> String {
        self.names.push(name.to_owned());
        format!("nullif(trim({}), '')", nth("texts", self.names.len() - 1))
    }
}

fn in_main_currency(config: &MatchConfig) -> String {
    let Some(main) = &config.main_currency else { return "CAST(NULL AS DECIMAL(38,9))".to_owned() };
    let main = literal(main);
    match config.rates {
        None => format!("CASE WHEN deal.currency = {main} THEN amount END"),
        Some(_) => {
            format!("CASE WHEN deal.currency = {main} THEN amount ELSE {} END", within_range("amount * rate"))
        }
    }
}

/// Joins each deal with the rate of the day of its close.
fn rates_sql(config: &MatchConfig) -> String {
    let given = match &config.rates {
        None => return String::new(),
        Some(Rates::Fixed(rates)) if rates.is_empty() => return rates_join(NO_RATES),
        Some(Rates::Fixed(rates)) => {
            let rows: Vec<String> =
                rates.iter().map(|(code, rate)| format!("({}, {rate:.9}, NULL)", literal(code))).collect();
            format!("(VALUES {}) AS given (currency, rate, valid_from)", rows.join(", "))
        }
        Some(Rates::Table(name)) => name.split('.').map(quoted).collect::<Vec<_>>().join("."),
    };
    rates_join(&given)
}

const NO_RATES: &str = "(SELECT NULL AS currency, NULL AS rate, NULL AS valid_from WHERE 1 = 0) AS given";

fn rates_join(given: &str) -> String {
    format!(
        "\nLEFT JOIN (\n\
         SELECT currency AS rate_currency, rate, valid_from,\n\
         lead(valid_from, 1, TIMESTAMP 'infinity') OVER (PARTITION BY currency ORDER BY valid_from) AS valid_until FROM (\n\
         SELECT upper(currency) AS currency, coalesce(CAST(valid_from AS TIMESTAMP), TIMESTAMP '-infinity') AS valid_from,\n\
         max(CAST(rate AS DECIMAL(18,9))) AS rate FROM {given} GROUP BY 1, 2\n) AS rate_of_day\n\
         ) AS rates ON rates.rate_currency = deal.currency AND deal.closed_at >= rates.valid_from AND deal.closed_at < rates.valid_until"
    )
}

impl MatchRule {
    /// The column of deals and of activity that is the same where the rule matches.
    pub(super) fn column(self) -> &'static str {
        self.name()
    }
}
