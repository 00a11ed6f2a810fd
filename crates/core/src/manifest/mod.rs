//! YAML texts in, the desired state and every fault with its location out; and from an observation, the text of a state.
//!
//! serde_yaml decides what a document means; a second reader gives the locations. A fault costs the smallest thing that
//! it makes doubtful: a faulty entry is absent and no number enters or leaves its account; of what is said twice
//! nothing counts. And it never makes the daemon do more, because what cannot be read may have been a guard: a fault
//! that hides an unknown number of entries or guards pauses the whole state; while the account of an entry cannot be
//! told, no number leaves an account that is not listed; and what faults took out is counted, for the brake.

mod assemble;
mod code;
mod diagnostic;
mod diagnostic_builder;
mod document;
mod emit;
mod entry;
pub mod export;
mod fields;
mod hidden;
mod location;
mod parse;
pub mod schema;
mod source;
mod suggestions;
mod syntax;
mod yaml;

pub use code::DiagnosticCode;
pub use diagnostic::{Diagnostic, Excerpt, Related};
pub use parse::{ParsedState, parse};
pub use source::Source;

/// The `apiVersion` of the format.
pub const API_VERSION: &str = "subaccountd/v1";
/// The `kind` of the format.
pub const KIND: &str = "DesiredState";
