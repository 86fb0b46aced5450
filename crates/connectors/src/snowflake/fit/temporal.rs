//! Dates, times and timestamps into columns of time.

use arrow_schema::{DataType, TimeUnit};
use model::LogicalType;
use snowflake::ColumnType;

use super::decision::Decision;
use super::form::{Form, Moment};
use super::route::Load;
use super::scan::{MomentKind, MomentScan, Scan, ZoneLoss};

/// The format of text with an offset, written out so that no parameter can change its meaning.
const OFFSET_FORMAT: &str = "YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM";
/// In a query, what names the zone of a time without one.
const NAME_THE_ZONE: &str = "name the zone in the query, with `AT TIME ZONE`";
const NAME_THE_ZONE_IN_MICROSECONDS: &str =
    "name the zone in the query, with `AT TIME ZONE`, which keeps microseconds";
/// A vendor database may have no instants of nanoseconds, so a pull stores them as times without a zone.
const STORED_WITHOUT_ZONE: &str = "a time without a zone is no instant, not even one in UTC that a pull made of a TIMESTAMP_LTZ for its nanoseconds";

/// Days.
pub(super) fn date(column_type: ColumnType) -> Decision {
    match column_type {
        ColumnType::Date => Decision::checked(Scan::Date, Form::AsIs, Load::cast("DATE")),
        // A DATE inside a VARIANT becomes a timestamp by way of the date only.
        ColumnType::TimestampNtz { scale } => Decision::checked(
            Scan::Date,
            Form::AsIs,
            Load::around("", format!("::DATE::TIMESTAMP_NTZ({scale})")),
        ),
        _ => Decision::different("date", column_type),
    }
}

/// Times of day.
pub(super) fn time(logical_type: &LogicalType, column_type: ColumnType, is_lossy: bool) -> Decision {
    let ColumnType::Time { scale } = column_type else {
        return Decision::different(&logical_type.to_string(), column_type);
    };
    let unit_digits = unit_digits(logical_type);
    let scan = MomentScan { kind: MomentKind::TimeOfDay, unit_digits, scale, zone_loss: ZoneLoss::None };
    let moment =
        Moment { unit_digits, scale, form_type: MomentKind::TimeOfDay.file_type(unit_digits, false) };
    let load = match unit_digits {
        MICROSECOND_DIGITS => Load::cast(column_type),
        _ => Load::around("TO_TIME(TO_TIMESTAMP_NTZ(", "::NUMBER(38,0), 9))"),
    };
    fractions(scan, Form::Moment(moment), load, is_lossy)
}

/// Timestamps without a zone.
pub(super) fn zoneless(logical_type: &LogicalType, column_type: ColumnType, is_lossy: bool) -> Decision {
    let (no_instant, instead) = match unit_digits(logical_type) {
        MICROSECOND_DIGITS => ("a time without a zone is no instant", NAME_THE_ZONE),
        _ => (STORED_WITHOUT_ZONE, NAME_THE_ZONE_IN_MICROSECONDS),
    };
    match column_type {
        ColumnType::TimestampNtz { scale } => {
            let scan = timestamp_scan(logical_type, scale, ZoneLoss::None);
            fractions(scan, timestamp_form(scan, false), timestamp_load(scan, column_type), is_lossy)
        }
        ColumnType::TimestampLtz { scale } => {
            let scan = timestamp_scan(logical_type, scale, ZoneLoss::ZoneChanged);
            Decision::lossy_only(
                is_lossy,
                no_instant,
                instead,
                Scan::Moment(scan),
                timestamp_form(scan, true),
                timestamp_load(scan, column_type),
            )
        }
        ColumnType::TimestampTz { scale } => {
            let scan = timestamp_scan(logical_type, scale, ZoneLoss::ZoneChanged);
            Decision::lossy_only(
                is_lossy,
                no_instant,
                instead,
                Scan::Moment(scan),
                offset_form(scan),
                offset_load(),
            )
        }
        _ => Decision::different(&logical_type.to_string(), column_type),
    }
}

/// Instants.
pub(super) fn instant(logical_type: &LogicalType, column_type: ColumnType, is_lossy: bool) -> Decision {
    match column_type {
        ColumnType::TimestampLtz { scale } => {
            let scan = timestamp_scan(logical_type, scale, ZoneLoss::None);
            fractions(scan, timestamp_form(scan, true), timestamp_load(scan, column_type), is_lossy)
        }
        ColumnType::TimestampTz { scale } => {
            let scan = timestamp_scan(logical_type, scale, ZoneLoss::None);
            fractions(scan, offset_form(scan), offset_load(), is_lossy)
        }
        ColumnType::TimestampNtz { scale } => {
            let scan = timestamp_scan(logical_type, scale, ZoneLoss::ZoneChanged);
            Decision::lossy_only(
                is_lossy,
                "the column would forget that its times are UTC",
                "choose the zone of the wall clock in the query, with `AT TIME ZONE`",
                Scan::Moment(scan),
                timestamp_form(scan, false),
                timestamp_load(scan, column_type),
            )
        }
        _ => Decision::different(&logical_type.to_string(), column_type),
    }
}

/// Instants that remember the offset they were written with.
pub(super) fn with_offset(logical_type: &LogicalType, column_type: ColumnType, is_lossy: bool) -> Decision {
    match column_type {
        ColumnType::TimestampTz { scale } => {
            let scan = MomentScan {
                kind: MomentKind::WithOffset,
                ..timestamp_scan(logical_type, scale, ZoneLoss::None)
            };
            fractions(scan, offset_form(scan), offset_load(), is_lossy)
        }
        ColumnType::TimestampLtz { scale } | ColumnType::TimestampNtz { scale } => {
            let scan = timestamp_scan(logical_type, scale, ZoneLoss::OffsetLost);
            let is_instant = matches!(column_type, ColumnType::TimestampLtz { .. });
            Decision::lossy_only(
                is_lossy,
                "the column would forget the offset of each time",
                "leave the offset out in the query",
                Scan::Moment(scan),
                timestamp_form(scan, is_instant),
                timestamp_load(scan, column_type),
            )
        }
        _ => Decision::different(&logical_type.to_string(), column_type),
    }
}

/// Digits behind the second that a microsecond gives.
const MICROSECOND_DIGITS: u8 = 6;
/// Digits behind the second that a nanosecond gives.
const NANOSECOND_DIGITS: u8 = 9;

/// Accepts moments whose digits behind the second may be more than the column's.
fn fractions(scan: MomentScan, form: Form, load: Load, is_lossy: bool) -> Decision {
    let is_lossy = is_lossy && scan.scale < scan.unit_digits;
    Decision::checked_or_lossy(Scan::Moment(scan), form, load, is_lossy)
}

fn timestamp_scan(logical_type: &LogicalType, scale: u8, zone_loss: ZoneLoss) -> MomentScan {
    MomentScan { kind: MomentKind::Instant, unit_digits: unit_digits(logical_type), scale, zone_loss }
}

fn timestamp_form(scan: MomentScan, is_instant: bool) -> Form {
    let form_type = scan.kind.file_type(scan.unit_digits, is_instant);
    Form::Moment(Moment { unit_digits: scan.unit_digits, scale: scan.scale, form_type })
}

/// Parquet's microseconds hold every year, and Snowflake reads them as what they are. Nanoseconds go as plain numbers:
/// Snowflake's manual defines what the function makes of them to the last digit, whichever scanner reads the file.
fn timestamp_load(scan: MomentScan, column_type: ColumnType) -> Load {
    let function = match column_type {
        ColumnType::TimestampLtz { .. } => "TO_TIMESTAMP_LTZ",
        _ => "TO_TIMESTAMP_NTZ",
    };
    match scan.unit_digits {
        MICROSECOND_DIGITS => Load::cast(column_type),
        _ => Load::around(format!("{function}("), "::NUMBER(38,0), 9)"),
    }
}

fn offset_form(scan: MomentScan) -> Form {
    Form::OffsetText { unit_digits: scan.unit_digits, scale: scan.scale }
}

fn offset_load() -> Load {
    Load::around("TO_TIMESTAMP_TZ(", format!("::VARCHAR, '{OFFSET_FORMAT}')"))
}

/// Digits behind the second of the Arrow type that carries `logical_type`.
fn unit_digits(logical_type: &LogicalType) -> u8 {
    match logical_type.arrow_type() {
        DataType::Time64(TimeUnit::Nanosecond) | DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            NANOSECOND_DIGITS
        }
        _ => MICROSECOND_DIGITS,
    }
}
