//! A table of the account under its writers, and what a sync promises of it.

use std::collections::{BTreeMap, BTreeSet};

use emulator::RunningEmulator;
use emulator::sql::{SessionStart, SqlRequest, SqlSession};

use super::random::Random;
use super::settings::Settings;

/// How long a run may take: what lies no further ahead than this may become the past during it.
const RUN_MAX_NANOSECONDS: i128 = 60_000_000_000;
/// Transactions that are open at a time.
const OPEN_MAX: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    id: i64,
    name: u32,
    at: Option<i128>,
}

/// A transaction that others do not see yet.
struct Open {
    session: SqlSession,
    rows: Vec<Row>,
}

pub(super) struct Table {
    name: String,
    settings: Settings,
    random: Random,
    clock: emulator::Clock,
    session: SqlSession,
    statements: u32,
    rows: Vec<Row>,
    open: Vec<Open>,
    /// Rows that are gone, whose keys may come back.
    gone: Vec<Row>,
    /// Every version of a row that somebody could see, as text.
    versions: BTreeSet<String>,
    /// Whether the account tracks changes at this moment.
    is_tracked: bool,
    /// Whether both sides were equal once, so that a run finds its way without tracked changes.
    pub(super) has_settled: bool,
    /// The highest watermark that the sync can have by now.
    watermark: Option<i128>,
    next_id: i64,
    next_name: u32,
    extra_columns: u32,
    /// What was done, for a failing seed.
    pub(super) log: Vec<String>,
}

impl Table {
    pub(super) fn new(emulator: &RunningEmulator, name: &str, settings: &Settings, random: Random) -> Self {
        let mut table = Self {
            name: format!("CRM.PUBLIC.{name}"),
            settings: settings.clone(),
            random,
            clock: emulator.clock().clone(),
            session: session(emulator),
            statements: 0,
            rows: Vec::new(),
            open: Vec::new(),
            gone: Vec::new(),
            versions: BTreeSet::new(),
            is_tracked: settings.is_by_changes,
            has_settled: false,
            watermark: None,
            next_id: 1,
            next_name: 1,
            extra_columns: 0,
            log: Vec::new(),
        };
        let create = table.create_sql("CREATE TABLE");
        table.run(&create);
        table
    }

    fn create_sql(&self, create: &str) -> String {
        let at = self.settings.cursor_type.sql();
        let tracking = if self.is_tracked { " CHANGE_TRACKING = TRUE" } else { "" };
        format!("{create} {} (ID NUMBER(18,0), NAME VARCHAR, AT {at}){tracking}", self.name)
    }

    /// The rows that the destination has to show, as text, in order.
    pub(super) fn expected(&self) -> Vec<String> {
        let shown = self.rows.iter().filter(|row| row.at.is_some() || self.settings.reads_nulls());
        let mut shown: Vec<String> = shown.map(|row| self.shown(row)).collect();
        shown.sort();
        shown
    }

    /// The keys of those rows, as text.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        self.rows.iter().map(|row| row.id.to_string()).collect()
    }

    /// Whether a row once looked like this.
    pub(super) fn was_once(&self, shown: &str) -> bool {
        self.versions.contains(shown)
    }

    /// The query that gives the same of the vendor's database.
    pub(super) fn vendor_sql(&self) -> String {
        let at = self.settings.cursor_type.vendor_sql("\"AT\"");
        format!(
            "SELECT concat_ws(' ', \"ID\", \"NAME\", coalesce({at}, 'NULL')) AS shown FROM crm.rows ORDER BY 1"
        )
    }

    fn shown(&self, row: &Row) -> String {
        let at = row.at.map_or_else(|| "NULL".to_owned(), |at| self.settings.cursor_type.shown(at));
        format!("{} n{} {at}", row.id, row.name)
    }

    /// The highest value that anybody can see.
    pub(super) fn highest(&self) -> Option<i128> {
        self.rows.iter().filter_map(|row| row.at).max()
    }

    /// Writes at random, as much as a sync promises to follow.
    pub(super) fn write(&mut self, emulator: &RunningEmulator, changes: u64) {
        self.note_versions();
        for _ in 0..self.random.below(changes + 1) {
            if self.settings.is_by_changes && self.open.is_empty() && self.random.chance(6) {
                self.break_history();
                continue;
            }
            match self.random.below(100) {
                0..50 => self.insert(),
                50..75 => self.change(),
                75..82 if self.open.len() < OPEN_MAX => self.begin(emulator),
                82..90 if !self.open.is_empty() => {
                    let place = self.random.index(self.open.len());
                    self.end(place);
                }
                90..94 if self.settings.names_columns && self.open.is_empty() => self.add_column(),
                _ => self.insert(),
            }
            self.note_versions();
        }
    }

    fn note_versions(&mut self) {
        let shown: Vec<String> = self.rows.iter().map(|row| self.shown(row)).collect();
        self.versions.extend(shown);
    }

    /// Does what ends a history of changes: tracking goes off and on, or the table is made anew.
    fn break_history(&mut self) {
        if !self.is_tracked {
            self.is_tracked = true;
            let sql = format!("ALTER TABLE {} SET CHANGE_TRACKING = TRUE", self.name);
            return self.run(&sql);
        }
        if self.random.chance(50) {
            return self.create_anew();
        }
        let off = format!("ALTER TABLE {} SET CHANGE_TRACKING = FALSE", self.name);
        self.run(&off);
        self.change();
        self.is_tracked = !self.has_settled || self.random.chance(50);
        if self.is_tracked {
            let on = format!("ALTER TABLE {} SET CHANGE_TRACKING = TRUE", self.name);
            self.run(&on);
        }
    }

    fn create_anew(&mut self) {
        let create = self.create_sql("CREATE OR REPLACE TABLE");
        self.run(&create);
        self.extra_columns = 0;
        let rows = std::mem::take(&mut self.rows);
        let (kept, gone): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|_| self.random.chance(70));
        self.gone.extend(gone);
        if !kept.is_empty() {
            let sql = self.insert_sql(&kept);
            self.run(&sql);
        }
        self.rows = kept;
    }

    /// Ends the transactions that would come too late for a sync that is about to run.
    pub(super) fn before_run(&mut self) {
        // Each of them may show values that make another one late.
        while let Some(place) = self.late() {
            self.end(place);
        }
        // Whatever is written while the run reads has to be found by the next one.
        self.watermark = self.watermark_during_run();
    }

    /// An open transaction whose rows would come too late for the next run.
    fn late(&self) -> Option<usize> {
        let floor = self.floor_of(self.watermark_during_run());
        self.open.iter().position(|open| open.rows.iter().any(|row| row.at < floor && row.at.is_some()))
    }

    /// The highest watermark that a run that begins now can get to.
    fn watermark_during_run(&self) -> Option<i128> {
        self.watermark.max(self.highest_by(self.now() + RUN_MAX_NANOSECONDS))
    }

    /// Takes into account that a run may have seen everything that there is.
    pub(super) fn after_run(&mut self) {
        self.watermark = self.watermark.max(self.highest_by(self.now()));
    }

    /// Ends every open transaction.
    pub(super) fn settle(&mut self) {
        while !self.open.is_empty() {
            self.end(0);
        }
    }

    fn now(&self) -> i128 {
        self.clock.now().as_nanosecond()
    }

    /// The highest visible value that is not beyond an instant.
    fn highest_by(&self, nanoseconds: i128) -> Option<i128> {
        let limit = self.settings.cursor_type.tick_at(nanoseconds).unwrap_or(i128::MAX);
        self.rows.iter().filter_map(|row| row.at).filter(|at| *at <= limit).max()
    }

    fn floor_of(&self, watermark: Option<i128>) -> Option<i128> {
        let ticks = self.settings.cursor_type.ticks_in(self.settings.lookback_seconds);
        watermark.filter(|_| self.settings.is_incremental).map(|watermark| watermark - ticks)
    }

    /// A cursor value that the next run has to find.
    fn moment(&mut self) -> i128 {
        let cursor_type = self.settings.cursor_type;
        let floor = self.floor_of(self.watermark);
        let watermark = self.watermark.or_else(|| self.highest()).unwrap_or_default();
        let step = cursor_type.step();
        let now = cursor_type.tick_at(self.now());
        let wanted = match (self.random.below(10), now) {
            (0..3, _) if self.watermark.is_some() => watermark,
            (3, _) if self.watermark.is_some() => watermark + step,
            (4, _) if floor.is_some() => floor.unwrap_or_default(),
            (5, Some(now)) => now + i128::from(self.random.below(1_000)) * step,
            (6, Some(now)) => now + cursor_type.ticks_in(3_600 * self.random.below(30)),
            (7, Some(now)) => now - i128::from(self.random.below(4)) * cursor_type.ticks_in(1),
            (_, Some(now)) => now,
            (_, None) => watermark + i128::from(self.random.below(4)),
        };
        let wanted = wanted.max(floor.unwrap_or(wanted));
        // The column keeps no more digits than it has, and below the floor nothing is promised.
        let cut = wanted.div_euclid(step) * step;
        if floor.is_some_and(|floor| cut < floor) { cut + step } else { cut }
    }

    fn value(&mut self) -> Option<i128> {
        if self.random.chance(15) { None } else { Some(self.moment()) }
    }

    fn new_row(&mut self) -> Row {
        if !self.settings.has_key && !self.rows.is_empty() && self.random.chance(20) {
            // The same once more, where it will be seen.
            let row = self.rows[self.random.index(self.rows.len())].clone();
            if self.is_covered(&row) {
                return row;
            }
        }
        if self.settings.has_key && !self.gone.is_empty() && self.random.chance(30) {
            let place = self.random.index(self.gone.len());
            let Row { id, .. } = self.gone.swap_remove(place);
            self.next_name += 1;
            return Row { id, name: self.next_name - 1, at: self.value() };
        }
        let row = Row { id: self.next_id, name: self.next_name, at: self.value() };
        self.next_id += 1;
        self.next_name += 1;
        row
    }

    fn insert(&mut self) {
        // One statement gives many rows one moment.
        let count = if self.random.chance(20) { 1 + self.random.below(6) } else { 1 };
        let first = self.new_row();
        let mut rows = vec![first];
        for _ in 1..count {
            let at = rows[0].at;
            rows.push(Row { id: self.next_id, name: self.next_name, at });
            self.next_id += 1;
            self.next_name += 1;
        }
        let sql = self.insert_sql(&rows);
        self.run(&sql);
        self.rows.extend(rows);
    }

    fn insert_sql(&mut self, rows: &[Row]) -> String {
        let values: Vec<String> = rows
            .iter()
            .map(|row| format!("SELECT {}, 'n{}', {}", row.id, row.name, self.literal(row.at)))
            .collect();
        format!("INSERT INTO {} (ID, NAME, AT) {}", self.name, values.join(" UNION ALL "))
    }

    fn literal(&mut self, at: Option<i128>) -> String {
        match at {
            Some(at) => self.settings.cursor_type.literal(at, &mut self.random),
            None => format!("NULL::{}", self.settings.cursor_type.sql()),
        }
    }

    /// Whether the next run reads the row again, as it is now.
    fn is_covered(&self, row: &Row) -> bool {
        match row.at {
            _ if !self.settings.is_incremental => true,
            None => self.settings.reads_nulls(),
            Some(at) => self.floor_of(self.watermark).is_none_or(|floor| at >= floor),
        }
    }

    /// Changes or removes a row, as far as the sync can see that.
    fn change(&mut self) {
        if self.rows.is_empty() {
            return self.insert();
        }
        let before = self.rows[self.random.index(self.rows.len())].clone();
        let is_seen = self.settings.has_key || self.is_covered(&before);
        let removes = self.random.chance(30);
        let can_be_removed =
            !self.settings.is_incremental || (!self.settings.has_key && self.is_covered(&before));
        if removes && can_be_removed {
            let same = self.same_sql(&before);
            self.run(&format!("DELETE FROM {} WHERE {same}", self.name));
            self.rows.retain(|row| *row != before);
            self.gone.push(before);
            return;
        }
        let at = self.value();
        // A row that is left out from now on would stay as it was.
        let is_left_out = at.is_none() && before.at.is_some() && !self.settings.reads_nulls();
        if !is_seen || (is_left_out && self.settings.has_key) {
            return self.insert();
        }
        // Another key is a row that is gone and one that is new.
        let moves = self.settings.has_key && can_be_removed && self.random.chance(20);
        let after = Row { id: if moves { self.next_id } else { before.id }, name: self.next_name, at };
        self.next_id += 1;
        self.next_name += 1;
        let (same, value) = (self.same_sql(&before), self.literal(at));
        let (id, name) = (after.id, after.name);
        self.run(&format!("UPDATE {} SET ID = {id}, NAME = 'n{name}', AT = {value} WHERE {same}", self.name));
        if moves {
            self.gone.push(before.clone());
        }
        for row in self.rows.iter_mut().filter(|row| **row == before) {
            *row = after.clone();
        }
    }

    fn same_sql(&mut self, row: &Row) -> String {
        let at = match row.at {
            Some(_) => format!("AT = {}", self.literal(row.at)),
            None => "AT IS NULL".to_owned(),
        };
        format!("ID = {} AND NAME = 'n{}' AND {at}", row.id, row.name)
    }

    fn begin(&mut self, emulator: &RunningEmulator) {
        let mut open = Open { session: session(emulator), rows: Vec::new() };
        execute(&mut open.session, "BEGIN");
        for _ in 0..=self.random.below(3) {
            let row = Row { id: self.next_id, name: self.next_name, at: self.value() };
            self.next_id += 1;
            self.next_name += 1;
            let sql = self.insert_sql(std::slice::from_ref(&row));
            self.log.push(format!("in a transaction: {sql}"));
            execute(&mut open.session, &sql);
            open.rows.push(row);
        }
        self.open.push(open);
    }

    fn end(&mut self, place: usize) {
        let mut open = self.open.remove(place);
        let is_kept = self.random.chance(85);
        let sql = if is_kept { "COMMIT" } else { "ROLLBACK" };
        self.log.push(format!("{sql} of {:?}", open.rows));
        execute(&mut open.session, sql);
        if is_kept {
            self.rows.append(&mut open.rows);
        }
    }

    fn add_column(&mut self) {
        self.extra_columns += 1;
        self.run(&format!("ALTER TABLE {} ADD COLUMN EXTRA_{} NUMBER(9,0)", self.name, self.extra_columns));
    }

    fn run(&mut self, sql: &str) {
        self.statements += 1;
        self.log.push(sql.to_owned());
        execute(&mut self.session, sql);
    }
}

fn session(emulator: &RunningEmulator) -> SqlSession {
    let start = SessionStart {
        session_id: 0,
        user: "WRITER".to_owned(),
        role: Some("ACCOUNTADMIN".to_owned()),
        warehouse: Some("WH".to_owned()),
        database: None,
        schema: None,
        parameters: BTreeMap::new(),
        validate_defaults: false,
        users: emulator.users().clone(),
        results: emulator.finished_results(),
    };
    emulator.database().session(&start).unwrap()
}

fn execute(session: &mut SqlSession, sql: &str) {
    let request = SqlRequest {
        query_id: "written".to_owned(),
        text: sql.to_owned(),
        bindings: BTreeMap::new(),
        parameters: BTreeMap::new(),
    };
    let executed = session.execute(&request);
    executed
        .and_then(|outcome| {
            let mut batches = outcome.rows.batches;
            batches.try_for_each(|batch| batch.map(drop))
        })
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}
