//! The body of an answer that is not an error.

use serde::de::DeserializeOwned;

/// The type of the body of a 2xx answer.
pub(crate) trait ResponseBody: DeserializeOwned {
    /// The expected content, as messages name it.
    const EXPECTED: &'static str;
}
