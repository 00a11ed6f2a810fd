//! Text as inline markdown that has no effect: no mention, no reference, no link, no emphasis and no HTML.
//!
//! GitHub and GitLab look for mentions and references in the rendered text, where an escape is gone, and only code is left
//! alone. So a word stands outside of a code span only when nothing can be made of it: a word of letters, or a short number.

use std::mem::take;

use subaccountd_core::text::sanitize;

/// The punctuation that may stand around a word outside of code.
const BEFORE: [char; 2] = ['(', '"'];
const AFTER: [char; 9] = [')', '"', ',', '.', ';', ':', '?', '!', '…'];
/// The fewest digits that may be the hash of a commit.
const MIN_HASH: usize = 7;

/// `text` for the cell of a table, where a bar ends the cell, also in code.
pub(super) fn cell(text: &str) -> String {
    // Parsers differ on a backslash before an escaped bar.
    inline(&text.replace("\\|", "\\ |")).replace('|', "\\|")
}

/// `text` on one line, for a paragraph or a list. Text between back-ticks is code, as in messages.
pub(super) fn inline(text: &str) -> String {
    let text = sanitize(text).replace('\t', " ");
    let parts: Vec<&str> = text.split('`').collect();
    // A back-tick without its partner is a character like any other.
    let (parts, lone) = match parts.len() % 2 {
        0 => (&parts[..parts.len() - 1], parts.last()),
        _ => (&parts[..], None),
    };
    let mut out = Inline::default();
    for (at, part) in parts.iter().enumerate() {
        match (at % 2 == 1, part.trim()) {
            (true, "") => out.word("``"),
            (true, _) => out.code(part),
            (false, _) => out.words(part),
        }
    }
    if let Some(rest) = lone {
        out.words(&format!("`{rest}"));
    }
    out.text
}

/// The text so far.
#[derive(Default)]
struct Inline {
    text: String,
    /// True when a blank follows before the next word.
    blank: bool,
}

impl Inline {
    fn words(&mut self, text: &str) {
        self.blank |= text.starts_with(char::is_whitespace);
        for word in text.split_whitespace() {
            self.word(word);
            self.blank = true;
        }
        self.blank = text.ends_with(char::is_whitespace) || (self.blank && text.trim().is_empty());
    }

    fn word(&mut self, word: &str) {
        let core = word.trim_start_matches(BEFORE);
        let (before, core) = (&word[..word.len() - core.len()], core.trim_end_matches(AFTER));
        let after = &word[before.len() + core.len()..];
        // At the beginning of a paragraph a number with a full stop or a bracket begins a list.
        let is_list = self.text.is_empty() && core.bytes().all(|b| b.is_ascii_digit());
        if is_list || (core.is_empty() && self.text.is_empty()) {
            return self.code(word);
        }
        self.plain(before);
        match core {
            "" => {}
            core if is_inert(core) => self.plain(core),
            core => self.code(core),
        }
        self.plain(after);
    }

    fn plain(&mut self, text: &str) {
        if !text.is_empty() {
            self.end_word();
            self.text += text;
        }
    }

    /// Adds a code span, with a fence that is longer than any row of back-ticks in it.
    fn code(&mut self, text: &str) {
        self.end_word();
        // Two adjacent code spans would be one.
        if self.text.ends_with('`') {
            self.text.push(' ');
        }
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(longest + 1);
        let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        self.text.extend([&fence, pad, text, pad, &fence]);
    }

    fn end_word(&mut self) {
        if take(&mut self.blank) && !self.text.is_empty() {
            self.text.push(' ');
        }
    }
}

/// Returns true for a word of letters with hyphens or apostrophes inside, and for a number, unless it may be the hash of a
/// commit or the key of an issue.
fn is_inert(word: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let may_be_hash = |part: &str| part.len() >= MIN_HASH && is_hex(part);
    let is_long_and_has_digits = word.len() >= MIN_HASH && word.bytes().any(|b| b.is_ascii_digit());
    if is_grouped(word) {
        return true;
    }
    if is_long_and_has_digits || word.split(['-', '\'']).any(may_be_hash) {
        return false;
    }
    let is_word = |part: &str| !part.is_empty() && part.chars().all(char::is_alphanumeric);
    let is_lower = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    is_word(word) || word.split(['-', '\'']).all(is_lower) || is_contraction(word)
}

/// Returns true for `Twilio's`.
fn is_contraction(word: &str) -> bool {
    word.split_once('\'').is_some_and(|(noun, end)| {
        let is_letters = |part: &str| !part.is_empty() && part.chars().all(char::is_alphabetic);
        is_letters(noun) && is_letters(end)
    })
}

/// Returns true for `1,234`.
fn is_grouped(word: &str) -> bool {
    word.split(',').all(|part| matches!(part.len(), 1..=3) && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_as_they_are() {
        for plain in [
            "it is suspended first, and closed after the cooling-off period",
            "Twilio's answer (error 21478): 1,234 numbers; see \"acme\"!",
            "Müller 日本 said 12 times…",
        ] {
            assert_eq!(inline(plain), plain);
        }
    }

    #[test]
    fn words_that_a_forge_would_act_on_stand_in_code() {
        for (text, shown) in [
            ("@octo/admins fixes #1", "`@octo/admins` fixes `#1`"),
            ("GH-12, owner/repo#1.", "`GH-12`, `owner/repo#1`."),
            ("(deadbeef) 1234567", "(`deadbeef`) `1234567`"),
            ("www.example.com <b>x</b>", "`www.example.com` `<b>x</b>`"),
            (":tada: $x$ a_b *c* [^1]", "`:tada`: `$x$` `a_b` `*c*` `[^1]`"),
            (
                "OPS-12 GHSA-cfgh-jmpq-rvwx !12 %3 ~label",
                "`OPS-12` `GHSA-cfgh-jmpq-rvwx` `!12` `%3` `~label`",
            ),
            ("1. 2) - +", "`1.` 2) `-` `+`"),
            ("set `close.release`, or `a b`", "set `close.release`, or `a b`"),
            ("a`b", "a`` `b ``"),
            ("` `", "``` `` ```"),
        ] {
            assert_eq!(inline(text), shown, "{text}");
        }
        assert_eq!(inline("a|b\\|c"), "`a|b\\|c`");
        assert_eq!(cell("a|b\\|c"), "`a\\|b\\` `\\|c`");
    }
}
