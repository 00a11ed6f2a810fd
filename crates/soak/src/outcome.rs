//! What a soak counted.

use std::collections::BTreeMap;

use crate::tally::Tally;

/// The counts of a soak.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Everything that was counted, by its name.
    pub counts: BTreeMap<String, u64>,
    /// The violations of invariants, in words.
    pub violations: Vec<String>,
    /// The events in order, a line each.
    pub story: Vec<String>,
    /// The number of steps.
    pub steps: u32,
    /// The fleet in the end: the status of every account, the holder of every number, and what was released.
    pub fleet: BTreeMap<String, String>,
}

impl Outcome {
    pub(crate) fn of(tally: &Tally, passes: u64) -> Self {
        let posts = tally.posts.iter().map(|(kind, count)| (format!("POSTs, {kind}"), *count));
        let ages = tally.ages.iter().map(|(age, count)| (format!("POSTs, {age}"), *count));
        let other = tally.other.iter().map(|(what, count)| (what.clone(), *count));
        let passes = ("passes".to_owned(), passes);
        Self {
            counts: posts.chain(ages).chain(other).chain([passes]).collect(),
            violations: tally.violations.clone(),
            story: tally.story.clone(),
            steps: 0,
            fleet: BTreeMap::new(),
        }
    }

    /// Everything that was closed or released although the same fleet without faults kept it, in words. A fault may prevent a close: then
    /// what is left is held.
    pub fn lost_more_than(&self, other: &Self) -> Option<String> {
        let is_lost = |what: &String, outcome: &Self| {
            outcome.fleet.get(what).is_some_and(|is| ["closed", "released"].contains(&is.as_str()))
        };
        let more: Vec<_> =
            self.fleet.keys().filter(|what| is_lost(what, self) && !is_lost(what, other)).collect();
        (!more.is_empty()).then(|| format!("I1: closed or released, and not so without faults: {more:?}"))
    }

    /// True when the same was closed and released.
    pub fn lost_the_same(&self, other: &Self) -> bool {
        self.lost_more_than(other).is_none() && other.lost_more_than(self).is_none()
    }

    /// Adds the counts of another soak.
    pub fn add(&mut self, other: Self) {
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.violations.extend(other.violations);
    }
}

/// The passes that ended, by the metrics that a daemon shows.
pub fn passes_of(metrics: &str) -> u64 {
    let of = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
    let lines = metrics.lines().filter(|line| line.starts_with("subaccountd_passes_total{"));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
    let passes = lines.filter_map(of).sum::<f64>() as u64;
    passes
}
