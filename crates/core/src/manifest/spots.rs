//! The locations of all values, as the second parser reports them, within the bounds of a file.

use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as ParserSpan};

use super::{
    bounds::{Ahead, Budget, Excess, Size, Sizes},
    location::Span,
    surrogates,
};

/// The values of a file in an arena, so that an alias is an index.
#[derive(Default)]
pub(super) struct Spots {
    arena: Vec<(Span, Spot)>,
    pub(super) roots: Vec<u32>,
    /// The first document that is only a block text: the parsers differ on where it ends.
    pub(super) block_text: Option<Span>,
    /// A scalar that is not in double quotes has the escape of a mask of [`surrogates`].
    pub(super) has_escaped_mask: bool,
}

/// A value as the second parser reads it.
pub(super) enum Spot {
    Scalar {
        text: Box<str>,
        kind: ScalarKind,
    },
    List(Vec<u32>),
    Map(Vec<u32>),
    /// The index of the value that it repeats.
    Alias(u32),
}

/// The type of a scalar as the second parser reads it.
#[derive(PartialEq, Eq)]
pub(super) enum ScalarKind {
    Null,
    Bool,
    Number,
    Text,
}

/// The reason why a file has no spots.
pub(super) enum Unread {
    /// It is not YAML.
    Scan(ScanError),
    /// It exceeds a bound.
    Excess(Excess),
}

impl From<Excess> for Unread {
    fn from(excess: Excess) -> Self {
        Self::Excess(excess)
    }
}

/// An anchor: the index of its value, and its size once that is complete.
#[derive(Default)]
struct Anchor {
    at: u32,
    size: Option<Size>,
}

/// A collection that is not complete.
struct Open {
    at: u32,
    anchor: usize,
}

#[derive(Default)]
struct SpotsReader {
    all: Spots,
    sizes: Sizes,
    /// By the number that the parser gives them: it counts from 1.
    anchors: Vec<Anchor>,
    open: Vec<Open>,
}

impl Spots {
    /// Reads `text`, which takes its part of `budget`.
    pub(super) fn read(text: &str, budget: &mut Budget) -> Result<Self, Unread> {
        Self::read_metered(text, budget, &Ahead::default())
    }

    fn read_metered(text: &str, budget: &mut Budget, ahead: &Ahead) -> Result<Self, Unread> {
        let text = Begun::new(text);
        let mut reader = SpotsReader::default();
        let mut last = Span::START;
        for event in Parser::new_from_iter(ahead.metered(text.chars())) {
            ahead.check(last)?;
            let (event, span) = event.map_err(Unread::Scan)?;
            ahead.event();
            last = text.span_of(span);
            reader.event(event, last, budget)?;
        }
        ahead.check(last)?;
        reader.sizes.spend(budget);
        Ok(reader.all)
    }

    /// The value at `at`, and its span.
    pub(super) fn get(&self, at: u32) -> &(Span, Spot) {
        &self.arena[at as usize]
    }

    /// Returns true when the value is left out, so that only the key before it can be marked.
    pub(super) fn is_left_out(&self, at: u32) -> bool {
        matches!(&self.get(at).1, Spot::Scalar { kind: ScalarKind::Null, text } if text.is_empty())
    }
}

impl SpotsReader {
    fn event(&mut self, event: Event<'_>, span: Span, budget: &Budget) -> Result<(), Excess> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let size = Size::of_scalar(&text);
                self.sizes.add(size, span, budget)?;
                if self.open.is_empty() && matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    self.all.block_text.get_or_insert(span);
                }
                self.all.has_escaped_mask |= surrogates::has_escaped_masks(&text);
                let at = self.add(span, scalar(&text, style));
                self.name(anchor, Anchor { at, size: Some(size) });
            }
            Event::SequenceStart(anchor, _) => self.begin(Spot::List(Vec::new()), anchor, span, budget)?,
            Event::MappingStart(anchor, _) => self.begin(Spot::Map(Vec::new()), anchor, span, budget)?,
            Event::Alias(anchor) => {
                let target = self.anchors.get(anchor);
                let (at, size) = target.map_or((0, None), |anchor| (anchor.at, anchor.size));
                self.sizes.add(size.ok_or_else(|| Excess::itself(span))?, span, budget)?;
                self.add(span, Spot::Alias(at));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let size = self.sizes.close();
                if let Some(Open { at, anchor }) = self.open.pop() {
                    self.name(anchor, Anchor { at, size: Some(size) });
                }
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, spot: Spot, anchor: usize, span: Span, budget: &Budget) -> Result<(), Excess> {
        self.sizes.open(span, budget)?;
        let at = self.add(span, spot);
        self.name(anchor, Anchor { at, size: None });
        self.open.push(Open { at, anchor });
        Ok(())
    }

    /// Records the `anchor` of a value; 0 is none.
    fn name(&mut self, anchor: usize, value: Anchor) {
        if anchor != 0 {
            self.anchors.resize_with(self.anchors.len().max(anchor + 1), Anchor::default);
            self.anchors[anchor] = value;
        }
    }

    /// Adds a value to the innermost collection, or as the root of a document. The bound on values keeps the index small.
    fn add(&mut self, span: Span, spot: Spot) -> u32 {
        let at = u32::try_from(self.all.arena.len()).unwrap_or(u32::MAX);
        self.all.arena.push((span, spot));
        match self.open.last().map(|open| &mut self.all.arena[open.at as usize].1) {
            Some(Spot::List(children) | Spot::Map(children)) => children.push(at),
            Some(Spot::Scalar { .. } | Spot::Alias(_)) | None => self.all.roots.push(at),
        }
        at
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Spot {
    let kind = match Scalar::parse_from_cow_and_metadata(text.into(), style, None) {
        Some(Scalar::Null) => ScalarKind::Null,
        Some(Scalar::Boolean(_)) => ScalarKind::Bool,
        Some(Scalar::Integer(_) | Scalar::FloatingPoint(_)) => ScalarKind::Number,
        Some(Scalar::String(_)) | None => ScalarKind::Text,
    };
    Spot::Scalar { text: surrogates::restored(text).into(), kind }
}

/// The size of a text that may be read ahead as a whole.
const SMALL: usize = 256 * 1024;

/// The text with a document marker before a bracket that begins it: without the marker the scanner reads the whole
/// collection ahead, because it may be a key.
struct Begun<'a> {
    head: &'a str,
    marker: &'static str,
    rest: &'a str,
    /// The line of the marker.
    line: usize,
}

impl<'a> Begun<'a> {
    fn new(text: &'a str) -> Self {
        let mut at = 0;
        let mut lines = 0;
        for line in text.split_inclusive('\n') {
            lines += 1;
            let is_empty = line.trim().is_empty() || line.starts_with('#');
            if !is_empty || line.contains('\r') && !line.ends_with("\r\n") {
                break;
            }
            at += line.len();
        }
        let (head, rest) = text.split_at(at);
        let marker = if text.len() > SMALL && rest.starts_with(['[', '{']) { "--- " } else { "" };
        Self { head, marker, rest, line: lines }
    }

    fn chars(&self) -> impl Iterator<Item = char> {
        self.head.chars().chain(self.marker.chars()).chain(self.rest.chars())
    }

    /// The span to mark in the text without the marker; of one over several lines, the start.
    fn span_of(&self, span: ParserSpan) -> Span {
        let width = if span.start.line() == span.end.line() { span.len().max(1) } else { 1 };
        let marker = if span.start.line() == self.line { self.marker.len() } else { 0 };
        Span::new(span.start.line(), (span.start.col() + 1).saturating_sub(marker), width)
    }
}

impl Spot {
    /// The type of the value, as a message names it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Scalar { kind: ScalarKind::Null, .. } => "nothing",
            Self::Scalar { kind: ScalarKind::Bool, .. } => "a boolean",
            Self::Scalar { kind: ScalarKind::Number, .. } => "a number",
            Self::Scalar { kind: ScalarKind::Text, .. } => "another string",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
            Self::Alias(_) => "an alias",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The diagnostic for `text`, and the number of the characters that were read for it.
    fn excess(text: &str) -> (String, usize) {
        let ahead = Ahead::default();
        let message = match Spots::read_metered(text, &mut Budget::default(), &ahead) {
            Ok(spots) => format!("{} values", spots.arena.len()),
            Err(Unread::Scan(error)) => error.to_string(),
            Err(Unread::Excess(excess)) => excess.diagnostic(0).message,
        };
        (message, ahead.characters())
    }

    #[test]
    fn deep_text_is_given_up_at_its_first_levels() {
        for level in ["[", "{a: ", "- ", "? ", "{? ", "[a, ", ": ", "[[],", "- ? ", "[{a: "] {
            let (message, read) = excess(&level.repeat(1_000_000));
            assert!(
                message.contains("nested too deeply") || message.contains("recursion"),
                "{level}: {message}"
            );
            assert!(read <= 4_000, "{level}: {read} characters");
        }
    }

    #[test]
    fn text_in_brackets_is_not_read_ahead_without_bound() {
        for item in [",", "a,", "a: b,", "[a]: b,", "? ", ":,", "&a !b c,", "[],", "\"a\":b,"] {
            let text = format!("a:\n [{}", item.repeat(2_500_000 / item.len()));
            let (message, read) = excess(&text);
            assert!(
                !message.contains("values") && read < 3_000_000,
                "{item}: {message} after {read} characters"
            );
        }
        let list = format!("[{}0]", "0,".repeat(300_000));
        assert_eq!(excess(&list), ("300002 values".to_owned(), list.len() + 4), "at the start of the text");
        assert_eq!(excess(&format!("a: {list}")).0, "300004 values", "on the line of its key");
    }

    #[test]
    fn aliases_count_with_what_they_repeat() {
        let bomb = (1..9).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
        let bomb = format!("a0: &a0 [x]\n{}", bomb.collect::<String>());
        assert!(excess(&bomb).0.contains("more than 750,000 values"), "{:?}", excess(&bomb));
        let text = format!("- &a {}\n{}", "x".repeat(1024 * 1024), "- *a\n".repeat(64));
        assert!(excess(&text).0.contains("more than 64 MiB after aliases"), "{:?}", excess(&text));
        let deep = |levels: usize| format!("a: &a {}{}\nb: [*a]\n", "[".repeat(levels), "]".repeat(levels));
        assert!(excess(&deep(126)).0.ends_with("values"), "{:?}", excess(&deep(126)));
        assert!(excess(&deep(127)).0.contains("nested too deeply"), "{:?}", excess(&deep(127)));
        for within in ["&a [*a]", "&a {b: *a}", "&a {*a : b}", "- &a\n  - - *a"] {
            assert!(excess(within).0.contains("inside its own anchor"), "{within}: {:?}", excess(within));
        }
    }

    #[test]
    fn budget_is_for_all_files_of_a_state() {
        let mut budget = Budget::default();
        let text = format!("- &a {}\n{}", "x".repeat(1024 * 1024), "- *a\n".repeat(30));
        for fits in [true, true, false, false] {
            assert_eq!(Spots::read(&text, &mut budget).is_ok(), fits);
        }
    }
}
