//! The check of `make fuzz` on states: the rules of every fault, and that a fault never adds an action.
//!
//! An input is the files of one state, separated by a line `%%`. A file `%unreadable` cannot be read.

use std::{collections::BTreeSet, sync::Arc};

use subaccountd_core::manifest::{ParsedState, Source, parse};

use super::LoadedState;
use crate::{fuzzing::parts, output::diagnostics::rules::check_faults, snapshot::fuzzing};

/// Parses `input` as the files of a state, shows its faults, and plans with it.
///
/// # Panics
/// On a defect.
pub fn state(input: &[u8]) {
    let sources = sources(input);
    let reading = check_faults(&sources);
    assert_eq!(parse(&sources), reading, "the same files were read otherwise");
    if !reading.faults.is_empty() {
        // A state with faults is planned with as well.
        actions(reading);
        return;
    }
    let without = actions(reading);
    for (what, broken) in with_a_fault(&sources) {
        let reading = parse(&broken);
        if reading.faults.is_empty() {
            continue;
        }
        let with = actions(reading);
        assert!(with.is_subset(&without), "{what}: {:?}", with.difference(&without).collect::<Vec<_>>());
    }
}

/// The files of a state.
pub(crate) fn sources(input: &[u8]) -> Vec<Source> {
    let content = |part: &[u8]| match part {
        b"%unreadable" => Err("permission denied".to_owned().into()),
        bytes => Ok(bytes.to_vec()),
    };
    let parts = parts(input).into_iter().enumerate();
    parts.map(|(n, part)| Source { name: format!("{n}.yaml"), content: content(part) }).collect()
}

/// The state that `reading` is, as it is loaded.
pub(crate) fn loaded(reading: ParsedState) -> LoadedState {
    let (sha256, loaded_at) = ("0".repeat(64), jiff::Timestamp::UNIX_EPOCH);
    LoadedState { reading: Arc::new(reading), sha256, revision: None, revision_error: None, loaded_at }
}

/// `sources` with something that went wrong with one of them, or with another file beside them.
fn with_a_fault(sources: &[Source]) -> Vec<(&'static str, Vec<Source>)> {
    let beside = |content| {
        let other = Source { name: "other.yaml".to_owned(), content };
        sources.iter().cloned().chain([other]).collect()
    };
    let mut broken = vec![
        ("a file that cannot be read", beside(Err("permission denied".to_owned().into()))),
        ("a file that is not YAML", beside(Ok(b"{".to_vec()))),
        ("a file of another kind", beside(Ok(b"a: b\n".to_vec()))),
        ("a file twice", beside(sources[0].content.clone())),
    ];
    // The place depends on the input, so that fuzzing tries every one.
    let hash = sources[0]
        .content
        .iter()
        .flatten()
        .fold(7_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let damaged = |change: &dyn Fn(&mut Vec<u8>, usize)| {
        let mut sources = sources.to_vec();
        if let Ok(bytes) = &mut sources[0].content {
            let at = hash % (bytes.len() + 1);
            change(bytes, at);
        }
        sources
    };
    broken.push(("a byte that is not UTF-8", damaged(&|bytes, at| bytes.insert(at, 0xff))));
    broken.push(("a file that is cut off", damaged(&|bytes, at| bytes.truncate(at))));
    broken.push(("a tab", damaged(&|bytes, at| bytes.insert(at, b'\t'))));
    broken
}

/// The actions that the fleet of the fuzzing would get.
fn actions(reading: ParsedState) -> BTreeSet<String> {
    fuzzing::actions_for_the_fleet(&loaded(reading))
}
