//! Faults in the form of compiler errors: the place, the line, a mark under the fault, and the fix.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use subaccountd_core::{
    manifest::{Diagnostic, Excerpt, Related},
    text::sanitize,
};

/// The most characters of a line that is shown both as it is and fixed.
const WIDEST_SUGGESTION: usize = 120;
/// The largest distance, in lines, of two places that are shown as one text.
const FARTHEST: usize = 100;

/// `faults` for a terminal.
pub(crate) fn render(faults: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    faults.iter().map(|fault| renderer.render(&groups(fault)) + "\n\n").collect()
}

fn groups(fault: &Diagnostic) -> Vec<Group<'_>> {
    let title = Level::ERROR.primary_title(sanitize(&fault.message)).id(fault.code.as_str());
    let group = places(Group::with_title(title), fault);
    let help = sanitize(&fault.help);
    let narrow = |line: &&Excerpt| is_whole(line) && line.text.chars().nth(WIDEST_SUGGESTION).is_none();
    let line = fault.excerpt.as_ref().filter(narrow);
    let Some((line, replacement)) = line.zip(fault.replacement.as_deref()) else {
        return vec![group.element(Level::HELP.message(help))];
    };
    let text = sanitize(&line.text);
    let patch = Patch::new(span(&text, fault.column - 1, fault.width), sanitize(replacement));
    let snippet = Snippet::source(text).path(sanitize(&fault.file)).line_start(fault.line).patch(patch);
    vec![group, Level::HELP.secondary_title(help).element(snippet)]
}

/// Adds the place of `fault`, and the other one when there is one.
fn places<'a>(group: Group<'a>, fault: &'a Diagnostic) -> Group<'a> {
    let related = fault.related.as_deref();
    let Diagnostic { line, column, width, .. } = *fault;
    let file = sanitize(&fault.file);
    let Some(excerpt) = &fault.excerpt else {
        return other(group.element(Origin::path(file).line(line).char_column(column)), related);
    };
    if let Some(snippet) = related.and_then(|related| together(fault, excerpt, related)) {
        return group.element(snippet);
    }
    let text = sanitize(&excerpt.text);
    let mark = AnnotationKind::Primary.span(span(&text, column - 1 - excerpt.skipped, width));
    let snippet = Snippet::source(text).line_start(line).annotation(mark);
    // The renderer takes the column from the text that it is given.
    let group = if excerpt.skipped == 0 {
        group.element(snippet.path(file))
    } else {
        let note = format!("at {file}:{line}:{column}; only this part of the line is shown");
        group.element(snippet).element(Level::NOTE.message(note))
    };
    other(group, related)
}

/// Adds the other place by itself.
fn other<'a>(group: Group<'a>, related: Option<&'a Related>) -> Group<'a> {
    let Some(related) = related else { return group };
    let Related { line, column, width, label, .. } = *related;
    let file = sanitize(&related.file);
    let Some(excerpt) = related.excerpt.as_ref().filter(|excerpt| excerpt.skipped == 0) else {
        return group.element(Level::NOTE.message(format!("{label}: {file}:{line}:{column}")));
    };
    let text = sanitize(&excerpt.text);
    let mark = AnnotationKind::Context.span(span(&text, column - 1, width)).label(label);
    group.element(Snippet::source(text).path(file).line_start(line).annotation(mark))
}

/// Both places in one text, when they are near each other in one file.
fn together<'a>(
    fault: &'a Diagnostic,
    excerpt: &Excerpt,
    related: &'a Related,
) -> Option<Snippet<'a, Annotation<'a>>> {
    let apart = fault.line.abs_diff(related.line);
    let other = related.excerpt.as_ref().filter(|other| is_whole(other) && is_whole(excerpt))?;
    if fault.file != related.file || apart > FARTHEST {
        return None;
    }
    let (here, there) = (sanitize(&excerpt.text), sanitize(&other.text));
    let mut mark = span(&here, fault.column - 1, fault.width);
    let mut other_mark = span(&there, related.column - 1, related.width);
    let between = related.between.as_ref().map(|line| sanitize(&line.text)).unwrap_or_default();
    let breaks = "\n".repeat(apart.saturating_sub(1));
    let between = format!("\n{between}{breaks}");
    let text = if apart == 0 {
        here
    } else if fault.line < related.line {
        other_mark = shifted(other_mark, here.len() + between.len());
        here + &between + &there
    } else {
        mark = shifted(mark, there.len() + between.len());
        there + &between + &here
    };
    let snippet = Snippet::source(text).path(sanitize(&fault.file)).line_start(fault.line.min(related.line));
    let other = AnnotationKind::Context.span(other_mark).label(related.label);
    Some(snippet.annotation(AnnotationKind::Primary.span(mark)).annotation(other))
}

const fn is_whole(excerpt: &Excerpt) -> bool {
    excerpt.skipped == 0 && !excerpt.cut
}

/// The bytes of `width` characters of `text` after the first `from`.
fn span(text: &str, from: usize, width: usize) -> Range<usize> {
    let at = |character: usize| text.char_indices().nth(character).map_or(text.len(), |(at, _)| at);
    at(from)..at(from + width)
}

const fn shifted(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

#[cfg(test)]
mod corpus;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod rules;
