//! Our notes on deliveries, kept in the journal: what is under way, what is to be cleared away, what was there last time.

use model::{Checkpoint, Error, Result};
use serde::{Deserialize, Serialize};

/// Everything noted of one stream into one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Notes {
    /// The target as it was when rows were last delivered into it.
    pub(super) target: Option<KnownTarget>,
    /// The attempt that has not ended.
    pub(super) attempt: Option<Attempt>,
    /// Folders of ended attempts that may still hold files.
    pub(super) leftovers: Vec<String>,
}

/// What makes a target the one we know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownTarget {
    /// When it was created, as Snowflake shows it.
    pub(super) created_on: String,
    /// The columns of the target that were filled.
    pub(super) columns: Vec<String>,
}

/// An attempt, from its first file to its last trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) id: String,
    /// Where its files are, in the user's Snowflake stage.
    pub(super) folder: String,
    /// What it is about to publish; absent while it uploads.
    pub(super) intent: Option<Intent>,
}

/// A publishing statement that may have been sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) kind: IntentKind,
    /// The tag under which query history knows the statement.
    pub(super) query_tag: String,
    /// The session that sends it.
    pub(super) session_id: i64,
    pub(super) row_count: u64,
    /// What the target has reached once the statement has succeeded.
    pub(super) checkpoint: Checkpoint,
    pub(super) target: KnownTarget,
}

/// How a statement of unknown outcome is brought to an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IntentKind {
    /// A COPY can be repeated: what it has loaded is not loaded again.
    Copy { statement: String, files: Vec<SentFile> },
    /// A statement that refuses to begin after this moment of the account's clock.
    Fenced { deadline_ms: i64 },
}

/// A file in the Snowflake stage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct SentFile {
    pub(super) name: String,
    pub(super) row_count: u64,
}

impl Notes {
    /// Reads notes back; none is the same as nothing noted.
    pub(super) fn read(text: Option<&str>) -> Result<Self> {
        let Some(text) = text else { return Ok(Self::default()) };
        serde_json::from_str(text).map_err(|error| {
            Error::config(
                "journal_unreadable",
                "the notes of earlier deliveries were not written by this version",
            )
            .with_remedy("run the version that wrote them once more, so that it ends what it has begun")
            .with_source(error)
        })
    }

    pub(super) fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| {
            Error::internal("the notes of a delivery could not be written").with_source(error)
        })
    }

    /// Whether something of an earlier attempt has to be settled or cleared away.
    pub(super) fn is_settled(&self) -> bool {
        self.attempt.is_none() && self.leftovers.is_empty()
    }

    /// Ends the attempt: its folder is still to be emptied.
    pub(super) fn end_attempt(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            self.leftovers.push(attempt.folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Cursor;

    use super::*;

    #[test]
    fn notes_are_read_back_as_they_were() {
        let intent = Intent {
            kind: IntentKind::Copy {
                statement: "COPY".into(),
                files: vec![SentFile { name: "part-0001.parquet".into(), row_count: 7 }],
            },
            query_tag: "snowferry/1/publish".into(),
            session_id: 42,
            row_count: 7,
            checkpoint: Checkpoint { cursor: Cursor::from_stored("{}"), row_count: 7 },
            target: KnownTarget { created_on: "then".into(), columns: vec!["ID".into()] },
        };
        let attempt = Attempt { id: "1".into(), folder: "snowferry/1/".into(), intent: Some(intent) };
        let mut notes = Notes { attempt: Some(attempt), ..Notes::default() };
        assert_eq!(Notes::read(Some(&notes.text().unwrap())).unwrap(), notes);
        notes.end_attempt();
        assert_eq!(notes.leftovers, ["snowferry/1/"]);
        assert!(!notes.is_settled());
        assert!(Notes::read(None).unwrap().is_settled());
    }

    #[test]
    fn notes_of_another_version_are_refused() {
        assert_eq!(Notes::read(Some(r#"{"folders":[]}"#)).unwrap_err().code(), "journal_unreadable");
    }
}
