//! Random changes against a model that keeps every state: what AT and CHANGES give must be what the model remembers.

use std::collections::BTreeMap;

use super::super::two;
use super::Session;

/// Random histories per run, and changes in each.
const SEEDS: u64 = 16;
const STEPS: usize = 40;
/// Rows have few different keys, so that statements meet rows that others have changed.
const KEYS: u64 = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    id: u64,
    value: u64,
    /// Which change wrote it.
    written_by: u64,
}

/// The rows by numbers of the model's own.
type Rows = BTreeMap<u64, Version>;

/// What was there at a time, and how many inserts had been committed.
struct Remembered {
    time: String,
    rows: Rows,
    inserted: usize,
}

#[derive(Default)]
struct Model {
    committed: Rows,
    /// Every committed insert with its values at its commit.
    inserts: Vec<(u64, u64)>,
    states: Vec<Remembered>,
    next_row: u64,
    next_change: u64,
}

/// One session's view while it changes rows: what it saw first, and what it sees now.
struct Change {
    seen: Rows,
    rows: Rows,
    number: u64,
    /// A transaction sees what others commit until it writes.
    has_written: bool,
}

struct Random(u64);

impl Random {
    /// A number below `bound`: splitmix64, which any seed will do for.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

impl Model {
    fn begin(&mut self) -> Change {
        self.next_change += 1;
        Change {
            seen: self.committed.clone(),
            rows: self.committed.clone(),
            number: self.next_change,
            has_written: false,
        }
    }

    fn insert(&mut self, change: &mut Change, id: u64, value: u64) {
        self.next_row += 1;
        change.rows.insert(self.next_row, Version { id, value, written_by: change.number });
    }

    /// Puts what a change did over what others have committed since it began.
    fn commit(&mut self, change: &Change) {
        for row in change.seen.keys().filter(|row| !change.rows.contains_key(row)) {
            self.committed.remove(row);
        }
        for (row, version) in change.rows.iter().filter(|(_, version)| version.written_by == change.number) {
            if !change.seen.contains_key(row) {
                self.inserts.push((version.id, version.value));
            }
            self.committed.insert(*row, *version);
        }
    }

    fn remember(&mut self, time: String) {
        let inserted = self.inserts.len();
        self.states.push(Remembered { time, rows: self.committed.clone(), inserted });
    }
}

/// Runs a random change in a session and in the model.
fn change(random: &mut Random, session: &mut Session, model: &mut Model, change: &mut Change) {
    let (id, value) = (random.below(KEYS), random.below(1000));
    let written_by = change.number;
    match random.below(8) {
        0..=2 => {
            let rows: Vec<(u64, u64)> =
                (0..=random.below(3)).map(|more| ((id + more) % KEYS, value)).collect();
            let list: Vec<String> = rows.iter().map(|(id, value)| format!("({id}, {value})")).collect();
            session.ok(&format!("INSERT INTO T VALUES {}", list.join(", ")));
            rows.into_iter().for_each(|(id, value)| model.insert(change, id, value));
        }
        3 => {
            session.ok(&format!("UPDATE T SET V = V + {value} WHERE ID >= {id}"));
            for version in change.rows.values_mut().filter(|version| version.id >= id) {
                *version = Version { value: version.value + value, written_by, ..*version };
            }
        }
        4 => {
            session.ok(&format!(
                "UPDATE T SET V = S.V FROM (SELECT {id} AS ID, {value} AS V) S WHERE T.ID = S.ID"
            ));
            for version in change.rows.values_mut().filter(|version| version.id == id) {
                *version = Version { value, written_by, ..*version };
            }
        }
        5 => {
            session.ok(&format!("DELETE FROM T WHERE ID = {id}"));
            change.rows.retain(|_, version| version.id != id);
        }
        6 => merge(session, model, change, id, value),
        _ => {
            session.ok(&format!("INSERT OVERWRITE INTO T SELECT ID, V + 1 FROM T WHERE ID < {id}"));
            let kept: Vec<Version> = change.rows.values().copied().filter(|row| row.id < id).collect();
            change.rows.clear();
            kept.into_iter().for_each(|row| model.insert(change, row.id, row.value + 1));
        }
    }
}

/// Deletes where the key is there with a small value, updates where with a large one, inserts where it is not there.
fn merge(session: &mut Session, model: &mut Model, change: &mut Change, id: u64, value: u64) {
    session.ok(&format!(
        "MERGE INTO T USING (SELECT {id} AS ID, {value} AS V) S ON T.ID = S.ID WHEN MATCHED AND T.V < S.V THEN DELETE \
         WHEN MATCHED THEN UPDATE SET V = S.V WHEN NOT MATCHED THEN INSERT (ID, V) VALUES (S.ID, S.V)"
    ));
    let is_matched = change.rows.values().any(|row| row.id == id);
    change.rows.retain(|_, row| row.id != id || row.value >= value);
    for version in change.rows.values_mut().filter(|row| row.id == id) {
        *version = Version { value, written_by: change.number, ..*version };
    }
    if !is_matched {
        model.insert(change, id, value);
    }
}

/// Makes a history in which the first session's transactions stay open while the second one inserts.
fn history(seed: u64) -> (Session, Model) {
    let mut random = Random(seed);
    let (mut first, mut second) = two();
    first.ok("CREATE TABLE T (ID INT, V INT) CHANGE_TRACKING = TRUE");
    let mut model = Model::default();
    model.remember(second.now());
    let mut open: Option<Change> = None;
    for _ in 0..STEPS {
        match (random.below(6), open.take()) {
            (0, None) => {
                first.ok("BEGIN");
                open = Some(model.begin());
            }
            (0 | 1, Some(done)) => {
                first.ok("COMMIT");
                model.commit(&done);
            }
            (2, Some(_)) => first.ok("ROLLBACK"),
            (3, Some(still)) => {
                let id = random.below(KEYS);
                second.ok(&format!("INSERT INTO T VALUES ({id}, 7)"));
                let mut autocommitted = model.begin();
                model.insert(&mut autocommitted, id, 7);
                model.commit(&autocommitted);
                open = Some(if still.has_written { still } else { model.begin() });
            }
            (_, Some(mut still)) => {
                change(&mut random, &mut first, &mut model, &mut still);
                still.has_written = true;
                open = Some(still);
            }
            (_, None) => {
                let mut autocommitted = model.begin();
                change(&mut random, &mut first, &mut model, &mut autocommitted);
                model.commit(&autocommitted);
            }
        }
        model.remember(second.now());
    }
    (second, model)
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

/// What became of each row between two states.
fn delta(from: &Rows, to: &Rows) -> Vec<String> {
    let mut found = Vec::new();
    let keys: std::collections::BTreeSet<&u64> = from.keys().chain(to.keys()).collect();
    for (old, new) in keys.into_iter().map(|key| (from.get(key), to.get(key))) {
        if old.map(|row| row.written_by) == new.map(|row| row.written_by) {
            continue;
        }
        let is_update = old.is_some() && new.is_some();
        found.extend(old.map(|row| format!("{}|{}|DELETE|{is_update}", row.id, row.value)));
        found.extend(new.map(|row| format!("{}|{}|INSERT|{is_update}", row.id, row.value)));
    }
    sorted(found)
}

fn check(seed: u64) {
    let (mut session, model) = history(seed);
    for state in &model.states {
        let found = session.rows(&format!("SELECT ID, V FROM T AT(TIMESTAMP => {})", state.time));
        let remembered = state.rows.values().map(|row| format!("{}|{}", row.id, row.value)).collect();
        assert_eq!(sorted(found), sorted(remembered), "seed {seed}, at {}", state.time);
    }
    let mut random = Random(seed ^ 0xffff);
    for _ in 0..STEPS {
        let count = model.states.len() as u64;
        let first = random.below(count);
        let (from, to) =
            (&model.states[first as usize], &model.states[(first + random.below(count - first)) as usize]);
        let changes = |information: &str| {
            format!(
                "SELECT ID, V, METADATA$ACTION, METADATA$ISUPDATE FROM T CHANGES(INFORMATION => {information}) \
                 AT(TIMESTAMP => {}) END(TIMESTAMP => {})",
                from.time, to.time
            )
        };
        let found = sorted(session.rows(&changes("DEFAULT")));
        assert_eq!(found, delta(&from.rows, &to.rows), "seed {seed}, from {} to {}", from.time, to.time);
        let appended = &model.inserts[from.inserted..to.inserted];
        let appended = appended.iter().map(|(id, value)| format!("{id}|{value}|INSERT|false")).collect();
        let found = sorted(session.rows(&changes("APPEND_ONLY")));
        assert_eq!(found, sorted(appended), "seed {seed}, appended from {} to {}", from.time, to.time);
    }
}

#[test]
fn every_state_and_every_difference_is_what_a_model_remembers() {
    for seed in 0..SEEDS {
        check(seed);
    }
}
