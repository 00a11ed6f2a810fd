//! The parser: from the bytes of files to the desired state and its faults.

use super::{
    assemble::{MissingFiles, assemble},
    code::DiagnosticCode,
    diagnostic::{Diagnostic, Lines, MAX_DIAGNOSTICS, span_at},
    diagnostic_builder::{DiagnosticBuilder, Diagnostics},
    document::{Document, document},
    hidden::is_cut_off,
    location::Location,
    source::Source,
    yaml::documents,
};
use crate::desired::Desired;

/// The desired state and its faults.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ParsedState {
    /// The state, without its doubtful parts.
    pub desired: Desired,
    /// Every fault, by file, line and column.
    pub faults: Vec<Diagnostic>,
}

/// Reads `sources`, in their order, as one state.
pub fn parse(sources: &[Source]) -> ParsedState {
    let names = sources.iter().map(|source| source.name.as_str()).collect();
    let mut diagnostics = Diagnostics { names, ..Diagnostics::default() };
    let mut all = Vec::new();
    let mut missing = MissingFiles::default();
    for (file, source) in sources.iter().enumerate() {
        let documents = file_documents(file, source, &mut diagnostics).unwrap_or_else(|| vec![None]);
        if documents.iter().all(Option::is_some) {
            all.extend(documents.into_iter().flatten());
        } else {
            diagnostics.hide_in(file);
            missing.any = true;
            missing.paused |= documents.iter().flatten().any(|document| document.paused);
        }
    }
    let mut desired = assemble(all, &missing, &mut diagnostics);
    desired.faulty = diagnostics.count() > 0;
    let mut lines = Lines::new(sources);
    let faults = bounded(diagnostics.found).into_iter().map(|diagnostic| lines.fault(diagnostic)).collect();
    ParsedState { desired, faults }
}

/// The diagnostics in order, each once, at most [`MAX_DIAGNOSTICS`] of them.
fn bounded(mut found: Vec<DiagnosticBuilder>) -> Vec<DiagnosticBuilder> {
    found.sort();
    found.dedup_by(|later, first| later.repeats(first));
    if let Some(rest) = found.len().checked_sub(MAX_DIAGNOSTICS).filter(|rest| *rest > 0) {
        let location = found[MAX_DIAGNOSTICS - 1].location;
        found.truncate(MAX_DIAGNOSTICS - 1);
        let message = format!("{} more faults after this one are not shown", rest + 1);
        found.push(DiagnosticBuilder::new(
            DiagnosticCode::ManyFaults,
            location.used(),
            message,
            "fix the other faults first",
        ));
    }
    found
}

/// The documents of one file, `None` for each one of another kind, which makes the whole file absent; `None` for a file
/// that is not YAML.
fn file_documents(
    file: usize,
    source: &Source,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<Vec<Option<Document>>> {
    let text = match source.content.as_ref().map(|bytes| str::from_utf8(bytes)) {
        Ok(Ok(text)) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Ok(Err(error)) => {
            let bytes = source.content.as_deref().unwrap_or_default();
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let before = before.strip_prefix('\u{feff}').unwrap_or(&before);
            let location = Location::new(file, span_at(before, before.chars().count()));
            let message = format!("the file is not UTF-8: byte {} is not valid", error.valid_up_to() + 1);
            let help = if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
                "save the file as UTF-8 instead of UTF-16; until then, this file is not loaded"
            } else {
                "save the file as UTF-8; until then, this file is not loaded"
            };
            diagnostics.add(DiagnosticCode::NotUtf8, location, message, help);
            return None;
        }
        Err(error) => {
            let message = format!("the file cannot be read: {error}");
            diagnostics.add(
                DiagnosticCode::UnreadableFile,
                Location::start_of(file),
                message,
                "make the file readable for the user that subaccountd runs as",
            );
            return None;
        }
    };
    let nodes = documents(file, text).map_err(|diagnostic| diagnostics.found.push(*diagnostic)).ok()?;
    let before = diagnostics.count();
    let documents = nodes.iter().map(|node| document(node, diagnostics)).collect();
    if nodes.last().is_some_and(|last| is_cut_off(text, last, &diagnostics.found[before..])) {
        diagnostics.hide_in(file);
    }
    Some(documents)
}
