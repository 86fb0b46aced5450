//! What a channel was told of a sync, and whether there is something new to tell.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Condition;

/// What one channel was told last of one sync. Kept between two looks, so that a restart repeats nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub condition: Condition,
    pub at: Timestamp,
}

/// A change from one condition to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub before: Condition,
    pub after: Condition,
}

impl Told {
    /// What is new since; nothing where the condition is the one that was told. A sync of which nothing was told counts as
    /// well.
    pub fn change(told: Option<&Told>, condition: &Condition) -> Option<Change> {
        let before = told.map_or(Condition::Well, |told| told.condition.clone());
        (before != *condition).then(|| Change { before, after: condition.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(code: &str) -> Condition {
        Condition::Failing { code: code.to_owned() }
    }

    #[test]
    fn each_change_is_told_once_however_often_it_is_looked_at() {
        let history = [
            (Condition::Well, false),
            (failing("snowflake_auth"), true),
            (failing("snowflake_auth"), false),
            (failing("snowflake_auth"), false),
            (failing("grant_missing"), true),
            (failing("grant_missing"), false),
            (Condition::Well, true),
            (Condition::Well, false),
            (Condition::Late, true),
            (Condition::Late, false),
            (Condition::Well, true),
        ];
        let mut told: Option<Told> = None;
        for (step, (condition, is_new)) in history.into_iter().enumerate() {
            let change = Told::change(told.as_ref(), &condition);
            assert_eq!(change.is_some(), is_new, "step {step}");
            if change.is_some() {
                told = Some(Told { condition, at: Timestamp::UNIX_EPOCH });
            }
        }
    }

    #[test]
    fn what_was_told_survives_a_restart() {
        for condition in [Condition::Well, Condition::Late, failing("disk_full")] {
            let told = Told { condition: condition.clone(), at: Timestamp::UNIX_EPOCH };
            let kept = serde_json::to_string(&told).unwrap();
            let read: Told = serde_json::from_str(&kept).unwrap();
            assert_eq!(read, told);
            assert_eq!(Told::change(Some(&read), &condition), None, "{kept}");
        }
    }
}
