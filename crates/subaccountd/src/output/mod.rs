//! The output for people and programs: plans, explanations, diagnostics, annotations, progress, and the files
//! that commands write; the terminal, and what is printed on it.

pub(crate) mod annotations;
pub(crate) mod diagnostics;
pub(crate) mod explain;
pub(crate) mod output_file;
pub(crate) mod printed;
pub(crate) mod progress;
pub(crate) mod render;
pub(crate) mod standard_error;
pub(crate) mod terminal;
