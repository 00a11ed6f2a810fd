//! The body of an answer that is not an error.

use serde::de::DeserializeOwned;

/// The type that the body of a 2xx is read as.
pub(crate) trait ResponseBody: DeserializeOwned {
    /// The expected content, in words.
    const EXPECTED: &'static str;
}
