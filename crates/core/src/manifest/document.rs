//! A document: its head, which makes it a part of the desired state, and its contents.

use super::{
    API_VERSION, KIND,
    allowances::allowances,
    code::DiagnosticCode,
    diagnostic_builder::{Diagnostics, Replacement, shown},
    entry::{ReadAccount, ReadMain, account, main_account},
    fields::{Fields, RENDER_HELP, list, malformed, paused, word},
    hints,
    suggestions::{self, DOCUMENT},
    windows::windows,
    yaml::{Kind, Node},
};
use crate::{allowance::Allowance, window::Window};

pub(super) const HEAD_HELP: &str =
    "start the document with `apiVersion: subaccountd/v1` and `kind: DesiredState`";

/// A document as it was read.
pub(super) struct Document {
    pub(super) paused: bool,
    pub(super) main: Option<ReadMain>,
    pub(super) windows: Vec<Window>,
    pub(super) allowances: Vec<Allowance>,
    pub(super) accounts: Vec<ReadAccount>,
}

/// Returns true when `key` is a duplicate: its values contradict each other, and none of them counts.
fn is_duplicate(fields: &Fields<'_>, key: &str) -> bool {
    fields.all(key).nth(1).is_some()
}

/// Reads a document; `None` when it is of another kind or version, so that its file is not loaded.
pub(super) fn document(node: &Node, diagnostics: &mut Diagnostics<'_>) -> Option<Document> {
    if let Some((hint, marked)) = hints::of_document(node) {
        diagnostics.add(hint.code, marked.location, hint.message, hint.full_help());
        return None;
    }
    if let Kind::Text(text) = &node.kind
        && suggestions::is_placeholder(text)
    {
        let message = format!("the document is the placeholder `{}`", suggestions::placeholder(text));
        diagnostics.add(DiagnosticCode::Placeholder, node.location, message, RENDER_HELP);
        return None;
    }
    if !matches!(node.kind, Kind::Map(_)) {
        diagnostics.add(
            DiagnosticCode::NoHead,
            node.location,
            "the document is not a mapping: it needs `apiVersion` and `kind`",
            HEAD_HELP,
        );
        return None;
    }
    let before = diagnostics.count();
    let mut inside = Diagnostics::default();
    let fields = Fields::open(node, "the document", DOCUMENT, &mut inside)?;
    let version = head(&fields, "apiVersion", API_VERSION, diagnostics);
    let kind = head(&fields, "kind", KIND, diagnostics);
    if !(version && kind) {
        // In a document of another kind, only the head is checked; a misspelt head is an unknown key.
        let heads = ["apiVersion", "kind"].map(|key| Some(Replacement::Word(key.to_owned())));
        for found in inside.since(0).iter().filter(|found| heads.contains(&found.replacement)) {
            diagnostics.push(found.clone());
        }
        if diagnostics.count() == before {
            diagnostics.add(
                DiagnosticCode::NoHead,
                fields.location(),
                "missing `apiVersion` and `kind` in the document",
                HEAD_HELP,
            );
        }
        return None;
    }
    diagnostics.append(inside);
    let is_paused = paused(&fields, diagnostics);
    let mut main =
        fields.get("mainAccount").map(|node| main_account(node, fields.place_of("mainAccount"), diagnostics));
    if let Some(main) = main.as_mut().filter(|_| is_duplicate(&fields, "mainAccount")) {
        main.sid = None;
    }
    let (windows, allowances) = (windows(&fields, diagnostics), allowances(&fields, diagnostics));
    let mut accounts = Vec::new();
    for node in fields.all("subaccounts") {
        if !matches!(node.kind, Kind::List(_)) {
            diagnostics.hide(node.location);
        }
        accounts.extend(
            list(Some(node), "subaccounts", diagnostics).iter().map(|node| account(node, diagnostics)),
        );
    }
    if is_duplicate(&fields, "subaccounts") {
        for account in &mut accounts {
            account.entry = None;
        }
    }
    Some(Document { paused: is_paused, main, windows, allowances, accounts })
}

fn head(fields: &Fields<'_>, key: &str, wanted: &str, diagnostics: &mut Diagnostics<'_>) -> bool {
    if fields.is_mistaken(key) {
        return false;
    }
    if fields.get(key).is_none() {
        diagnostics.add(
            DiagnosticCode::NoHead,
            fields.location(),
            format!("missing key `{key}` in the document"),
            HEAD_HELP,
        );
        return false;
    }
    fields.all(key).all(|node| is_the_word(node, key, wanted, diagnostics))
}

fn is_the_word(node: &Node, key: &str, wanted: &str, diagnostics: &mut Diagnostics<'_>) -> bool {
    let help = format!("write `{key}: {wanted}`; until then, this file is not loaded");
    let Some(word) = word(node, key, &help, diagnostics) else { return false };
    if word == wanted {
        return true;
    }
    let later = key == "apiVersion" && word.starts_with("subaccountd/v");
    let meant = suggestions::near(word, &[wanted]).filter(|_| !later);
    let help = match meant {
        Some(_) => help,
        None if later => format!("{help}; for another version, run the subaccountd release that reads it"),
        None => format!(
            "write `{key}: {wanted}`, or move the file out of the desired state; until then, this file is not loaded"
        ),
    };
    let code = if key == "kind" { DiagnosticCode::OtherKind } else { DiagnosticCode::OtherVersion };
    let message = format!("`{key}` is `{}`, not `{wanted}`", shown(word));
    malformed(node, (key, word), (code, message), &help, diagnostics).with_suggestion(meant);
    false
}
