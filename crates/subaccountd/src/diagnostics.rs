//! Faults as a compiler would show them: the place, the line, a mark under the culprit, and how to mend it.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use subaccountd_core::spec::Fault;

/// `faults` for a terminal.
pub(crate) fn render(faults: &[Fault], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    faults.iter().map(|fault| one(fault, &renderer) + "\n\n").collect()
}

fn one(fault: &Fault, renderer: &Renderer) -> String {
    let place = format!("{}:{}:{}", fault.file, fault.line, fault.column);
    let text = printable(&fault.text);
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let at = |character: usize| starts.get(character).copied().unwrap_or(text.len());
    let from = fault.column.saturating_sub(1);
    let span = at(from)..at(from + fault.width).max(at(from));
    let title = Level::ERROR.primary_title(printable(&fault.message));
    let help = Level::HELP.message(printable(&fault.help));
    let group = if text.is_empty() {
        title.element(Level::NOTE.message(format!("at {place}"))).element(help)
    } else {
        let snippet = Snippet::source(text.as_str())
            .path(fault.file.as_str())
            .line_start(fault.line)
            .annotation(AnnotationKind::Primary.span(span));
        title.element(snippet).element(help)
    };
    renderer.render(&[group])
}

/// `text` without characters that steer a terminal. Each is replaced by one, so that columns keep their places.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
