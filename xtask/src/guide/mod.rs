//! The generated pages of the guide: the keys of the state from its schema, the commands and settings from the command
//! line, and the faults from their explanations.

mod commands;
mod keys;

use subaccountd_core::manifest::DiagnosticCode;

const FAULTS: &str = "# The faults, one by one

<!-- Made from the explanations by `make guide`. Do not edit. -->

Each fault has a stable code, and `subaccountd validate --explain SD014` prints the section of a code. `validate` shows
each fault with its file, line and column and, where that helps, a second place and the text to write instead.
";

/// A text inside a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

/// The pages, by their places in the repository.
pub(crate) fn pages() -> Vec<(&'static str, String)> {
    let explanations = DiagnosticCode::ALL.iter().map(|code| format!("\n#{}\n", code.explanation().trim()));
    let faults = format!("{FAULTS}{}", explanations.collect::<String>());
    vec![
        ("docs/guide/src/keys.md", keys::page()),
        ("docs/guide/src/commands.md", commands::page()),
        ("docs/guide/src/faults.md", faults),
    ]
}
