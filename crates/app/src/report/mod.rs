//! The trust report of a pull: whether what is here agrees with the source, what is missing and why, and how fresh it is. One
//! page that can be sent to the customer.

mod chart;
mod gather;
mod html;
mod text;

use datasets::MatchReport;
use serde::Serialize;

pub(crate) use gather::gather;
pub(crate) use html::html;
pub(crate) use text::text;

/// What is known of a sync at one moment.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrustReport {
    pub(crate) sync: String,
    pub(crate) tenant: String,
    pub(crate) stream: String,
    pub(crate) target: String,
    pub(crate) dataset: String,
    /// In UTC, to the second.
    pub(crate) made_at: String,
    pub(crate) correctness: Correctness,
    pub(crate) completeness: Completeness,
    pub(crate) freshness: Freshness,
    pub(crate) matches: Option<MatchReport>,
    /// Rows by the day that they are of, the latest days.
    pub(crate) days: Vec<Day>,
}

/// Whether the counts of both sides agree.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Correctness {
    /// Rows at the source; absent where it was not asked or does not say.
    pub(crate) source_rows: Option<u64>,
    /// Rows here that are not marked as deleted, rejects among them.
    pub(crate) rows: u64,
    /// The last comparison of all values, where one was made.
    pub(crate) compared: Option<Compared>,
}

/// A comparison of both sides by `snowferry verify`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Compared {
    pub(crate) at: String,
    pub(crate) is_equal: bool,
    pub(crate) missing: u64,
    pub(crate) extra: u64,
    pub(crate) different: u64,
}

/// Rows that could not be taken.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Completeness {
    pub(crate) taken: u64,
    pub(crate) rejected: u64,
    pub(crate) reasons: Vec<RejectedFor>,
}

/// Rows with one reason.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RejectedFor {
    pub(crate) reason: String,
    pub(crate) field: String,
    pub(crate) rows: u64,
}

/// How new the rows are.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Freshness {
    /// When rows were published last, in UTC.
    pub(crate) published_at: Option<String>,
    /// The highest value of the column that the sync follows, at the source and here.
    pub(crate) newest_at_source: Option<String>,
    pub(crate) newest_here: Option<String>,
    /// Between the two, where both are times.
    pub(crate) delay_seconds: Option<i64>,
}

/// Rows of one day.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Day {
    pub(crate) day: String,
    pub(crate) rows: u64,
}

/// How a part of the report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Look,
    Unknown,
}

impl TrustReport {
    /// Whether both sides agree.
    pub(crate) fn is_correct(&self) -> Verdict {
        let Correctness { source_rows, rows, compared } = &self.correctness;
        match (source_rows, compared) {
            (_, Some(compared)) if !compared.is_equal => Verdict::Look,
            (Some(source_rows), _) if source_rows != rows => Verdict::Look,
            (None, None) => Verdict::Unknown,
            _ => Verdict::Good,
        }
    }

    /// Whether every row was taken.
    pub(crate) fn is_complete(&self) -> Verdict {
        if self.completeness.rejected == 0 { Verdict::Good } else { Verdict::Look }
    }

    /// Whether nothing newer is waiting.
    pub(crate) fn is_fresh(&self) -> Verdict {
        let Freshness { newest_at_source, newest_here, .. } = &self.freshness;
        match (newest_at_source, newest_here) {
            (Some(source), Some(here)) if source == here => Verdict::Good,
            (Some(_), _) => Verdict::Look,
            _ => Verdict::Unknown,
        }
    }
}

impl Verdict {
    /// The word that people see.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Look => "look",
            Verdict::Unknown => "not known",
        }
    }
}
