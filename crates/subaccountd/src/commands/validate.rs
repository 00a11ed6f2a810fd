//! `validate`: checks desired-state files offline, and explains the codes of faults.

use std::{io, path::PathBuf};

use serde::Serialize;
use subaccountd_core::{
    manifest::{Diagnostic, DiagnosticCode, ParsedState, Related},
    text::count,
};

use super::{Exit, print};
use crate::{
    cli::{Explained, FaultFormat},
    desired as state,
    output::{
        annotations::{self, Places},
        diagnostics,
        printed::Printed,
        terminal::colour,
    },
};

/// The most codes that the last line names.
const MAX_CODES: usize = 6;

pub(super) async fn validate(paths: &[PathBuf], output: FaultFormat) -> anyhow::Result<Exit> {
    let (sources, reading) = state::read_all(paths).await?;
    let last = last_line(&reading, sources.len());
    print(&match output {
        FaultFormat::Text => {
            Printed::text(&(diagnostics::render(&reading.faults, colour(&io::stdout())) + &last))
        }
        FaultFormat::Github => {
            Printed::commands(&(annotations::github(&reading.faults, &Places::from_env()) + &last))
        }
        FaultFormat::Json => {
            let document = ValidateDocument::new(&reading, sources.len());
            Printed::json(&(serde_json::to_string_pretty(&document)? + "\n"))
        }
    })?;
    Ok(if reading.faults.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Prints what a code means, in Markdown.
pub(super) fn explain(what: Explained) -> anyhow::Result<Exit> {
    let codes = match &what {
        Explained::One(code) => std::slice::from_ref(code),
        Explained::All => DiagnosticCode::ALL,
    };
    let texts: Vec<_> = codes.iter().map(|code| code.explanation()).collect();
    print(&Printed::own(texts.join("\n")))?;
    Ok(Exit::Done)
}

/// The last line of the output: the counts of a valid state, or the number of faults and the command that explains them.
fn last_line(reading: &ParsedState, files: usize) -> String {
    let mut codes: Vec<DiagnosticCode> = reading.faults.iter().map(|fault| fault.code).collect();
    let Some(first) = codes.first().copied() else {
        let (accounts, numbers) = (reading.desired.entry_count(), reading.desired.claim_count());
        let [accounts, numbers, files] =
            [(accounts, "subaccount"), (numbers, "number"), (files, "file")].map(|(n, noun)| count(n, noun));
        return format!("valid: {accounts}, {numbers}, {files}\n");
    };
    let count = count(reading.fault_count, "fault");
    codes.sort();
    codes.dedup();
    let names: Vec<_> = codes.iter().take(MAX_CODES).map(|code| code.as_str()).collect();
    let names = match names.len() {
        1 => String::new(),
        shown if shown < codes.len() => format!(": {} and others", names.join(", ")),
        _ => format!(": {}", names.join(", ")),
    };
    format!("{count}{names}; see `subaccountd validate --explain {first}`\n")
}

/// The document that `-o json` prints.
#[derive(Serialize)]
struct ValidateDocument<'a> {
    valid: bool,
    files: usize,
    subaccounts: usize,
    numbers: usize,
    faults: Vec<FaultJson<'a>>,
}

/// A fault. Every key is always present, null where it does not apply. Columns count characters from 1, and
/// `endColumn` is the one behind the last.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FaultJson<'a> {
    code: DiagnosticCode,
    file: &'a str,
    line: usize,
    column: usize,
    end_column: usize,
    message: &'a str,
    help: &'a str,
    replacement: Option<&'a str>,
    related: Option<RelatedJson<'a>>,
}

/// The faults as `-o json` prints them.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn faults_json(faults: &[Diagnostic]) -> serde_json::Value {
    serde_json::to_value(faults.iter().map(FaultJson::new).collect::<Vec<_>>()).unwrap_or_default()
}

/// The other place of a fault.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RelatedJson<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_column: usize,
    message: &'a str,
}

impl<'a> ValidateDocument<'a> {
    fn new(reading: &'a ParsedState, files: usize) -> Self {
        Self {
            valid: reading.faults.is_empty(),
            files,
            subaccounts: reading.desired.entry_count(),
            numbers: reading.desired.claim_count(),
            faults: reading.faults.iter().map(FaultJson::new).collect(),
        }
    }
}

impl<'a> FaultJson<'a> {
    fn new(fault: &'a Diagnostic) -> Self {
        let Diagnostic { file, line, column, message, help, code, width, replacement, related, excerpt: _ } =
            fault;
        let related = related.as_deref().map(|related| {
            let Related { file, line, column, width, label, excerpt: _, between: _ } = related;
            RelatedJson { file, line: *line, column: *column, end_column: column + width, message: label }
        });
        Self {
            code: *code,
            file,
            line: *line,
            column: *column,
            end_column: column + width,
            message,
            help,
            replacement: replacement.as_deref(),
            related,
        }
    }
}
