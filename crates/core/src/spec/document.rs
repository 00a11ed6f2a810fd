//! A document: what makes it one of ours, and what it holds.

use super::{
    API_VERSION, KIND,
    entry::{ReadAccount, ReadMain, account, main_account},
    fields::{Fields, Findings, list, paused, text},
    yaml::{Kind, Node},
};

const DOCUMENT: &[&str] = &["apiVersion", "kind", "paused", "mainAccount", "subaccounts"];
pub(super) const HEAD_HELP: &str =
    "begin the document with `apiVersion: subaccountd/v1` and `kind: DesiredState`";

/// A document as it was read.
pub(super) struct Document {
    pub(super) paused: bool,
    pub(super) main: Option<ReadMain>,
    pub(super) accounts: Vec<ReadAccount>,
}

/// Reads a document; `None` when it is of another kind or version, so that nothing of its file counts.
pub(super) fn document(node: &Node, findings: &mut Findings<'_>) -> Option<Document> {
    if !matches!(node.kind, Kind::Map(_)) {
        findings.add(
            node.place,
            "this document is not a mapping: it needs `apiVersion` and `kind`",
            HEAD_HELP,
        );
        return None;
    }
    let mut inside = Findings::default();
    let fields = Fields::open(node, "the document", DOCUMENT, &mut inside)?;
    let version = head(&fields, "apiVersion", API_VERSION, findings);
    let kind = head(&fields, "kind", KIND, findings);
    if !(version && kind) {
        return None;
    }
    findings.found.append(&mut inside.found);
    let is_paused = paused(fields.get("paused"), findings);
    let main = fields.get("mainAccount").map(|node| main_account(node, findings));
    let items = list(fields.get("subaccounts"), "subaccounts", findings);
    let accounts = items.iter().map(|node| account(node, findings)).collect();
    Some(Document { paused: is_paused, main, accounts })
}

fn head(fields: &Fields<'_>, key: &str, wanted: &str, findings: &mut Findings<'_>) -> bool {
    let Some(node) = fields.get(key) else {
        findings.add(fields.place(), format!("the document has no `{key}`"), HEAD_HELP);
        return false;
    };
    match text(node, key, 200, findings) {
        Some(word) if word == wanted => true,
        Some(word) => {
            let message = format!("`{key}` is `{word}`, not `{wanted}`");
            findings.add(
                node.place,
                message,
                format!("write `{key}: {wanted}`; nothing in this file counts until then"),
            );
            false
        }
        None => false,
    }
}
