//! Texts with short SIDs: `AC01` stands for `AC000…01`, going in and coming out.

use std::fmt::Write;

const PREFIXES: [&str; 8] = ["AC", "AD", "BU", "CA", "RI", "PN", "AP", "TK"];

/// `text` with every short SID written out: two letters and two digits, where no third follows.
pub(crate) fn long(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((prefix, n)) = short_sid(rest) {
            write!(out, "{prefix}{n:0>32}").unwrap();
            rest = &rest[4..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn short_sid(text: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = text.split_at_checked(2).filter(|(prefix, _)| PREFIXES.contains(prefix))?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (digits == 2).then(|| (prefix, &rest[..2]))
}

/// `text` with every long SID shortened.
pub(crate) fn short(text: &str) -> String {
    text.replace(&"0".repeat(30), "")
}

/// `text` without its first line break and the indentation that all its lines have.
pub(crate) fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let common = text.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or_default();
    text.split_inclusive('\n').map(|line| line.get(common..).unwrap_or("\n")).collect()
}
