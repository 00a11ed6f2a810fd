//! A fault: a finding with the lines that it takes to show it.

use std::{borrow::Cow, sync::Arc};

use serde::Serialize;

use super::{
    code::Code,
    finding::{Finding, Mark, Place, Replacement},
    reading::{BOM, Source},
};

/// The most faults that are kept; the last of them says how many more there are.
pub(super) const MOST_FAULTS: usize = 1000;
/// Of a line longer than this only the part around the mark is kept.
const LONGEST_LINE: usize = 400;
/// The most characters before the mark that are kept of such a line.
const BEFORE_MARK: usize = 60;

/// Something wrong in the state: where, what, and how to fix it.
///
/// What is serialized is the fault as `/status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The mistake, in words.
    pub message: String,
    /// The fix.
    pub help: String,
    /// The kind of fault.
    #[serde(skip)]
    pub code: Code,
    /// The number of characters of the line that are meant.
    #[serde(skip)]
    pub width: usize,
    /// The line, for showing it; none when there is no such line.
    #[serde(skip)]
    pub excerpt: Option<Excerpt>,
    /// The text to write instead of what is meant, when that is beyond doubt.
    #[serde(skip)]
    pub replacement: Option<String>,
    /// The other place that it takes to see what is wrong.
    #[serde(skip)]
    pub related: Option<Box<Related>>,
}

/// The other place of a fault, as the first of two claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The number of characters of the line that are meant.
    pub width: usize,
    /// The description of what stands there, in a few words.
    pub label: &'static str,
    /// The line, for showing it.
    pub excerpt: Option<Excerpt>,
    /// The line between the two places, when there is just one: it is shown rather than left out.
    pub between: Option<Excerpt>,
}

/// A line of a file, or of a long one the part around the mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text, without its line break.
    pub text: Arc<str>,
    /// The number of characters of the line that stand before `text`.
    pub skipped: usize,
    /// The line goes on after `text`.
    pub cut: bool,
}

impl Excerpt {
    fn new(line: &str, mark: Mark) -> Self {
        if line.len() <= LONGEST_LINE {
            return Self { text: line.into(), skipped: 0, cut: false };
        }
        let skipped = (mark.column() - 1).saturating_sub(BEFORE_MARK);
        let mut rest = line.chars().skip(skipped);
        let text: String = rest.by_ref().take(LONGEST_LINE).collect();
        Self { text: text.into(), skipped, cut: rest.next().is_some() }
    }
}

/// The lines of all files, found by their numbers.
pub(super) struct Lines<'a> {
    sources: &'a [Source],
    /// The lines of the file that was looked at last.
    last: Option<(usize, Vec<&'a [u8]>)>,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(sources: &'a [Source]) -> Self {
        Self { sources, last: None }
    }

    /// The line of `place`, and its mark: where there is no such line or column, the nearest that there is.
    fn find(&mut self, place: Place) -> Option<(Mark, Cow<'a, str>)> {
        if self.last.as_ref().is_none_or(|(file, _)| *file != place.file()) {
            let bytes = self.sources.get(place.file())?.content.as_ref().ok()?;
            self.last = Some((place.file(), lines(bytes.strip_prefix(BOM).unwrap_or(bytes))));
        }
        let (_, lines) = self.last.as_ref()?;
        let number = place.mark.line().min(lines.len());
        let line = String::from_utf8_lossy(lines.get(number.checked_sub(1)?)?);
        let end = line.chars().count() + 1;
        let column = if number < place.mark.line() { end } else { place.mark.column().min(end) };
        Some((Mark::new(number, column, place.mark.width().min(end - column)), line))
    }

    /// The fault that `finding` is.
    pub(super) fn fault(&mut self, finding: Finding) -> Fault {
        let Finding { place, code, message, help, replacement, related } = finding;
        let (mark, excerpt) = self.show(place);
        let replacement = replacement.map(|replacement| match replacement {
            Replacement::Yaml(yaml) => yaml,
            Replacement::Word(word) => quoted_alike(word, mark, excerpt.as_ref()),
        });
        let related = related.map(|(other, label)| Box::new(self.related(other, label, (place, mark))));
        Fault {
            file: self.name(place),
            line: mark.line(),
            column: mark.column(),
            message,
            help,
            code,
            width: mark.width(),
            excerpt,
            replacement,
            related,
        }
    }

    fn related(&mut self, other: Place, label: &'static str, (place, at): (Place, Mark)) -> Related {
        let (mark, excerpt) = self.show(other);
        let apart = other.file() == place.file() && mark.line().abs_diff(at.line()) == 2;
        let middle = Mark::new(mark.line().midpoint(at.line()), 1, 0);
        let between = apart.then(|| self.show(Place::new(other.file(), middle)).1).flatten();
        let (line, column, width) = (mark.line(), mark.column(), mark.width());
        Related { file: self.name(other), line, column, width, label, excerpt, between }
    }

    fn show(&mut self, place: Place) -> (Mark, Option<Excerpt>) {
        match self.find(place) {
            Some((mark, line)) => (mark, (!line.is_empty()).then(|| Excerpt::new(&line, mark))),
            None => (Mark::START, None),
        }
    }

    fn name(&self, place: Place) -> String {
        self.sources.get(place.file()).map_or_else(String::new, |source| source.name.clone())
    }
}

/// `word` in the quotes that stand at `mark`.
fn quoted_alike(word: String, mark: Mark, excerpt: Option<&Excerpt>) -> String {
    let at = excerpt.map(|excerpt| mark.column() - 1 - excerpt.skipped);
    let first = excerpt.zip(at).and_then(|(excerpt, at)| excerpt.text.chars().nth(at));
    match first.filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => format!("{quote}{word}{quote}"),
        None => word,
    }
}

/// The lines of `bytes`, as editors count them: each ends with LF, CR LF or CR.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) {
        lines.push(&rest[..at]);
        let wide = rest[at..].starts_with(b"\r\n");
        rest = &rest[at + 1 + usize::from(wide)..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// The mark of the character `index` of `text`, both counted from 0 here.
pub(super) fn mark_of(text: &str, index: usize) -> Mark {
    let (mut line, mut column) = (1, 1);
    let mut before = text.chars().take(index).peekable();
    while let Some(c) = before.next() {
        if c == '\n' || c == '\r' && before.peek() != Some(&'\n') {
            (line, column) = (line + 1, 1);
        } else {
            column += 1;
        }
    }
    Mark::new(line, column, 1)
}

/// The line of this number, from 1, without its line break; empty when there is none.
pub(super) fn line_of(text: &str, number: usize) -> &str {
    let lines = lines(text.as_bytes());
    let line = number.checked_sub(1).and_then(|at| lines.get(at).copied());
    line.and_then(|line| str::from_utf8(line).ok()).unwrap_or_default()
}
