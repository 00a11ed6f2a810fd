//! The bounds of a file: they hold before a tree is built, so that time and memory stay in proportion to the text.

use std::cell::Cell;

use super::{
    code::DiagnosticCode,
    diagnostic_builder::DiagnosticBuilder,
    location::{Location, Span},
    syntax::TOO_MANY_VALUES,
};

/// The most values of one file, with those that its aliases repeat.
pub(super) const MAX_VALUES: usize = 750_000;
/// The deepest nesting: the limit of serde_yaml.
const MAX_DEPTH: usize = 128;
/// The most bytes of all scalars of a state, with those that aliases repeat.
const MAX_EXPANDED: usize = 64 * 1024 * 1024;
/// The most directives of one file: libyaml compares each with all before it.
const MAX_DIRECTIVES: usize = 100;
/// The deepest nesting of brackets when those in texts and comments count as well.
const MAX_BRACKETS: usize = 1_000;
/// The most tokens that the scanner may read ahead. It reads all of a collection in brackets ahead that may be a key.
const MAX_AHEAD: usize = 1_000_000;
/// The line breaks of YAML 1.1, which YAML 1.2 no longer has.
pub(super) const OLD_BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// The bytes that the scalars of the files to come may still have.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_EXPANDED)
    }
}

/// The size of a value with what its aliases repeat.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    values: usize,
    bytes: usize,
    /// The levels of nesting below it and its own.
    height: usize,
}

/// The bound that a file exceeds, and the location where it does.
#[derive(Debug)]
pub(super) struct Excess {
    bound: Bound,
    span: Span,
}

#[derive(Debug)]
enum Bound {
    Depth,
    Values,
    Bytes,
    Ahead,
    Directives,
    /// Brackets, in texts as well.
    Brackets,
    /// An alias of a value that is not complete yet.
    Itself,
}

impl Excess {
    pub(super) const fn itself(span: Span) -> Self {
        Self { bound: Bound::Itself, span }
    }

    /// The diagnostic for this excess.
    pub(super) fn diagnostic(&self, file: usize) -> Box<DiagnosticBuilder> {
        let (message, help) = match self.bound {
            Bound::Depth => (
                format!("nested too deeply: more than {MAX_DEPTH} levels"),
                "reduce the nesting, and use no alias inside its own anchor",
            ),
            Bound::Itself => {
                ("nested too deeply: this alias is inside its own anchor".to_owned(), "remove the alias")
            }
            Bound::Values => (TOO_MANY_VALUES.to_owned(), "use fewer aliases, or split the file"),
            Bound::Bytes => (
                format!(
                    "the state has more than {} MiB after aliases are expanded",
                    MAX_EXPANDED / 1024 / 1024
                ),
                "use fewer aliases, or shorten the values that they repeat",
            ),
            Bound::Ahead => (
                "a collection in brackets is too large".to_owned(),
                "begin it on the line of its key, or write it as a list with one item per line after a dash",
            ),
            Bound::Brackets => (
                format!("nested too deeply: more than {MAX_BRACKETS} brackets are not closed"),
                "close the brackets, also those in texts and comments",
            ),
            Bound::Directives => {
                (format!("more than {MAX_DIRECTIVES} lines that begin with `%`"), "remove them")
            }
        };
        Box::new(DiagnosticBuilder::new(
            DiagnosticCode::Unfolding,
            Location::new(file, self.span),
            format!("invalid YAML: {message}"),
            format!("{help}; until then, this file is not loaded"),
        ))
    }
}

/// Checks the number of directives of `text`.
pub(super) fn check_directives(text: &str) -> Result<(), Excess> {
    let is_break = |c: char| matches!(c, '\n' | '\r') || OLD_BREAKS.contains(&c);
    let begins_line = |at: &usize| text[..*at].chars().next_back().is_none_or(is_break);
    match text.match_indices('%').map(|(at, _)| at).filter(begins_line).nth(MAX_DIRECTIVES) {
        Some(at) => {
            let line = text[..at].matches('\n').count() + 1;
            Err(Excess { bound: Bound::Directives, span: Span::new(line, 1, 1) })
        }
        None => Ok(()),
    }
}

/// Checks the brackets of `text`, wherever they are: where the parsers differ on what is a text, one of them may nest them.
pub(super) fn check_brackets(text: &str) -> Result<(), Excess> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' if depth == MAX_BRACKETS => {
                let line = text[..at].matches('\n').count() + 1;
                let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
                let span = Span::new(line, text[begin..at].chars().count() + 1, 1);
                return Err(Excess { bound: Bound::Brackets, span });
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The sizes of the values of one file while they are read.
#[derive(Default)]
pub(super) struct Sizes {
    whole: Size,
    /// The collections that are not complete, the outermost first.
    open: Vec<Size>,
}

impl Sizes {
    /// Adds a value that is complete.
    pub(super) fn add(&mut self, size: Size, span: Span, budget: &Budget) -> Result<(), Excess> {
        let excess = |bound| Err(Excess { bound, span });
        self.whole.values = self.whole.values.saturating_add(size.values);
        self.whole.bytes = self.whole.bytes.saturating_add(size.bytes);
        if self.whole.values > MAX_VALUES {
            return excess(Bound::Values);
        }
        if self.whole.bytes > budget.0 {
            return excess(Bound::Bytes);
        }
        if self.open.len() + size.height > MAX_DEPTH {
            return excess(Bound::Depth);
        }
        self.include(size);
        Ok(())
    }

    /// Begins a collection.
    pub(super) fn open(&mut self, span: Span, budget: &Budget) -> Result<(), Excess> {
        self.open.push(Size { values: 1, bytes: 0, height: 1 });
        self.whole.values += 1;
        if self.open.len() > MAX_DEPTH {
            return Err(Excess { bound: Bound::Depth, span });
        }
        self.add(Size::default(), span, budget)
    }

    /// Ends the innermost collection, and returns its size.
    pub(super) fn close(&mut self) -> Size {
        let size = self.open.pop().unwrap_or_default();
        self.include(size);
        size
    }

    fn include(&mut self, size: Size) {
        if let Some(around) = self.open.last_mut() {
            around.values = around.values.saturating_add(size.values);
            around.bytes = around.bytes.saturating_add(size.bytes);
            around.height = around.height.max(size.height + 1);
        }
    }

    /// Takes the file out of `budget`.
    pub(super) const fn spend(&self, budget: &mut Budget) {
        budget.0 = budget.0.saturating_sub(self.whole.bytes);
    }
}

impl Size {
    /// The size of a scalar.
    pub(super) const fn of_scalar(text: &str) -> Self {
        Self { values: 1, bytes: text.len(), height: 0 }
    }
}

/// The count of the tokens that the scanner may have read since its last event.
#[derive(Default)]
pub(super) struct Ahead {
    tokens: Cell<usize>,
    #[cfg(test)]
    characters: Cell<usize>,
}

impl Ahead {
    /// The characters of `text` until the scanner has read too far ahead: then the text ends.
    pub(super) fn metered(&self, text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
        // Between a `#` after white space and the end of its line, there is no token but behind a quote.
        let (mut comment, mut blank) = (false, true);
        text.take_while(move |&c| {
            #[cfg(test)]
            self.characters.set(self.characters.get() + 1);
            match c {
                '#' if blank => comment = true,
                '\n' | '\r' | '"' | '\'' => comment = false,
                _ => {}
            }
            blank = c.is_whitespace();
            if !comment {
                self.tokens.set(self.tokens.get() + most_tokens(c));
            }
            !self.is_exceeded()
        })
    }

    /// Records an event: all tokens before it are used.
    pub(super) fn event(&self) {
        if !self.is_exceeded() {
            self.tokens.set(0);
        }
    }

    /// The number of the characters that were read.
    #[cfg(test)]
    pub(super) const fn characters(&self) -> usize {
        self.characters.get()
    }

    fn is_exceeded(&self) -> bool {
        self.tokens.get() > MAX_AHEAD
    }

    /// The excess, at `span`, when the text was ended.
    pub(super) fn check(&self, span: Span) -> Result<(), Excess> {
        if self.is_exceeded() { Err(Excess { bound: Bound::Ahead, span }) } else { Ok(()) }
    }
}

/// The most tokens that the scanner makes of a character in a collection in brackets, and of the scalar after it.
const fn most_tokens(c: char) -> usize {
    match c {
        ':' => 5,
        ',' | '[' | '{' | '?' => 2,
        ']' | '}' | '&' | '*' | '!' => 1,
        _ => 0,
    }
}
