//! Fields: reading one value of a known kind, or saying what is wrong with it and how to fix it.

use std::{collections::HashMap, str::FromStr};

use jiff::{Timestamp, civil, tz::TimeZone};

use super::{
    code::Code,
    finding::{Finding, Findings, Place, shown},
    hidden::{holds_entries, is_foreign},
    hints::{self, DOCUMENT},
    yaml::{Kind, Node},
};
use crate::{PhoneNumber, sid::NotASid};

/// The entries of a mapping whose keys are known.
pub(super) struct Fields<'a> {
    place: Place,
    entries: Vec<(&'a str, Place, &'a Node)>,
    /// Known keys that stand there misspelt, and all when a merge key may have meant them.
    mistaken: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Opens the mapping `node`, which is called `what`. Unknown and duplicate keys are findings.
    pub(super) fn open(
        node: &'a Node,
        what: &str,
        known: &'static [&'static str],
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let Kind::Map(map) = &node.kind else {
            let help = format!("write its keys, one a line: {}", known.join(", "));
            misfit(node, what, "a mapping", &help, findings);
            return None;
        };
        let mut firsts: HashMap<&str, Place> = HashMap::with_capacity(map.len());
        let mut entries: Vec<(&str, Place, &Node)> = Vec::with_capacity(map.len());
        let mut mistaken = Vec::new();
        for (key, value) in map {
            let Kind::Text(word) = &key.kind else {
                key_not_text(key, what, known, findings);
                if known == DOCUMENT || holds_entries(value) {
                    findings.hide(key.place);
                }
                continue;
            };
            if let Some(first) = firsts.get(word.as_str()).copied() {
                let message = format!(
                    "the key `{}` stands twice in {what}: first on line {}",
                    shown(word),
                    first.line()
                );
                findings
                    .add(Code::DuplicateKey, key.place, message, "keep one of the two")
                    .beside(first, "first here");
            } else {
                firsts.insert(word, key.place);
                if !known.contains(&word.as_str()) && !word.starts_with("x-") {
                    match word.as_str() {
                        "<<" => mistaken.extend(known),
                        word => mistaken.extend(hints::meant_key(word, known)),
                    }
                    unknown_key(key.place, word, what, (known, map), findings);
                    if known == DOCUMENT || is_foreign(word, value) || holds_entries(value) {
                        findings.hide(key.place);
                    }
                }
            }
            entries.push((word, key.place, value));
        }
        Some(Self { place: Place::of(node), entries, mistaken })
    }

    /// The place of the mapping.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// Returns true when `key` is missing only because it is misspelt or may be meant by a merge key. Both
    /// are findings already.
    pub(super) fn is_mistaken(&self, key: &str) -> bool {
        self.get(key).is_none() && self.mistaken.contains(&key)
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(word, ..)| *word == key).map(|(.., value)| *value)
    }

    /// Every value of `key`: more than one when the key stands twice, which is a finding already.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = &'a Node> {
        self.entries.iter().filter(move |(word, ..)| *word == key).map(|(.., value)| *value)
    }

    /// The count of the most frequent one of `keys`: more than one when two mappings ran into one.
    pub(super) fn most(&self, keys: &[&str]) -> usize {
        keys.iter().map(|key| self.all(key).count()).max().unwrap_or_default()
    }

    /// The place of `key` itself; that of the mapping when the key is missing.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.entries.iter().find(|(word, ..)| *word == key).map_or(self.place, |(_, place, _)| *place)
    }

    /// The value of `key`, whose absence is a finding.
    pub(super) fn require(
        &self,
        key: &str,
        what: &str,
        help: &str,
        findings: &mut Findings<'_>,
    ) -> Option<&'a Node> {
        let value = self.get(key);
        if value.is_none() && !self.is_mistaken(key) {
            findings.add(Code::MissingKey, self.place, format!("{what} has no `{key}`"), help);
        }
        value
    }
}

fn key_not_text(key: &Node, what: &str, known: &[&str], findings: &mut Findings<'_>) {
    if matches!(key.kind, Kind::Map(_)) {
        // YAML makes a mapping with a mapping for its key of a template's braces.
        findings.hide(key.place);
        let message = format!("a key of {what} is a mapping: a template that nothing filled in?");
        findings.add(Code::Placeholder, key.place, message, RENDER_HELP);
        return;
    }
    let (code, help) = match &key.kind {
        Kind::Disputed(_) => (Code::Ambiguous, format!("known keys: {}", known.join(", "))),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
            (Code::KeyNotText, format!("known keys: {}", known.join(", ")))
        }
    };
    findings.add(code, key.place, format!("a key of {what} is {}, not a text", name(&key.kind)), help);
}

fn unknown_key(
    place: Place,
    word: &str,
    what: &str,
    (known, map): (&[&str], &[(Node, Node)]),
    findings: &mut Findings<'_>,
) {
    let message = format!("unknown key `{}` in {what}", shown(word));
    if word == "<<" {
        let help = "merge keys are not read: use an alias for a whole value, or write the keys out";
        findings.add(Code::MergeKey, place, message, help);
        return;
    }
    let stands =
        |meant: &&str| map.iter().any(|(key, _)| matches!(&key.kind, Kind::Text(key) if key == meant));
    let meant = hints::meant_key(word, known).filter(|meant| !stands(meant));
    findings.add(Code::UnknownKey, place, message, hints::unknown_key(word, known)).meant(meant);
}

const RENDER_HELP: &str = "render the template, and give the file that it makes";

/// The kind of a value, in words.
pub(super) const fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "empty",
        Kind::Bool(_) => "a boolean",
        Kind::Number(_) => "a number",
        Kind::Text(_) => "a text",
        Kind::Disputed(_) => "something that YAML readers do not read alike",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a mapping",
    }
}

/// The value of `what` is not `wanted`.
pub(super) fn misfit<'f>(
    node: &Node,
    what: &str,
    wanted: &str,
    help: &str,
    findings: &'f mut Findings<'_>,
) -> &'f mut Finding {
    if holds_entries(node) {
        findings.hide(node.place);
    }
    if hints::is_template(node) {
        let message = format!("{what} is a template that nothing filled in");
        return findings.add(Code::Placeholder, node.place, message, RENDER_HELP);
    }
    let code = match &node.kind {
        Kind::Null => Code::EmptyValue,
        Kind::Disputed(_) => Code::Ambiguous,
        Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => Code::WrongType,
    };
    findings.add(code, Place::of(node), format!("{what} is {}, not {wanted}", name(&node.kind)), help)
}

/// `written` is none of what `key` may be: a finding with `code`, unless nothing was filled in.
pub(super) fn malformed<'f>(
    node: &Node,
    (key, written): (&str, &str),
    (code, message): (Code, String),
    help: &str,
    findings: &'f mut Findings<'_>,
) -> &'f mut Finding {
    if hints::is_placeholder(written) {
        let message =
            format!("`{key}`: `{}` is a placeholder that nothing filled in", hints::placeholder(written));
        return findings.add(Code::Placeholder, node.place, message, "fill it in before the file is read");
    }
    let odd = hints::odd(written);
    findings.add(code, node.place, message, odd.unwrap_or_else(|| help.to_owned()))
}

/// A text of 1 to `longest` characters.
pub(super) fn text<'a>(
    node: &'a Node,
    key: &str,
    longest: usize,
    findings: &mut Findings<'_>,
) -> Option<&'a str> {
    let help = "write a text, or leave the key out";
    match &node.kind {
        Kind::Text(text) if text.is_empty() => {
            findings.add(Code::EmptyValue, node.place, format!("`{key}` is an empty text"), help);
            None
        }
        Kind::Text(text) if text.chars().nth(longest).is_some() => {
            let message = format!("`{key}` is longer than {longest} characters");
            findings.add(Code::LongText, node.place, message, "shorten it");
            None
        }
        Kind::Text(text) => Some(text),
        other => {
            let written = match other {
                Kind::Number(written) | Kind::Disputed(written) => Some(written.clone()),
                Kind::Bool(value) => Some(value.to_string()),
                Kind::Text(_) | Kind::Null | Kind::List(_) | Kind::Map(_) => None,
            };
            let odd = written.as_deref().and_then(hints::odd);
            let quoted = written.filter(|_| odd.is_none()).map(|written| format!("\"{}\"", shown(&written)));
            let quote = quoted.as_ref().map(|quoted| format!("quote it: {quoted}"));
            let help = odd.or(quote).unwrap_or_else(|| help.to_owned());
            misfit(node, &format!("`{key}`"), "a text", &help, findings).replace(quoted);
            None
        }
    }
}

/// A text that must be one of a few, or have a form of its own; `help` says which.
pub(super) fn word<'a>(
    node: &'a Node,
    key: &str,
    help: &str,
    findings: &mut Findings<'_>,
) -> Option<&'a str> {
    if let Kind::Text(word) = &node.kind {
        return Some(word);
    }
    misfit(node, &format!("`{key}`"), "a text", help, findings);
    None
}

/// A SID of the resource whose SIDs begin with `prefix`.
pub(super) fn sid<T: FromStr<Err = NotASid>>(
    node: &Node,
    key: &str,
    prefix: &str,
    help: &str,
    findings: &mut Findings<'_>,
) -> Option<T> {
    let text = word(node, key, help, findings)?;
    let refused = |error: NotASid| {
        let why = hints::sid(text, prefix).unwrap_or_else(|| help.to_owned());
        let what = (Code::MalformedSid, format!("`{key}`: {error}"));
        malformed(node, (key, text), what, &why, findings);
    };
    text.parse().map_err(refused).ok()
}

/// A boolean, false when absent.
pub(super) fn flag(node: Option<&Node>, key: &str, findings: &mut Findings<'_>) -> Option<bool> {
    let Some(node) = node else { return Some(false) };
    let meant = match &node.kind {
        Kind::Bool(value) => return Some(*value),
        Kind::Text(word) => hints::boolean(word),
        Kind::Null | Kind::Number(_) | Kind::Disputed(_) | Kind::List(_) | Kind::Map(_) => None,
    };
    misfit(node, &format!("`{key}`"), "a boolean", "write true or false", findings)
        .replace(meant.map(|value| value.to_string()));
    None
}

/// The key `paused`: what is not a boolean counts as true, and is a finding.
pub(super) fn paused(fields: &Fields<'_>, findings: &mut Findings<'_>) -> bool {
    let said: Vec<_> = fields.all("paused").map(|node| flag(Some(node), "paused", findings)).collect();
    said.into_iter().any(|value| value.unwrap_or(true))
}

/// The items of a list; none when absent.
pub(super) fn list<'a>(node: Option<&'a Node>, key: &str, findings: &mut Findings<'_>) -> &'a [Node] {
    match node.map(|node| (&node.kind, node.place)) {
        None => &[],
        Some((Kind::List(items), _)) => items,
        Some((other, _)) => {
            let alone = match other {
                Kind::Text(text) if !text.contains(['"', '\\', '\n']) => Some(format!("[\"{text}\"]")),
                _ => None,
            };
            let help = "write a list: one item a line after a dash, or [] for none";
            if let Some(node) = node {
                misfit(node, &format!("`{key}`"), "a list", help, findings).replace(alone);
            }
            &[]
        }
    }
}

/// A phone number; one that YAML read as an integer is told so.
pub(super) fn phone(node: &Node, key: &str, findings: &mut Findings<'_>) -> Option<PhoneNumber> {
    if let Kind::Number(written) = &node.kind {
        let message = format!(
            "`{key}`: {} is not quoted, so YAML reads it as a number and loses the plus",
            shown(written)
        );
        let plus = if written.starts_with('+') { "" } else { "+" };
        let quoted = format!("\"{plus}{}\"", shown(written));
        findings
            .add(Code::UnquotedNumber, node.place, message, format!("quote it: {quoted}"))
            .replace(Some(quoted).filter(|_| plus.is_empty() && written.parse::<PhoneNumber>().is_ok()));
        return None;
    }
    let help = "write the number as it is dialled from abroad, as in \"+15105550101\"";
    let text = word(node, key, help, findings)?;
    let refused = |error| {
        let meant = hints::phone(text);
        let help = meant.map_or_else(|| help.to_owned(), |meant| format!("did you mean \"{meant}\"?"));
        let what = (Code::MalformedNumber, format!("`{key}`: {error}"));
        let finding = malformed(node, (key, text), what, &help, findings);
        finding.replace(meant.map(|meant| format!("\"{meant}\"")));
    };
    text.parse().map_err(refused).ok()
}

/// A date or a time; UTC unless it says otherwise.
pub(super) fn time(node: &Node, key: &str, findings: &mut Findings<'_>) -> Option<Timestamp> {
    let help = "write a date as in \"2026-12-24\" or a time as in \"2026-12-24T08:00:00Z\"";
    let written = word(node, key, help, findings)?;
    let time = looks_like_a_time(written).then(|| instant(written)).flatten();
    if time.is_none() {
        let what = (Code::MalformedTime, format!("`{key}`: `{}` is not a date or a time", shown(written)));
        malformed(node, (key, written), what, help, findings);
    }
    time
}

fn instant(written: &str) -> Option<Timestamp> {
    let utc = |time: civil::DateTime| time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let local = || written.parse::<civil::DateTime>().ok().and_then(utc);
    written.parse::<Timestamp>().ok().or_else(local)
}

/// jiff reads more than this: week dates, and zone names, which it would pass over where there is no offset.
fn looks_like_a_time(written: &str) -> bool {
    let Some(rest) = after_template(written, "0000-00-00") else { return false };
    if rest.is_empty() {
        return true;
    }
    let Some(rest) = rest.strip_prefix(['T', 't', ' ']).and_then(|rest| after_template(rest, "00:00")) else {
        return false;
    };
    let rest = after_template(rest, ":00").map_or(rest, |rest| {
        let fraction =
            rest.strip_prefix('.').map(|digits| digits.trim_start_matches(|c: char| c.is_ascii_digit()));
        fraction.unwrap_or(rest)
    });
    let offset = rest.strip_prefix(['+', '-']).and_then(|rest| after_template(rest, "00:00"));
    matches!(rest, "" | "Z" | "z") || offset == Some("")
}

/// The rest of `text` after a part like `template`, in which 0 stands for any digit.
fn after_template<'a>(text: &'a str, template: &str) -> Option<&'a str> {
    let (part, rest) = text.split_at_checked(template.len())?;
    let fits = |(c, like): (u8, u8)| if like == b'0' { c.is_ascii_digit() } else { c == like };
    part.bytes().zip(template.bytes()).all(fits).then_some(rest)
}
