//! Locations in the files of the state.

/// A stretch of one line: line and column from 1, width in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// A span in one of the files, which is given by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Location {
    pub(super) file: u32,
    pub(super) span: Span,
    /// The span of the alias that uses the value, when there is one.
    pub(super) alias: Option<Span>,
}

impl Location {
    pub(super) fn new(file: usize, span: Span) -> Self {
        Self { file: u32::try_from(file).unwrap_or(u32::MAX), span, alias: None }
    }

    pub(super) fn start_of(file: usize) -> Self {
        Self::new(file, Span::START)
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
