//! Reading: from the bytes of files to the desired state and its faults.

use serde::Serialize;

use super::{
    document::{Document, document},
    fields::{Finding, Findings, Place},
    whole::{Missing, assemble},
    yaml::documents,
};
use crate::desired::Desired;

/// A file of the state: its name for people, and its bytes or why they could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path as a person would write it.
    pub name: String,
    /// The bytes, or what the system said.
    pub content: Result<Vec<u8>, String>,
}

/// Something wrong in the state: where, what, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: String,
    /// The text of the line, for showing it; empty when there is none.
    #[serde(skip)]
    pub text: String,
    /// How many characters of the line are meant.
    #[serde(skip)]
    pub width: usize,
}

/// What reading gave.
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
    let mut findings = Findings { names, found: Vec::new() };
    let mut all = Vec::new();
    let mut missing = Missing::default();
    for (file, source) in sources.iter().enumerate() {
        let read = file_documents(file, source, &mut findings).unwrap_or_else(|| vec![None]);
        if read.iter().all(Option::is_some) {
            all.extend(read.into_iter().flatten());
        } else {
            missing.any = true;
            missing.paused |= read.iter().flatten().any(|document| document.paused);
        }
    }
    let mut desired = assemble(all, &missing, &mut findings);
    desired.faulty = findings.count() > 0;
    findings.found.sort();
    findings.found.dedup();
    Reading { desired, faults: findings.found.into_iter().map(|finding| fault(sources, finding)).collect() }
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
            let message = format!("the file is not UTF-8: byte {} cannot be read", error.valid_up_to() + 1);
            findings.add(Place::start_of(file), message, "save it as UTF-8");
            return None;
        }
        Err(error) => {
            let message = format!("the file cannot be read: {error}");
            findings.add(
                Place::start_of(file),
                message,
                "make it readable for the user that subaccountd runs as",
            );
            return None;
        }
    };
    let nodes = documents(file, text).map_err(|finding| findings.found.push(finding)).ok()?;
    Some(nodes.iter().map(|node| document(node, findings)).collect())
}

fn fault(sources: &[Source], finding: Finding) -> Fault {
    let Finding { place, message, help } = finding;
    let source = sources.get(place.file);
    let text = source.and_then(|source| {
        let text = str::from_utf8(source.content.as_ref().ok()?).ok()?;
        text.strip_prefix('\u{feff}').unwrap_or(text).lines().nth(place.mark.line.checked_sub(1)?)
    });
    Fault {
        file: source.map_or_else(String::new, |source| source.name.clone()),
        line: place.mark.line,
        column: place.mark.column,
        message,
        help,
        text: text.unwrap_or_default().to_owned(),
        width: place.mark.width,
    }
}
