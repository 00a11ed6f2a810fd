//! Friendly names that identify an account while its SID is not known: only names that Twilio certainly keeps as written.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::text::{code_point, is_plain};

/// The friendly name of an entry without a SID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FriendlyName(Box<str>);

/// The reason for which a name cannot identify an account: Twilio may keep another text than was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// A blank at either end, two in a row, or one that is not a space.
    #[error("{0}")]
    Blank(&'static str),
    /// A character that is a control character, invisible, or changes the direction of the text.
    #[error("it contains {}", code_point(*.0))]
    Invisible(char),
    /// The text is not in Unicode's normalization form C.
    #[error("it is not in Unicode's composed form (NFC)")]
    Decomposed,
}

impl FriendlyName {
    /// Reads a name.
    ///
    /// # Errors
    /// The reason why Twilio may keep another text.
    pub fn new(text: &str) -> Result<Self, NotKept> {
        if let Some(c) = text.chars().find(|c| !is_plain(*c)) {
            return Err(NotKept::Invisible(c));
        }
        if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
            return Err(NotKept::Blank("it begins or ends with a blank"));
        }
        if text.chars().any(|c| c.is_whitespace() && c != ' ') {
            return Err(NotKept::Blank("it contains a blank that is not a space"));
        }
        if text.contains("  ") {
            return Err(NotKept::Blank("it contains two blanks in a row"));
        }
        if is_nfc(text) { Ok(Self(text.into())) } else { Err(NotKept::Decomposed) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FriendlyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `name` without differences of case and composition: names with the same result are too alike to tell accounts apart.
pub fn folded(name: &str) -> String {
    // The upper case first: it joins letters that have several lower cases, as ß and ss, σ and ς.
    let folded: String = name.nfkc().collect::<String>().to_uppercase().to_lowercase();
    folded.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect()
}

/// The composed form of `name`, without the blanks that a name must not have.
pub(crate) fn kept_form(name: &str) -> String {
    let plain: String = name.nfc().filter(|c| is_plain(*c) || c.is_whitespace()).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_that_twilio_may_change_is_refused() {
        for name in ["acme", "Acme 4711", "Müller & Söhne", "日本", "a", "ﬁ", "👍"] {
            assert_eq!(FriendlyName::new(name).map(|name| name.to_string()), Ok(name.to_owned()));
        }
        for (name, why) in [
            (" acme", "it begins or ends with a blank"),
            ("acme ", "it begins or ends with a blank"),
            ("acme\u{a0}", "it begins or ends with a blank"),
            ("a\u{a0}b", "it contains a blank that is not a space"),
            ("a  b", "it contains two blanks in a row"),
            ("a\tb", "it contains U+0009"),
            ("a\nb", "it contains U+000A, a line break"),
            ("a\u{200b}b", "it contains U+200B"),
            ("a\u{202e}b", "it contains U+202E"),
            ("Mu\u{308}ller", "it is not in Unicode's composed form (NFC)"),
        ] {
            assert_eq!(FriendlyName::new(name).unwrap_err().to_string(), why, "{name:?}");
            assert!(FriendlyName::new(&kept_form(name)).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_or_composition_alone_fold_alike() {
        for (one, other) in [
            ("acme", "ACME"),
            ("Straße", "STRASSE"),
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("Mu\u{308}ller", "MÜLLER"),
            (" a  b", "A\u{a0}B"),
            ("ａcme", "acme"),
        ] {
            assert_eq!(folded(one), folded(other), "{one:?}, {other:?}");
        }
        assert_ne!(folded("acme"), folded("acne"));
    }
}
