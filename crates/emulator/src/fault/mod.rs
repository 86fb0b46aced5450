//! Faults on demand: a script of rules that says which requests go wrong, and how.

mod gate;
mod reply;
mod rule;
mod serve;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;

pub use self::gate::Gate;
pub use self::rule::{Action, FaultRule};
pub(crate) use self::serve::serve;
use crate::server::route::Route;

/// What a request is about, as rules see it.
pub(crate) struct Subject<'a> {
    pub route: Route,
    pub statement: Option<&'a str>,
    pub query_id: Option<&'a str>,
    pub headers: &'a HeaderMap,
    /// The id of the stage credentials that the request uses.
    pub key_id: Option<String>,
}

/// The fault script of a running emulator.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<FaultRule>>,
    gates: Mutex<HashMap<String, Gate>>,
}

impl Faults {
    /// Appends a rule. Of the rules that match a request, the first that is not used up applies.
    pub fn add(&self, rule: FaultRule) {
        self.rules().push(rule);
    }

    /// Drops every rule and opens every gate.
    pub fn clear(&self) {
        self.rules().clear();
        self.open_gates();
    }

    /// Lets go whatever waits at this gate, and whatever comes to it later.
    pub fn release(&self, gate: &str) {
        self.gate(gate).open();
    }

    /// Waits until so many requests or statements have come to this gate.
    pub async fn reached(&self, gate: &str, count: u64) {
        self.gate(gate).reached(count).await;
    }

    /// How many rules are not used up.
    pub fn pending(&self) -> usize {
        self.rules().iter().filter(|rule| rule.times != Some(0)).count()
    }

    pub(crate) fn open_gates(&self) {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(Gate::open);
    }

    fn gate(&self, name: &str) -> Gate {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(name.to_owned()).or_default().clone()
    }

    /// The actions for this request; using them counts.
    pub(crate) fn take(&self, subject: &Subject<'_>) -> Vec<Action> {
        for rule in self.rules().iter_mut() {
            if rule.times == Some(0) || !rule.matches(subject) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times = rule.times.map(|times| times - 1);
            return rule.actions.clone();
        }
        Vec::new()
    }

    fn rules(&self) -> MutexGuard<'_, Vec<FaultRule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query<'a>(statement: &'a str, headers: &'a HeaderMap) -> Subject<'a> {
        Subject { route: Route::Query, statement: Some(statement), query_id: None, headers, key_id: None }
    }

    #[test]
    fn a_rule_passes_some_calls_by_and_is_used_up_after_its_times() {
        let faults = Faults::default();
        faults.add(FaultRule::on(Route::Query, Action::DropBefore).statement("ORDERS").skip(1).times(2));
        let headers = HeaderMap::new();
        let taken = |text: &str| faults.take(&query(text, &headers)).len();
        assert_eq!(taken("select * from orders"), 0, "passed by");
        assert_eq!(taken("select 1"), 0, "does not match");
        assert_eq!(taken("select * from orders"), 1);
        assert_eq!(taken("select * from orders"), 1);
        assert_eq!(taken("select * from orders"), 0, "used up");
        assert_eq!(faults.pending(), 0);
    }

    #[test]
    fn the_first_matching_rule_applies() {
        let faults = Faults::default();
        faults.add(FaultRule::on(Route::Query, Action::DropBefore));
        faults.add(FaultRule::on(Route::Query, Action::DropAfter).forever());
        let headers = HeaderMap::new();
        let names: Vec<&str> = (0..3).map(|_| faults.take(&query("select 1", &headers))[0].name()).collect();
        assert_eq!(names, ["drop_before", "drop_after", "drop_after"]);
    }
}
