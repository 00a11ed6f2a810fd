//! Reading: from the bytes of files to the desired state and its faults.

use super::{
    code::Code,
    document::{Document, document},
    fault::{Fault, Lines, MOST_FAULTS, mark_of},
    finding::{Finding, Findings, Place},
    hidden::is_cut_off,
    whole::{Missing, assemble},
    yaml::documents,
};
use crate::desired::Desired;

/// The byte order mark that some editors put before a text.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A file of the state: its name for people, and its bytes or why they could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path as a person would write it.
    pub name: String,
    /// The bytes, or what the system said.
    pub content: Result<Vec<u8>, String>,
}

/// The result of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Reading {
    /// The state, less what is doubtful.
    pub desired: Desired,
    /// Every fault, by file, line and column.
    pub faults: Vec<Fault>,
}

/// Reads `sources`, in their order, as one state.
pub fn read(sources: &[Source]) -> Reading {
    let names = sources.iter().map(|source| source.name.as_str()).collect();
    let mut findings = Findings { names, ..Findings::default() };
    let mut all = Vec::new();
    let mut missing = Missing::default();
    for (file, source) in sources.iter().enumerate() {
        let read = file_documents(file, source, &mut findings).unwrap_or_else(|| vec![None]);
        if read.iter().all(Option::is_some) {
            all.extend(read.into_iter().flatten());
        } else {
            findings.hide_in(file);
            missing.any = true;
            missing.paused |= read.iter().flatten().any(|document| document.paused);
        }
    }
    let mut desired = assemble(all, &missing, &mut findings);
    desired.faulty = findings.count() > 0;
    let mut lines = Lines::new(sources);
    let faults = bounded(findings.found).into_iter().map(|finding| lines.fault(finding)).collect();
    Reading { desired, faults }
}

/// In order, each once, and not more than can be shown.
fn bounded(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort();
    found.dedup_by(|later, first| later.repeats(first));
    if let Some(rest) = found.len().checked_sub(MOST_FAULTS).filter(|rest| *rest > 0) {
        let place = found[MOST_FAULTS - 1].place;
        found.truncate(MOST_FAULTS - 1);
        let message = format!("{} more faults from here on, which are not shown", rest + 1);
        found.push(Finding::new(Code::ManyFaults, place.used(), message, "fix the others first"));
    }
    found
}

/// The documents of one file, `None` for those of another kind; one of these makes the whole file absent, as does a
/// file that is no YAML.
fn file_documents(
    file: usize,
    source: &Source,
    findings: &mut Findings<'_>,
) -> Option<Vec<Option<Document>>> {
    let text = match source.content.as_ref().map(|bytes| str::from_utf8(bytes)) {
        Ok(Ok(text)) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Ok(Err(error)) => {
            let bytes = source.content.as_deref().unwrap_or_default();
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let before = before.strip_prefix('\u{feff}').unwrap_or(&before);
            let place = Place::new(file, mark_of(before, before.chars().count()));
            let message = format!("the file is not UTF-8: byte {} cannot be read", error.valid_up_to() + 1);
            let help = if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
                "it is UTF-16, as Windows writes it: save it as UTF-8; until then nothing in this file counts"
            } else {
                "save it as UTF-8; until then nothing in this file counts"
            };
            findings.add(Code::NotUtf8, place, message, help);
            return None;
        }
        Err(error) => {
            let message = format!("the file cannot be read: {error}");
            findings.add(
                Code::UnreadableFile,
                Place::start_of(file),
                message,
                "make it readable for the user that subaccountd runs as",
            );
            return None;
        }
    };
    let nodes = documents(file, text).map_err(|finding| findings.found.push(*finding)).ok()?;
    let before = findings.count();
    let documents = nodes.iter().map(|node| document(node, findings)).collect();
    if nodes.last().is_some_and(|last| is_cut_off(text, last, &findings.found[before..])) {
        findings.hide_in(file);
    }
    Some(documents)
}
