//! Builders: a state from YAML with short SIDs, and an observation by hand.

pub(crate) mod text;
