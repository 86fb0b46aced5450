//! Long lists, a page at a time.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Items of a page unless the request says otherwise.
const LIMIT_DEFAULT: u16 = 100;
/// The most that a page has.
const LIMIT_MAX: u16 = 500;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// How many items, 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// The `next` of the page before.
    #[param(max_length = 200)]
    after: Option<String>,
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// What to ask for as `after` to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

impl PageQuery {
    pub(super) fn new(limit: Option<u16>, after: Option<String>) -> Self {
        Self { limit, after }
    }

    pub(super) fn limit(&self) -> usize {
        usize::from(self.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX))
    }

    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The page of a list that is there as a whole, in the order of what `cursor` gives.
    pub(super) fn of<T>(&self, all: Vec<T>, cursor: impl Fn(&T) -> &str) -> Page<T> {
        let after = self.after.as_deref().unwrap_or_default();
        let rest = all.into_iter().skip_while(|item| !after.is_empty() && cursor(item) <= after);
        self.first_of(rest.collect(), cursor)
    }

    /// The first items of what is left.
    pub(super) fn first_of<T>(&self, mut rest: Vec<T>, cursor: impl Fn(&T) -> &str) -> Page<T> {
        let has_more = rest.len() > self.limit();
        rest.truncate(self.limit());
        let next = rest.last().filter(|_| has_more).map(|last| cursor(last).to_owned());
        Page { items: rest, next }
    }
}
