//! Shrinking: the fewest steps of a seed that still break the same invariant.

use std::collections::BTreeSet;

use soak::Outcome;

use crate::run::{Run, new_folder};

/// The most soaks that are made to shrink one.
const MAX_RUNS: u32 = 1_500;

/// A soak with as few steps as were found, and what happened in it. None when the seed breaks no invariant.
pub(crate) fn shrink(run: &Run) -> Option<(Run, Outcome)> {
    let first = make(run);
    let broken = first.violations.first().map(|violation| invariant(violation).to_owned())?;
    let mut best = (run.clone(), first);
    let mut left: Vec<u32> = (0..best.1.steps).filter(|step| !run.skips.contains(step)).collect();
    let (mut chunk, mut runs) = (left.len().div_ceil(2), 0);
    while chunk > 0 && runs < MAX_RUNS {
        let mut at = 0;
        let mut removed = false;
        while at < left.len() && runs < MAX_RUNS {
            let end = (at + chunk).min(left.len());
            let mut skips = best.0.skips.clone();
            skips.extend(&left[at..end]);
            let candidate = Run { skips, ..run.clone() };
            let outcome = make(&candidate);
            runs += 1;
            if outcome.violations.first().is_some_and(|violation| invariant(violation) == broken) {
                left.drain(at..end);
                best = (candidate, outcome);
                removed = true;
            } else {
                at = end;
            }
        }
        if !removed || chunk > left.len() {
            chunk /= 2;
        }
    }
    Some(best)
}

fn make(run: &Run) -> Outcome {
    // The length of a path is in what the daemon writes: it is the one of the soak that is shrunk.
    run.make(&new_folder().path().join(run.seed.to_string()))
}

/// The invariant that a violation names, as `I1`, or its first words.
fn invariant(violation: &str) -> &str {
    let what = match violation.strip_prefix("at ") {
        Some(dated) => dated.split_once(": ").map_or(dated, |(_, what)| what),
        None => violation,
    };
    what.split_once(':').map_or(what, |(invariant, _)| invariant)
}

/// The steps that are left, as `--only` reads them.
pub(crate) fn steps_left(run: &Run, steps: u32) -> BTreeSet<u32> {
    (0..steps).filter(|step| !run.skips.contains(step)).collect()
}
