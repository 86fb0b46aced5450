//! What was measured, as a table and as a chart in the documents, and as the raw runs beside them.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::measurement::{Measurement, Series};

/// One comparison: everybody on one table over one link.
#[derive(Debug, Deserialize, Serialize)]
pub struct Comparison {
    /// `pull`, `client`, `push`, `merge` or `tenants`.
    pub task: String,
    pub shape: String,
    pub rows: u64,
    pub round_trip_ms: u64,
    pub megabits_max: Option<u64>,
    pub cores: usize,
    pub results: Vec<Outcome>,
}

/// What one of them took.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Outcome {
    pub name: String,
    /// Each of which moved every row.
    pub runs: Vec<Measurement>,
    /// Processor time of the account during a run, which is in no other figure.
    pub account_cpu: Duration,
    /// What is wrong with the rows that it delivered.
    pub wrong: Option<String>,
    /// Why there are no runs, or fewer than were asked for.
    pub failure: Option<String>,
}

impl Comparison {
    /// The name of its files.
    pub fn name(&self) -> String {
        let mut name = format!("{}-{}-{}", self.task, self.shape, self.rows);
        if self.round_trip_ms > 0 {
            let _ = write!(name, "-{}ms", self.round_trip_ms);
        }
        if let Some(megabits) = self.megabits_max {
            let _ = write!(name, "-{megabits}mbit");
        }
        name
    }

    /// Writes the raw runs and the chart into `folder`, and all tables of the folder into `document`.
    pub fn publish(&self, folder: &Path, document: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let name = self.name();
        fs::write(folder.join(format!("{name}.json")), serde_json::to_string_pretty(self)? + "\n")?;
        fs::write(folder.join(format!("{name}.svg")), self.chart())?;
        let text = fs::read_to_string(document)?;
        let (before, after) = match (text.split_once(BEGIN), text.split_once(END)) {
            (Some((before, _)), Some((_, after))) => (before, after),
            _ => return Err(io::Error::other(format!("{} lacks `{BEGIN}`", document.display()))),
        };
        let tables: Vec<String> = published(folder)?.iter().map(Self::table).collect();
        fs::write(document, format!("{before}{BEGIN}\n{}\n{END}{after}", tables.join("\n")))
    }

    /// A heading, the chart and a table.
    pub fn table(&self) -> String {
        let mut link = String::from("loopback");
        if self.round_trip_ms > 0 {
            link = format!("{} ms from request to reply", self.round_trip_ms);
        }
        if let Some(megabits) = self.megabits_max {
            let _ = write!(link, ", {megabits} Mbit/s");
        }
        let runs = self.results.iter().map(|result| result.runs.len()).max().unwrap_or(0);
        let (task, shape, rows, name) = (&self.task, &self.shape, grouped(self.rows), self.name());
        let mut text = format!(
            "### {task}, {shape}, {rows} rows\n\n{} cores, {link}; medians of {runs}.\n\n\
             ![processor time and wall time of each](benchmarks/{name}.svg)\n\n\
             | | wall s | (spread) | processor s | × ours | peak MiB | rows/s | account's processor s |\n\
             |---|---|---|---|---|---|---|---|\n",
            self.cores
        );
        let ours = self.results.first().and_then(Outcome::series).map(|series| series.cpu());
        for result in &self.results {
            let _ = writeln!(text, "{}", result.row(ours));
        }
        text
    }

    /// Two bars for each contestant: wall time and processor time.
    fn chart(&self) -> String {
        let shown: Vec<(&str, Duration, Duration)> = (self.results.iter())
            .filter_map(|result| Some((result.name.as_str(), result.series()?)))
            .map(|(name, series)| (name, series.wall(), series.cpu()))
            .collect();
        let longest = shown.iter().map(|(_, wall, cpu)| wall.max(cpu).as_secs_f64()).fold(0.1, f64::max);
        let height = 44 + shown.len() * 40;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"760\" height=\"{height}\" fill=\"#ffffff\"/>\n\
             <text x=\"20\" y=\"20\" fill=\"#222222\">{} {} rows ({}): seconds of wall time (dark) and of processors (light)</text>\n",
            self.task,
            grouped(self.rows),
            self.shape
        );
        for (index, (name, wall, cpu)) in shown.iter().enumerate() {
            let top = 36 + index * 40;
            let color = if index == 0 { ("#0b6e8f", "#7cc3da") } else { ("#5b6470", "#b9c0c8") };
            let _ = writeln!(
                svg,
                "<text x=\"242\" y=\"{}\" text-anchor=\"end\" fill=\"#222222\">{name}</text>",
                top + 20
            );
            for (offset, seconds, fill) in [(2, wall, color.0), (17, cpu, color.1)] {
                let seconds = seconds.as_secs_f64();
                let width = seconds / longest * 430.0;
                let _ = writeln!(
                    svg,
                    "<rect x=\"250\" y=\"{}\" width=\"{width:.1}\" height=\"14\" fill=\"{fill}\"/>\
                     <text x=\"{:.1}\" y=\"{}\" fill=\"#222222\">{seconds:.1}</text>",
                    top + offset,
                    256.0 + width,
                    top + offset + 12
                );
            }
        }
        svg + "</svg>\n"
    }
}

impl Outcome {
    fn series(&self) -> Option<Series> {
        (!self.runs.is_empty()).then(|| Series { runs: self.runs.clone() })
    }

    fn row(&self, ours: Option<Duration>) -> String {
        let (name, account) = (&self.name, self.account_cpu.as_secs_f64());
        let Some(series) = self.series() else {
            let why = self.failure.as_deref().unwrap_or("not measured");
            return format!("| {name} ({why}) | | | | | | | |");
        };
        let (wall, cpu) = (series.wall().as_secs_f64(), series.cpu().as_secs_f64());
        let walls = series.runs.iter().map(|run| run.wall.as_secs_f64());
        let (fastest, slowest) = (walls.clone().fold(f64::MAX, f64::min), walls.fold(0.0, f64::max));
        let times = ours.map_or(1.0, |ours| cpu / ours.as_secs_f64());
        let rows = series.runs.first().map_or(0, |run| run.rows);
        let peak = series.peak_bytes() >> 20;
        let remark = self.wrong.as_ref().or(self.failure.as_ref());
        let remark = remark.map(|remark| format!(" ({remark})")).unwrap_or_default();
        format!(
            "| {name}{remark} | {wall:.2} | {fastest:.2} to {slowest:.2} | {cpu:.2} | {times:.2} | {peak} | {} | {account:.2} |",
            grouped((rows as f64 / wall) as u64)
        )
    }
}

/// Between these two the tables stand.
const BEGIN: &str = "<!-- comparisons: written by the benchmark -->";
const END: &str = "<!-- end of comparisons -->";

/// Every comparison in the folder, by name.
fn published(folder: &Path) -> io::Result<Vec<Comparison>> {
    let mut files: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| Ok(serde_json::from_str(&fs::read_to_string(file)?)?)).collect()
}

/// The last line of a text, as a remark that fits into a cell of a table.
pub fn one_line(text: &str) -> String {
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    last.replace('|', " ").chars().take(200).collect()
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap_or("")).collect();
    parts.join(",")
}
