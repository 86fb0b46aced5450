//! The timings for people and for programs.

use std::time::Duration;

use serde_json::json;

use super::spent::Spent;
use super::{Timings, clock};
use crate::output::{count, text_table};

/// The steps of an attempt, one after the other. Of several syncs side by side they may come to more than the time that went by.
const STEPS: [(&str, &str); 5] = [
    ("plan", "both sides say what they have"),
    ("query", "until the source has rows"),
    ("read", "the destination waited for the source"),
    ("stage", "the source waited for the destination"),
    ("publish", "all rows become visible at once"),
];

/// What is done for it, side by side.
const PARTS: [(&str, &str); 15] = [
    ("open", "the vendor database opened"),
    ("request", "Snowflake's answers"),
    ("download", "chunks over the network"),
    ("gunzip", "chunks decompressed and their checksums compared"),
    ("decode", "chunks read as Arrow or JSON"),
    ("convert", "values brought into their types"),
    ("map", "rows mapped to a dataset"),
    ("scan", "rows read from the vendor database"),
    ("encode", "Parquet files written and compressed"),
    ("encrypt", "files digested and encrypted"),
    ("upload", "files on their way to the Snowflake stage"),
    ("insert", "rows put into DuckDB, while there were some"),
    ("checkpoint", "rows made durable with their position"),
    ("commit", "what was staged becomes the target, or is merged into it"),
    ("close", "the vendor database closed"),
];

impl Timings {
    /// As tables for people.
    pub(crate) fn text(&self) -> String {
        let (spent, wall, processor) = (self.spent(), self.started.elapsed(), clock::program());
        let found = |names: &'static [(&str, &str)]| {
            names
                .iter()
                .filter_map(|(name, what)| Some((*name, *what, *spent.get(name)?)))
                .collect::<Vec<_>>()
        };
        let (steps, parts) = (found(&STEPS), found(&PARTS));
        let told: Duration = steps.iter().map(|(_, _, spent)| spent.elapsed).sum();
        let rest = Spent { elapsed: wall.saturating_sub(told), ..Spent::default() };
        let steps = steps.into_iter().chain([("", "start, end and what is between", rest)]);
        let all = (told + rest.elapsed).as_secs_f64().max(f64::EPSILON);
        let steps = steps.map(|(name, what, spent)| {
            let share = spent.elapsed.as_secs_f64() / all;
            vec![name.to_owned(), exactly(spent.elapsed), format!("{:.0} %", share * 100.0), what.to_owned()]
        });
        let other = processor.saturating_sub(parts.iter().map(|(_, _, spent)| spent.processor).sum());
        let mut lines: Vec<Vec<String>> = parts
            .iter()
            .map(|(name, what, spent)| {
                let (own, worked) = (exactly(spent.own), exactly(spent.processor));
                vec![(*name).to_owned(), count(spent.times), own, worked, (*what).to_owned()]
            })
            .collect();
        let what = "DuckDB's own threads, and the program's start and end";
        lines.push(vec![String::new(), String::new(), String::new(), exactly(other), what.to_owned()]);
        format!(
            "where {} went, step by step\n{}\nwhat ran for it, side by side: {} of processor time\n{}",
            exactly(wall),
            text_table(&["step", "elapsed", "share", "what it is"], steps),
            exactly(processor),
            text_table(&["part", "times", "elapsed", "processor", "what it is"], lines),
        )
    }

    /// As one event for programs; seconds.
    pub(crate) fn json(&self) -> serde_json::Value {
        let spent = self.spent();
        let steps = STEPS.iter().filter_map(|(name, _)| {
            let spent = spent.get(name)?;
            Some(json!({ "step": name, "elapsed_seconds": spent.elapsed.as_secs_f64() }))
        });
        let parts = PARTS.iter().filter_map(|(name, _)| {
            let spent = spent.get(name)?;
            Some(json!({
                "part": name,
                "times": spent.times,
                "elapsed_seconds": spent.own.as_secs_f64(),
                "processor_seconds": spent.processor.as_secs_f64(),
            }))
        });
        json!({
            "event": "timings",
            "elapsed_seconds": self.started.elapsed().as_secs_f64(),
            "processor_seconds": clock::program().as_secs_f64(),
            "steps": steps.collect::<Vec<_>>(),
            "parts": parts.collect::<Vec<_>>(),
        })
    }
}

/// Parts are short: milliseconds are told.
fn exactly(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
