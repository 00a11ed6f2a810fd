//! A diagnostic: what is wrong at a location, under its code, with its fix.

use super::{
    code::DiagnosticCode,
    yaml::{Kind, Node},
};
use crate::text::clip;

/// The most characters of a message or a help: words of the state may stand in them.
const MAX_MESSAGE: usize = 600;
/// The most characters that are shown of a word of the state.
const MAX_SHOWN: usize = 80;

/// A stretch of one line: line and column from 1, width in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    line: u32,
    column: u32,
    width: u32,
}

impl Span {
    pub(super) const START: Self = Self { line: 1, column: 1, width: 1 };

    pub(super) fn new(line: usize, column: usize, width: usize) -> Self {
        let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { line: clip(line.max(1)), column: clip(column.max(1)), width: clip(width) }
    }

    pub(super) const fn line(self) -> usize {
        self.line as usize
    }

    pub(super) const fn column(self) -> usize {
        self.column as usize
    }

    pub(super) const fn width(self) -> usize {
        self.width as usize
    }
}

/// A mark in one of the files, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Location {
    file: u32,
    pub(super) span: Span,
    /// The mark of the alias that uses the value, when it was written elsewhere.
    pub(super) alias: Option<Span>,
}

impl Location {
    pub(super) fn new(file: usize, span: Span) -> Self {
        Self { file: u32::try_from(file).unwrap_or(u32::MAX), span, alias: None }
    }

    pub(super) fn start_of(file: usize) -> Self {
        Self::new(file, Span::START)
    }

    /// The beginning of `node`: a mapping without braces begins with its first key.
    pub(super) fn of(node: &Node) -> Self {
        let Kind::Map(entries) = &node.kind else { return node.location };
        let first = entries.first().map(|(key, _)| key.location);
        let begins = |key: &Self| {
            (key.line(), key.span.column()) == (node.location.line(), node.location.span.column())
        };
        first.filter(begins).unwrap_or(node.location)
    }

    pub(super) const fn file(self) -> usize {
        self.file as usize
    }

    pub(super) const fn line(self) -> usize {
        self.span.line()
    }

    /// The location at which the value is used: that of the alias, or that at which it is written.
    pub(super) fn used(self) -> Self {
        Self { span: self.alias.unwrap_or(self.span), alias: None, ..self }
    }
}

/// Something wrong at a location.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DiagnosticBuilder {
    pub(super) location: Location,
    pub(super) code: DiagnosticCode,
    pub(super) message: String,
    pub(super) help: String,
    /// The text to write there instead, when that is beyond doubt.
    pub(super) replacement: Option<Replacement>,
    /// The other place that it takes to see what is wrong, and what stands there.
    pub(super) related: Option<(Location, &'static str)>,
}

/// The text to write instead of what is marked.
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
            location.alias.map(|span| (Location { span, ..location }.used(), "used here, by an alias"));
        Self {
            location,
            code,
            message: clip(&message.into(), MAX_MESSAGE),
            help: clip(&help.into(), MAX_MESSAGE),
            replacement: None,
            related: related.map(|(location, label)| (Location { alias: None, ..location }, label)),
        }
    }

    /// Adds the location without which the diagnostic cannot be understood.
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

    /// Returns true when `other` says the same: of the uses of an alias the first is enough.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        self.location.file == other.location.file
            && (self.location.span, self.code, &self.message)
                == (other.location.span, other.code, &other.message)
    }
}

/// A word of the state as messages show it: no longer than a line.
pub(super) fn shown(word: &str) -> String {
    clip(word, MAX_SHOWN)
}

/// The diagnostics so far, in files of these names.
#[derive(Debug, Default)]
pub(super) struct Diagnostics<'a> {
    pub(super) names: Vec<&'a str>,
    pub(super) found: Vec<DiagnosticBuilder>,
    /// The first file with a fault that hides an unknown number of entries or guards.
    pub(super) hidden_in: Option<usize>,
}

impl Diagnostics<'_> {
    /// Takes note that a fault at `place` hides an unknown number of entries or guards.
    pub(super) fn hide(&mut self, location: Location) {
        self.hide_in(location.file());
    }

    /// As `hide`, for a file as a whole.
    pub(super) fn hide_in(&mut self, file: usize) {
        self.hidden_in = Some(self.hidden_in.map_or(file, |first| first.min(file)));
    }

    /// Words for the location `other`, seen from `here`.
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
