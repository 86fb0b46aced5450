//! Which column of the table a planned column fills.

use super::TargetColumn;

/// The table's column with exactly this name, or the only one whose name differs in case alone.
pub(super) fn match_name(name: &str, targets: &[TargetColumn]) -> NameMatch {
    if let Some(index) = targets.iter().position(|target| target.name == name) {
        return NameMatch::Found(index);
    }
    let folded = name.to_lowercase();
    let mut alike = targets.iter().enumerate().filter(|(_, target)| target.name.to_lowercase() == folded);
    match (alike.next(), alike.next()) {
        (None, _) => NameMatch::Missing,
        (Some((index, _)), None) => NameMatch::Found(index),
        (Some((_, first)), Some((_, second))) => {
            NameMatch::Ambiguous(first.name.clone(), second.name.clone())
        }
    }
}

pub(super) enum NameMatch {
    Found(usize),
    Missing,
    /// Two columns whose names differ in case alone.
    Ambiguous(String, String),
}
