//! A finding: what is wrong at a place, under its code, with its fix.

use super::{
    code::Code,
    yaml::{Kind, Node},
};

/// The most characters of a message or a help: words of the state may stand in them.
const LONGEST_WORDS: usize = 600;
/// The most characters that are shown of a word of the state.
const LONGEST_SHOWN: usize = 80;

/// A stretch of one line: line and column from 1, width in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    line: u32,
    column: u32,
    width: u32,
}

impl Mark {
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
pub(super) struct Place {
    file: u32,
    pub(super) mark: Mark,
    /// The mark of the alias that uses the value, when it was written elsewhere.
    pub(super) alias: Option<Mark>,
}

impl Place {
    pub(super) fn new(file: usize, mark: Mark) -> Self {
        Self { file: u32::try_from(file).unwrap_or(u32::MAX), mark, alias: None }
    }

    pub(super) fn start_of(file: usize) -> Self {
        Self::new(file, Mark::START)
    }

    /// The beginning of `node`: a mapping without braces begins with its first key.
    pub(super) fn of(node: &Node) -> Self {
        let Kind::Map(entries) = &node.kind else { return node.place };
        let first = entries.first().map(|(key, _)| key.place);
        let begins =
            |key: &Self| (key.line(), key.mark.column()) == (node.place.line(), node.place.mark.column());
        first.filter(begins).unwrap_or(node.place)
    }

    pub(super) const fn file(self) -> usize {
        self.file as usize
    }

    pub(super) const fn line(self) -> usize {
        self.mark.line()
    }

    /// The place at which the value is used: that of the alias, or that at which it is written.
    pub(super) fn used(self) -> Self {
        Self { mark: self.alias.unwrap_or(self.mark), alias: None, ..self }
    }
}

/// Something wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) place: Place,
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: String,
    /// The text to write there instead, when that is beyond doubt.
    pub(super) replacement: Option<Replacement>,
    /// The other place that it takes to see what is wrong, and what stands there.
    pub(super) related: Option<(Place, &'static str)>,
}

/// The text to write instead of what is marked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Replacement {
    /// A word, in the quotes that the marked one has.
    Word(String),
    /// YAML as it is.
    Yaml(String),
}

impl Finding {
    pub(super) fn new(code: Code, place: Place, message: impl Into<String>, help: impl Into<String>) -> Self {
        let related = place.alias.map(|mark| (Place { mark, ..place }.used(), "used here, by an alias"));
        let bounded = |words: String| match words.char_indices().nth(LONGEST_WORDS) {
            Some((at, _)) => format!("{}…", &words[..at]),
            None => words,
        };
        Self {
            place,
            code,
            message: bounded(message.into()),
            help: bounded(help.into()),
            replacement: None,
            related: related.map(|(place, label)| (Place { alias: None, ..place }, label)),
        }
    }

    /// Adds the place without which the finding cannot be understood.
    pub(super) fn beside(&mut self, place: Place, label: &'static str) -> &mut Self {
        self.related = Some((place, label));
        self
    }

    /// Adds the word to write instead, when it is known.
    pub(super) fn meant(&mut self, word: Option<&str>) -> &mut Self {
        self.replacement = word.map(|word| Replacement::Word(word.to_owned()));
        self
    }

    /// Adds the YAML to write instead, when it is known and short enough to be shown.
    pub(super) fn replace(&mut self, yaml: Option<String>) -> &mut Self {
        self.replacement = yaml.filter(|yaml| yaml.len() <= LONGEST_SHOWN).map(Replacement::Yaml);
        self
    }

    /// Returns true when `other` says the same: of the uses of an alias the first is enough.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        self.place.file == other.place.file
            && (self.place.mark, self.code, &self.message) == (other.place.mark, other.code, &other.message)
    }
}

/// A word of the state as messages show it: no longer than a line.
pub(super) fn shown(word: &str) -> String {
    match word.char_indices().nth(LONGEST_SHOWN) {
        Some((at, _)) => format!("{}…", &word[..at]),
        None => word.to_owned(),
    }
}

/// The findings so far, in files of these names.
#[derive(Debug, Default)]
pub(super) struct Findings<'a> {
    pub(super) names: Vec<&'a str>,
    pub(super) found: Vec<Finding>,
    /// The first file with a fault that hides an unknown number of entries or guards.
    pub(super) hidden_in: Option<usize>,
}

impl Findings<'_> {
    /// Takes note that a fault at `place` hides an unknown number of entries or guards.
    pub(super) fn hide(&mut self, place: Place) {
        self.hide_in(place.file());
    }

    /// As `hide`, for a file as a whole.
    pub(super) fn hide_in(&mut self, file: usize) {
        self.hidden_in = Some(self.hidden_in.map_or(file, |first| first.min(file)));
    }

    /// Words for the place `other`, seen from `here`.
    pub(super) fn also(&self, other: Place, here: Place) -> String {
        match self.names.get(other.file()) {
            Some(name) if other.file != here.file => format!("also in {}:{}", shown(name), other.line()),
            Some(_) | None => format!("also on line {}", other.line()),
        }
    }

    pub(super) fn add(
        &mut self,
        code: Code,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> &mut Finding {
        self.found.push_mut(Finding::new(code, place, message, help))
    }

    pub(super) const fn count(&self) -> usize {
        self.found.len()
    }
}
