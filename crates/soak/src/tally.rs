//! What was counted, what broke an invariant, and what happened.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// The most lines of a story that are kept.
const MAX_STORY: usize = 4_000;

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) posts: BTreeMap<String, u64>,
    pub(crate) ages: BTreeMap<&'static str, u64>,
    pub(crate) other: BTreeMap<String, u64>,
    pub(crate) violations: Vec<String>,
    /// The events, in order.
    pub(crate) story: Vec<String>,
    began: Option<Instant>,
}

impl Tally {
    /// Nothing, from now on.
    pub(crate) fn begin() -> Self {
        Self { began: Some(Instant::now()), ..Self::default() }
    }

    pub(crate) fn count(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.tell(&what);
        *self.other.entry(what).or_default() += 1;
    }

    pub(crate) fn tell(&mut self, what: &str) {
        let at = self.began.map(|began| began.elapsed().as_secs_f64()).unwrap_or_default();
        self.story.push(format!("{at:7.3} {what}"));
        if self.story.len() > MAX_STORY {
            self.story.drain(..MAX_STORY / 2);
        }
    }

    pub(crate) fn violation(&mut self, what: String) {
        eprintln!("VIOLATION {what}");
        self.tell(&format!("VIOLATION {what}"));
        self.violations.push(what);
    }
}
