//! The parser: from the bytes of files to the desired state and its faults.

use super::{
    assemble::{MissingFiles, assemble},
    bounds::Budget,
    code::DiagnosticCode,
    diagnostic::{Diagnostic, Lines, span_at},
    diagnostic_builder::{DiagnosticBuilder, Diagnostics},
    document::{Document, document},
    hidden::is_cut_off,
    hints,
    location::Location,
    pin::UnpinnedPlace,
    places::Places,
    source::Source,
    yaml::documents,
};
use crate::{FriendlyName, desired::Desired, text::count};

/// The desired state and its faults.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ParsedState {
    /// The state, without its doubtful parts.
    pub desired: Desired,
    /// The first 1,000 faults, by file, line and column; when there are more, the last one gives their number.
    pub faults: Vec<Diagnostic>,
    /// The number of all faults.
    pub fault_count: usize,
    /// The places of its entries.
    pub places: Places,
}

/// Reads `sources`, in their order, as one state.
pub fn parse(sources: &[Source]) -> ParsedState {
    parse_with(sources, &mut || {})
}

/// The entries of `sources` that have no SID, with the places for it.
pub(super) fn unpinned_places(sources: &[Source]) -> Vec<(FriendlyName, UnpinnedPlace)> {
    let names = sources.iter().map(|source| source.name.as_str()).collect();
    let (mut diagnostics, mut budget) = (Diagnostics::new(names), Budget::default());
    let mut places = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        let documents = file_documents(file, source, &mut budget, &mut diagnostics).unwrap_or_default();
        let accounts = documents.into_iter().flatten().flat_map(|document| document.accounts);
        places.extend(accounts.filter_map(|account| account.unpinned));
    }
    places
}

/// Reads `sources`, in their order, as one state, and calls `progress` after each.
pub fn parse_with(sources: &[Source], progress: &mut dyn FnMut()) -> ParsedState {
    let names: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
    let mut diagnostics = Diagnostics::new(names.clone());
    let mut all = Vec::new();
    let is_empty = |source: &Source| source.content.as_ref().is_ok_and(Vec::is_empty);
    let mut missing = MissingFiles { empty: sources.iter().all(is_empty), ..MissingFiles::default() };
    let mut budget = Budget::default();
    for (file, source) in sources.iter().enumerate() {
        let documents =
            file_documents(file, source, &mut budget, &mut diagnostics).unwrap_or_else(|| vec![None]);
        if documents.iter().all(Option::is_some) {
            all.extend(documents.into_iter().flatten());
        } else {
            diagnostics.hide_in(file);
            missing.any = true;
            missing.paused |= documents.iter().flatten().any(|document| document.paused);
        }
        progress();
    }
    let places = Places::new(&all, &names);
    let mut desired = assemble(all, &missing, &mut diagnostics);
    desired.faulty = diagnostics.count() > 0;
    let (first, fault_count) = diagnostics.into_first();
    let more = more_than(&first, fault_count);
    let mut lines = Lines::new(sources);
    let faults = first.into_iter().chain(more).map(|diagnostic| lines.fault(diagnostic)).collect();
    ParsedState { desired, faults, fault_count, places }
}

/// The diagnostic with the number of those after the `first` ones, when there are more.
fn more_than(first: &[DiagnosticBuilder], all: usize) -> Option<DiagnosticBuilder> {
    let more = all.checked_sub(first.len()).filter(|more| *more > 0)?;
    let location = first.last()?.location.used();
    let verb = if more == 1 { "is" } else { "are" };
    let message = format!("{} after this one {verb} not shown", count(more, "more fault"));
    Some(DiagnosticBuilder::new(DiagnosticCode::ManyFaults, location, message, "fix the other faults first"))
}

/// The documents of one file, `None` for each one of another kind, which makes the whole file absent; `None` for a file
/// that is not YAML.
fn file_documents(
    file: usize,
    source: &Source,
    budget: &mut Budget,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<Vec<Option<Document>>> {
    if let Some(hint) = source.content.as_ref().ok().and_then(|bytes| hints::of_bytes(bytes)) {
        diagnostics.add(hint.code, Location::start_of(file), hint.message, hint.full_help());
        return None;
    }
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
            diagnostics.add(DiagnosticCode::UnreadableFile, Location::start_of(file), message, error.help);
            return None;
        }
    };
    let nodes = documents(file, text, budget).map_err(|diagnostic| diagnostics.push(*diagnostic)).ok()?;
    let before = diagnostics.count();
    let documents = nodes.iter().map(|node| document(node, diagnostics)).collect();
    if nodes.last().is_some_and(|last| is_cut_off(text, last, diagnostics.since(before))) {
        diagnostics.hide_in(file);
    }
    Some(documents)
}
