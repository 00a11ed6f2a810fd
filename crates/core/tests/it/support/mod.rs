//! Builders: a state from YAML with short SIDs, a fleet derived from it, and passes over both.

pub(crate) mod crew;
pub(crate) mod draw;
mod drive;
pub(crate) mod fleet;
pub(crate) mod scene;
pub(crate) mod text;
