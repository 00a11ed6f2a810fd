//! A document: what makes it one of ours, and what it holds.

use super::{
    API_VERSION, KIND,
    entry::{ReadAccount, ReadMain, account, main_account},
    fields::{Fields, Findings, list, paused, word},
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

/// The values of a key that stands twice contradict each other: nothing of them counts.
fn stands_twice(fields: &Fields<'_>, key: &str) -> bool {
    fields.all(key).nth(1).is_some()
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
    let is_paused = paused(&fields, findings);
    let mut main = fields.get("mainAccount").map(|node| main_account(node, findings));
    if let Some(main) = main.as_mut().filter(|_| stands_twice(&fields, "mainAccount")) {
        main.sid = None;
    }
    let mut accounts = Vec::new();
    for node in fields.all("subaccounts") {
        accounts.extend(list(Some(node), "subaccounts", findings).iter().map(|node| account(node, findings)));
    }
    if stands_twice(&fields, "subaccounts") {
        for account in &mut accounts {
            account.entry = None;
        }
    }
    Some(Document { paused: is_paused, main, accounts })
}

fn head(fields: &Fields<'_>, key: &str, wanted: &str, findings: &mut Findings<'_>) -> bool {
    if fields.get(key).is_none() {
        findings.add(fields.place(), format!("the document has no `{key}`"), HEAD_HELP);
        return false;
    }
    fields.all(key).all(|node| is_the_word(node, key, wanted, findings))
}

fn is_the_word(node: &Node, key: &str, wanted: &str, findings: &mut Findings<'_>) -> bool {
    let help = format!("write `{key}: {wanted}`; nothing in this file counts until then");
    match word(node, key, &help, findings) {
        Some(word) if word == wanted => true,
        Some(word) => {
            let word: String = word.chars().take(80).collect();
            findings.add(node.place, format!("`{key}` is `{word}`, not `{wanted}`"), help);
            false
        }
        None => false,
    }
}
