//! The rules for every fault, however broken a state is; checked on a corpus, on mutations of it, and by `make fuzz`.

use std::time::{Duration, Instant};

use subaccountd_core::manifest::{Diagnostic, ParsedState, Related, Source, parse};

use super::render;
use crate::{
    commands::faults_json,
    fuzzing::check_text,
    output::annotations::{self, Places},
};

/// Reads and shows `sources` in every way, checks the rules for every fault, and returns what was read.
pub(crate) fn check_faults(sources: &[Source]) -> ParsedState {
    let begun = Instant::now();
    let reading = parse(sources);
    let faults = &reading.faults;
    assert_eq!(reading.desired.faulty(), !faults.is_empty());
    for fault in faults {
        let Diagnostic {
            file,
            line,
            column,
            message,
            help,
            code: _,
            width,
            excerpt: _,
            replacement,
            related,
        } = fault;
        assert_in_file(sources, (file, *line, *column, *width));
        if let Some(Related { file, line, column, width, label, .. }) = related.as_deref() {
            assert_in_file(sources, (file, *line, *column, *width));
            assert!(!label.is_empty());
        }
        assert!(!message.is_empty() && !help.is_empty() && replacement.as_deref() != Some(""), "{fault:?}");
        assert!(message.chars().count() <= 601 && help.chars().count() <= 601, "{fault:?}");
    }
    for (shown, most_of_one) in [
        (render(faults, false), 12_000),
        (render(faults, true), 16_000),
        (annotations::github(faults, &Places::default()), 9_000),
    ] {
        assert!(
            shown.len() <= most_of_one * faults.len(),
            "{} bytes for {} faults",
            shown.len(),
            faults.len()
        );
    }
    for line in annotations::github(faults, &Places::default()).lines() {
        assert!(line.starts_with("::error file=") && !line.contains(['\r', '\u{1b}']), "{line}");
    }
    check_text(&render(faults, false), usize::MAX);
    assert_eq!(faults_json(faults).as_array().map(Vec::len), Some(faults.len()));
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    reading
}

fn assert_in_file(sources: &[Source], (file, line, column, width): (&str, usize, usize, usize)) {
    let Some(source) = sources.iter().find(|source| source.name == file) else { panic!("no file {file}") };
    // A file that cannot be read has one place, its start.
    let text = String::from_utf8_lossy(source.content.as_deref().unwrap_or_default());
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines: Vec<&str> = text.split('\n').collect();
    assert!((1..=lines.len()).contains(&line), "line {line} of {}", lines.len());
    let length = lines[line - 1].chars().count();
    assert!(
        column >= 1 && column - 1 + width <= length + 1,
        "column {column}+{width} of {length} in line {line}"
    );
}
