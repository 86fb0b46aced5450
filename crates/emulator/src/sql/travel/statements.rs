//! At which instant each statement saw or changed rows, for `AT(STATEMENT => …)`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Statements remembered; a test looks back at the last few, so this only bounds a long-lived emulator.
const STATEMENTS_MAX: usize = 100_000;
/// How far back a statement may be named, in nanoseconds: 14 days.
const NAMED_NS: i64 = 14 * 86_400 * 1_000_000_000;

/// Queries and changes by query id, each with the instant of its snapshot or of its commit.
#[derive(Debug, Default)]
pub(crate) struct StatementInstants {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<String, i64>,
    oldest_first: VecDeque<String>,
}

impl StatementInstants {
    pub(crate) fn note(&self, query_id: &str, at: i64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.by_id.insert(query_id.to_owned(), at).is_none() {
            known.oldest_first.push_back(query_id.to_owned());
        }
        if known.oldest_first.len() > STATEMENTS_MAX
            && let Some(oldest) = known.oldest_first.pop_front()
        {
            known.by_id.remove(&oldest);
        }
    }

    /// The statement's instant, where it is not too long ago.
    pub(crate) fn find(&self, query_id: &str, now: i64) -> Option<i64> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_id.get(query_id).copied().filter(|at| now - at <= NAMED_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_of_more_than_fourteen_days_ago_is_not_found() {
        let statements = StatementInstants::default();
        statements.note("q", 5);
        assert_eq!(statements.find("q", 5 + NAMED_NS), Some(5));
        assert_eq!(statements.find("q", 6 + NAMED_NS), None);
    }
}
