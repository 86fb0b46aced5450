//! What a sync file says under `match`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::currency::currency;

/// How deals are matched to activity. Everything has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatchConfig {
    /// The deal's property that is its amount.
    pub amount: Option<String>,
    pub currency: Option<String>,
    pub closed_at: Option<String>,
    pub period: Option<String>,
    pub stage: Option<String>,
    /// The property that names the deal which this one takes money back of.
    pub refund_of: Option<String>,
    /// Stages whose deals are revenue; all where absent.
    pub won: Vec<String>,
    /// The rules, in the order in which they are tried; all three where absent.
    pub rules: Option<Vec<MatchRule>>,
    /// How long before the close activity counts.
    pub lookback: Lookback,
    /// Names of actions, the most telling one first. Others come behind them.
    pub priority: Vec<String>,
    /// Whether actions that `priority` does not name count for nothing.
    pub only_priority: bool,
    /// What amounts of a month or a year are counted as.
    pub recurring: Recurring,
    /// The currency that all amounts are told in as well.
    pub main_currency: Option<String>,
    /// What one of another currency is worth in it.
    pub rates: Option<Rates>,
}

/// What a deal and an action have in common where they belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchRule {
    /// The action names the deal.
    DealId,
    /// Both are of one person.
    Email,
    /// Both are of one company.
    CompanyDomain,
}

/// How long before the close activity counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lookback {
    pub seconds: u64,
}

/// What recurring amounts are counted as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recurring {
    /// As what they come to in a year.
    #[default]
    Year,
    /// As they are.
    AsIs,
}

/// Rates by currency, or a table of them with the columns `currency`, `rate` and `valid_from`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Rates {
    Table(String),
    Fixed(BTreeMap<String, f64>),
}

/// More names than that do not fit into the number by which candidates are put in order, beside their moments.
const PRIORITY_MAX: usize = 26;
/// What a window may span at most; no CRM is older.
const LOOKBACK_SECONDS_MAX: u64 = 100 * 366 * 86_400;

impl MatchRule {
    pub const ALL: [MatchRule; 3] = [MatchRule::DealId, MatchRule::Email, MatchRule::CompanyDomain];

    /// The word that sync files and results say; it is the name of the column too by which deal and action are joined.
    pub fn name(self) -> &'static str {
        match self {
            MatchRule::DealId => "deal_id",
            MatchRule::Email => "email",
            MatchRule::CompanyDomain => "company_domain",
        }
    }
}

impl MatchConfig {
    /// The rules that are tried, in order.
    pub fn rules(&self) -> &[MatchRule] {
        self.rules.as_deref().unwrap_or(&MatchRule::ALL)
    }

    /// What is wrong with it, and what to write instead.
    pub fn mistake(&self) -> Option<String> {
        let rules = self.rules();
        let is_repeated = |(at, rule): (usize, &MatchRule)| rules[..at].contains(rule);
        if rules.is_empty() || rules.iter().enumerate().any(is_repeated) {
            return Some(
                "`rules` names one to three of deal_id, email and company_domain, each once".to_owned(),
            );
        }
        if self.priority.len() > PRIORITY_MAX {
            return Some(format!(
                "`priority` names {} actions, and {PRIORITY_MAX} are the most",
                self.priority.len()
            ));
        }
        if self.only_priority && self.priority.is_empty() {
            return Some("`only_priority` needs names under `priority`".to_owned());
        }
        let is_known = |code: &str| matches!(currency(code), Ok(Some(known)) if known == code);
        if let Some(code) = self.main_currency.as_deref().filter(|code| !is_known(code)) {
            return Some(format!("`main_currency: {code}` is no currency of ISO 4217 in capital letters"));
        }
        match &self.rates {
            Some(_) if self.main_currency.is_none() => {
                Some("`rates` need a `main_currency` that they lead to".to_owned())
            }
            Some(Rates::Fixed(rates)) => rates.iter().find_map(|(code, rate)| {
                let is_fine = is_known(code) && *rate >= RATE_MIN && *rate < RATE_MAX;
                (!is_fine).then(|| {
                    format!(
                        "`rates` has {code}: {rate}, and needs an ISO 4217 code and what one of it is worth"
                    )
                })
            }),
            Some(Rates::Table(name)) if name.split('.').filter(|part| !part.is_empty()).count() != 2 => {
                Some(format!("`rates: {name}` needs two parts: schema.table"))
            }
            _ => None,
        }
    }
}

/// What nine digits before and behind the point hold.
const RATE_MIN: f64 = 1e-9;
const RATE_MAX: f64 = 1e9;

impl Default for Lookback {
    fn default() -> Self {
        /// Half a year: longer than most sales take, shorter than it takes to forget what began them.
        const DAYS: u64 = 180;
        Self { seconds: DAYS * 86_400 }
    }
}

impl TryFrom<String> for Lookback {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || {
            format!("`{text}` is no duration of at most a hundred years; write for example `180d` or `36h`")
        };
        let span: jiff::Span = text.parse().map_err(|_| refused())?;
        let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| refused())?;
        let seconds = u64::try_from(duration.as_secs()).map_err(|_| refused())?;
        if (1..=LOOKBACK_SECONDS_MAX).contains(&seconds) { Ok(Self { seconds }) } else { Err(refused()) }
    }
}

impl From<Lookback> for String {
    fn from(Lookback { seconds }: Lookback) -> Self {
        format!("{seconds}s")
    }
}

impl fmt::Display for MatchRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
