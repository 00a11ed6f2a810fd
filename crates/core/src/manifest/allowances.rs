//! The `allowances` of a document. An allowance with a fault counts as none.

use super::{
    code::DiagnosticCode,
    diagnostic_builder::{Diagnostics, shown},
    entry::MAX_REASON,
    fields::{Fields, one_of, text, type_mismatch},
    suggestions::ALLOWANCE,
    times::time,
    windows::items,
    yaml::{Kind, Node},
};
use crate::{ActionKind, allowance::Allowance, guard::limit_flag};

/// Reads the allowances of a document.
pub(super) fn allowances(fields: &Fields<'_>, diagnostics: &mut Diagnostics<'_>) -> Vec<Allowance> {
    let (nodes, all_read) = items(fields, "allowances", diagnostics);
    let read: Vec<_> = nodes.into_iter().filter_map(|node| allowance(node, diagnostics)).collect();
    if all_read { read } else { Vec::new() }
}

fn allowance(node: &Node, diagnostics: &mut Diagnostics<'_>) -> Option<Allowance> {
    let before = diagnostics.count();
    let what = "an allowance";
    let fields = Fields::open(node, what, ALLOWANCE, diagnostics)?;
    // A release has the limit of released numbers.
    let has_limit = |kind: &ActionKind| *kind == ActionKind::Release || limit_flag(*kind).is_some();
    let limited: Vec<_> = ActionKind::ALL.into_iter().filter(has_limit).collect();
    let words: Vec<_> = limited.iter().map(|kind| kind.as_str()).collect();
    let verb_help = format!("write the verb whose limit it raises: one of {}", words.join(", "));
    let verb = fields
        .require("verb", what, &verb_help, diagnostics)
        .and_then(|node| one_of(node, "verb", &words, &verb_help, diagnostics))
        .and_then(|word| limited.iter().copied().find(|kind| kind.as_str() == word));
    let help = "write the limit meanwhile, as in `upTo: 40`";
    let up_to = fields
        .require("upTo", what, help, diagnostics)
        .and_then(|node| count(node, "upTo", help, diagnostics));
    let help = "write its end, at most 7 days ahead, as in `until: \"2026-12-24T12:00:00Z\"`";
    let until =
        fields.require("until", what, help, diagnostics).and_then(|node| time(node, "until", diagnostics));
    let reason = fields
        .require("reason", what, "write why the limit is raised", diagnostics)
        .and_then(|node| text(node, "reason", MAX_REASON, diagnostics));
    let read = Allowance { verb: verb?, up_to: up_to?, until: until?, reason: reason?.to_owned() };
    (diagnostics.count() == before).then_some(read)
}

/// Reads a whole number of at least 1.
fn count(node: &Node, key: &str, help: &str, diagnostics: &mut Diagnostics<'_>) -> Option<usize> {
    let Kind::Number(written) = &node.kind else {
        type_mismatch(node, &format!("`{key}`"), "a number", help, diagnostics);
        return None;
    };
    let is_plain = written.len() <= 9 && written.bytes().all(|byte| byte.is_ascii_digit());
    let found = written.parse().ok().filter(|count| *count > 0 && is_plain);
    if found.is_none() {
        let message = format!("`{key}`: {} is not a whole number from 1 to 999999999", shown(written));
        diagnostics.add(DiagnosticCode::NotACount, node.location, message, help);
    }
    found
}
