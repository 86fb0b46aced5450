//! How long tables keep their history: what tables, schemas and databases say, and what holds in the end.

use super::catalog::{Catalog, TableEntry, TableKind};
use super::error::compilation;
use crate::outcome::SqlError;

/// The account's own, as in an account that nobody has changed.
const ACCOUNT_DAYS: u32 = 1;
const PERMANENT_DAYS_MAX: u32 = 90;
const TRANSIENT_DAYS_MAX: u32 = 1;
const DAY_NS: i64 = 86_400 * 1_000_000_000;
/// The parameter's name.
pub(crate) const PARAMETER: &str = "DATA_RETENTION_TIME_IN_DAYS";

/// A number of days as a statement gives it.
pub(crate) fn parse(text: &str, is_permanent: bool) -> Result<u32, SqlError> {
    let days_max = if is_permanent { PERMANENT_DAYS_MAX } else { TRANSIENT_DAYS_MAX };
    let days = text.parse().ok().filter(|days| *days <= days_max);
    days.ok_or_else(|| {
        compilation("001008", "22023", &format!("invalid value [{text}] for parameter '{PARAMETER}'"))
    })
}

impl Catalog {
    /// The days that a table keeps its history.
    pub(crate) fn retention_days(&self, path: &[String; 3], entry: &TableEntry) -> u32 {
        let schema = self.schema_retention_days(&path[0], &path[1]);
        let days = entry.retention_days.unwrap_or(schema);
        if entry.kind == TableKind::Permanent { days } else { days.min(TRANSIENT_DAYS_MAX) }
    }

    pub(crate) fn schema_retention_days(&self, database: &str, schema: &str) -> u32 {
        let entry = self.schema(database, schema).ok();
        entry
            .and_then(|schema| schema.retention_days)
            .unwrap_or_else(|| self.database_retention_days(database))
    }

    pub(crate) fn database_retention_days(&self, database: &str) -> u32 {
        let entry = self.databases.get(database);
        entry.and_then(|database| database.retention_days).unwrap_or(ACCOUNT_DAYS)
    }

    /// The first instant at which a table can still be read.
    pub(crate) fn kept_since(&self, path: &[String; 3], entry: &TableEntry, now: i64) -> i64 {
        let kept = now - i64::from(self.retention_days(path, entry)) * DAY_NS;
        kept.max(entry.history_from).max(entry.created_on + 1)
    }

    /// Makes a change that may be one of retention: where history is kept for longer from now on, what is gone already
    /// stays gone.
    pub(crate) fn retaining(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let before = self.paths();
        change(self)?;
        let now = self.now;
        for (path, kept_days) in before {
            let Ok(entry) = self.table_mut(&path).cloned() else { continue };
            if self.retention_days(&path, &entry) != kept_days {
                let entry = self.table_mut(&path)?;
                entry.history_from = entry.history_from.max(now - i64::from(kept_days) * DAY_NS);
            }
        }
        Ok(())
    }

    /// Every table that has a name, with the days that it keeps its history.
    fn paths(&self) -> Vec<([String; 3], u32)> {
        let mut found = Vec::new();
        for (database, entry) in &self.databases {
            for (schema, entry) in &entry.schemas {
                for (name, entry) in &entry.tables {
                    let path = [database.clone(), schema.clone(), name.clone()];
                    let days = self.retention_days(&path, entry);
                    found.push((path, days));
                }
            }
        }
        found
    }

    /// Every table that has a name, with the first instant that it keeps.
    pub(crate) fn horizons(&self, now: i64) -> Vec<(u64, i64)> {
        let horizon = |(path, _): ([String; 3], u32)| {
            let entry = self.databases.get(&path[0])?.schemas.get(&path[1])?.tables.get(&path[2])?;
            Some((entry.id, self.kept_since(&path, entry, now)))
        };
        self.paths().into_iter().filter_map(horizon).collect()
    }

    /// Notes when tables were changed, as `changed_at` tells for some of them.
    pub(crate) fn touch(&mut self, changed_at: impl Fn(u64) -> Option<i64>) {
        let schemas = self.databases.values_mut().flat_map(|database| database.schemas.values_mut());
        for table in schemas.flat_map(|schema| schema.tables.values_mut()) {
            if let Some(at) = changed_at(table.id) {
                table.last_altered = table.last_altered.max(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_transient_table_keeps_a_day_at_most() {
        assert_eq!(parse("90", true).unwrap(), 90);
        assert_eq!(parse("1", false).unwrap(), 1);
        assert_eq!(parse("2", false).unwrap_err().code, "001008");
        assert_eq!(parse("91", true).unwrap_err().code, "001008");
    }
}
