//! The decision about each column that is not as the last run found it.

use std::collections::HashMap;

use super::{Change, ColumnChange, DriftPolicy, Effect, KnownColumn, KnownColumns};
use crate::{Error, ErrorKind, LogicalType, PlannedColumn, Result, StreamKind, StreamSchema, StreamSpec};

/// What a run is to do about its stream's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::plan) struct Drift {
    pub(in crate::plan) changes: Vec<ColumnChange>,
    /// What the destination is to know after this run.
    pub(in crate::plan) known: KnownColumns,
}

impl Drift {
    /// Compares the planned columns with those of the last run, and takes out those that are not to be moved.
    pub(in crate::plan) fn of(
        spec: &StreamSpec,
        schema: &StreamSchema,
        planned: &mut Vec<PlannedColumn>,
        known: Option<&KnownColumns>,
    ) -> Result<Self> {
        let in_order = schema.kind == StreamKind::Table && spec.columns.is_empty();
        let Some(known) = known else {
            return Ok(Self { changes: Vec::new(), known: all_of(planned, in_order) });
        };
        let mut drift = Self {
            changes: Vec::new(),
            known: KnownColumns { in_order, kept: known.kept.clone(), ..KnownColumns::default() },
        };
        let replaced = if in_order && known.in_order { replaced(planned, known) } else { Vec::new() };
        planned.retain(|column| drift.follow(spec, column, known, &replaced));
        drift.note_gone(planned, known);
        drift.refuse_paused(spec)?;
        Ok(drift)
    }

    /// Whether the stream has to be read as a whole.
    pub(in crate::plan) fn is_read_anew(&self) -> bool {
        self.changes.iter().any(|change| change.effect == Effect::ReadAnew)
    }

    /// After a whole read the target has the planned columns and no others.
    pub(in crate::plan) fn start_anew(&mut self, planned: &[PlannedColumn]) {
        for change in self.changes.iter_mut().filter(|change| change.effect != Effect::Ignored) {
            change.effect = Effect::ReadAnew;
        }
        let ignored = std::mem::take(&mut self.known.ignored);
        self.known = KnownColumns { ignored, ..all_of(planned, self.known.in_order) };
    }

    /// Decides about one column; answers whether it is moved.
    fn follow(
        &mut self,
        spec: &StreamSpec,
        column: &PlannedColumn,
        known: &KnownColumns,
        replaced: &[String],
    ) -> bool {
        let policy = policy_of(spec, &column.source);
        let Some(before) = known.columns.iter().find(|before| before.source == column.source) else {
            return self.follow_new(spec, column, known, policy);
        };
        let change = match replaced.contains(&column.source) {
            true => Some(Change::Replaced),
            false => type_change(&before.logical_type, &column.logical_type),
        };
        let (change, effect) = match change {
            None if before.target == column.target => {
                self.known.columns.push(before.clone());
                return true;
            }
            None => (Change::New, Effect::ReadAnew),
            Some(change) => {
                let effect = match change {
                    Change::Widened { .. } => Effect::Widened,
                    Change::Narrowed { .. } => Effect::Unchanged,
                    _ if policy == DriftPolicy::Ignore => Effect::Ignored,
                    _ => Effect::ReadAnew,
                };
                (change, effect)
            }
        };
        self.changes.push(ColumnChange { column: column.source.clone(), change, effect });
        match effect {
            Effect::Ignored => {
                self.known.ignored.push(column.source.clone());
                self.known.kept.push(before.target.clone());
                false
            }
            Effect::Unchanged => {
                self.known.columns.push(before.clone());
                true
            }
            _ => {
                self.known.columns.push(known_column(column));
                true
            }
        }
    }

    fn follow_new(
        &mut self,
        spec: &StreamSpec,
        column: &PlannedColumn,
        known: &KnownColumns,
        policy: DriftPolicy,
    ) -> bool {
        let is_named = spec.columns.iter().any(|chosen| chosen.source == column.source);
        if policy == DriftPolicy::Ignore && !is_named {
            self.known.ignored.push(column.source.clone());
            if !known.ignored.contains(&column.source) {
                self.changes.push(ColumnChange {
                    column: column.source.clone(),
                    change: Change::New,
                    effect: Effect::Ignored,
                });
            }
            return false;
        }
        // What the target holds under this name belongs to an earlier column; without a key, old rows cannot be found.
        let is_taken = known.kept.contains(&column.target)
            || known.columns.iter().any(|before| before.target == column.target);
        let effect = if is_taken || spec.key.is_empty() { Effect::ReadAnew } else { Effect::Added };
        self.changes.push(ColumnChange { column: column.source.clone(), change: Change::New, effect });
        self.known.columns.push(known_column(column));
        true
    }

    fn note_gone(&mut self, planned: &[PlannedColumn], known: &KnownColumns) {
        for before in &known.columns {
            let is_there = planned.iter().any(|column| column.source == before.source)
                || self.known.ignored.contains(&before.source);
            if !is_there {
                self.known.kept.push(before.target.clone());
                self.changes.push(ColumnChange {
                    column: before.source.clone(),
                    change: Change::Gone,
                    effect: Effect::Kept,
                });
            }
        }
    }

    /// A sync that lists its columns has asked for those that are new in the list.
    fn refuse_paused(&self, spec: &StreamSpec) -> Result<()> {
        let is_asked_for = |change: &ColumnChange| {
            let is_named = spec.columns.iter().any(|chosen| chosen.source == change.column);
            match change.change {
                Change::New => is_named,
                Change::Gone => !spec.columns.is_empty() && !is_named,
                _ => false,
            }
        };
        let paused: Vec<String> = self
            .changes
            .iter()
            .filter(|change| policy_of(spec, &change.column) == DriftPolicy::Pause && !is_asked_for(change))
            .map(|change| format!("{} {}", change.column, change.change))
            .collect();
        if paused.is_empty() {
            return Ok(());
        }
        let message = format!("the columns of {} changed: {}", spec.stream, paused.join(", "));
        Err(Error::new(ErrorKind::SchemaChanged, "columns_changed", message).with_remedy(
            "say under `drift` what is to become of them: `add` follows the stream, `ignore` leaves them out",
        ))
    }
}

fn policy_of(spec: &StreamSpec, column: &str) -> DriftPolicy {
    spec.drift.columns.get(column).copied().unwrap_or(spec.drift.policy)
}

fn all_of(planned: &[PlannedColumn], in_order: bool) -> KnownColumns {
    KnownColumns { columns: planned.iter().map(known_column).collect(), in_order, ..KnownColumns::default() }
}

fn known_column(column: &PlannedColumn) -> KnownColumn {
    KnownColumn {
        source: column.source.clone(),
        target: column.target.clone(),
        logical_type: column.logical_type.clone(),
    }
}

/// Columns that were dropped and made again. A table gets columns at its end alone: one that stands behind another which it
/// stood before, or further from the first than it did, is not the one that the last run found.
fn replaced(planned: &[PlannedColumn], known: &KnownColumns) -> Vec<String> {
    let places: HashMap<&str, usize> =
        known.columns.iter().enumerate().map(|(place, before)| (before.source.as_str(), place)).collect();
    let was_followed = |column: &&PlannedColumn| !known.ignored.contains(&column.source);
    let mut replaced = Vec::new();
    let mut furthest = 0;
    for (place, column) in planned.iter().filter(was_followed).enumerate() {
        let Some(&before) = places.get(column.source.as_str()) else { continue };
        if before < furthest || before < place {
            replaced.push(column.source.clone());
        }
        furthest = furthest.max(before);
    }
    replaced
}

/// How a column's type changed, unless one representation holds both.
fn type_change(from: &LogicalType, to: &LogicalType) -> Option<Change> {
    let is_alike =
        std::mem::discriminant(from) == std::mem::discriminant(to) && from.arrow_type() == to.arrow_type();
    if is_alike {
        return None;
    }
    let (from, to) = (from.clone(), to.clone());
    Some(if holds(&to, &from) {
        Change::Widened { from, to }
    } else if holds(&from, &to) {
        Change::Narrowed { from, to }
    } else {
        Change::Retyped { from, to }
    })
}

/// Decimal digits of the largest whole number of 64 bits.
const INT64_DIGITS: i16 = 19;

/// Whether every value of `narrow` is one of `wide`, exactly.
fn holds(wide: &LogicalType, narrow: &LogicalType) -> bool {
    let LogicalType::Decimal { precision, scale } = *wide else { return false };
    let whole_digits = i16::from(precision) - i16::from(scale);
    match *narrow {
        LogicalType::Int64 => scale >= 0 && whole_digits >= INT64_DIGITS,
        LogicalType::Decimal { precision: narrow_precision, scale: narrow_scale } => {
            scale >= narrow_scale && whole_digits >= i16::from(narrow_precision) - i16::from(narrow_scale)
        }
        _ => false,
    }
}
