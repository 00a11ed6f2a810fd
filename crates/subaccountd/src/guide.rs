//! The pages of the guide that are made and not written: the keys of the state from its schema, the commands and settings
//! from the command line, and the faults from their explanations.

mod commands;
mod keys;
mod shown;

use std::{fs, path::Path};

use subaccountd_core::manifest::DiagnosticCode;

const FAULTS: &str = "# The faults, one by one

<!-- Made from the explanations by `make guide`. Do not edit. -->

A fault has a code that stays the same, and `subaccountd validate --explain SD014` prints the section of a code. `validate`
shows each fault with its file, line and column, and where it helps a second place and what to write instead.
";

/// A text inside a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

/// The page at `name` is `made`; with `UPDATE_GUIDE` set it is written first.
fn is_up_to_date(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/src").join(name);
    if std::env::var_os("UPDATE_GUIDE").is_some() {
        fs::write(&path, made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept == made, "docs/guide/src/{name} is not what the program says: run `make guide`");
}

#[test]
fn the_page_of_keys_is_what_the_schema_says() {
    is_up_to_date("keys.md", &keys::page());
}

#[test]
fn the_page_of_commands_is_what_the_command_line_says() {
    is_up_to_date("commands.md", &commands::page());
}

#[test]
fn the_page_of_faults_is_what_explain_says() {
    let explanations = DiagnosticCode::ALL.iter().map(|code| format!("\n#{}\n", code.explanation().trim()));
    let page = format!("{FAULTS}{}", explanations.collect::<String>());
    is_up_to_date("faults.md", &page);
}
