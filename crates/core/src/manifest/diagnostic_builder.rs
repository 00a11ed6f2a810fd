//! The builder of a diagnostic: a problem at a location, with its code and its fix.

use super::{code::DiagnosticCode, location::Location};
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

    /// Returns true when `other` is the same diagnostic, found through another use of an alias.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        self.location.file == other.location.file
            && (self.location.span, self.code, &self.message)
                == (other.location.span, other.code, &other.message)
    }
}

/// A word of the state as messages show it, shortened when it is long.
pub(super) fn shown(word: &str) -> String {
    clip(word, MAX_SHOWN)
}

/// The diagnostics so far, and the names of the files.
#[derive(Debug, Default)]
pub(super) struct Diagnostics<'a> {
    pub(super) names: Vec<&'a str>,
    pub(super) found: Vec<DiagnosticBuilder>,
    /// The first file with a fault that hides an unknown number of entries or guards.
    pub(super) hidden_in: Option<usize>,
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

    pub(super) fn add(
        &mut self,
        code: DiagnosticCode,
        location: Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> &mut DiagnosticBuilder {
        self.found.push_mut(DiagnosticBuilder::new(code, location, message, help))
    }

    pub(super) const fn count(&self) -> usize {
        self.found.len()
    }
}
