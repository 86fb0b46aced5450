//! What a person is told: which sync, what changed, who has to act, and what to do.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use model::Owner;

use super::{Change, Condition, SyncRuns};

/// Syncs that an alert about many calls by their names; more than that nobody reads at night.
const NAMED_MAX: usize = 20;

/// What has changed, in words. Holds no secret and no row value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// One line: what has happened to which sync.
    pub headline: String,
    /// Further lines: the cause, who acts, the remedy, since when.
    pub lines: Vec<String>,
}

impl Alert {
    /// Words for a change.
    pub fn of(tenant: &str, sync: &str, change: &Change, runs: &SyncRuns, now: Timestamp) -> Self {
        let name = format!("{tenant}/{sync}");
        let since = runs.last_success_at.map_or_else(
            || "it has never succeeded".to_owned(),
            |at| format!("its last success was {} ago, at {at}", age(now.duration_since(at))),
        );
        match &change.after {
            Condition::Well => {
                let before = match &change.before {
                    Condition::Failing { code } => format!("it was failing: {code}"),
                    Condition::Late => "it was late".to_owned(),
                    Condition::Well => "nothing was wrong".to_owned(),
                };
                let lines = if runs.is_resting { vec!["it is paused".to_owned()] } else { vec![before] };
                Self { headline: format!("{name} is well again"), lines }
            }
            Condition::Late => {
                let wanted = runs.late_after.map(age).unwrap_or_default();
                let headline = format!("{name} is late");
                let remedy = "`snowferry why` says why it did not run".to_owned();
                Self { headline, lines: vec![format!("{since}; it may be {wanted} old"), remedy] }
            }
            Condition::Failing { code } => {
                let mut lines = vec![since];
                if let Some(failure) = runs.last.as_ref().and_then(|run| run.failure.as_ref()) {
                    lines.insert(0, failure.message.clone());
                    lines.extend(failure.remedy.as_ref().map(|remedy| format!("to do: {remedy}")));
                }
                lines.push(format!("who acts: {}; more: snowferry errors {code}", acts(code)));
                Self { headline: format!("{name} is failing: {code}"), lines }
            }
        }
    }

    /// One alert for many changes at once, as an outage brings them: counted, and the first of them by name.
    pub fn of_many(changes: &[(String, Change)]) -> Self {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for (_, change) in changes {
            *kinds.entry(words(&change.after)).or_default() += 1;
        }
        let mut kinds: Vec<(String, usize)> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let counted = kinds.iter().map(|(words, count)| format!("{count} {words}")).collect::<Vec<_>>();
        let named = changes.iter().take(NAMED_MAX);
        let mut lines: Vec<String> =
            named.map(|(name, change)| format!("{name} is {}", words(&change.after))).collect();
        if changes.len() > NAMED_MAX {
            lines.push(format!("and {} more", changes.len() - NAMED_MAX));
        }
        lines.push("`snowferry why TENANT/SYNC` says more about each".to_owned());
        let headline = format!("{} syncs have changed: {}", changes.len(), counted.join(", "));
        Self { headline, lines }
    }

    /// What is sent to see whether it arrives.
    pub fn test(now: Timestamp) -> Self {
        let headline = "a test of Snowferry's alerts".to_owned();
        let lines = vec![format!("sent at {now}; if you read this, alerts arrive here")];
        Self { headline, lines }
    }

    /// Everything, line by line.
    pub fn text(&self) -> String {
        let mut text = self.headline.clone();
        for line in &self.lines {
            text.push('\n');
            text.push_str(line);
        }
        text
    }
}

fn words(condition: &Condition) -> String {
    match condition {
        Condition::Well => "well again".to_owned(),
        Condition::Late => "late".to_owned(),
        Condition::Failing { code } => format!("failing: {code}"),
    }
}

fn acts(code: &str) -> &'static str {
    let owner = catalogue::page(code).map_or(Owner::Us, |page| page.owner());
    match owner {
        Owner::Operator => "you",
        Owner::Customer => "the customer",
        Owner::Snowflake => "Snowflake; waiting helps",
        Owner::Us => "the makers of Snowferry",
    }
}

/// `3 days`, `26 hours`, `5 minutes`: as exact as somebody who is paged needs it.
fn age(duration: SignedDuration) -> String {
    let (minutes, hours) = (duration.as_mins(), duration.as_hours());
    match (hours / 24, hours) {
        (3.., _) => format!("{} days", hours / 24),
        (_, 2..) => format!("{hours} hours"),
        _ => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndedRun, Failure};

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hour * 3_600).unwrap()
    }

    fn runs(failure: Option<Failure>) -> SyncRuns {
        SyncRuns {
            known_since: at(0),
            last: Some(EndedRun { at: at(30), failure }),
            last_success_at: Some(at(4)),
            late_after: Some(SignedDuration::from_hours(26)),
            is_resting: false,
        }
    }

    #[test]
    fn a_failure_is_told_with_cause_owner_and_remedy() {
        let failure = Failure {
            code: "grant_missing".to_owned(),
            message: "the role R lacks SELECT ON TABLE T".to_owned(),
            remedy: Some("let the customer run: GRANT …;".to_owned()),
        };
        let change = Change {
            before: Condition::Well,
            after: Condition::Failing { code: "grant_missing".to_owned() },
        };
        let alert = Alert::of("acme", "deals", &change, &runs(Some(failure)), at(30));
        assert_eq!(
            alert.text(),
            "acme/deals is failing: grant_missing\n\
             the role R lacks SELECT ON TABLE T\n\
             its last success was 26 hours ago, at 2027-01-15T12:00:00Z\n\
             to do: let the customer run: GRANT …;\n\
             who acts: the customer; more: snowferry errors grant_missing"
        );
    }

    #[test]
    fn many_changes_are_counted_and_the_first_are_named() {
        let change = |after| Change { before: Condition::Well, after };
        let failing = Condition::Failing { code: "snowflake_unavailable".to_owned() };
        let mut changes: Vec<(String, Change)> =
            (0..30).map(|number| (format!("tenant-{number}/deals"), change(failing.clone()))).collect();
        changes.insert(1, ("acme/contacts".to_owned(), change(Condition::Late)));
        let alert = Alert::of_many(&changes);
        assert_eq!(alert.headline, "31 syncs have changed: 30 failing: snowflake_unavailable, 1 late");
        assert_eq!(alert.lines[1], "acme/contacts is late");
        assert_eq!((alert.lines.len(), alert.lines[20].as_str()), (22, "and 11 more"));
    }

    #[test]
    fn lateness_and_recovery_say_what_was_and_what_is() {
        let late = Change { before: Condition::Well, after: Condition::Late };
        let text = Alert::of("acme", "deals", &late, &runs(None), at(31)).text();
        assert!(
            text.contains("is late") && text.contains("27 hours ago") && text.contains("26 hours old"),
            "{text}"
        );
        let well = Change { before: Condition::Late, after: Condition::Well };
        let text = Alert::of("acme", "deals", &well, &runs(None), at(31)).text();
        assert!(text.contains("well again") && text.contains("it was late"), "{text}");
    }
}
