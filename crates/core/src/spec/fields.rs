//! Fields: reading one value of a known kind, or saying what is wrong with it and how to mend it.

use std::{fmt::Display, str::FromStr};

use jiff::{Timestamp, civil, tz::TimeZone};

use super::yaml::{Kind, Node};
use crate::PhoneNumber;

/// A stretch of one line: line and column from 1, width in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) width: usize,
}

impl Mark {
    pub(super) const START: Self = Self::new(1, 1, 1);

    pub(super) const fn new(line: usize, column: usize, width: usize) -> Self {
        Self { line, column, width }
    }
}

/// A mark in one of the files, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) mark: Mark,
}

impl Place {
    pub(super) const fn start_of(file: usize) -> Self {
        Self { file, mark: Mark::START }
    }
}

/// Something wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) help: String,
}

/// What was found wrong so far, in files of these names.
#[derive(Debug, Default)]
pub(super) struct Findings<'a> {
    pub(super) names: Vec<&'a str>,
    pub(super) found: Vec<Finding>,
}

impl Findings<'_> {
    /// Words for the place `other`, seen from `here`.
    pub(super) fn also(&self, other: Place, here: Place) -> String {
        match self.names.get(other.file) {
            Some(name) if other.file != here.file => format!("also in {name}:{}", other.mark.line),
            Some(_) | None => format!("also on line {}", other.mark.line),
        }
    }

    pub(super) fn add(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.found.push(Finding { place, message: message.into(), help: help.into() });
    }

    pub(super) const fn count(&self) -> usize {
        self.found.len()
    }
}

/// The entries of a mapping whose keys are known.
pub(super) struct Fields<'a> {
    place: Place,
    entries: Vec<(&'a str, Place, &'a Node)>,
}

impl<'a> Fields<'a> {
    /// Opens the mapping `node`, which is called `what`. Unknown and duplicate keys are findings.
    pub(super) fn open(
        node: &'a Node,
        what: &str,
        known: &[&str],
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let Kind::Map(map) = &node.kind else {
            findings.add(node.place, format!("{what} is {}, not a mapping", name(&node.kind)), {
                format!("write its keys, one a line: {}", known.join(", "))
            });
            return None;
        };
        let mut entries: Vec<(&str, Place, &Node)> = Vec::new();
        for (key, value) in map {
            let Kind::Text(word) = &key.kind else {
                findings.add(key.place, format!("a key of {what} is {}, not a text", name(&key.kind)), {
                    format!("known keys: {}", known.join(", "))
                });
                continue;
            };
            if let Some((_, first, _)) = entries.iter().find(|(earlier, ..)| earlier == word) {
                let message =
                    format!("the key `{word}` stands twice in {what}: first on line {}", first.mark.line);
                findings.add(key.place, message, "keep one of the two");
            } else if !known.contains(&word.as_str()) && !word.starts_with("x-") {
                findings.add(
                    key.place,
                    format!("unknown key `{word}` in {what}"),
                    unknown_key_help(word, known),
                );
            }
            entries.push((word, key.place, value));
        }
        Some(Self { place: node.place, entries })
    }

    /// Where the mapping stands.
    pub(super) const fn place(&self) -> Place {
        self.place
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(word, ..)| *word == key).map(|(.., value)| *value)
    }

    /// Every value of `key`: more than one when the key stands twice, which is a finding already.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = &'a Node> {
        self.entries.iter().filter(move |(word, ..)| *word == key).map(|(.., value)| *value)
    }

    /// Where `key` itself stands.
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
        if value.is_none() {
            findings.add(self.place, format!("{what} has no `{key}`"), help);
        }
        value
    }
}

fn unknown_key_help(word: &str, known: &[&str]) -> String {
    if word == "<<" {
        return "merge keys are not read: use an alias for a whole value, or write the keys out".to_owned();
    }
    near(word, known).map_or_else(
        || format!("known keys: {}; a key that starts with x- is ignored", known.join(", ")),
        |near| format!("did you mean `{near}`?"),
    )
}

/// The word of `known` that `word` was most likely meant to be.
pub(super) fn near<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let squeeze = |text: &str| text.to_ascii_lowercase().replace(['_', '-', ' '], "");
    let distance = |candidate: &&str| strsim::osa_distance(&squeeze(word), &squeeze(candidate));
    known.iter().copied().min_by_key(distance).filter(|best| distance(best) <= best.len().div_ceil(3).min(2))
}

/// What a value is, in words.
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

/// A text of 1 to `longest` characters.
pub(super) fn text<'a>(
    node: &'a Node,
    key: &str,
    longest: usize,
    findings: &mut Findings<'_>,
) -> Option<&'a str> {
    match &node.kind {
        Kind::Text(text) if text.is_empty() => {
            findings.add(
                node.place,
                format!("`{key}` is an empty text"),
                "write a text, or leave the key out",
            );
            None
        }
        Kind::Text(text) if text.chars().count() > longest => {
            let message = format!("`{key}` is longer than {longest} characters");
            findings.add(node.place, message, "shorten it");
            None
        }
        Kind::Text(text) => Some(text),
        other => {
            let help = match other {
                Kind::Number(written) | Kind::Disputed(written) => format!("quote it: \"{written}\""),
                Kind::Bool(value) => format!("quote it: \"{value}\""),
                Kind::Text(_) | Kind::Null | Kind::List(_) | Kind::Map(_) => {
                    "write a text, or leave the key out".to_owned()
                }
            };
            findings.add(node.place, format!("`{key}` is {}, not a text", name(other)), help);
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
    findings.add(node.place, format!("`{key}` is {}, not a text", name(&node.kind)), help);
    None
}

/// A text that has a form of its own, such as a SID.
pub(super) fn parsed<T: FromStr<Err: Display>>(
    node: &Node,
    key: &str,
    help: &str,
    findings: &mut Findings<'_>,
) -> Option<T> {
    let text = word(node, key, help, findings)?;
    text.parse().map_err(|error| findings.add(node.place, format!("`{key}`: {error}"), help)).ok()
}

/// A boolean, false when absent.
pub(super) fn flag(node: Option<&Node>, key: &str, findings: &mut Findings<'_>) -> Option<bool> {
    let Some(node) = node else { return Some(false) };
    if let Kind::Bool(value) = node.kind {
        return Some(value);
    }
    findings.add(
        node.place,
        format!("`{key}` is {}, not a boolean", name(&node.kind)),
        "write true or false",
    );
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
        Some((other, place)) => {
            let message = format!("`{key}` is {}, not a list", name(other));
            findings.add(place, message, "write a list: one item a line after a dash, or [] for none");
            &[]
        }
    }
}

/// A phone number; one that YAML read as an integer is told so.
pub(super) fn phone(node: &Node, key: &str, findings: &mut Findings<'_>) -> Option<PhoneNumber> {
    if let Kind::Number(written) = &node.kind {
        let message =
            format!("`{key}`: {written} is not quoted, so YAML reads it as a number and loses the plus");
        let plus = if written.starts_with('+') { "" } else { "+" };
        findings.add(node.place, message, format!("quote it: \"{plus}{written}\""));
        return None;
    }
    parsed(node, key, "write the number as it is dialled from abroad, as in \"+15105550101\"", findings)
}

/// A date or a time; UTC unless it says otherwise.
pub(super) fn time(node: &Node, key: &str, findings: &mut Findings<'_>) -> Option<Timestamp> {
    let help = "write a date as in \"2026-12-24\" or a time as in \"2026-12-24T08:00:00Z\"";
    let written = word(node, key, help, findings)?;
    let time = looks_like_a_time(written).then(|| instant(written)).flatten();
    if time.is_none() {
        let shown: String = written.chars().take(80).collect();
        findings.add(node.place, format!("`{key}`: `{shown}` is not a date or a time"), help);
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

/// What follows in `text` after a part like `template`, in which 0 stands for any digit.
fn after_template<'a>(text: &'a str, template: &str) -> Option<&'a str> {
    let (part, rest) = text.split_at_checked(template.len())?;
    let fits = |(c, like): (u8, u8)| if like == b'0' { c.is_ascii_digit() } else { c == like };
    part.bytes().zip(template.bytes()).all(fits).then_some(rest)
}
