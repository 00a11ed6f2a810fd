//! The builder of a diagnostic: a problem at a location, with its code and its fix.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    code::DiagnosticCode,
    diagnostic::MAX_DIAGNOSTICS,
    location::{Location, Span},
};
use crate::text::clip;

/// The most characters of a message or a help: they may quote the state.
const MAX_MESSAGE: usize = 600;
/// The most characters of a word of the state that are shown.
const MAX_SHOWN: usize = 80;

/// A problem at a location.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DiagnosticBuilder {
    pub(super) location: Location,
    pub(super) code: DiagnosticCode,
    pub(super) message: String,
    pub(super) help: String,
    /// The text to write there instead, when that is clear.
    pub(super) replacement: Option<Replacement>,
    /// The other location that explains the problem, and its label.
    pub(super) related: Option<(Location, &'static str)>,
}

/// The text to write instead of the marked one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Replacement {
    /// A word, in the quotes that the marked one has.
    Word(String),
    /// YAML as it is.
    Yaml(String),
}

impl DiagnosticBuilder {
    pub(super) fn new(
        code: DiagnosticCode,
        location: Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let related =
            location.alias.map(|span| (Location { span, ..location }.used(), "used here through an alias"));
        Self {
            location,
            code,
            message: clip(&message.into(), MAX_MESSAGE),
            help: clip(&help.into(), MAX_MESSAGE),
            replacement: None,
            related: related.map(|(location, label)| (Location { alias: None, ..location }, label)),
        }
    }

    /// Adds the other location that explains the problem, with its label.
    pub(super) fn with_related(&mut self, location: Location, label: &'static str) -> &mut Self {
        self.related = Some((location, label));
        self
    }

    /// Adds the word to write instead, when it is known.
    pub(super) fn with_suggestion(&mut self, word: Option<&str>) -> &mut Self {
        self.replacement = word.map(|word| Replacement::Word(word.to_owned()));
        self
    }

    /// Adds the YAML to write instead, when it is known and short enough to be shown.
    pub(super) fn with_yaml(&mut self, yaml: Option<String>) -> &mut Self {
        self.replacement = yaml.filter(|yaml| yaml.len() <= MAX_SHOWN).map(Replacement::Yaml);
        self
    }

    /// The parts that two diagnostics have in common when an alias repeats one.
    fn identity(&self) -> (u32, Span, DiagnosticCode, &str) {
        (self.location.file, self.location.span, self.code, &self.message)
    }

    fn identity_hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.identity().hash(&mut hasher);
        hasher.finish()
    }
}

/// A word of the state as messages show it, shortened when it is long.
pub(super) fn shown(word: &str) -> String {
    clip(word, MAX_SHOWN).replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

/// The most diagnostics of which each is kept whole: a state of a few MiB can have a million of them.
const MAX_WHOLE: usize = 20_000;
/// The latest diagnostics, which stay in their order: those of the entry that is read.
const LATEST: usize = 5_000;

/// The diagnostics so far, and the names of the files.
#[derive(Debug, Default)]
pub(super) struct Diagnostics<'a> {
    pub(super) names: Vec<&'a str>,
    found: Vec<DiagnosticBuilder>,
    /// The number of the diagnostics that are no longer in `found`.
    dropped: usize,
    /// The hashes of those: an alias may repeat them.
    rest: HashSet<u64>,
    /// The first file with a fault that hides an unknown number of entries or guards.
    pub(super) hidden_in: Option<usize>,
}

impl<'a> Diagnostics<'a> {
    /// No diagnostics yet, of the files with these `names`.
    pub(super) fn new(names: Vec<&'a str>) -> Self {
        Self { names, ..Self::default() }
    }
}

impl Diagnostics<'_> {
    /// Records that a fault at `location` hides an unknown number of entries or guards.
    pub(super) fn hide(&mut self, location: Location) {
        self.hide_in(location.file());
    }

    /// Records that a fault in `file` hides an unknown number of entries or guards.
    pub(super) fn hide_in(&mut self, file: usize) {
        self.hidden_in = Some(self.hidden_in.map_or(file, |first| first.min(file)));
    }

    /// The reference to the location `other` in a message about `here`.
    pub(super) fn also(&self, other: Location, here: Location) -> String {
        match self.names.get(other.file()) {
            Some(name) if other.file != here.file => format!("also in {}:{}", shown(name), other.line()),
            Some(_) | None => format!("also on line {}", other.line()),
        }
    }

    /// Adds a diagnostic.
    pub(super) fn add(
        &mut self,
        code: DiagnosticCode,
        location: Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> &mut DiagnosticBuilder {
        self.push(DiagnosticBuilder::new(code, location, message, help))
    }

    /// Adds `diagnostic`.
    pub(super) fn push(&mut self, diagnostic: DiagnosticBuilder) -> &mut DiagnosticBuilder {
        if self.found.len() >= MAX_WHOLE {
            self.compact(LATEST);
        }
        self.found.push_mut(diagnostic)
    }

    /// Adds the diagnostics of `others`, and what they hide.
    pub(super) fn append(&mut self, others: Diagnostics<'_>) {
        self.dropped += others.dropped;
        self.rest.extend(others.rest);
        for diagnostic in others.found {
            self.push(diagnostic);
        }
        if let Some(file) = others.hidden_in {
            self.hide_in(file);
        }
    }

    /// The number of the diagnostics so far, repeated ones included.
    pub(super) const fn count(&self) -> usize {
        self.dropped + self.found.len()
    }

    /// The diagnostics that were added after the first `count`, as far as they are kept.
    pub(super) fn since(&self, count: usize) -> &[DiagnosticBuilder] {
        &self.found[count.saturating_sub(self.dropped).min(self.found.len())..]
    }

    /// The first [`MAX_DIAGNOSTICS`] in the order of the files, each once, and the number of all.
    pub(super) fn into_first(mut self) -> (Vec<DiagnosticBuilder>, usize) {
        self.compact(0);
        for kept in &self.found {
            self.rest.remove(&kept.identity_hash());
        }
        let all = self.found.len() + self.rest.len();
        (self.found, all)
    }

    /// Keeps the first [`MAX_DIAGNOSTICS`] in the order of the files and the `latest` that were added; of the others, only
    /// hashes.
    fn compact(&mut self, latest: usize) {
        let latest = self.found.split_off(self.found.len().saturating_sub(latest));
        let before = self.found.len();
        self.found.sort();
        self.found.dedup_by(|later, first| later.identity() == first.identity());
        let others = self.found.split_off(self.found.len().min(MAX_DIAGNOSTICS));
        self.rest.extend(others.iter().map(DiagnosticBuilder::identity_hash));
        self.dropped += before - self.found.len();
        self.found.extend(latest);
    }
}
