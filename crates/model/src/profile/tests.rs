//! Profiles that are labelled with what is to be advised and refused.

use std::time::Duration;

use super::*;
use crate::{
    ErrorKind, LogicalType, NullCursor, ReadSpec, StreamKind, StreamSchema, StreamSpec, TableName, WriteSpec,
};

const NTZ: LogicalType = LogicalType::Timestamp { scale: 9, is_wide: false };
const UTC: LogicalType = LogicalType::TimestampUtc { scale: 9, is_wide: false };

fn stream() -> StreamName {
    StreamName::Table(TableName::in_snowflake("CRM", "SALES", "DEALS"))
}

fn column(name: &str, logical_type: LogicalType) -> Column {
    Column { name: name.to_owned(), source_type: logical_type.to_string(), logical_type, is_nullable: true }
}

/// A good column of two thousand different values, the newest a minute old.
fn good(name: &str, logical_type: LogicalType) -> ColumnProfile {
    let is_time = logical_type.is_time();
    let is_text = logical_type == LogicalType::Text;
    ColumnProfile {
        row_count: 2_000,
        null_count: 0,
        distinct_count: 2_000,
        largest_tie: 1,
        newest_tie: 1,
        future_count: 0,
        newest: is_time.then(|| "2026-11-22 07:00:00.000000000".to_owned()),
        newest_age_seconds: is_time.then_some(60),
        precision: is_time.then_some(TimePrecision::Finer),
        lengths: is_text.then_some((26, 26)),
        column: column(name, logical_type),
    }
}

fn profile(columns: Vec<ColumnProfile>) -> Profile {
    Profile {
        stream: stream(),
        extent: Extent::Whole,
        columns,
        key: None,
        tracks_changes: Some(false),
        cost: AuditCost::default(),
    }
}

fn following(cursor: &str, null_cursor: NullCursor) -> StreamSpec {
    let read = ReadSpec::Incremental { cursor_column: cursor.into(), lookback: Duration::ZERO, null_cursor };
    StreamSpec { read, ..StreamSpec::new(stream(), TableName::in_vendor_database("sales", "deals")) }
}

/// The code of the refusal, if any.
fn refused(cursor: ColumnProfile, null_cursor: NullCursor) -> Option<&'static str> {
    let spec = following(&cursor.column.name, null_cursor);
    profile(vec![cursor]).refuse_unsafe(&spec).err().map(|error| error.code())
}

#[test]
fn a_good_cursor_of_every_type_is_taken() {
    let decimal = LogicalType::Decimal { precision: 38, scale: 0 };
    for logical_type in [NTZ, UTC, LogicalType::Date, LogicalType::Int64, decimal, LogicalType::Text] {
        assert_eq!(refused(good("C", logical_type.clone()), NullCursor::Exclude), None, "{logical_type}");
    }
}

#[test]
fn a_date_and_a_coarse_time_are_taken_without_a_lookback() {
    let day = ColumnProfile {
        precision: Some(TimePrecision::Days),
        distinct_count: 30,
        largest_tie: 400,
        newest_tie: 70,
        ..good("DAY", LogicalType::Date)
    };
    assert_eq!(refused(day, NullCursor::Include), None);
}

#[test]
fn nulls_are_refused_where_they_are_left_out_and_are_many() {
    let with = |null_count| ColumnProfile { null_count, ..good("AT", NTZ) };
    assert_eq!(refused(with(201), NullCursor::Exclude), Some("cursor_unsafe"));
    assert_eq!(refused(with(200), NullCursor::Exclude), None);
    assert_eq!(refused(with(1_999), NullCursor::Include), None, "they are read every time");
}

#[test]
fn a_tie_is_refused_where_it_is_at_the_top() {
    let tied = |newest_tie| ColumnProfile { largest_tie: 1_900, newest_tie, ..good("AT", NTZ) };
    assert_eq!(refused(tied(1_900), NullCursor::Include), Some("cursor_unsafe"));
    assert_eq!(refused(tied(100), NullCursor::Include), None, "an old tie is read once");
}

#[test]
fn a_column_of_times_to_come_is_refused() {
    let ahead = |future_count| ColumnProfile { future_count, ..good("AT", NTZ) };
    assert_eq!(refused(ahead(101), NullCursor::Include), Some("cursor_unsafe"));
    assert_eq!(refused(ahead(100), NullCursor::Include), None);
}

#[test]
fn texts_of_different_lengths_are_refused() {
    let uneven = ColumnProfile { lengths: Some((1, 2)), ..good("SEQ", LogicalType::Text) };
    assert_eq!(refused(uneven, NullCursor::Include), Some("cursor_unsafe"));
}

#[test]
fn a_few_rows_say_little() {
    let few =
        ColumnProfile { row_count: 20, null_count: 19, newest_tie: 20, future_count: 20, ..good("AT", NTZ) };
    assert_eq!(refused(few, NullCursor::Exclude), None);
}

#[test]
fn a_key_that_repeats_is_refused_however_few_the_rows_are() {
    let spec = following("AT", NullCursor::Include);
    let with = |null_count, distinct_count| Profile {
        key: Some(KeyProfile { columns: vec!["ID".into()], row_count: 10, null_count, distinct_count }),
        ..profile(vec![good("AT", NTZ)])
    };
    assert!(with(0, 10).refuse_unsafe(&spec).is_ok());
    assert!(with(1, 10).refuse_unsafe(&spec).is_ok(), "one row without a key is told from all others");
    for (null_count, distinct_count) in [(2, 9), (0, 9)] {
        let error = with(null_count, distinct_count).refuse_unsafe(&spec).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "key_unsafe"), "{}", error.message());
    }
}

#[test]
fn what_is_unsafe_is_taken_where_the_sync_says_so() {
    let tied = profile(vec![ColumnProfile { newest_tie: 2_000, ..good("AT", NTZ) }]);
    let spec = following("AT", NullCursor::Include);
    let error = tied.refuse_unsafe(&spec).unwrap_err();
    assert!(error.remedy().unwrap().contains("`unsafe: allow`"));
    assert!(tied.refuse_unsafe(&StreamSpec { is_unsafe_allowed: true, ..spec }).is_ok());
}

#[test]
fn a_read_refuses_what_it_has_counted() {
    let counts = |null_cursor_count, future_cursor_count| ReadCounts {
        row_count: 2_000,
        null_cursor_count,
        future_cursor_count,
    };
    let code = |spec: &StreamSpec, counts| spec.refuse_unsafe_read(counts).err().map(|error| error.code());
    let exclude = following("AT", NullCursor::Exclude);
    // Those that were left out are not among the rows that were read.
    assert_eq!(code(&exclude, counts(222, 0)), None);
    assert_eq!(code(&exclude, counts(223, 0)), Some("cursor_unsafe"));
    assert_eq!(code(&following("AT", NullCursor::Include), counts(1_900, 100)), None);
    assert_eq!(code(&following("AT", NullCursor::Include), counts(0, 101)), Some("cursor_unsafe"));
    let push = StreamSpec { write: WriteSpec::Append, ..exclude };
    assert_eq!(code(&push, counts(2_000, 2_000)), None, "an append leaves rows without a cursor out anyway");
}

#[test]
fn the_time_of_the_last_change_is_recommended_before_all_others() {
    let advice = Advice::of(&profile(vec![
        good("ID", LogicalType::Int64),
        good("CLOSE_DATE", LogicalType::Date),
        good("CREATED_AT", UTC),
        good("OCCURRED_AT", UTC),
        good("UPDATED_AT", UTC),
        good("ROW_VERSION", LogicalType::Int64),
    ]));
    let cursor = advice.cursor.unwrap();
    assert_eq!((cursor.column.as_str(), cursor.lookback), ("UPDATED_AT", Duration::from_secs(3_600)));
    assert_eq!(advice.key.unwrap().column, "ID");
    assert_eq!(advice.instead, None);
    let last = advice.verdicts.last().unwrap();
    assert_eq!((last.column.as_str(), last.is_safe), ("CLOSE_DATE", false));
}

#[test]
fn an_unsafe_column_is_not_recommended_whatever_its_name() {
    let unsafe_columns = [
        ColumnProfile { newest_tie: 1_500, ..good("UPDATED_AT", UTC) },
        ColumnProfile { future_count: 500, ..good("UPDATED_AT", UTC) },
        ColumnProfile { null_count: 500, ..good("UPDATED_AT", UTC) },
        ColumnProfile { row_count: 5, null_count: 5, distinct_count: 0, ..good("UPDATED_AT", UTC) },
        good("UPDATED_TEXT", LogicalType::Text),
    ];
    for unsafe_column in unsafe_columns {
        let advice = Advice::of(&profile(vec![unsafe_column.clone(), good("CREATED_AT", UTC)]));
        assert_eq!(advice.cursor.unwrap().column, "CREATED_AT", "{unsafe_column:?}");
    }
}

#[test]
fn the_lookback_fits_the_column() {
    let coarse = ColumnProfile { precision: Some(TimePrecision::Days), ..good("A", NTZ) };
    let columns = [
        (good("A", UTC), 1),
        (good("A", NTZ), 2),
        (good("A", LogicalType::Date), 24),
        (coarse, 24),
        (good("VERSION", LogicalType::Int64), 0),
    ];
    for (column, hours) in columns {
        let lookback = Advice::of(&profile(vec![column.clone()])).cursor.unwrap().lookback;
        assert_eq!(lookback, Duration::from_secs(hours * 3_600), "{column:?}");
    }
}

#[test]
fn without_a_safe_column_changes_or_everything_are_read() {
    let candidates = || vec![good("ID", LogicalType::Int64), good("BIRTH_DATE", LogicalType::Date)];
    let advice = Advice::of(&profile(candidates()));
    assert_eq!((advice.cursor, advice.instead), (None, Some(Instead::FullRefresh)));
    let tracked = Profile { tracks_changes: Some(true), ..profile(candidates()) };
    assert_eq!(Advice::of(&tracked).instead, Some(Instead::Changes));
    let keyless = Profile { tracks_changes: Some(true), ..profile(candidates().split_off(1)) };
    assert_eq!(Advice::of(&keyless).instead, Some(Instead::FullRefresh), "changes are told by a key");
}

#[test]
fn a_key_tells_all_rows_apart() {
    let repeated = ColumnProfile { distinct_count: 1_999, ..good("ID", LogicalType::Int64) };
    let advice = Advice::of(&profile(vec![
        repeated.clone(),
        good("DEAL_UUID", LogicalType::Text),
        good("DEAL_NUMBER", LogicalType::Int64),
    ]));
    assert_eq!(advice.key.unwrap().column, "DEAL_NUMBER");
    assert_eq!(Advice::of(&profile(vec![repeated])).key, None);
}

#[test]
fn large_tables_are_sampled_and_what_has_no_size_is_cut_off() {
    let schema = |kind, row_count, bytes| StreamSchema {
        stream: stream(),
        kind,
        columns: vec![column("AT", NTZ)],
        key: Vec::new(),
        row_count,
        bytes,
    };
    let bounds = ProfileBounds { row_count_max: 1_000, bytes_max: 1_000 };
    let extent = |kind, rows, bytes| ProfilePlan::of_candidates(&schema(kind, rows, bytes), bounds).extent;
    let table = StreamKind::Table;
    assert_eq!(extent(table, Some(1_000), Some(1_000)), Extent::Whole);
    assert_eq!(extent(table, Some(4_000), Some(10)), Extent::Blocks { percent: 25.0 });
    assert_eq!(extent(table, Some(10), Some(100_000)), Extent::Blocks { percent: 1.0 });
    assert_eq!(extent(table, None, None), Extent::First { row_count_max: 1_000 });
    assert_eq!(extent(StreamKind::View, Some(5), None), Extent::First { row_count_max: 1_000 });
}
