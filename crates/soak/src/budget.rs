//! The limits as the simulator sees them: the writes that took effect within every rolling window.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use crate::{Rules, ask::Ask};

/// The longest time between an intent, which the daemon counts, and its effect, which the judge counts; with rounding to
/// seconds.
const SLACK: Duration = Duration::from_secs(8);
/// The time before a kill in which an answer may have gone unrecorded.
const UNRECORDED: Duration = Duration::from_secs(5);

/// A write that changed the world.
pub(crate) struct Effect {
    pub(crate) at: Instant,
    pub(crate) ask: Ask,
    pub(crate) free: bool,
    pub(crate) released: usize,
    /// It repeats a write whose answer was lost, and takes its place.
    pub(crate) repeat: bool,
}

/// A write that arrived.
struct Asked {
    at: Instant,
    request_id: String,
    ask: Ask,
    free: bool,
    /// True when the daemon knows that it was done: it was answered, without a fault, and the daemon was not killed before
    /// it recorded the answer.
    is_sure: Option<bool>,
    refused: bool,
}

pub(crate) struct Budget {
    rules: Rules,
    effects: Vec<Effect>,
    /// The last writes of each object that were not refused.
    last: BTreeMap<String, Vec<Asked>>,
}

impl Budget {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, effects: Vec::new(), last: BTreeMap::new() }
    }

    pub(crate) fn arrived(&mut self, request_id: &str, ask: &Ask, now: Instant) {
        let last = self.last.entry(ask.target()).or_default();
        let free = match (ask, last.iter().rev().find(|asked| !asked.refused)) {
            (
                Ask::Transfer { from, to, .. },
                Some(Asked { ask: Ask::Transfer { from: f, to: t, .. }, free, .. }),
            ) => !free && from == t && to == f,
            _ => false,
        };
        last.push(Asked {
            at: now,
            request_id: request_id.to_owned(),
            ask: ask.clone(),
            free,
            is_sure: None,
            refused: false,
        });
        let excess = last.len().saturating_sub(6);
        last.drain(..excess);
    }

    fn asked(&mut self, request_id: &str) -> Option<&mut Asked> {
        self.last.values_mut().flatten().find(|asked| asked.request_id == request_id)
    }

    pub(crate) fn refused(&mut self, request_id: &str) {
        if let Some(asked) = self.asked(request_id) {
            asked.refused = true;
        }
    }

    pub(crate) fn struck(&mut self, request_id: &str) {
        if let Some(asked) = self.asked(request_id) {
            asked.is_sure = Some(false);
        }
    }

    pub(crate) fn answered(&mut self, request_id: &str, status: u16) {
        if let Some(asked) = self.asked(request_id) {
            asked.is_sure.get_or_insert((200..300).contains(&status));
            // 404 and 409 are unknown to the daemon.
            asked.refused |= (400..500).contains(&status) && ![404, 409].contains(&status);
        }
    }

    pub(crate) fn killed(&mut self) {
        for asked in self.last.values_mut().flatten().filter(|asked| asked.at.elapsed() < UNRECORDED) {
            asked.is_sure = Some(false);
        }
    }

    /// Forgets the writes since an instant, as a daemon whose journal is lost or older does; all of them without one.
    pub(crate) fn forget(&mut self, since: Option<Instant>) {
        let is_known = |at: Instant| since.is_some_and(|since| at < since);
        self.effects.retain(|effect| is_known(effect.at));
        self.last.values_mut().for_each(|asked| asked.retain(|asked| is_known(asked.at)));
    }

    /// Counts an effect, and returns the limit that it exceeds.
    pub(crate) fn took_effect(&mut self, request_id: &str, mut effect: Effect) -> Option<String> {
        let (ask, now) = (effect.ask.clone(), effect.at);
        let others = self.last.get(&ask.target()).map(Vec::as_slice).unwrap_or_default();
        let at = others.iter().position(|asked| asked.request_id == request_id);
        if let Some(at) = at {
            effect.free |= others[at].free;
            let before = others[..at].iter().rev().find(|asked| !asked.refused);
            effect.repeat = before.is_some_and(|before| before.ask == ask && before.is_sure != Some(true));
        }
        self.effects.push(effect);
        let window = self.rules.window.saturating_sub(SLACK);
        let recent = || self.effects.iter().filter(|effect| now - effect.at < window);
        let same = |effect: &&Effect| effect.ask.kind() == ask.kind() && !effect.free;
        let (all, repeats) =
            (recent().filter(same).count(), recent().filter(same).filter(|effect| effect.repeat).count());
        let limit = self.rules.limits.get(ask.kind()).copied().unwrap_or(usize::MAX);
        let released: usize = recent().map(|effect| effect.released).sum();
        if all - repeats > limit {
            return Some(format!(
                "I8: {all} of {} took effect, {repeats} of them repeats, at {limit}",
                ask.kind()
            ));
        }
        let most = self.rules.limits["release"];
        (released > most).then(|| format!("I8: {released} numbers were released at {most}"))
    }
}
