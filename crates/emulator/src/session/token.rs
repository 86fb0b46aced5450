//! A token that a client shows: what it is for and until when.

use jiff::Timestamp;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Session,
    Master,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub session_id: i64,
    pub kind: TokenKind,
    pub expires_at: Timestamp,
    /// A master token that a renewal replaced.
    pub is_replaced: bool,
}
