//! A text that is no YAML: where it breaks, and what most likely broke it.

use super::{
    code::DiagnosticCode,
    diagnostic::{line_of, span_at},
    diagnostic_builder::DiagnosticBuilder,
    location::{Location, Span},
    suggestions,
};

const UNTIL_THEN: &str = "until then nothing in this file counts";

/// The problems that the reader reports: its words, their meaning, and the remedy.
const PROBLEMS: &[(&str, &str, &str)] = &[
    (
        "mapping values are not allowed",
        "a colon where no key can stand",
        "this line is indented as if it went on with the value above: align it with the keys that it belongs to",
    ),
    (
        "did not find expected key",
        "this line does not go on with the mapping",
        "align it with the keys that it belongs to, and check the quotes and brackets before it",
    ),
    (
        "did not find expected '-'",
        "this line does not go on with the list",
        "the items of a list begin in one column, each with a dash; what belongs to an item is indented deeper",
    ),
    (
        "did not find expected ',' or ']'",
        "a list in brackets that is not closed",
        "close it with ], or put a comma between its items",
    ),
    (
        "did not find expected ',' or '}'",
        "a mapping in braces that is not closed",
        "close it with }, or put a comma between its keys",
    ),
    ("found unexpected end of stream", "a quote that is not closed", "close it where the text ends"),
    ("found unexpected document indicator", "a quote that is not closed", "close it where the text ends"),
    (
        "found unknown escape character",
        "a backslash that begins no escape",
        "in double quotes write two backslashes, or use single quotes",
    ),
    (
        "could not find expected ':'",
        "a line without a colon and a space",
        "write `key: value`; a text over several lines is quoted, or stands after a |",
    ),
    (
        "did not find expected <document start>",
        "this line is outside of the document",
        "give all keys of the document the same indentation; only `---` on a line of its own begins another document",
    ),
    (
        "did not find expected node content",
        "a value is missing here",
        "write it, close the bracket before it, or quote it when it begins with a comma or a bracket",
    ),
    (
        "did not find expected alphabetic or numeric character",
        "an alias or anchor without a name",
        "quote a text that begins with * or &",
    ),
    (
        "block sequence entries are not allowed",
        "a dash where no list can begin",
        "begin the list on a line of its own below its key, and quote a text that begins with a dash",
    ),
    (
        "found character that cannot start any token",
        "a character with which no value can begin",
        "put the value in double quotes",
    ),
    (
        "did not find expected comment or line break",
        "a text on the line of its | or >",
        "begin the text on the next line, indented",
    ),
    ("mapping keys are not allowed", "a question mark that begins a key", "put the text in double quotes"),
    ("control characters are not allowed", "a control character", "remove it"),
];

/// The diagnostic for a text that serde_yaml does not read.
pub(super) fn unreadable(file: usize, text: &str, error: &serde_yaml::Error) -> DiagnosticBuilder {
    let span = error.location().map_or(Span::START, |at| span_at(text, at.index()));
    let span = match last_span(text) {
        Some(last) if last.line() < span.line() => last,
        Some(_) | None => span,
    };
    let words = error.to_string();
    let (problem, context) = words.split_once(", while ").unwrap_or((&words, ""));
    let problem = problem.split(" at line ").next().unwrap_or_default();
    let problem = problem.split(" at position ").next().unwrap_or_default();
    let location = Location::new(file, span);
    if let Some(diagnostic) = conflict(file, text).or_else(|| tab(file, text, span)) {
        return diagnostic;
    }
    if let Some((at, c)) = text.chars().enumerate().find(|(_, c)| is_forbidden(*c)) {
        let location = Location::new(file, span_at(text, at));
        let message = format!("a control character (U+{:04X}), which YAML does not allow", u32::from(c));
        return DiagnosticBuilder::new(
            DiagnosticCode::NotYaml,
            location,
            message,
            format!("remove it; {UNTIL_THEN}"),
        );
    }
    let begun = begun(text, context).filter(|begun| *begun != span);
    let above = span.line().saturating_sub(1);
    let lines = [Some(span.line()), begun.map(Span::line), Some(above)].into_iter().flatten();
    let lines: Vec<(usize, &str)> = lines.map(|line| (line, line_of(text, line))).collect();
    if let Some((_, line)) = lines.iter().find(|(_, line)| suggestions::is_placeholder(line)) {
        let message = format!("this is not YAML: `{}` looks like a template", suggestions::placeholder(line));
        let help = format!("render the template, and give the file that it makes; {UNTIL_THEN}");
        return DiagnosticBuilder::new(DiagnosticCode::Placeholder, location, message, help);
    }
    let (code, message, help) = meaning(problem, (before(text, span), after(text, span)));
    let odd = lines.iter().find_map(|(line, text)| Some((*line, suggestions::odd_at(text)?)));
    if let Some((line, (column, odd))) = odd {
        let location = Location::new(file, Span::new(line, column, 1));
        return DiagnosticBuilder::new(code, location, message, format!("{odd}; {UNTIL_THEN}"));
    }
    let help = format!("{help}; {UNTIL_THEN}");
    let Some(begun) = begun else {
        let location =
            if code == DiagnosticCode::Unfolding { first_anchor(file, text, location) } else { location };
        return DiagnosticBuilder::new(code, location, message, help);
    };
    let begun = Location::new(file, begun);
    // What was begun and not ended is the mistake; the reader stops where it cannot go on.
    let (location, other, label) = match context {
        context if context.contains("quoted scalar") && problem.contains("unexpected") => {
            (begun, location, "not closed up to here")
        }
        context if context.contains("simple key") => {
            (whole_line(text, begun), location, "it ends before this")
        }
        context => (location, begun, label(context)),
    };
    let mut diagnostic = DiagnosticBuilder::new(code, location, message, help);
    diagnostic.with_related(other, label);
    diagnostic
}

/// The text before `span` on its line.
fn before(text: &str, span: Span) -> &str {
    let line = line_of(text, span.line());
    line.char_indices().nth(span.column() - 1).map_or(line, |(at, _)| &line[..at])
}

/// The text at `span` and after it on its line.
fn after(text: &str, span: Span) -> &str {
    &line_of(text, span.line())[before(text, span).len()..]
}

/// The rest of the line from `location` on.
fn whole_line(text: &str, location: Location) -> Location {
    let length = line_of(text, location.line()).trim_end().chars().count();
    let column = location.span.column();
    Location::new(
        location.file(),
        Span::new(location.line(), column, (length + 1).saturating_sub(column).max(1)),
    )
}

/// The place of the first anchor, if `otherwise` is only the start of the file; else `otherwise`. Without an
/// anchor there is nothing to unfold.
fn first_anchor(file: usize, text: &str, otherwise: Location) -> Location {
    let at = text.find(" &").filter(|_| otherwise.span == Span::START);
    at.map_or(otherwise, |at| Location::new(file, span_at(text, text[..=at].chars().count())))
}

/// The code for what the reader says between the words `around` it, what it means, and what fixes it.
fn meaning(problem: &str, around: (&str, &str)) -> (DiagnosticCode, String, &'static str) {
    let not_yaml = |what: &str| format!("this is not YAML: {what}");
    if problem.contains("aliases are followed") || problem.contains("repetition limit exceeded") {
        let help = "write it with fewer aliases";
        (DiagnosticCode::Unfolding, not_yaml("more than 1000000 values once aliases are followed"), help)
    } else if problem.contains("recursion limit exceeded") {
        (
            DiagnosticCode::Unfolding,
            not_yaml("nested too deeply"),
            "write it with less nesting, and no alias inside its own anchor",
        )
    } else if problem.contains("tag") {
        let help = "remove the tag, or quote a text that begins with an exclamation mark";
        (DiagnosticCode::Tag, "a tag (`!…`): this format has none".to_owned(), help)
    } else if problem.contains("unknown anchor") {
        let message = "an alias (`*…`) of which no anchor (`&…`) stands above it";
        let help = "write the anchor above it in the same document, or quote a text that begins with *";
        (DiagnosticCode::UnknownAnchor, message.to_owned(), help)
    } else {
        let known = PROBLEMS.iter().find(|(words, ..)| problem.contains(words));
        let (_, what, help) = known.unwrap_or(&("", "", "fix the YAML"));
        let message =
            if what.is_empty() { not_yaml(problem) } else { not_yaml(&format!("{what} ({problem})")) };
        (DiagnosticCode::NotYaml, message, closer(problem, around).unwrap_or(help))
    }
}

/// A better help, when what stands before and after the location tells more.
fn closer(problem: &str, (before, after): (&str, &str)) -> Option<&'static str> {
    let quote_ends = before.trim_end().ends_with(['"', '\'']);
    if problem.contains("mapping values are not allowed") && before.contains(": ") {
        Some("a value with a colon and a space in it must be quoted")
    } else if problem.contains("expected key") && quote_ends {
        Some(
            "the quote ends before this: write '' for an apostrophe in single quotes, \\\" for a quote in double quotes",
        )
    } else if problem.contains("expected ','")
        && before.ends_with(['"', '\''])
        && after.starts_with(|c: char| !matches!(c, ']' | '}'))
    {
        Some("the quote ends before this: one is missing, or one too many")
    } else {
        None
    }
}

/// The two readers do not agree at `location`.
pub(super) fn disagreement(location: Location, how: &str) -> DiagnosticBuilder {
    let message = format!("two YAML readers read this differently: {how}");
    DiagnosticBuilder::new(
        DiagnosticCode::Ambiguous,
        location,
        message,
        "put the value in double quotes, or write it more plainly",
    )
}

/// The second reader stops where the first does not.
pub(super) fn refused(file: usize, text: &str, error: &saphyr_parser::ScanError) -> DiagnosticBuilder {
    let span = Span::new(error.marker().line(), error.marker().col() + 1, 1);
    let line = line_of(text, span.line());
    if let Some(column) = line.chars().position(|c| c == '\t') {
        let location = Location::new(file, Span::new(span.line(), column + 1, 1));
        let message = "a tab where not every YAML reader takes one";
        return DiagnosticBuilder::new(DiagnosticCode::Tab, location, message, "replace the tab by a space");
    }
    let mut diagnostic =
        disagreement(Location::new(file, span), &format!("the second says: {}", error.info()));
    diagnostic.help = suggestions::confusable(line).unwrap_or(diagnostic.help);
    diagnostic
}

/// libyaml points behind the tab, or at the line above it.
fn tab(file: usize, text: &str, span: Span) -> Option<DiagnosticBuilder> {
    let span = (span.line().saturating_sub(1)..=span.line() + 1).find_map(|line| {
        let indentation = |c: &char| c.is_ascii_whitespace() || *c == '-';
        let mut before = line_of(text, line).chars().take_while(indentation);
        before.position(|c| c == '\t').map(|column| Span::new(line, column + 1, 1))
    })?;
    Some(DiagnosticBuilder::new(
        DiagnosticCode::Tab,
        Location::new(file, span),
        "a tab in the indentation: YAML is indented with spaces only",
        "replace the tab by spaces",
    ))
}

/// The diagnostic for the markers that git leaves in a file that two sides changed.
fn conflict(file: usize, text: &str) -> Option<DiagnosticBuilder> {
    let line = |marker: &str| {
        let number = text.lines().position(|line| line.starts_with(marker))? + 1;
        Some(Location::new(file, Span::new(number, 1, text.lines().nth(number - 1)?.chars().count())))
    };
    let message = "an unresolved merge conflict";
    let help = format!("keep one of the two sides, and remove the lines of markers; {UNTIL_THEN}");
    let mut diagnostic =
        DiagnosticBuilder::new(DiagnosticCode::ConflictMarker, line("<<<<<<< ")?, message, help);
    if let Some(end) = line(">>>>>>> ") {
        diagnostic.with_related(end, "it ends here");
    }
    Some(diagnostic)
}

/// The beginning of the part in which the reader was.
fn begun(text: &str, context: &str) -> Option<Span> {
    let (_, location) = context.split_once(" at line ")?;
    let (line, column) = location.split_once(" column ")?;
    let span = Span::new(line.parse().ok()?, column.parse().ok()?, 1);
    line_of(text, span.line()).chars().nth(span.column() - 1).map(|_| span)
}

fn label(context: &str) -> &'static str {
    let known = [
        ("quoted scalar", "the quote was opened here"),
        ("flow sequence", "the list was opened here"),
        ("flow mapping", "the mapping was opened here"),
        ("block mapping", "the mapping begins here"),
        ("block collection", "the list begins here"),
        ("simple key", "the key begins here"),
    ];
    known.iter().find(|(words, _)| context.contains(words)).map_or("it begins here", |(_, label)| label)
}

/// The control characters that YAML does not take.
const fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}')
}

/// The end of the last line that holds anything: what is missing at the end of a file is missing there.
fn last_span(text: &str) -> Option<Span> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.last().map(|(at, line)| Span::new(at + 1, line.trim_end().chars().count(), 1))
}
