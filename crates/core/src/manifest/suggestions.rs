//! Suggestions: the valid word, number or SID that an invalid one most likely stands for.

use super::diagnostic_builder::shown;
use crate::{PhoneNumber, text};

/// The keys of a document.
pub(super) const DOCUMENT: &[&str] =
    &["apiVersion", "kind", "paused", "windows", "allowances", "mainAccount", "subaccounts"];
/// The keys of an item of `windows`.
pub(super) const WINDOW: &[&str] = &["schedule", "duration", "timeZone", "verbs", "reason"];
/// The keys of an item of `allowances`.
pub(super) const ALLOWANCE: &[&str] = &["verb", "upTo", "until", "reason"];
/// The keys of an entry of `subaccounts`.
pub(super) const SUBACCOUNT: &[&str] = &[
    "sid",
    "friendlyName",
    "status",
    "numbers",
    "numberDefaults",
    "transferDefaults",
    "paused",
    "liftSuspensionsBefore",
    "reason",
    "labels",
    "endCalls",
    "release",
    "urgent",
    "close",
];
/// The keys of `mainAccount`.
pub(super) const MAIN_ACCOUNT: &[&str] =
    &["sid", "numbers", "numberDefaults", "transferDefaults", "liftSuspensionsBefore", "release"];
/// The keys of `close`.
pub(super) const CLOSE: &[&str] = &["confirm", "notBefore", "moveNumbersToMain", "release"];
/// The keys of an item of `release`.
pub(super) const RELEASE: &[&str] = &["number", "notBefore", "reason"];
/// The keys of a number in its long form.
pub(super) const NUMBER: &[&str] = &[
    "number",
    "addressSid",
    "bundleSid",
    "identitySid",
    "emergencyAddressSid",
    "friendlyName",
    "voiceUrl",
    "voiceMethod",
    "voiceFallbackUrl",
    "voiceFallbackMethod",
    "smsUrl",
    "smsMethod",
    "smsFallbackUrl",
    "smsFallbackMethod",
    "statusCallback",
    "statusCallbackMethod",
    "voiceApplicationSid",
    "smsApplicationSid",
    "trunkSid",
];
/// The keys of `numberDefaults`: the settings among the keys of a number.
pub(super) const NUMBER_SETTINGS: &[&str] = NUMBER.split_at(5).1;
/// The keys of an item of `transferDefaults`.
pub(super) const TRANSFER_DEFAULT: &[&str] = &["prefix", "type", "addressSid", "bundleSid", "identitySid"];

/// The levels of the format: each in words, with its keys. A key is most likely meant for the first level that has
/// it.
const LEVELS: &[(&str, &[&str])] = &[
    ("`close`", CLOSE),
    ("a phone number in its long form", NUMBER.split_at(5).0),
    ("`mainAccount`, or of an entry of `subaccounts`", MAIN_ACCOUNT),
    ("an entry of `subaccounts`", SUBACCOUNT),
    ("the document, at its left edge", DOCUMENT),
    ("`numberDefaults`, or of a phone number in its long form", NUMBER_SETTINGS),
    ("an item of `transferDefaults`", TRANSFER_DEFAULT),
    ("an item of `release`", RELEASE),
    ("an item of `windows`", WINDOW),
    ("an item of `allowances`", ALLOWANCE),
];

/// Words for a key that are common in other tools.
const SYNONYMS: &[(&str, &str)] = &[
    ("name", "friendlyName"),
    ("accountsid", "sid"),
    ("phonenumbers", "numbers"),
    ("phones", "numbers"),
    ("phonenumber", "number"),
    ("tags", "labels"),
    ("comment", "reason"),
    ("accounts", "subaccounts"),
    ("main", "mainAccount"),
    ("confirmname", "confirm"),
    ("after", "notBefore"),
];

/// The one of `known` that `key` stands for, when that is clear.
pub(super) fn meant_key<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let synonym = SYNONYMS.iter().find(|(word, _)| *word == squeeze(key)).map(|(_, meant)| *meant);
    let synonym = || known.iter().copied().find(|candidate| Some(*candidate) == synonym);
    near(key, known).or_else(synonym)
}

/// The help for the unknown `key`, where the keys `known` are allowed.
pub(super) fn unknown_key(key: &str, known: &[&str]) -> String {
    if let Some(meant) = meant_key(key, known) {
        let letter = foreign_letter(key).map(|letter| format!(" {letter}")).unwrap_or_default();
        return format!("did you mean `{meant}`?{letter}");
    }
    if let Some(odd) = confusable(key) {
        return odd;
    }
    if let Some((level, _)) = LEVELS.iter().find(|(_, keys)| keys.contains(&key)) {
        return format!("`{key}` is a key of {level}: move it there, and check the indentation");
    }
    known_keys(known)
}

/// The help that lists the `known` keys.
pub(super) fn known_keys(known: &[&str]) -> String {
    format!("known keys: {}; keys that start with `x-` are ignored", known.join(", "))
}

/// The word of `known` that `word` most likely stands for; case, dashes and underscores do not count.
pub fn near<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // A block text is not wrong for its letters.
    if word.len() > 64 || word.contains('\n') {
        return None;
    }
    let distance = |candidate: &&str| strsim::osa_distance(&squeeze(word), &squeeze(candidate));
    known.iter().copied().min_by_key(distance).filter(|best| distance(best) <= best.len().div_ceil(3).min(2))
}

fn squeeze(text: &str) -> String {
    text.to_ascii_lowercase().replace(['_', '-', ' '], "")
}

/// The boolean that `word` means, if any.
pub(super) fn boolean(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

/// The phone number that `text` means: written with spaces, dashes or brackets, or with 00 for the plus.
pub(super) fn phone(text: &str) -> Option<PhoneNumber> {
    if text.len() > 64 {
        return None;
    }
    let plain: String =
        text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}')).collect();
    let plain = plain.strip_prefix("00").map_or_else(|| plain.clone(), |rest| format!("+{rest}"));
    plain.parse().ok()
}

/// The help for `text`, which is not a valid SID with this `prefix`; `None` when its mistake is not clear.
pub(super) fn sid(text: &str, prefix: &str) -> Option<String> {
    let resources = [
        ("AC", "an account"),
        ("AD", "an address"),
        ("BU", "a bundle"),
        ("RI", "an identity"),
        ("PN", "a phone number"),
        ("AP", "an application"),
        ("TK", "a trunk"),
    ];
    if let Some(help) = line_break(text).or_else(|| foreign_letter(text)) {
        return Some(help);
    }
    let (head, digits) = text.split_at_checked(2)?;
    let named = |head: &str| resources.iter().find(|(prefix, _)| *prefix == head).map(|(_, name)| *name);
    let is_sid = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if text != text.trim() {
        Some("remove the spaces around it".to_owned())
    } else if head != prefix && head.eq_ignore_ascii_case(prefix) {
        Some(format!("write the prefix in capital letters: {prefix}"))
    } else if head != prefix && is_sid {
        let whose = named(head).unwrap_or("another resource");
        Some(format!(
            "use the SID of {}, which begins with {prefix}: this is the SID of {whose}",
            named(prefix)?
        ))
    } else if head != prefix {
        None
    } else if let Some(c) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        confusable(digits).or_else(|| {
            Some(format!("`{c}` is not a hexadecimal digit: copy the SID from the Twilio Console"))
        })
    } else {
        let count = digits.len();
        Some(format!(
            "expected 32 digits after {prefix}, found {count}: copy the SID from the Twilio Console"
        ))
    }
}

/// The help for a `text` that ends with a line break, as a block text does.
pub(super) fn line_break(text: &str) -> Option<String> {
    let ends = text.ends_with('\n').then_some("the value ends with a line break (`\\n`)")?;
    Some(format!(
        "{ends}: write it on the line of its key, or use `|-` instead of `|`, which keeps the line break"
    ))
}

/// The help for the first letter or digit of `text` that is not ASCII, in a value that is ASCII.
pub(super) fn foreign_letter(text: &str) -> Option<String> {
    let (position, c) = (1..).zip(text.chars()).find(|(_, c)| c.is_alphanumeric() && !c.is_ascii())?;
    Some(format!("character {position} is {}: write the plain letter or digit", text::code_point(c)))
}

/// The help for the first character in `text` that looks like another one: its name, and what to write instead.
pub(super) fn confusable(text: &str) -> Option<String> {
    odd_at(text).map(|(_, words)| words)
}

/// The help of [`confusable`], with the column of the character.
pub(super) fn odd_at(text: &str) -> Option<(usize, String)> {
    let (column, c, name, instead) = (1..).zip(text.chars()).find_map(|(column, c)| {
        let (name, instead) = match c {
            '“' | '”' | '„' | '‟' | '«' | '»' => ("typographic quote", "write the plain quote \""),
            '‘' | '’' | '‚' | '‛' => ("typographic quote", "write the plain quote '"),
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
                ("non-ASCII space", "write a plain space, or none")
            }
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {
                ("invisible character", "remove it")
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ("text direction character", "remove it"),
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                ("non-ASCII line break", "write a space, or \\n in double quotes")
            }
            '‐'..='―' | '−' => ("non-ASCII dash", "write the plain `-`, or none"),
            '：' => ("full-width colon", "write the plain `:` and a space"),
            '，' => ("full-width comma", "write the plain `,` and a space"),
            '＋' => ("full-width plus", "write the plain `+`"),
            '０'..='９' => ("full-width digit", "write plain digits"),
            _ => return None,
        };
        Some((column, c, name, instead))
    })?;
    Some((column, format!("{name} (U+{:04X}): {instead}", u32::from(c))))
}

/// Returns true when `text` contains a placeholder of a template or a shell.
pub(super) fn is_placeholder(text: &str) -> bool {
    !placeholder(text).is_empty()
}

/// The first placeholder in `text`; empty when there is none.
pub(super) fn placeholder(text: &str) -> String {
    let pairs = [("{{", "}}"), ("{%", "%}"), ("${", "}"), ("$(", ")"), ("<%", "%>"), ("%{", "}")];
    let found = pairs.iter().filter_map(|(open, close)| {
        let from = text.find(open)?;
        let to = text[from..].find(close).map_or(text.len(), |length| from + length + close.len());
        Some(&text[from..to])
    });
    found.min_by_key(|found| found.as_ptr()).map(shown).unwrap_or_default()
}
