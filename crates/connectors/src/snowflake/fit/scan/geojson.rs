//! GeoJSON that Snowflake takes as it is: points and lines whose coordinates it keeps.

use serde_json::{Map, Value};

use super::json::{self, JsonKind};
use crate::snowflake::fit::Rule;

/// Digits behind the point that Snowflake keeps of a coordinate.
const COORDINATE_DIGITS_MAX: usize = 14;
/// The largest coordinate in a plane of which a double keeps all those digits that matter.
const PLANE_COORDINATE_MAX: f64 = 1e9;

/// Checks one shape.
pub(super) fn check(text: &str, is_globe: bool) -> Result<(), Rule> {
    json::check(text, JsonKind::Object).map_err(|_| Rule::InvalidGeojson)?;
    let shape: Map<String, Value> = serde_json::from_str(text).map_err(|_| Rule::InvalidGeojson)?;
    let kind = shape.get("type").and_then(Value::as_str).ok_or(Rule::InvalidGeojson)?;
    if matches!(kind, "Polygon" | "MultiPolygon" | "GeometryCollection" | "Feature" | "FeatureCollection") {
        return Err(Rule::ShapeNotVerifiable);
    }
    let coordinates = shape.get("coordinates").filter(|_| shape.len() == 2);
    let is_valid = match (kind, coordinates) {
        ("Point", Some(point)) => is_position(point, is_globe),
        ("MultiPoint", Some(points)) => all(points, |point| is_position(point, is_globe)),
        ("LineString", Some(line)) => is_line(line, is_globe),
        ("MultiLineString", Some(lines)) => all(lines, |line| is_line(line, is_globe)),
        _ => false,
    };
    if is_valid { Ok(()) } else { Err(Rule::InvalidGeojson) }
}

/// At least one element, and each as it should be.
fn all(value: &Value, is_valid: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|elements| !elements.is_empty() && elements.iter().all(is_valid))
}

/// Two positions or more, none repeated at once, which Snowflake would leave out.
fn is_line(line: &Value, is_globe: bool) -> bool {
    let positions = line.as_array().map(Vec::as_slice).unwrap_or_default();
    positions.len() >= 2
        && positions.iter().all(|position| is_position(position, is_globe))
        && positions.windows(2).all(|pair| pair[0] != pair[1])
}

fn is_position(position: &Value, is_globe: bool) -> bool {
    let (x_max, y_max) = if is_globe { (180.0, 90.0) } else { (PLANE_COORDINATE_MAX, PLANE_COORDINATE_MAX) };
    match position.as_array().map(Vec::as_slice) {
        Some([x, y]) => is_coordinate(x, x_max) && is_coordinate(y, y_max),
        _ => false,
    }
}

fn is_coordinate(value: &Value, max: f64) -> bool {
    let Some(number) = value.as_f64() else { return false };
    let digits = format!("{number}");
    let fraction_digits = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    number.abs() <= max && fraction_digits <= COORDINATE_DIGITS_MAX
}
