//! A file of the state, before it is parsed.

/// The byte order mark that some editors write before the text.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A file of the state: its name, and its bytes or the error of reading them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path, as the user wrote it.
    pub name: String,
    /// The bytes, or the error message of the system.
    pub content: Result<Vec<u8>, String>,
}
