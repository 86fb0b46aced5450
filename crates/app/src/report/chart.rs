//! Charts as SVG, drawn here so that a page needs no scripts.

use std::fmt::Write;

use super::Day;
use crate::output::count;

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 190.0;
/// Room for the numbers at the left and the days below.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 26.0;
const TOP: f64 = 10.0;

/// A bar for each day.
pub(super) fn days(days: &[Day]) -> String {
    let highest = days.iter().map(|day| day.rows).max().unwrap_or(1).max(1);
    let scale = rounded_up(highest);
    let (inner_width, inner_height) = (WIDTH - LEFT, HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"rows by day\" xmlns=\"http://www.w3.org/2000/svg\">"
    );
    for (label, height) in [(0, 0.0), (scale / 2, 0.5), (scale, 1.0)] {
        // Half of 5 is no number of rows.
        let label = if scale == 5 && label == 2 { String::new() } else { count(label) };
        let y = TOP + inner_height * (1.0 - height);
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" class=\"grid\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" class=\"label\" text-anchor=\"end\">{label}</text>",
            LEFT - 8.0,
            y + 4.0
        );
    }
    let step = inner_width / days.len().max(1) as f64;
    let bar = (step * 0.72).min(46.0);
    for (index, day) in days.iter().enumerate() {
        let height = inner_height * day.rows as f64 / scale as f64;
        let x = LEFT + step * (index as f64 + 0.5) - bar / 2.0;
        let y = TOP + inner_height - height;
        let _ = write!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{bar:.1}\" height=\"{:.1}\" rx=\"2\" class=\"bar\"><title>{}: {} rows</title></rect>",
            height.max(1.0),
            day.day,
            count(day.rows)
        );
    }
    for index in labelled(days.len()) {
        let x = LEFT + step * (index as f64 + 0.5);
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" class=\"label\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 8.0,
            days[index].day
        );
    }
    svg.push_str("</svg>");
    svg
}

/// One bar that shows parts of a whole, each with its class.
pub(super) fn share(parts: &[(&str, u64)]) -> String {
    const BAR_HEIGHT: f64 = 14.0;
    let whole = parts.iter().map(|(_, rows)| rows).sum::<u64>().max(1);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {BAR_HEIGHT}\" preserveAspectRatio=\"none\" class=\"share\" role=\"img\" aria-label=\"parts of all\" xmlns=\"http://www.w3.org/2000/svg\">"
    );
    let mut x = 0.0;
    for (class, rows) in parts.iter().filter(|(_, rows)| *rows > 0) {
        let width = WIDTH * *rows as f64 / whole as f64;
        let _ = write!(
            svg,
            "<rect x=\"{x:.1}\" y=\"0\" width=\"{:.1}\" height=\"{BAR_HEIGHT}\" class=\"{class}\"><title>{}</title></rect>",
            width.max(2.0),
            count(*rows)
        );
        x += width;
    }
    svg.push_str("</svg>");
    svg
}

/// 2, 5 or 10, or that with zeros behind it, that is not below.
fn rounded_up(number: u64) -> u64 {
    let mut unit: u64 = 1;
    loop {
        let rounded = [2, 5, 10].into_iter().map(|digit| digit * unit).find(|rounded| *rounded >= number);
        match rounded {
            Some(rounded) => return rounded,
            None => unit = unit.saturating_mul(10),
        }
    }
}

/// Days that are named: as many as there is room for.
fn labelled(count: usize) -> Vec<usize> {
    const LABELS_MAX: usize = 8;
    let step = count.div_ceil(LABELS_MAX).max(1);
    (0..count).step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_number() {
        assert_eq!([1, 7, 99, 101, 1_234, 98_765].map(rounded_up), [2, 10, 100, 200, 2_000, 100_000]);
    }

    #[test]
    fn few_days_are_all_named_and_many_are_not() {
        assert_eq!(labelled(3), [0, 1, 2]);
        assert_eq!(labelled(60).len(), 8);
    }
}
