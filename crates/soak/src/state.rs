//! The desired state as the soak writes it, and every version of it that was ever on the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use crate::MAIN;

/// The longest break that counts as if it had not been: one that ended before it could be seen.
const UNSEEN: Duration = Duration::from_millis(3_200);
/// The files over which the entries are spread; the first has the main account.
pub(crate) const FILES: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    Active,
    Suspended,
    Closed,
}

/// The terms of a close.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) confirm: String,
    pub(crate) release: BTreeSet<String>,
    pub(crate) to_main: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) word: Word,
    /// The terms; kept while the close is withdrawn, so that it can be decided again.
    pub(crate) terms: Terms,
    pub(crate) numbers: BTreeSet<String>,
    pub(crate) paused: bool,
    /// True when its key `status` is misspelt.
    pub(crate) misspelt: bool,
    pub(crate) file: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) entries: BTreeMap<String, Entry>,
    pub(crate) paused: bool,
    /// The file that has a tab.
    pub(crate) tab: Option<usize>,
}

/// The change that a POST asks Twilio for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Ask {
    Suspend(String),
    Reactivate(String),
    Close(String),
    Transfer { phone: String, from: String, to: String },
}

impl Ask {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Suspend(_) => "suspend",
            Self::Reactivate(_) => "reactivate",
            Self::Close(_) => "close",
            Self::Transfer { .. } => "transfer",
        }
    }

    /// The account or number that it changes.
    pub(crate) fn object(&self) -> &str {
        match self {
            Self::Suspend(sid) | Self::Reactivate(sid) | Self::Close(sid) => sid,
            Self::Transfer { phone, .. } => phone,
        }
    }
}

impl State {
    pub(crate) fn is_faulty(&self) -> bool {
        self.tab.is_some() || self.entries.values().any(|entry| entry.misspelt)
    }

    /// The entry of an account as far as it can be read.
    pub(crate) fn entry(&self, sid: &str) -> Option<&Entry> {
        self.entries.get(sid).filter(|entry| !entry.misspelt && self.tab != Some(entry.file))
    }

    /// The terms under which the state closes the account.
    pub(crate) fn terms(&self, sid: &str) -> Option<&Terms> {
        self.entry(sid).filter(|entry| entry.word == Word::Closed).map(|entry| &entry.terms)
    }

    pub(crate) fn claimant(&self, phone: &str) -> Option<&String> {
        let claims = |entry: &Entry| entry.word != Word::Closed && entry.numbers.contains(phone);
        self.entries.iter().find(|(_, entry)| claims(entry)).map(|(sid, _)| sid)
    }

    pub(crate) fn is_named_in_a_release(&self, phone: &str) -> bool {
        self.entries.values().any(|entry| entry.word == Word::Closed && entry.terms.release.contains(phone))
    }

    /// Returns true when this state asks for `ask`.
    pub(crate) fn asks(&self, ask: &Ask) -> bool {
        if self.paused || self.tab.is_some() {
            return false;
        }
        let entry = |sid: &str| self.entry(sid).filter(|entry| !entry.paused);
        match ask {
            Ask::Suspend(sid) => entry(sid).is_some_and(|entry| match entry.word {
                Word::Active => false,
                Word::Suspended => true,
                Word::Closed => !self.is_faulty(),
            }),
            Ask::Reactivate(sid) => entry(sid).is_some_and(|entry| entry.word == Word::Active),
            Ask::Close(sid) => {
                !self.is_faulty() && entry(sid).is_some_and(|entry| entry.word == Word::Closed)
            }
            Ask::Transfer { phone, from, to } => {
                let frozen = |sid| self.entries.get(sid).is_some_and(|entry| entry.paused || entry.misspelt);
                let moves_to_main = to == MAIN
                    && !self.is_faulty()
                    && self.terms(from).is_some_and(|terms| terms.to_main && !terms.release.contains(phone))
                    && self.claimant(phone).is_none();
                !frozen(from) && !frozen(to) && (moves_to_main || self.claimant(phone) == Some(to))
            }
        }
    }

    fn text(&self, file: usize) -> String {
        let mut text = "apiVersion: subaccountd/v1\nkind: DesiredState\n".to_owned();
        if file == 0 {
            writeln!(text, "paused: {}\nmainAccount: {{sid: {MAIN}}}", self.paused).unwrap();
        }
        text += "subaccounts:\n";
        if self.entries.values().all(|entry| entry.file != file) {
            text += "  []\n";
        }
        for (sid, entry) in self.entries.iter().filter(|(_, entry)| entry.file == file) {
            let key = if entry.misspelt { "sttaus" } else { "status" };
            let quoted = |numbers: &BTreeSet<String>| {
                numbers.iter().map(|number| format!("\"{number}\"")).collect::<Vec<_>>().join(", ")
            };
            let (word, more) = match entry.word {
                Word::Active => ("active", format!("numbers: [{}]", quoted(&entry.numbers))),
                Word::Suspended => ("suspended", format!("numbers: [{}]", quoted(&entry.numbers))),
                Word::Closed => {
                    let Terms { confirm, release, to_main } = &entry.terms;
                    let release = quoted(release);
                    let terms =
                        format!("confirm: {confirm}, release: [{release}], moveNumbersToMain: {to_main}");
                    ("closed", format!("close: {{{terms}}}"))
                }
            };
            writeln!(text, "  - {{sid: {sid}, {key}: {word}, paused: {}, {more}}}", entry.paused).unwrap();
        }
        if self.tab == Some(file) {
            text += "x-note:\n\ta: 1\n";
        }
        text
    }
}

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
        let entry = |sid: &String, state: &State| state.entries.get(sid).map(|entry| format!("{entry:?}"));
        let changed = sids.into_iter().filter(|sid| entry(sid, &before) != entry(sid, state));
        let mut changes: Vec<_> = changed
            .map(|sid| {
                format!("the state: {sid}: {}", entry(sid, state).unwrap_or_else(|| "no entry".into()))
            })
            .collect();
        if (before.paused, before.tab) != (state.paused, state.tab) {
            changes.push(format!("the state: paused {}, broken file {:?}", state.paused, state.tab));
        }
        changes
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

/// The folder of the state.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Replaces the files that differ, each atomically, as editors do.
    pub(crate) fn write(&self, state: &State, wrote: &mut Vec<String>) -> bool {
        wrote.resize(FILES, String::new());
        let mut changed = 0;
        for (file, was) in wrote.iter_mut().enumerate() {
            let text = state.text(file);
            if *was != text {
                replace(&self.0.join(format!("{file}.yaml")), &text);
                *was = text;
                changed += 1;
            }
        }
        changed <= 1
    }
}

fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}
