//! The format of the desired state: reads YAML into the state and its faults, and writes an observation as a state.
//!
//! serde_yaml decides what a document means; a second parser gives the locations. A fault costs the smallest thing that
//! it makes doubtful: a faulty entry is absent, and no number enters or leaves its account; of duplicate entries or
//! claims, none counts. A fault never makes the daemon do more, because the unreadable part may be a guard: a fault that
//! hides an unknown number of entries or guards pauses the whole state; while the account of an entry is unknown, no
//! number leaves an account that is not listed; and the brake counts everything that faults took out.

mod allowances;
mod assemble;
mod bounds;
mod code;
mod diagnostic;
mod diagnostic_builder;
mod document;
mod emit;
mod entry;
pub mod export;
mod fields;
mod hidden;
mod hints;
mod location;
mod number_terms;
mod parse;
mod pin;
mod places;
mod releases;
pub mod schema;
mod source;
mod spots;
mod suggestions;
mod surrogates;
mod syntax;
mod times;
mod windows;
mod yaml;

pub use code::DiagnosticCode;
pub use diagnostic::{Diagnostic, Excerpt, Related};
pub use parse::{ParsedState, parse, parse_with};
pub use pin::{NotPinned, pin};
pub use places::Places;
pub use source::{Source, Unread};
pub use suggestions::near;

/// The `apiVersion` of the format.
pub const API_VERSION: &str = "subaccountd/v1";
/// The `kind` of the format.
pub const KIND: &str = "DesiredState";
