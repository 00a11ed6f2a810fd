//! Files that are no state yet: encrypted, packed, rendered elsewhere or downloaded by mistake. Each is told by its name,
//! instead of by the first error of the YAML parser.

use super::{
    code::DiagnosticCode,
    yaml::{Kind, Node},
};

/// The kind of such a file, and the way to the state.
pub(super) struct Hint {
    pub(super) code: DiagnosticCode,
    pub(super) message: &'static str,
    pub(super) help: &'static str,
}

const UNTIL_THEN: &str = "until then, this file is not loaded";

/// The first bytes of a file, what they mean, and the remedy.
const BEGINNINGS: &[(&[u8], &str, &str)] = &[
    (
        b"\0GITCRYPT",
        "the file is encrypted with git-crypt",
        "run `git-crypt unlock` before subaccountd reads it",
    ),
    (
        b"$ANSIBLE_VAULT;",
        "the file is encrypted with ansible-vault",
        "decrypt it with `ansible-vault decrypt` before subaccountd reads it",
    ),
    (
        b"age-encryption.org/",
        "the file is encrypted with age",
        "decrypt it with `age --decrypt` before subaccountd reads it",
    ),
    (
        b"-----BEGIN AGE ENCRYPTED",
        "the file is encrypted with age",
        "decrypt it with `age --decrypt` before subaccountd reads it",
    ),
    (
        b"-----BEGIN PGP MESSAGE",
        "the file is encrypted with PGP",
        "decrypt it with `gpg --decrypt` before subaccountd reads it",
    ),
    (
        b"version https://git-lfs.github.com/",
        "the file is a git-lfs pointer, not the file itself",
        "run `git lfs pull` where it is checked out, or take the file out of git-lfs",
    ),
    (b"\x1f\x8b", "the file is packed with gzip", "unpack it with `gunzip` before subaccountd reads it"),
    (b"PK\x03\x04", "the file is a zip archive", "unpack it before subaccountd reads it"),
];

/// The hint for a file with these bytes.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<Hint> {
    let hint = |message, help| Hint { code: DiagnosticCode::NotPlain, message, help };
    let begins = BEGINNINGS.iter().find(|(begin, ..)| bytes.starts_with(begin));
    if let Some((_, message, help)) = begins {
        return Some(hint(message, help));
    }
    let text = bytes.trim_ascii_start();
    let starts = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if starts(b"<!doctype html") || starts(b"<html") || starts(b"<?xml") {
        let help = "fetch the file itself: a page to sign in or an error page may have come in its place";
        return Some(hint("the file is an HTML or XML page", help));
    }
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).take(8).filter(|byte| **byte == 0).count();
    let is_wide = bytes.len() >= 16 && (zeros(0), zeros(1)) != (8, 8) && (zeros(0) == 8 || zeros(1) == 8);
    is_wide.then_some(Hint {
        code: DiagnosticCode::NotUtf8,
        message: "the file is UTF-16, not UTF-8",
        help: "save the file as UTF-8",
    })
}

/// The hint for a document of YAML, and the node to mark.
pub(super) fn of_document(document: &Node) -> Option<(Hint, &Node)> {
    let Kind::Map(entries) = &document.kind else { return None };
    let is_sops = |(key, value): &&(Node, Node)| {
        matches!(&key.kind, Kind::Text(word) if word == "sops") && matches!(value.kind, Kind::Map(_))
    };
    let is_cipher = |(_, value): &&(Node, Node)| matches!(&value.kind, Kind::Text(text) if is_cipher(text));
    let (key, _) = entries.iter().find(is_sops).or_else(|| entries.iter().find(is_cipher))?;
    let message = "the document is encrypted with SOPS";
    let help = "decrypt it with `sops decrypt` before subaccountd reads it";
    Some((Hint { code: DiagnosticCode::NotPlain, message, help }, key))
}

/// Returns true for a value that SOPS encrypted.
pub(super) fn is_cipher(text: &str) -> bool {
    text.starts_with("ENC[") && text.ends_with(']') && text.contains("data:")
}

impl Hint {
    /// The remedy, and the effect until then.
    pub(super) fn full_help(&self) -> String {
        format!("{}; {UNTIL_THEN}", self.help)
    }
}
