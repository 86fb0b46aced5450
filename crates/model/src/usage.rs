//! What the statements of a run took of a customer's virtual warehouses, and what that comes to in credits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Statements of one run that are kept one by one; further ones are counted.
const STATEMENTS_MAX: usize = 1_000;
const MILLISECONDS_PER_HOUR: f64 = 3_600_000.0;
const MILLISECONDS_PER_SECOND: f64 = 1_000.0;

/// The statements of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub statements: Vec<StatementUse>,
    /// Statements beyond those, of which no more is known than that there were so many.
    #[serde(default)]
    pub further_statements: u64,
}

/// One statement, and where it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementUse {
    pub query_id: String,
    /// Absent where it needed no virtual warehouse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran: Option<WarehouseUse>,
}

/// A statement's time on a virtual warehouse, from its start to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarehouseUse {
    pub virtual_warehouse: Option<String>,
    /// As the account says it; absent where it did not say.
    pub size: Option<String>,
    /// Milliseconds since 1970.
    pub started_ms: i64,
    pub ended_ms: i64,
}

/// What a run took in all. Statements that ran side by side on one virtual warehouse took its time once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct UsageTotals {
    pub virtual_warehouse_seconds: f64,
    /// Estimated from size and time, where the size is known.
    pub credits: f64,
    /// The seconds on virtual warehouses of unknown size, which are not in the credits.
    pub unpriced_seconds: f64,
}

impl WarehouseUse {
    pub fn seconds(&self) -> f64 {
        (self.ended_ms - self.started_ms).max(0) as f64 / MILLISECONDS_PER_SECOND
    }
}

impl Usage {
    pub fn is_empty(&self) -> bool {
        self.statement_count() == 0
    }

    pub fn statement_count(&self) -> u64 {
        self.statements.len() as u64 + self.further_statements
    }

    /// Adds the statements of another attempt. One that is known already counts once.
    pub fn add(&mut self, other: Self) {
        for statement in other.statements {
            if self.statements.iter().any(|known| known.query_id == statement.query_id) {
                continue;
            }
            if self.statements.len() < STATEMENTS_MAX {
                self.statements.push(statement);
            } else {
                self.further_statements += 1;
            }
        }
        self.further_statements += other.further_statements;
    }

    pub fn totals(&self) -> UsageTotals {
        let mut spans: BTreeMap<_, Vec<(i64, i64)>> = BTreeMap::new();
        for ran in self.statements.iter().filter_map(|statement| statement.ran.as_ref()) {
            let warehouse = (ran.virtual_warehouse.as_deref(), ran.size.as_deref());
            spans.entry(warehouse).or_default().push((ran.started_ms, ran.ended_ms));
        }
        let mut totals = UsageTotals::default();
        for ((_, size), spans) in spans {
            let milliseconds = covered(spans);
            let seconds = milliseconds / MILLISECONDS_PER_SECOND;
            totals.virtual_warehouse_seconds += seconds;
            match size.and_then(credits_per_hour) {
                Some(per_hour) => totals.credits += milliseconds * per_hour / MILLISECONDS_PER_HOUR,
                None => totals.unpriced_seconds += seconds,
            }
        }
        totals
    }
}

/// Credits an hour of a standard virtual warehouse of the first generation: 1 for the smallest, and twice as much for each
/// size above.
pub fn credits_per_hour(size: &str) -> Option<f64> {
    let size: String = size.chars().filter(char::is_ascii_alphanumeric).collect();
    let doublings = match size.to_ascii_uppercase().as_str() {
        "XSMALL" => 0,
        "SMALL" => 1,
        "MEDIUM" => 2,
        "LARGE" => 3,
        "XLARGE" => 4,
        "2XLARGE" | "XXLARGE" => 5,
        "3XLARGE" | "XXXLARGE" => 6,
        "4XLARGE" => 7,
        "5XLARGE" => 8,
        "6XLARGE" => 9,
        _ => return None,
    };
    Some(f64::from(1_u32 << doublings))
}

/// Milliseconds that lie in at least one of the spans.
fn covered(mut spans: Vec<(i64, i64)>) -> f64 {
    spans.sort_unstable();
    let (mut sum, mut until) = (0, i64::MIN);
    for (started, ended) in spans {
        let started = started.max(until);
        if ended > started {
            sum += ended - started;
            until = ended;
        }
    }
    sum as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(query_id: &str, size: Option<&str>, started_ms: i64, ended_ms: i64) -> StatementUse {
        let size = size.map(str::to_owned);
        let ran = WarehouseUse { virtual_warehouse: Some("WH".to_owned()), size, started_ms, ended_ms };
        StatementUse { query_id: query_id.to_owned(), ran: Some(ran) }
    }

    fn usage(statements: Vec<StatementUse>) -> Usage {
        Usage { statements, further_statements: 0 }
    }

    #[test]
    fn every_size_costs_twice_the_one_below() {
        let sizes =
            ["X-Small", "Small", "Medium", "LARGE", "X-Large", "2X-Large", "3X-Large", "4XLARGE", "5X-Large"];
        for (index, size) in sizes.into_iter().enumerate() {
            assert_eq!(credits_per_hour(size), Some(f64::from(1_u32 << index)), "{size}");
        }
        assert_eq!(credits_per_hour("6X-Large"), Some(512.0));
        assert_eq!([credits_per_hour("Adaptive"), credits_per_hour("")], [None, None]);
    }

    #[test]
    fn statements_side_by_side_take_the_time_of_their_virtual_warehouse_once() {
        let size = Some("Small");
        let side_by_side = usage(vec![
            ran("c", size, 9_000, 10_000),
            ran("a", size, 0, 2_000),
            ran("b", size, 1_000, 4_000),
        ]);
        let totals = side_by_side.totals();
        assert_eq!(totals.virtual_warehouse_seconds, 5.0);
        assert!((totals.credits - 5.0 * 2.0 / 3_600.0).abs() < 1e-12);
        assert_eq!(totals.unpriced_seconds, 0.0);
    }

    #[test]
    fn an_hour_of_a_large_one_is_eight_credits_and_an_unknown_size_is_told_apart() {
        let both = usage(vec![
            ran("a", Some("Large"), 0, 3_600_000),
            ran("b", None, 0, 2_500),
            ran("c", None, 7, 3),
        ]);
        let expected =
            UsageTotals { virtual_warehouse_seconds: 3_602.5, credits: 8.0, unpriced_seconds: 2.5 };
        assert_eq!(both.totals(), expected);
    }

    #[test]
    fn what_needs_no_virtual_warehouse_counts_as_nothing() {
        let shown = usage(vec![StatementUse { query_id: "a".to_owned(), ran: None }]);
        assert_eq!(shown.totals(), UsageTotals::default());
        assert!(!shown.is_empty() && Usage::default().is_empty());
    }

    #[test]
    fn a_statement_counts_once_however_often_it_is_added() {
        let one = usage(vec![ran("a", None, 0, 1_000)]);
        let mut all = one.clone();
        all.add(one.clone());
        all.add(usage(vec![ran("b", None, 1_000, 2_000)]));
        assert_eq!(all.statements.len(), 2);
        assert_eq!(all.totals().virtual_warehouse_seconds, 2.0);
    }

    #[test]
    fn of_very_many_statements_the_rest_is_counted() {
        let many = (0..STATEMENTS_MAX + 5).map(|number| ran(&number.to_string(), None, 0, 1)).collect();
        let mut all = Usage::default();
        all.add(usage(many));
        assert_eq!((all.statements.len(), all.further_statements), (STATEMENTS_MAX, 5));
    }
}
