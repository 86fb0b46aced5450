//! The guards, as pure decisions: each says what it saw and how it is overridden.

use model::{Error, ErrorKind, Publish, Result, TableName};

use super::intent::KnownTarget;
use super::settings::{Guard, PushSettings};
use super::target::{Target, TargetKind};

/// Refuses what is not a table.
pub(super) fn kind(settings: &PushSettings, name: &TableName, kind: TargetKind) -> Result<()> {
    if kind == TargetKind::Table {
        return Ok(());
    }
    let saw = || format!("{name} is {}, which is not written to like a table", kind.described());
    stop(settings, Guard::TargetKind, ErrorKind::Config, saw)
}

/// Refuses a table that is not the one of last time.
pub(super) fn recreated(settings: &PushSettings, target: &Target, known: Option<&KnownTarget>) -> Result<()> {
    let Some(known) = known.filter(|known| known.created_on != target.created_on) else { return Ok(()) };
    let saw = || {
        format!(
            "{} was made on {}, and the table that was delivered into last time on {}",
            target.name, target.created_on, known.created_on
        )
    };
    stop(settings, Guard::TargetRecreated, ErrorKind::SchemaChanged, saw)
}

/// Refuses to leave a column unfilled that was filled last time.
pub(super) fn columns(
    settings: &PushSettings,
    target: &TableName,
    known: Option<&KnownTarget>,
    filled: &[&str],
) -> Result<()> {
    let known = known.map(|known| known.columns.as_slice()).unwrap_or_default();
    let gone: Vec<&str> =
        known.iter().map(String::as_str).filter(|column| !filled.contains(column)).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let saw = || format!("{} of {target} was filled last time and would not be now", gone.join(", "));
    stop(settings, Guard::MissingColumns, ErrorKind::SchemaChanged, saw)
}

/// Refuses numbers of rows that the sync did not expect. `before` is what the target holds, where that is known.
pub(super) fn row_counts(
    settings: &PushSettings,
    target: &TableName,
    publish: &Publish,
    before: Option<u64>,
    sent: u64,
) -> Result<()> {
    if let Some(expected) = settings.expected_row_count.filter(|expected| *expected != sent) {
        let saw = || format!("{sent} rows would be sent to {target}, and {expected} are expected");
        stop(settings, Guard::ExpectedRows, ErrorKind::Data, saw)?;
    }
    let (Publish::Replace { max_shrink_percent, .. }, Some(before @ 1..)) = (publish, before) else {
        return Ok(());
    };
    if sent == 0 {
        let saw = || format!("there are no rows to send, and {target} would lose its {before} rows");
        return stop(settings, Guard::EmptySource, ErrorKind::Data, saw);
    }
    let lost = before.saturating_sub(sent);
    if u128::from(lost) * 100 <= u128::from(before) * u128::from(*max_shrink_percent) {
        return Ok(());
    }
    let saw =
        || format!("{target} would shrink from {before} to {sent} rows, more than {max_shrink_percent}%");
    stop(settings, Guard::MaxShrink, ErrorKind::Data, saw)
}

fn stop(settings: &PushSettings, guard: Guard, kind: ErrorKind, saw: impl FnOnce() -> String) -> Result<()> {
    if settings.overrides.contains(&guard) {
        tracing::warn!(guard = guard.name(), "a guard is overridden: {}", saw());
        return Ok(());
    }
    Err(Error::new(kind, guard.name(), saw())
        .with_remedy(format!("if that is right, override the guard {guard} for one run")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> TableName {
        TableName::in_snowflake("D", "S", "T")
    }

    fn rewrite() -> Publish {
        Publish::Replace { key: vec![], max_shrink_percent: 50 }
    }

    fn settings(overrides: &[Guard]) -> PushSettings {
        PushSettings { overrides: overrides.to_vec(), ..PushSettings::default() }
    }

    #[test]
    fn each_guard_stops_and_is_overridden_by_its_own_name_only() {
        let known = KnownTarget { created_on: "then".into(), columns: vec!["A".into(), "B".into()] };
        let target = Target { created_on: "now".into(), ..Target::made_of(name(), Vec::new()) };
        let check = |settings: &PushSettings, guard: Guard| match guard {
            Guard::TargetKind => kind(settings, &name(), TargetKind::View),
            Guard::TargetRecreated => recreated(settings, &target, Some(&known)),
            Guard::MissingColumns => columns(settings, &name(), Some(&known), &["A"]),
            Guard::EmptySource => row_counts(settings, &name(), &rewrite(), Some(3), 0),
            Guard::MaxShrink => row_counts(settings, &name(), &rewrite(), Some(10), 4),
            Guard::ExpectedRows => {
                let settings = PushSettings { expected_row_count: Some(5), ..settings.clone() };
                row_counts(&settings, &name(), &rewrite(), Some(10), 6)
            }
        };
        for guard in Guard::ALL {
            let error = check(&settings(&[]), guard).unwrap_err();
            assert_eq!(error.code(), guard.name());
            assert!(error.remedy().unwrap().contains(guard.name()));
            let others: Vec<Guard> = Guard::ALL.into_iter().filter(|other| *other != guard).collect();
            assert!(check(&settings(&others), guard).is_err(), "{guard}");
            assert!(check(&settings(&[guard]), guard).is_ok(), "{guard}");
        }
    }

    #[test]
    fn only_a_rewrite_can_shrink_a_table() {
        let append = Publish::Append { key: vec![] };
        assert!(row_counts(&settings(&[]), &name(), &append, Some(10), 0).is_ok());
        assert!(row_counts(&settings(&[]), &name(), &rewrite(), Some(10), 5).is_ok());
        assert!(row_counts(&settings(&[]), &name(), &rewrite(), Some(0), 0).is_ok());
    }
}
