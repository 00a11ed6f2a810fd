//! A file of the state, before it is parsed.

/// The byte order mark that some editors put before a text.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A file of the state: its name for people, and its bytes or why they could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path as a person would write it.
    pub name: String,
    /// The bytes, or what the system said.
    pub content: Result<Vec<u8>, String>,
}
