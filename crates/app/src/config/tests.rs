//! Claims about sync files: what a push says, which side decides the direction, and mistakes shown at their line.

use std::path::Path;
use std::time::Duration;

use connectors::snowflake::push::MisfitPolicy;
use model::{
    CatchUp, DeletePolicy, DeletesSpec, DriftPolicy, DriftSpec, NullCursor, Overlap, RangeCount, RangeSpec,
    ReadSpec, Result, StreamName, TableName, WriteSpec,
};

use super::SyncFile;

const SNOWFLAKE: &str = "{ snowflake: { account: acme-prod, user: SNOWFERRY, password: { env: SECRET } } }";
const DUCKDB: &str = "{ duckdb: { path: data } }";

fn parse(text: &str) -> Result<SyncFile> {
    SyncFile::parse(Path::new("acme/sync.yaml"), text)
}

/// The first three lines of every file here; what differs begins at line 4.
fn sync(source: &str, destination: &str, rest: &str) -> Result<SyncFile> {
    parse(&format!("tenant: acme\nsource: {source}\ndestination: {destination}\n{rest}"))
}

fn push(rest: &str) -> Result<SyncFile> {
    sync(DUCKDB, SNOWFLAKE, rest)
}

fn pull(rest: &str) -> Result<SyncFile> {
    sync(SNOWFLAKE, DUCKDB, rest)
}

#[test]
fn a_push_names_our_table_as_it_is_and_the_customers_with_their_folding() {
    let file = push(
        "stream: sales.Actions
target: analytics.vendor.\"actions\"
write: append
read:
  incremental: { cursor: updated_at }
  key: [action_id]
on_misfit: quarantine
create_table: true
expected_rows: 12
max_shrink_percent: 20
",
    )
    .unwrap();
    let spec = file.spec();
    assert_eq!(spec.stream, StreamName::Table(TableName::in_vendor_database("sales", "Actions")));
    assert_eq!(spec.target, TableName::in_snowflake("ANALYTICS", "VENDOR", "actions"));
    assert_eq!((&spec.write, spec.max_shrink_percent), (&WriteSpec::Append, 20));
    assert_eq!(spec.key, ["action_id"]);
    let options = file.push().unwrap();
    assert_eq!(options.on_misfit, MisfitPolicy::Quarantine);
    assert!(options.creates_table);
    assert_eq!(options.expected_row_count, Some(12));
}

#[test]
fn an_append_leaves_rows_without_a_cursor_out_and_an_upsert_repeats_them() {
    let rest = |write: &str| {
        format!(
            "stream: a.b\ntarget: A.B.C\nwrite: {write}\nread: {{ incremental: {{ cursor: at }}, key: [id] }}\n"
        )
    };
    for (write, expected) in [("append", NullCursor::Exclude), ("upsert", NullCursor::Include)] {
        let file = push(&rest(write)).unwrap();
        let read = ReadSpec::Incremental {
            cursor_column: "at".into(),
            lookback: Duration::ZERO,
            null_cursor: expected,
        };
        assert_eq!(file.spec().read, read, "{write}");
    }
}

#[test]
fn columns_of_a_push_are_a_list_or_a_map_to_the_customers_names() {
    let names = |columns: &str| -> Vec<(String, Option<String>)> {
        let file =
            push(&format!("stream: a.b\ntarget: A.B.C\nwrite: rewrite\ncolumns: {columns}\n")).unwrap();
        file.spec().columns.iter().map(|column| (column.source.clone(), column.target.clone())).collect()
    };
    assert_eq!(names("[id, Name]"), [("id".into(), None), ("Name".into(), None)]);
    assert_eq!(
        names("{ id: deal_id, name: '\"Name\"' }"),
        [("id".into(), Some("DEAL_ID".into())), ("name".into(), Some("Name".into()))]
    );
}

#[test]
fn an_upsert_may_have_a_delete_flag() {
    let file = push(
        "stream: a.b\ntarget: A.B.C\nread: { key: [id] }\nwrite: { upsert: { delete_flag: is_gone } }\n",
    );
    assert_eq!(file.unwrap().spec().write, WriteSpec::Upsert { delete_flag: Some("is_gone".into()) });
}

/// The place at which each mistake is shown, and words of its message and its remedy.
#[test]
fn a_mistake_is_shown_at_its_line_with_a_remedy() {
    let target = "stream: a.b\ntarget: A.B.C\n";
    let cursor = "read: { incremental: { cursor: at }, key: [id] }\n";
    let whole_table = format!("stream: CRM.SALES.DEALS\n{cursor}");
    let in_push = |rest: &str| push(&format!("{target}{rest}"));
    let in_pull = |rest: &str| pull(&format!("{whole_table}{rest}"));
    let cases = [
        (in_push(""), 3, "write_missing", "write: append"),
        (push("stream: a.b\nwrite: rewrite\n"), 4, "target_missing", "DATABASE.SCHEMA.TABLE"),
        (push("stream: b\ntarget: A.B.C\nwrite: rewrite\n"), 4, "sync_file_invalid", ""),
        (push("stream: a.b\ntarget: B.C\nwrite: rewrite\n"), 5, "sync_file_invalid", ""),
        (in_push("write: replace\n"), 6, "sync_file_invalid", ""),
        (in_push("write: { append: {} }\n"), 6, "sync_file_invalid", ""),
        (in_push("write: append\n"), 6, "append_whole", "write: rewrite"),
        (in_push(&format!("write: rewrite\n{cursor}")), 6, "rewrite_incremental", "write: upsert"),
        (in_push("write: upsert\n"), 6, "key_missing", "read.key"),
        (in_push("on_misfit: ignore\nwrite: rewrite\n"), 6, "sync_file_invalid", ""),
        (in_push("expected_rows: -1\nwrite: rewrite\n"), 6, "sync_file_invalid", ""),
        (in_push("max_shrink_percent: 101\nwrite: rewrite\n"), 6, "sync_file_invalid", ""),
        (in_push("columns: { a: X, b: x }\nwrite: rewrite\n"), 6, "sync_file_invalid", ""),
        (
            in_push("read: { full_refresh: { max_shrink_percent: 5 } }\nwrite: rewrite\n"),
            6,
            "field_misplaced",
            "move it there",
        ),
        (
            in_push("write: append\nread: { incremental: { cursor: at, lookback: 1h }, key: [id] }\n"),
            6,
            "append_lookback",
            "remove `lookback`",
        ),
        (
            in_push(
                "write: append\nread: { incremental: { cursor: at, null_cursor: include }, key: [id] }\n",
            ),
            6,
            "append_null_cursor",
            "exclude",
        ),
        (in_pull("write: append\n"), 6, "field_misplaced", "remove it"),
        (in_pull("on_misfit: quarantine\n"), 6, "field_misplaced", "remove it"),
        (pull("stream: SALES.DEALS\n"), 4, "sync_file_invalid", ""),
        (sync(SNOWFLAKE, SNOWFLAKE, target), 3, "direction_unknown", "a push from `duckdb` to `snowflake`"),
        (sync(DUCKDB, DUCKDB, target), 3, "direction_unknown", "a pull goes from `snowflake`"),
        (sync("{}", SNOWFLAKE, target), 2, "direction_unknown", "either"),
        (sync("{ postgres: {} }", SNOWFLAKE, target), 2, "sync_file_invalid", ""),
    ];
    for (number, (file, line, code, remedy)) in cases.into_iter().enumerate() {
        let error = file.map(|file| file.spec().clone()).unwrap_err();
        assert_eq!(error.code(), code, "case {number}: {error}");
        let place = format!("acme/sync.yaml:{line}:");
        assert!(error.message().starts_with(&place), "case {number} is not at {place} {error}");
        assert!(error.remedy().unwrap_or_default().contains(remedy), "case {number}: {:?}", error.remedy());
    }
}

#[test]
fn a_pull_says_what_becomes_of_changed_columns() {
    assert_eq!(pull("stream: crm.sales.deals\n").unwrap().spec().drift, DriftSpec::default());
    let paused = pull("stream: crm.sales.deals\ndrift: pause\n").unwrap();
    assert_eq!(paused.spec().drift, DriftSpec { policy: DriftPolicy::Pause, ..DriftSpec::default() });
    let each =
        pull("stream: crm.sales.deals\ndrift: { default: pause, columns: { noise: ignore } }\n").unwrap();
    assert_eq!(each.spec().drift.columns.get("NOISE"), Some(&DriftPolicy::Ignore));
    let error = pull("stream: crm.sales.deals\ndrift: follow\n").unwrap_err();
    assert!(
        error.message().contains("expected one of add, pause, ignore") && error.message().contains(":5"),
        "{error}"
    );
}

#[test]
fn a_pull_says_into_how_many_ranges_its_first_read_is_divided() {
    let ranges = |text: &str| pull(&format!("stream: CRM.SALES.DEALS\nread: {{ {text} }}\n"));
    for (text, spec) in [
        ("key: [ID]", RangeSpec::Auto),
        ("ranges: auto", RangeSpec::Auto),
        ("ranges: off", RangeSpec::Off),
        ("ranges: 8", RangeSpec::Count(RangeCount::new(8).unwrap())),
    ] {
        assert_eq!(ranges(text).unwrap().spec().ranges, spec, "{text}");
    }
    for (text, reason) in [("ranges: 65", "cannot be divided"), ("ranges: many", "a number from 1 to 64")] {
        let error = ranges(text).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains('5'), "{error}");
    }
    let refused = push("stream: s.t\ntarget: D.S.T\nwrite: rewrite\nread: { ranges: 8 }\n").unwrap_err();
    assert_eq!(refused.code(), "field_misplaced");
}

#[test]
fn a_pull_by_changes_says_what_becomes_of_deleted_rows() {
    let rest =
        "stream: A.B.C\nread: { changes: true, key: [id] }\ndeletes: { policy: mark, column: is_gone }\n";
    let file = pull(rest).unwrap();
    assert_eq!(file.spec().read, ReadSpec::Changes);
    let deletes = DeletesSpec { policy: DeletePolicy::Mark, column: Some("IS_GONE".to_owned()) };
    assert_eq!(file.spec().deletes, deletes);
    for (read, code) in [
        ("{ changes: true }", "key_missing"),
        ("{ changes: true, incremental: { cursor: AT }, key: [ID] }", "read_mode_twice"),
        ("{ changes: true, full_refresh: {}, key: [ID] }", "read_mode_twice"),
    ] {
        assert_eq!(pull(&format!("stream: A.B.C\nread: {read}\n")).unwrap_err().code(), code, "{read}");
    }
    let query = "stream: { name: q, query: SELECT 1 }\ntarget: a.b\nread: { changes: true, key: [ID] }\n";
    assert_eq!(pull(query).unwrap_err().code(), "changes_of_query");
    let push = push("stream: a.b\ntarget: A.B.C\nread: { changes: true, key: [id] }\nwrite: upsert\n");
    assert_eq!(push.unwrap_err().code(), "deletes_of_push");
}

#[test]
fn properties_are_merged_where_rows_have_a_key_and_are_no_property_each() {
    let spec = |rest: &str| pull(rest).unwrap().moved_spec();
    let dataset = "dataset: { objects: { type: deal, merge: shallow } }\n";
    let merged = spec(&format!("stream: A.B.C\nread: {{ key: [ID] }}\n{dataset}"));
    assert_eq!(merged.merged.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["properties"]);
    let replaced = spec("stream: A.B.C\nread: { key: [ID] }\ndataset: { objects: { type: deal } }\n");
    assert!(replaced.merged.is_empty() && replaced.stamps.len() < merged.stamps.len());
    let keyless = pull(&format!("stream: A.B.C\n{dataset}")).unwrap_err();
    assert_eq!(keyless.code(), "key_missing");
    assert!(keyless.message().starts_with("acme/sync.yaml:5"), "{keyless}");
    for dataset in ["{ metrics: { merge: shallow } }", "{ objects: { type: deal, merge: deep } }"] {
        let error = pull(&format!("stream: A.B.C\nread: {{ key: [ID] }}\ndataset: {dataset}\n")).unwrap_err();
        assert_eq!(error.code(), "sync_file_invalid", "{error}");
    }
}

#[test]
fn a_sync_says_when_it_is_run() {
    let pull = |schedule: &str| pull(&format!("stream: A.B.C\nschedule: {schedule}\n"));
    let file = pull(
        "{ cron: 0 2 * * *, zone: Europe/Berlin, jitter: 10m, overlap: wait, catch_up: { all: 3 }, exclude: [
  { days: [fri, sat], from: 22:00, to: 06:00 }, { first: 2026-12-24, last: 2026-12-26 }] }",
    );
    let file = file.unwrap();
    let spec = file.schedule().unwrap().spec();
    assert_eq!((spec.cron.as_str(), spec.zone.as_str()), ("0 2 * * *", "Europe/Berlin"));
    assert_eq!((spec.jitter_ms, spec.overlap), (Some(600_000), Some(Overlap::Wait)));
    assert_eq!((spec.catch_up, spec.exclude.len()), (CatchUp::All(3), 2));
    assert!(pull("{ cron: '@daily', zone: UTC, catch_up: none }").is_ok());
    let push = push("stream: a.b\ntarget: A.B.C\nwrite: rewrite\nschedule: { cron: 0 2 * * *, zone: UTC }\n");
    assert!(push.unwrap().schedule().is_some());
}

#[test]
fn a_mistake_in_a_schedule_is_shown_at_its_line() {
    for (line, code, schedule) in [
        (6, "schedule_cron", "  cron: 0 25 * * *\n  zone: UTC\n"),
        (6, "schedule_never_fires", "  cron: 0 0 31 2 *\n  zone: UTC\n"),
        (7, "schedule_zone", "  cron: 0 2 * * *\n  zone: Berlin\n"),
        (8, "schedule_jitter", "  cron: 0 * * * *\n  zone: UTC\n  jitter: 1h\n"),
        (9, "schedule_catch_up", "  cron: 0 * * * *\n  zone: UTC\n  overlap: skip\n  catch_up: { all: 2 }\n"),
        (9, "schedule_exclude", "  cron: 0 * * * *\n  zone: UTC\n  exclude:\n    - {}\n"),
        (
            9,
            "schedule_exclude",
            "  cron: 0 * * * *\n  zone: UTC\n  exclude:\n    - { from: 08:00, last: 2026-01-01 }\n",
        ),
        (6, "schedule_never_fires", "  cron: 0 * * * *\n  zone: UTC\n  exclude: [{ from: 00:00 }]\n"),
        (7, "sync_file_invalid", "  cron: 0 2 * * *\n  timezone: UTC\n"),
        (8, "sync_file_invalid", "  cron: 0 2 * * *\n  zone: UTC\n  catch_up: some\n"),
        (8, "sync_file_invalid", "  cron: 0 2 * * *\n  zone: UTC\n  exclude: [{ from: 25:00 }]\n"),
    ] {
        let error = pull(&format!("stream: A.B.C\nschedule:\n{schedule}")).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().starts_with(&format!("acme/sync.yaml:{line}")), "line {line}: {error}");
        assert!(error.remedy().is_some(), "{error}");
    }
}
