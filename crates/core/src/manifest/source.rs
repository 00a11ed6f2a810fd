//! A file of the state, before it is parsed.

use std::fmt;

/// The byte order mark that some editors write before the text.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A file of the state: its name, and its bytes or the reason why it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path, as the user wrote it.
    pub name: String,
    /// The bytes, or the reason.
    pub content: Result<Vec<u8>, Unread>,
}

/// The reason why a file was not read, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The reason: the error message of the system, or the rule.
    pub reason: String,
    /// The remedy.
    pub help: &'static str,
}

impl From<String> for Unread {
    /// The error of a system that refused to read the file.
    fn from(reason: String) -> Self {
        Self { reason, help: "make the file readable for the user that subaccountd runs as" }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}
