//! The checks of `make fuzz` on everything that is read except Twilio's answers, which are in `subaccountd_twilio::fuzzing`.
//! A check that fails panics. `cargo test` runs them on the inputs in `crates/fuzz/corpus`.

#[cfg(test)]
mod tests;

use subaccountd_core::text::is_plain;

pub use crate::{
    cli::settings::fuzzing::settings, desired::fuzzing::state, journal::fuzzing::journal,
    snapshot::fuzzing::snapshot,
};

/// The line between the parts of an input.
const SEPARATOR: &[u8] = b"\n%%\n";

/// The parts of an input.
pub(crate) fn parts(mut input: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = input.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(&input[..at]);
        input = &input[at + SEPARATOR.len()..];
    }
    parts.push(input);
    parts
}

/// Checks a text that is shown to people: no character of it acts on a terminal, and it has at most `max` characters.
pub(crate) fn check_text(text: &str, max: usize) {
    assert!(text.chars().count() <= max, "{} characters: {text:.300}", text.chars().count());
    assert!(text.chars().all(|c| is_plain(c) || matches!(c, '\t' | '\n')), "{text:?}");
}
