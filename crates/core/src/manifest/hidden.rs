//! The guards and entries that a fault hides: they are in the file, but cannot be read.
//!
//! Doubtful parts are counted high: a brake that counts too much holds actions, one that counts too little lets
//! them through.

use super::{
    code::DiagnosticCode,
    diagnostic_builder::DiagnosticBuilder,
    suggestions::{self, DOCUMENT, SUBACCOUNT},
    yaml::{Kind, Node},
};
use crate::NumberSid;

/// Returns true when `node`, which is not valid where it is, contains a key of the document or an entry.
pub(super) fn holds_entries(node: &Node) -> bool {
    match &node.kind {
        Kind::List(items) => items.iter().any(holds_entries),
        Kind::Map(entries) => entries.iter().any(|(key, value)| match &key.kind {
            Kind::Text(word) => is_foreign(word, value) || holds_entries(value),
            Kind::List(_) | Kind::Map(_) => true,
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Ambiguous(_) => holds_entries(value),
        }),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Ambiguous(_) => false,
    }
}

/// Returns true when `word`, which is unknown at its location, is a key of the document or begins an entry. A wrong
/// indentation has this effect.
pub(super) fn is_foreign(word: &str, value: &Node) -> bool {
    let is_number = matches!(&value.kind, Kind::Text(text) if text.parse::<NumberSid>().is_ok());
    DOCUMENT.contains(&word) || (word.eq_ignore_ascii_case("sid") && !is_number)
}

/// The most claims that `node`, an entry with a fault, may have made.
pub(super) fn claims(node: &Node) -> usize {
    let Kind::Map(entries) = &node.kind else { return mentions(node) };
    let of_key = |(key, value): &(Node, Node)| match (&key.kind, &value.kind) {
        (Kind::Text(word), _) if word == "numbers" => items(value),
        (Kind::Text(word), _) if SUBACCOUNT.contains(&word.as_str()) => mentions(value),
        (_, Kind::List(_) | Kind::Map(_)) => mentions(key) + items(value),
        (_, Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Ambiguous(_)) => {
            mentions(key) + mentions(value)
        }
    };
    entries.iter().map(of_key).sum()
}

/// The most claims in a value that may hold claims: every item of every list is one.
fn items(node: &Node) -> usize {
    match &node.kind {
        Kind::List(list) => list.iter().map(items).sum(),
        Kind::Map(entries) => entries
            .iter()
            .map(|(key, value)| mentions(key) + mentions(value))
            .sum::<usize>()
            .max(entries.len().min(1)),
        Kind::Null | Kind::Bool(_) => 1,
        Kind::Number(_) | Kind::Text(_) | Kind::Ambiguous(_) => mentions(node).max(1),
    }
}

/// The number of words in `node` that look like a phone number.
fn mentions(node: &Node) -> usize {
    match &node.kind {
        Kind::List(list) => list.iter().map(mentions).sum(),
        Kind::Map(entries) => entries.iter().map(|(key, value)| mentions(key) + mentions(value)).sum(),
        Kind::Number(text) | Kind::Text(text) | Kind::Ambiguous(text) => {
            text.split([' ', ',', ';', '\n', '\t']).filter(|word| looks_like_a_number(word)).count()
        }
        Kind::Null | Kind::Bool(_) => 0,
    }
}

fn looks_like_a_number(word: &str) -> bool {
    // A phone number has up to 15 digits, a SID 32.
    let is_short = word.chars().nth(24).is_none();
    let digits = word.chars().filter(|c| c.is_numeric()).count();
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    is_short && (word.contains('+') || (digits >= 5 && letters < digits))
}

/// Returns true when `node`, an entry with a fault, may move the numbers of its account to the main account.
pub(super) fn may_move(node: &Node) -> bool {
    match &node.kind {
        Kind::List(items) => items.iter().any(may_move),
        Kind::Map(entries) => entries.iter().any(|(key, value)| {
            let says_no = matches!(&key.kind, Kind::Text(word) if word == MOVES)
                && matches!(value.kind, Kind::Bool(false));
            !says_no && (may_move(key) || may_move(value))
        }),
        Kind::Text(text) | Kind::Ambiguous(text) => names_the_move(text),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => false,
    }
}

const MOVES: &str = "moveNumbersToMain";

fn names_the_move(text: &str) -> bool {
    suggestions::near(text, &[MOVES]).is_some() || text.to_ascii_lowercase().contains("movenumber")
}

/// Returns true when the file ends within an entry: `found` are its faults, `last` is its last document. A file
/// that was cut off hides its missing part, and an unfinished entry at its end is the only sign of that.
pub(super) fn is_cut_off(text: &str, last: &Node, found: &[DiagnosticBuilder]) -> bool {
    let end = text.trim_end();
    if end.ends_with(['}', ']']) {
        return false;
    }
    let whole_lines = text.ends_with(['\n', '\r']);
    let last_line = end.lines().count();
    let begins = last_begins(last);
    found.iter().any(|diagnostic| {
        let line = diagnostic.location.used().line();
        let unfinished = matches!(
            diagnostic.code,
            DiagnosticCode::MissingKey | DiagnosticCode::EmptyValue | DiagnosticCode::ClosedWithoutClose
        );
        line >= begins && (unfinished || (!whole_lines && line >= last_line))
    })
}

/// The line where the last entry of a document begins, or its last key.
fn last_begins(document: &Node) -> usize {
    let Kind::Map(entries) = &document.kind else { return 1 };
    let Some((key, value)) = entries.last() else { return 1 };
    match &value.kind {
        Kind::List(items) => items.last().unwrap_or(key).location.line(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Ambiguous(_) | Kind::Map(_) => {
            key.location.line()
        }
    }
}
