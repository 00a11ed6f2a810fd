//! Fields: reads one value of a known type, or adds the diagnostic with its fix.

use std::{collections::HashMap, str::FromStr};

use super::{
    code::DiagnosticCode,
    diagnostic_builder::{DiagnosticBuilder, Diagnostics, shown},
    hidden::{holds_entries, is_foreign},
    hints,
    location::Location,
    suggestions::{self, DOCUMENT},
    yaml::{Kind, Node},
};
use crate::{PhoneNumber, sid::NotASid};

/// The largest mapping of which each unknown key is compared with the known ones.
const MAX_COMPARED: usize = 1_000;

/// The entries of a mapping whose keys are known.
pub(super) struct Fields<'a> {
    location: Location,
    entries: Vec<(&'a str, Location, &'a Node)>,
    /// Known keys that are present but misspelt; all known keys when there is a merge key, which may stand for any of them.
    mistaken: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Opens the mapping `node`, which messages call `what`. Adds a diagnostic for each unknown or duplicate key.
    pub(super) fn open(
        node: &'a Node,
        what: &str,
        known: &'static [&'static str],
        diagnostics: &mut Diagnostics<'_>,
    ) -> Option<Self> {
        let Kind::Map(map) = &node.kind else {
            let help = format!("write its keys, one per line: {}", known.join(", "));
            type_mismatch(node, what, "a mapping", &help, diagnostics);
            return None;
        };
        let mut firsts: HashMap<&str, Location> = HashMap::with_capacity(map.len());
        let mut entries: Vec<(&str, Location, &Node)> = Vec::with_capacity(map.len());
        let mut mistaken = Vec::new();
        let is_small = map.len() <= MAX_COMPARED;
        for (key, value) in map {
            let Kind::Text(word) = &key.kind else {
                key_not_text(key, what, known, diagnostics);
                if known == DOCUMENT || holds_entries(value) {
                    diagnostics.hide(key.location);
                }
                continue;
            };
            if let Some(first) = firsts.get(word.as_str()).copied() {
                let message =
                    format!("duplicate key `{}` in {what}: first on line {}", shown(word), first.line());
                diagnostics
                    .add(DiagnosticCode::DuplicateKey, key.location, message, "keep one of the two")
                    .with_related(first, "first defined here");
            } else {
                firsts.insert(word, key.location);
                if !known.contains(&word.as_str()) && !word.starts_with("x-") {
                    match word.as_str() {
                        "<<" => mistaken.extend(known),
                        word if is_small => mistaken.extend(suggestions::meant_key(word, known)),
                        _ => {}
                    }
                    unknown_key(key.location, word, what, (known, map), diagnostics);
                    if known == DOCUMENT || is_foreign(word, value) || holds_entries(value) {
                        diagnostics.hide(key.location);
                    }
                }
            }
            entries.push((word, key.location, value));
        }
        Some(Self { location: node.begin(), entries, mistaken })
    }

    /// The location of the mapping.
    pub(super) const fn location(&self) -> Location {
        self.location
    }

    /// Returns true when `key` is missing only because it is misspelt, or because a merge key may stand for it.
    /// Both already have a diagnostic.
    pub(super) fn is_mistaken(&self, key: &str) -> bool {
        self.get(key).is_none() && self.mistaken.contains(&key)
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(word, ..)| *word == key).map(|(.., value)| *value)
    }

    /// Every value of `key`: more than one when the key is a duplicate, which already has a diagnostic.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = &'a Node> {
        self.entries.iter().filter(move |(word, ..)| *word == key).map(|(.., value)| *value)
    }

    /// The count of the most frequent one of `keys`: more than one when two mappings were merged by mistake.
    pub(super) fn most(&self, keys: &[&str]) -> usize {
        keys.iter().map(|key| self.all(key).count()).max().unwrap_or_default()
    }

    /// The location of `key` itself; that of the mapping when the key is missing.
    pub(super) fn place_of(&self, key: &str) -> Location {
        self.entries
            .iter()
            .find(|(word, ..)| *word == key)
            .map_or(self.location, |(_, location, _)| *location)
    }

    /// The value of `key`. Adds a diagnostic when the key is missing.
    pub(super) fn require(
        &self,
        key: &str,
        what: &str,
        help: &str,
        diagnostics: &mut Diagnostics<'_>,
    ) -> Option<&'a Node> {
        let value = self.get(key);
        if value.is_none() && !self.is_mistaken(key) {
            diagnostics.add(
                DiagnosticCode::MissingKey,
                self.location,
                format!("missing key `{key}` in {what}"),
                help,
            );
        }
        value
    }
}

fn key_not_text(key: &Node, what: &str, known: &[&str], diagnostics: &mut Diagnostics<'_>) {
    if matches!(key.kind, Kind::Map(_)) {
        // YAML reads the braces of a template as a mapping whose key is a mapping.
        diagnostics.hide(key.location);
        let message = format!("a key of {what} is a mapping: unrendered template?");
        diagnostics.add(DiagnosticCode::Placeholder, key.location, message, RENDER_HELP);
        return;
    }
    let (code, help) = match &key.kind {
        Kind::Ambiguous(_) => (DiagnosticCode::Ambiguous, format!("known keys: {}", known.join(", "))),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
            (DiagnosticCode::KeyNotText, format!("known keys: {}", known.join(", ")))
        }
    };
    diagnostics.add(
        code,
        key.location,
        format!("a key of {what} is {}, not a string", name(&key.kind)),
        help,
    );
}

fn unknown_key(
    location: Location,
    word: &str,
    what: &str,
    (known, map): (&[&str], &[(Node, Node)]),
    diagnostics: &mut Diagnostics<'_>,
) {
    let message = format!("unknown key `{}` in {what}", shown(word));
    if word == "<<" {
        let help = "write the keys out, or use an alias for a whole value: merge keys are not supported";
        diagnostics.add(DiagnosticCode::MergeKey, location, message, help);
        return;
    }
    if map.len() > MAX_COMPARED {
        let help = suggestions::known_keys(known);
        diagnostics.add(DiagnosticCode::UnknownKey, location, message, help);
        return;
    }
    let stands =
        |meant: &&str| map.iter().any(|(key, _)| matches!(&key.kind, Kind::Text(key) if key == meant));
    let meant = suggestions::meant_key(word, known).filter(|meant| !stands(meant));
    diagnostics
        .add(DiagnosticCode::UnknownKey, location, message, suggestions::unknown_key(word, known))
        .with_suggestion(meant);
}

/// The help for what a template left.
pub(super) const RENDER_HELP: &str = "render the template, and pass the rendered file";

/// The type of a value, as messages name it.
pub(super) const fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "empty",
        Kind::Bool(_) => "a boolean",
        Kind::Number(_) => "a number",
        Kind::Text(_) => "a string",
        Kind::Ambiguous(_) => "an ambiguous scalar",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a mapping",
    }
}

/// Adds the diagnostic for a value of `what` that is not `wanted`.
pub(super) fn type_mismatch<'f>(
    node: &Node,
    what: &str,
    wanted: &str,
    help: &str,
    diagnostics: &'f mut Diagnostics<'_>,
) -> &'f mut DiagnosticBuilder {
    if holds_entries(node) {
        diagnostics.hide(node.location);
    }
    if is_template(node) {
        let message = format!("{what} is an unrendered template");
        return diagnostics.add(DiagnosticCode::Placeholder, node.location, message, RENDER_HELP);
    }
    let code = match &node.kind {
        Kind::Null => DiagnosticCode::EmptyValue,
        Kind::Ambiguous(_) => DiagnosticCode::Ambiguous,
        Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
            DiagnosticCode::WrongType
        }
    };
    diagnostics.add(code, node.begin(), format!("{what} is {}, not {wanted}", name(&node.kind)), help)
}

/// Adds the diagnostic for `written`, which is not valid as `key`: with `code`, or as a placeholder when it is one.
pub(super) fn malformed<'f>(
    node: &Node,
    (key, written): (&str, &str),
    (code, message): (DiagnosticCode, String),
    help: &str,
    diagnostics: &'f mut Diagnostics<'_>,
) -> &'f mut DiagnosticBuilder {
    if suggestions::is_placeholder(written) {
        let message = format!("`{key}`: `{}` is an unfilled placeholder", suggestions::placeholder(written));
        return diagnostics.add(
            DiagnosticCode::Placeholder,
            node.location,
            message,
            "fill it in before subaccountd reads the file",
        );
    }
    if hints::is_cipher(written) {
        let message = format!("`{key}` is encrypted with SOPS");
        let help = "decrypt the file with `sops decrypt` before subaccountd reads it";
        return diagnostics.add(DiagnosticCode::NotPlain, node.location, message, help);
    }
    let odd = suggestions::line_break(written)
        .or_else(|| suggestions::confusable(written))
        .or_else(|| suggestions::foreign_letter(written));
    diagnostics.add(code, node.location, message, odd.unwrap_or_else(|| help.to_owned()))
}

/// Reads a string of 1 to `longest` characters.
pub(super) fn text<'a>(
    node: &'a Node,
    key: &str,
    longest: usize,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<&'a str> {
    let help = "write a string, or omit the key";
    match &node.kind {
        Kind::Text(text) if text.is_empty() => {
            diagnostics.add(
                DiagnosticCode::EmptyValue,
                node.location,
                format!("`{key}` is an empty string"),
                help,
            );
            None
        }
        Kind::Text(text) if text.chars().nth(longest).is_some() => {
            let message = format!("`{key}` is longer than {longest} characters");
            diagnostics.add(DiagnosticCode::LongText, node.location, message, "shorten it");
            None
        }
        Kind::Text(text) => Some(text),
        other => {
            let written = match other {
                Kind::Number(written) | Kind::Ambiguous(written) => Some(written.clone()),
                Kind::Bool(value) => Some(value.to_string()),
                Kind::Text(_) | Kind::Null | Kind::List(_) | Kind::Map(_) => None,
            };
            let odd = written.as_deref().and_then(suggestions::confusable);
            let quoted = written.filter(|_| odd.is_none()).map(|written| format!("\"{}\"", shown(&written)));
            let quote = quoted.as_ref().map(|quoted| format!("quote it: {quoted}"));
            let help = odd.or(quote).unwrap_or_else(|| help.to_owned());
            type_mismatch(node, &format!("`{key}`"), "a string", &help, diagnostics).with_yaml(quoted);
            None
        }
    }
}

/// Reads a string that must be one of a few words, or have a format of its own; `help` describes it.
pub(super) fn word<'a>(
    node: &'a Node,
    key: &str,
    help: &str,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<&'a str> {
    if let Kind::Text(word) = &node.kind {
        return Some(word);
    }
    type_mismatch(node, &format!("`{key}`"), "a string", help, diagnostics);
    None
}

/// Reads one of a few `words`.
pub(super) fn one_of<'a>(
    node: &'a Node,
    key: &str,
    words: &[&str],
    help: &str,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<&'a str> {
    let text = word(node, key, help, diagnostics)?;
    if words.contains(&text) {
        return Some(text);
    }
    let meant = suggestions::near(text, words).map(str::to_owned);
    let help = meant.as_ref().map_or_else(|| help.to_owned(), |meant| format!("did you mean `{meant}`?"));
    let message = match text {
        "" => format!("`{key}` is an empty string"),
        text => format!("`{key}`: `{}` is not a valid value", shown(text)),
    };
    let what = (DiagnosticCode::UnknownWord, message);
    malformed(node, (key, text), what, &help, diagnostics).with_suggestion(meant.as_deref());
    None
}

/// Reads a SID of the resource whose SIDs begin with `prefix`.
pub(super) fn sid<T: FromStr<Err = NotASid>>(
    node: &Node,
    key: &str,
    prefix: &str,
    help: &str,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<T> {
    let text = word(node, key, help, diagnostics)?;
    let refused = |error: NotASid| {
        let why = suggestions::sid(text, prefix).unwrap_or_else(|| help.to_owned());
        let what = (DiagnosticCode::MalformedSid, format!("`{key}`: {error}"));
        malformed(node, (key, text), what, &why, diagnostics);
    };
    text.parse().map_err(refused).ok()
}

/// Reads a boolean, false when absent.
pub(super) fn flag(node: Option<&Node>, key: &str, diagnostics: &mut Diagnostics<'_>) -> Option<bool> {
    let Some(node) = node else { return Some(false) };
    let meant = match &node.kind {
        Kind::Bool(value) => return Some(*value),
        Kind::Text(word) => suggestions::boolean(word),
        Kind::Null | Kind::Number(_) | Kind::Ambiguous(_) | Kind::List(_) | Kind::Map(_) => None,
    };
    type_mismatch(node, &format!("`{key}`"), "a boolean", "write `true` or `false`", diagnostics)
        .with_yaml(meant.map(|value| value.to_string()));
    None
}

/// Reads the key `paused`: a value that is not a boolean counts as true, and gets a diagnostic.
pub(super) fn paused(fields: &Fields<'_>, diagnostics: &mut Diagnostics<'_>) -> bool {
    let said: Vec<_> = fields.all("paused").map(|node| flag(Some(node), "paused", diagnostics)).collect();
    said.into_iter().any(|value| value.unwrap_or(true))
}

/// Reads the items of a list; none when absent.
pub(super) fn list<'a>(node: Option<&'a Node>, key: &str, diagnostics: &mut Diagnostics<'_>) -> &'a [Node] {
    match node.map(|node| (&node.kind, node.location)) {
        None => &[],
        Some((Kind::List(items), _)) => items,
        Some((other, _)) => {
            let alone = match other {
                Kind::Text(text) if !text.contains(['"', '\\', '\n']) => Some(format!("[\"{text}\"]")),
                _ => None,
            };
            let help = "write a list: one item per line after a dash, or `[]` for none";
            if let Some(node) = node {
                type_mismatch(node, &format!("`{key}`"), "a list", help, diagnostics).with_yaml(alone);
            }
            &[]
        }
    }
}

/// Reads a phone number. One that YAML read as an integer has a diagnostic of its own.
pub(super) fn phone(node: &Node, key: &str, diagnostics: &mut Diagnostics<'_>) -> Option<PhoneNumber> {
    if let Kind::Number(written) = &node.kind {
        let message = format!(
            "`{key}`: {} is not quoted: YAML reads it as an integer and drops the plus",
            shown(written)
        );
        let plus = if written.starts_with('+') { "" } else { "+" };
        let quoted = format!("\"{plus}{}\"", shown(written));
        diagnostics
            .add(DiagnosticCode::UnquotedNumber, node.location, message, format!("quote it: {quoted}"))
            .with_yaml(Some(quoted).filter(|_| plus.is_empty() && written.parse::<PhoneNumber>().is_ok()));
        return None;
    }
    let help = "write the phone number in E.164, as in \"+15105550101\"";
    let text = word(node, key, help, diagnostics)?;
    let refused = |error| {
        let meant = suggestions::phone(text);
        let help = meant.map_or_else(|| help.to_owned(), |meant| format!("did you mean \"{meant}\"?"));
        let what = (DiagnosticCode::MalformedNumber, format!("`{key}`: {error}"));
        let diagnostic = malformed(node, (key, text), what, &help, diagnostics);
        diagnostic.with_yaml(meant.map(|meant| format!("\"{meant}\"")));
    };
    text.parse().map_err(refused).ok()
}

/// Returns true when `node` is what YAML reads from an unquoted `{{ … }}`: a mapping whose only key is a mapping.
fn is_template(node: &Node) -> bool {
    matches!(&node.kind, Kind::Map(entries) if matches!(&entries[..], [(key, _)] if matches!(key.kind, Kind::Map(_))))
}
