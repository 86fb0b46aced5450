//! A position in a stream, understood by its source only.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A position in a stream. Everyone but its source treats it as opaque text; it holds positions, never rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// Writes a source's own position as a cursor.
    pub fn from_position<P: Serialize>(position: &P) -> Result<Self> {
        serde_json::to_string(position).map(Self).map_err(|error| {
            Error::internal("a source's position could not be written as a cursor").with_source(error)
        })
    }

    /// Reads the source's own position back.
    pub fn position<P: DeserializeOwned>(&self) -> Result<P> {
        serde_json::from_str(&self.0).map_err(|error| {
            Error::config("cursor_unreadable", "the stored cursor is not one that this source wrote")
                .with_remedy("run with --full-refresh to start the stream anew")
                .with_source(error)
        })
    }

    /// The stored text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a cursor from the text that was stored.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
