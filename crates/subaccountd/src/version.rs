//! The version of the program.

/// The version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
