//! Text that is not valid YAML: where the parser fails, and the likely cause.

use super::{
    code::DiagnosticCode,
    diagnostic::{line_of, span_at},
    diagnostic_builder::DiagnosticBuilder,
    location::{Location, Span},
    suggestions,
};

/// The words of the reader for a file of too many values: they come back among those of the parser.
pub(super) const TOO_MANY_VALUES: &str = "more than 750,000 values after aliases are expanded";
const UNTIL_THEN: &str = "until then, this file is not loaded";

/// The problems that the parser reports: its words, their meaning, and the remedy.
const PROBLEMS: &[(&str, &str, &str)] = &[
    (
        "mapping values are not allowed",
        "unexpected colon",
        "align this line with the keys that it belongs to: at this indentation, it continues the value above",
    ),
    (
        "did not find expected key",
        "this line does not continue the mapping",
        "align it with the keys that it belongs to, and check the quotes and brackets before it",
    ),
    (
        "did not find expected '-'",
        "this line does not continue the list",
        "start all items of the list in one column, each with a dash, and indent their contents deeper",
    ),
    (
        "did not find expected ',' or ']'",
        "unclosed `[`",
        "close the list with `]`, or put a comma between its items",
    ),
    (
        "did not find expected ',' or '}'",
        "unclosed `{`",
        "close the mapping with `}`, or put a comma between its keys",
    ),
    ("found unexpected end of stream", "unclosed quote", "close the quote where the string ends"),
    ("found unexpected document indicator", "unclosed quote", "close the quote where the string ends"),
    (
        "found unknown escape character",
        "backslash without a valid escape",
        "write two backslashes in double quotes, or use single quotes",
    ),
    (
        "could not find expected ':'",
        "missing colon and space after a key",
        "write `key: value`; for a string over several lines, use quotes or `|`",
    ),
    (
        "did not find expected <document start>",
        "this line is outside the document",
        "give all keys of the document the same indentation; start another document with `---` on its own line",
    ),
    (
        "did not find expected node content",
        "missing value",
        "write the value, close the bracket before it, or quote a value that begins with a comma or a bracket",
    ),
    (
        "did not find expected alphabetic or numeric character",
        "alias or anchor without a name",
        "quote a string that begins with `*` or `&`",
    ),
    (
        "block sequence entries are not allowed",
        "unexpected dash",
        "start the list on its own line below its key, or quote a string that begins with a dash",
    ),
    (
        "found character that cannot start any token",
        "a value cannot begin with this character",
        "put the value in double quotes",
    ),
    (
        "did not find expected comment or line break",
        "text on the same line as `|` or `>`",
        "start the text on the next line, indented",
    ),
    ("mapping keys are not allowed", "key that begins with a question mark", "put the key in double quotes"),
    ("control characters are not allowed", "control character", "remove it"),
    (
        "found invalid Unicode character escape code",
        "escape of half a character",
        "write both halves, as in `\\ud83c\\udf89`, or the character itself",
    ),
];

/// The diagnostic for text that serde_yaml cannot parse.
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
        let message = format!("invalid YAML: control character U+{:04X}", u32::from(c));
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
        let message = format!("invalid YAML: `{}` looks like a template", suggestions::placeholder(line));
        let help = format!("render the template, and pass the rendered file; {UNTIL_THEN}");
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
    // The mistake is the unfinished part; the parser stops where it cannot continue.
    let (location, other, label) = match context {
        context if context.contains("quoted scalar") && problem.contains("unexpected") => {
            (begun, location, "still open here")
        }
        context if context.contains("simple key") => (whole_line(text, begun), location, "ends before this"),
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

/// The location of the first anchor, if `otherwise` is only the start of the file; else `otherwise`. A file that
/// expands too far has an anchor.
fn first_anchor(file: usize, text: &str, otherwise: Location) -> Location {
    let at = text.find(" &").filter(|_| otherwise.span == Span::START);
    at.map_or(otherwise, |at| Location::new(file, span_at(text, text[..=at].chars().count())))
}

/// The code, the message and the help for a `problem` that the parser reports between the texts `around` it.
fn meaning(problem: &str, around: (&str, &str)) -> (DiagnosticCode, String, &'static str) {
    let not_yaml = |what: &str| format!("invalid YAML: {what}");
    if problem.contains(TOO_MANY_VALUES) || problem.contains("repetition limit exceeded") {
        let help = "use fewer aliases";
        (DiagnosticCode::Unfolding, not_yaml(TOO_MANY_VALUES), help)
    } else if problem.contains("recursion limit exceeded") {
        (
            DiagnosticCode::Unfolding,
            not_yaml("nested too deeply"),
            "reduce the nesting, and use no alias inside its own anchor",
        )
    } else if problem.contains("tag") {
        let help = "remove the tag, or quote a string that begins with `!`";
        (DiagnosticCode::Tag, "YAML tag (`!…`): not supported".to_owned(), help)
    } else if problem.contains("unknown anchor") {
        let message = "YAML alias (`*…`): no anchor (`&…`) above it";
        let help = "define the anchor above it in the same document, or quote a string that begins with `*`";
        (DiagnosticCode::UnknownAnchor, message.to_owned(), help)
    } else {
        let known = PROBLEMS.iter().find(|(words, ..)| problem.contains(words));
        let (_, what, help) = known.unwrap_or(&("", "", "fix the YAML"));
        let message =
            if what.is_empty() { not_yaml(problem) } else { not_yaml(&format!("{what} ({problem})")) };
        (DiagnosticCode::NotYaml, message, closer(problem, around).unwrap_or(help))
    }
}

/// A more precise help, when the text before and after the location allows one.
fn closer(problem: &str, (before, after): (&str, &str)) -> Option<&'static str> {
    let quote_ends = before.trim_end().ends_with(['"', '\'']);
    if problem.contains("mapping values are not allowed") && before.contains(": ") {
        Some("quote a value that contains a colon and a space")
    } else if problem.contains("expected key") && quote_ends {
        Some("escape the quote that ends the string before this: '' in single quotes, \\\" in double quotes")
    } else if problem.contains("expected ','")
        && before.ends_with(['"', '\''])
        && after.starts_with(|c: char| !matches!(c, ']' | '}'))
    {
        Some("check the quotes: the string ends before this")
    } else {
        None
    }
}

/// The diagnostic for a `location` on which the two parsers disagree.
pub(super) fn disagreement(location: Location, how: &str) -> DiagnosticBuilder {
    let message = format!("YAML parsers disagree: {how}");
    DiagnosticBuilder::new(
        DiagnosticCode::Ambiguous,
        location,
        message,
        "put the value in double quotes, or write it in a simpler form",
    )
}

/// The diagnostic for text that the second parser rejects and the first accepts.
pub(super) fn refused(file: usize, text: &str, error: &saphyr_parser::ScanError) -> DiagnosticBuilder {
    let span = Span::new(error.marker().line(), error.marker().col() + 1, 1);
    let line = line_of(text, span.line());
    if let Some(column) = line.chars().position(|c| c == '\t') {
        let location = Location::new(file, Span::new(span.line(), column + 1, 1));
        let message = "tab in a place that not every YAML parser accepts";
        return DiagnosticBuilder::new(
            DiagnosticCode::Tab,
            location,
            message,
            "replace the tab with a space",
        );
    }
    let mut diagnostic =
        disagreement(Location::new(file, span), &format!("one of them reports: {}", error.info()));
    diagnostic.help = suggestions::confusable(line).unwrap_or(diagnostic.help);
    diagnostic
}

/// The diagnostic for a tab in the indentation near `span`: libyaml points behind the tab, or at the line above it.
fn tab(file: usize, text: &str, span: Span) -> Option<DiagnosticBuilder> {
    let span = (span.line().saturating_sub(1)..=span.line() + 1).find_map(|line| {
        let indentation = |c: &char| c.is_ascii_whitespace() || *c == '-';
        let mut before = line_of(text, line).chars().take_while(indentation);
        before.position(|c| c == '\t').map(|column| Span::new(line, column + 1, 1))
    })?;
    Some(DiagnosticBuilder::new(
        DiagnosticCode::Tab,
        Location::new(file, span),
        "tab in the indentation: YAML allows only spaces",
        "replace the tab with spaces",
    ))
}

/// The diagnostic for the conflict markers that git leaves in a file.
fn conflict(file: usize, text: &str) -> Option<DiagnosticBuilder> {
    let is_marker = |line: &str| {
        ["<<<<<<< ", "||||||| ", ">>>>>>> "].iter().any(|marker| line.starts_with(marker))
            || line == "======="
    };
    let mut markers = text
        .lines()
        .enumerate()
        .filter(|(_, line)| is_marker(line))
        .map(|(at, line)| Location::new(file, Span::new(at + 1, 1, line.chars().count())));
    let message = "unresolved merge conflict";
    let help = format!("keep one of the two sides, and remove the marker lines; {UNTIL_THEN}");
    let mut diagnostic =
        DiagnosticBuilder::new(DiagnosticCode::ConflictMarker, markers.next()?, message, help);
    let end = markers.find(|end| line_of(text, end.line()).starts_with('>'));
    if let Some(end) = end {
        diagnostic.with_related(end, "conflict ends here");
    }
    Some(diagnostic)
}

/// The start of the part that the parser was reading.
fn begun(text: &str, context: &str) -> Option<Span> {
    let (_, location) = context.split_once(" at line ")?;
    let (line, column) = location.split_once(" column ")?;
    let span = Span::new(line.parse().ok()?, column.parse().ok()?, 1);
    line_of(text, span.line()).chars().nth(span.column() - 1).map(|_| span)
}

fn label(context: &str) -> &'static str {
    let known = [
        ("quoted scalar", "quote opened here"),
        ("flow sequence", "list opened here"),
        ("flow mapping", "mapping opened here"),
        ("block mapping", "mapping starts here"),
        ("block collection", "list starts here"),
        ("simple key", "key starts here"),
    ];
    known.iter().find(|(words, _)| context.contains(words)).map_or("starts here", |(_, label)| label)
}

/// Returns true for a control character that YAML does not allow.
const fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}')
}

/// The end of the last line with content: the location of anything that is missing at the end of a file.
fn last_span(text: &str) -> Option<Span> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.last().map(|(at, line)| Span::new(at + 1, line.trim_end().chars().count(), 1))
}
