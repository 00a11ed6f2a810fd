//! Every version of the desired state that was ever on the disk.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::state::{State, Terms, is_sid};

/// The longest break that counts as if it had not been: one that ended before it could be seen.
const UNSEEN: Duration = Duration::from_millis(3_200);

pub(crate) struct Version {
    pub(crate) since: Instant,
    pub(crate) state: Arc<State>,
}

/// Every version that was on the disk, in order.
#[derive(Default)]
pub(crate) struct Versions(Vec<Version>);

impl Versions {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn push(&mut self, since: Instant, state: Arc<State>) {
        self.0.push(Version { since, state });
    }

    /// The differences of a state from the last version, a line each: for people.
    pub(crate) fn changes(&self, state: &State) -> Vec<String> {
        let before = self.0.last().map(|version| version.state.clone()).unwrap_or_default();
        let sids: BTreeSet<_> = before.entries.keys().chain(state.entries.keys()).collect();
        let entry = |sid: &String| state.entries.get(sid).map(|entry| format!("{entry:?}"));
        let changed = sids.into_iter().filter(|sid| before.entries.get(*sid) != state.entries.get(*sid));
        let mut changes: Vec<_> = changed
            .map(|sid| format!("the state: {sid}: {}", entry(sid).unwrap_or_else(|| "no entry".into())))
            .collect();
        if (before.paused, before.tab) != (state.paused, state.tab) {
            changes.push(format!("the state: paused {}, broken file {:?}", state.paused, state.tab));
        }
        changes
    }

    /// The names of the entries without a SID.
    pub(crate) fn nameless(&self) -> Vec<String> {
        let keys = self.0.last().into_iter().flat_map(|version| version.state.entries.keys());
        keys.filter(|key| !is_sid(key)).cloned().collect()
    }

    /// The versions from the present back: begin, end, state.
    pub(crate) fn back(&self, now: Instant) -> impl Iterator<Item = (Instant, Instant, &State)> {
        let ends = self.0.iter().skip(1).map(|version| version.since).chain([now]);
        let stretches = self.0.iter().zip(ends.collect::<Vec<_>>());
        stretches.rev().map(|(version, end)| (version.since, end, &*version.state))
    }

    /// The latest version for which `holds` is true, and the time since it was replaced.
    pub(crate) fn latest(&self, now: Instant, holds: impl Fn(&State) -> bool) -> Option<(Duration, &State)> {
        let found = self.back(now).find(|(_, _, state)| holds(state));
        found.map(|(_, end, state)| (now.saturating_duration_since(end), state))
    }

    /// The entry of an account in each version since it last changed, from the present back: for people.
    pub(crate) fn story(&self, sid: &str, now: Instant) -> String {
        let mut told = Vec::new();
        for (since, _, state) in self.back(now) {
            let paused = if state.paused { ", all paused" } else { "" };
            let faulty = if state.is_faulty() { ", faults" } else { "" };
            let entry = state.entries.get(sid).map_or_else(
                || "no entry".to_owned(),
                |entry| {
                    let hidden = if state.entry(sid).is_none() { ", not readable" } else { "" };
                    let pause = if entry.paused { ", paused" } else { "" };
                    format!("{:?} {:?}{pause}{hidden}", entry.word, entry.terms)
                },
            );
            let line = format!("{entry}{paused}{faulty}");
            let age = now.saturating_duration_since(since).as_secs_f64();
            match told.last_mut() {
                Some((begin, last)) if *last == line => *begin = age,
                _ => told.push((age, line)),
            }
        }
        let mut story = String::new();
        for (age, line) in told.iter().take(12) {
            write!(story, "\n    since {age:.3} s: {line}").unwrap();
        }
        story
    }

    /// The time for which the state has had this close without a break that a daemon has `seen`, and true when it had another
    /// one.
    pub(crate) fn decided(
        &self,
        sid: &str,
        terms: &Terms,
        now: Instant,
        seen: impl Fn(Instant, Instant) -> bool,
    ) -> (Duration, bool) {
        let (mut decided, mut unseen) = (Duration::ZERO, false);
        // The begin of the version with the close that was found last.
        let mut next = None;
        for (since, end, _) in self.back(now).filter(|(_, _, state)| says_so(state, sid, terms)) {
            let (begin, is_break) = (next.unwrap_or(now), next.is_some_and(|next| seen(end, next)));
            if is_break {
                break;
            }
            let pause = begin.saturating_duration_since(end);
            if pause < UNSEEN {
                unseen |= !pause.is_zero();
                decided += pause;
            }
            decided += end.saturating_duration_since(since);
            next = Some(since);
        }
        (decided, unseen)
    }
}

/// Returns true when the state has this close. A fault hides an entry, and does not count as another desired status.
fn says_so(state: &State, sid: &str, terms: &Terms) -> bool {
    match state.entry(sid) {
        Some(_) => state.terms(sid) == Some(terms),
        None => state.is_faulty(),
    }
}
