//! A fault: a diagnostic with the source lines that show it.

use std::{borrow::Cow, sync::Arc};

use serde::Serialize;

use super::{
    code::DiagnosticCode,
    diagnostic_builder::{DiagnosticBuilder, Replacement},
    location::{Location, Span},
    source::{BOM, Source},
};

/// The most faults that are kept whole; one more gives the number of the others.
pub(super) const MAX_DIAGNOSTICS: usize = 1000;
/// The longest line that is kept whole, in bytes; of a longer one, only the part around the mark is kept.
const MAX_LINE: usize = 400;
/// The most characters before the mark that are kept of a longer line.
const BEFORE_MARK: usize = 60;

/// A fault of the state: its location, the problem and the fix.
///
/// Its serialized form is the fault as `/status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The problem, in words.
    pub message: String,
    /// The fix.
    pub help: String,
    /// The kind of fault.
    #[serde(skip)]
    pub code: DiagnosticCode,
    /// The number of characters that are marked.
    #[serde(skip)]
    pub width: usize,
    /// The source line; none when there is no such line.
    #[serde(skip)]
    pub excerpt: Option<Excerpt>,
    /// The text to write instead of the marked one, when that is clear.
    #[serde(skip)]
    pub replacement: Option<String>,
    /// The other location that explains the problem.
    #[serde(skip)]
    pub related: Option<Box<Related>>,
}

/// The other location of a fault, such as the first of two claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The number of characters that are marked.
    pub width: usize,
    /// The label of that location, in a few words.
    pub label: &'static str,
    /// The source line.
    pub excerpt: Option<Excerpt>,
    /// The line between the two locations, when there is just one: it is shown instead of an ellipsis.
    pub between: Option<Excerpt>,
}

/// A source line, or the part of a long line around the mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text, without its line break.
    pub text: Arc<str>,
    /// The number of characters of the line before `text`.
    pub skipped: usize,
    /// True when the line continues after `text`.
    pub cut: bool,
}

impl Excerpt {
    fn new(line: &str, span: Span) -> Self {
        let line = without_credentials(line);
        if line.len() <= MAX_LINE {
            return Self { text: (*line).into(), skipped: 0, cut: false };
        }
        let skipped = (span.column() - 1).saturating_sub(BEFORE_MARK);
        let mut rest = line.chars().skip(skipped);
        let text: String = rest.by_ref().take(MAX_LINE).collect();
        Self { text: text.into(), skipped, cut: rest.next().is_some() }
    }
}

/// `line` with asterisks for what may be credentials in its URLs: user information, query and fragment. Columns stay.
fn without_credentials(line: &str) -> Cow<'_, str> {
    const SCHEME: &str = "://";
    if !line.contains(SCHEME) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(SCHEME) {
        let (before, url) = rest.split_at(at + SCHEME.len());
        let scheme = before[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric());
        let quote = scheme.chars().next_back().filter(|c| matches!(c, '"' | '\''));
        let ends = |c: char| quote.map_or_else(|| c.is_whitespace(), |quote| c == quote);
        let end = url.find(ends).unwrap_or(url.len());
        let (url, after) = url.split_at(end);
        let host = url.rfind('@').unwrap_or(0);
        let query = url[host..].find(['?', '#']).map_or(url.len(), |at| host + at + 1);
        out.push_str(before);
        out.extend(url[..host].chars().map(|_| '*'));
        out.push_str(&url[host..query]);
        out.extend(url[query..].chars().map(|_| '*'));
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The lines of all files, by number.
pub(super) struct Lines<'a> {
    sources: &'a [Source],
    /// The file that was read last.
    file: Option<FileLines<'a>>,
    /// The line that was read last: a file may have one long line with all faults.
    line: Option<ReadLine<'a>>,
}

/// The lines of one file.
struct FileLines<'a> {
    file: usize,
    bytes: &'a [u8],
    /// The offsets at which lines begin.
    begins: Vec<u32>,
}

#[derive(Clone)]
struct ReadLine<'a> {
    file: usize,
    number: usize,
    text: Cow<'a, str>,
    characters: usize,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(sources: &'a [Source]) -> Self {
        Self { sources, file: None, line: None }
    }

    /// The span of `location`, and its line; the nearest ones when there is no such line or column.
    fn find(&mut self, location: Location) -> Option<(Span, Cow<'a, str>)> {
        let file = self.file(location.file())?;
        let number = location.span.line().min(file.begins.len());
        let known = self.line.take().filter(|line| (line.file, line.number) == (location.file(), number));
        let read = match known {
            Some(line) => line,
            None => self.file(location.file())?.read(number)?,
        };
        let end = read.characters + 1;
        let column = if number < location.span.line() { end } else { location.span.column().min(end) };
        let span = Span::new(number, column, location.span.width().min(end - column));
        self.line = Some(read.clone());
        Some((span, read.text))
    }

    fn file(&mut self, file: usize) -> Option<&FileLines<'a>> {
        if self.file.as_ref().is_none_or(|last| last.file != file) {
            let bytes = self.sources.get(file)?.content.as_ref().ok()?;
            let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
            let begin = |line: &[u8]| u32::try_from(line.as_ptr() as usize - bytes.as_ptr() as usize);
            let begins = lines(bytes).map(begin).collect::<Result<_, _>>().ok()?;
            self.file = Some(FileLines { file, bytes, begins });
        }
        self.file.as_ref()
    }

    /// The fault that `diagnostic` describes, with its source lines.
    pub(super) fn fault(&mut self, diagnostic: DiagnosticBuilder) -> Diagnostic {
        let DiagnosticBuilder { location, code, message, help, replacement, related } = diagnostic;
        let (span, excerpt) = self.show(location);
        let replacement = replacement.map(|replacement| match replacement {
            Replacement::Yaml(yaml) => yaml,
            Replacement::Word(word) => quoted_alike(word, span, excerpt.as_ref()),
        });
        let related = related.map(|(other, label)| Box::new(self.related(other, label, (location, span))));
        Diagnostic {
            file: self.name(location),
            line: span.line(),
            column: span.column(),
            message,
            help,
            code,
            width: span.width(),
            excerpt,
            replacement,
            related,
        }
    }

    fn related(&mut self, other: Location, label: &'static str, (location, at): (Location, Span)) -> Related {
        let (span, excerpt) = self.show(other);
        let apart = other.file() == location.file() && span.line().abs_diff(at.line()) == 2;
        let middle = Span::new(span.line().midpoint(at.line()), 1, 0);
        let between = apart.then(|| self.show(Location::new(other.file(), middle)).1).flatten();
        let (line, column, width) = (span.line(), span.column(), span.width());
        Related { file: self.name(other), line, column, width, label, excerpt, between }
    }

    fn show(&mut self, location: Location) -> (Span, Option<Excerpt>) {
        match self.find(location) {
            Some((span, line)) => (span, (!line.is_empty()).then(|| Excerpt::new(&line, span))),
            None => (Span::START, None),
        }
    }

    fn name(&self, location: Location) -> String {
        self.sources.get(location.file()).map_or_else(String::new, |source| source.name.clone())
    }
}

impl<'a> FileLines<'a> {
    fn read(&self, number: usize) -> Option<ReadLine<'a>> {
        let begin = *self.begins.get(number.checked_sub(1)?)? as usize;
        let text = String::from_utf8_lossy(lines(self.bytes.get(begin..)?).next()?);
        let characters = text.chars().count();
        Some(ReadLine { file: self.file, number, text, characters })
    }
}

/// `word`, in the same quotes as the text at `span`.
fn quoted_alike(word: String, span: Span, excerpt: Option<&Excerpt>) -> String {
    let at = excerpt.map(|excerpt| span.column() - 1 - excerpt.skipped);
    let first = excerpt.zip(at).and_then(|(excerpt, at)| excerpt.text.chars().nth(at));
    match first.filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => format!("{quote}{word}{quote}"),
        None => word,
    }
}

/// The lines of `bytes`, as editors count them: each ends with LF, CR LF or CR.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
        let line = &rest[..at];
        let end = if rest[at..].starts_with(b"\r\n") { at + 2 } else { at + 1 };
        rest = rest.get(end..).unwrap_or_default();
        Some(line)
    })
}

/// The span of the character at `index` of `text`, counted from 0.
pub(super) fn span_at(text: &str, index: usize) -> Span {
    let (mut line, mut column) = (1, 1);
    let mut before = text.chars().take(index).peekable();
    while let Some(c) = before.next() {
        if c == '\n' || c == '\r' && before.peek() != Some(&'\n') {
            (line, column) = (line + 1, 1);
        } else {
            column += 1;
        }
    }
    Span::new(line, column, 1)
}

/// The line of this number, from 1, without its line break; empty when there is none.
pub(super) fn line_of(text: &str, number: usize) -> &str {
    let line = number.checked_sub(1).and_then(|at| lines(text.as_bytes()).nth(at));
    line.and_then(|line| str::from_utf8(line).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_urls_are_masked_and_columns_stay() {
        for (line, masked) in [
            ("voiceUrl: https://example.com/voice", "voiceUrl: https://example.com/voice"),
            (
                "voiceUrl: https://user:p@ss@example.com/v?t=1 # x",
                "voiceUrl: https://*********@example.com/v?*** # x",
            ),
            ("{a: 'http://u:p@a', b: \"http://b/#é\"}", "{a: 'http://***@a', b: \"http://b/#*\"}"),
            ("a: \"https://u:a b@a/\" # c", "a: \"https://*****@a/\" # c"),
            ("# $schema=./desired-state.v1.schema.json?x", "# $schema=./desired-state.v1.schema.json?x"),
        ] {
            assert_eq!(without_credentials(line), masked);
            assert_eq!(line.chars().count(), masked.chars().count());
        }
    }
}
