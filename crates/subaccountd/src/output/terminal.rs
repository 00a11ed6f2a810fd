//! The terminal: its width, and its colours.

use std::io;

use anstream::{AutoStream, ColorChoice, stream::RawStream};
use clap::ValueEnum;
use terminal_size::{Width, terminal_size_of};

/// The width of text without a terminal, as in a file.
pub(crate) const DEFAULT_WIDTH: usize = 100;
/// The least width of text: below it, words do not fit beside their indentation.
const MIN_WIDTH: usize = 40;

/// The choice of colours, as on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Makes this the choice of the process, for output, log and diagnostics alike.
    pub(crate) fn choose(self) {
        let choice = match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// Returns true when text on `stream` is coloured: as chosen, else on a terminal, unless `NO_COLOR`, `CLICOLOR=0` or
/// `TERM=dumb` forbids it. `CLICOLOR_FORCE` colours without a terminal.
pub(crate) fn colour(stream: &impl RawStream) -> bool {
    let is = |name, value| std::env::var_os(name).is_some_and(|it| it == value);
    let is_forced = || std::env::var_os("CLICOLOR_FORCE").is_some() && !is("CLICOLOR_FORCE", "0");
    // In a CI job the library takes a dumb terminal for a capable one.
    let is_dumb = || ColorChoice::global() == ColorChoice::Auto && is("TERM", "dumb") && !is_forced();
    AutoStream::choice(stream) != ColorChoice::Never && !is_dumb()
}

/// The width of text on standard output.
pub(crate) fn width() -> usize {
    terminal_size_of(io::stdout())
        .map_or(DEFAULT_WIDTH, |(Width(width), _)| usize::from(width).max(MIN_WIDTH))
}
