//! Characters that JSON escapes as two halves: `"\ud83c\udf89"` is one character. YAML has no such escape.
//!
//! Before the text is parsed, each half becomes the escape of a private character, of the same width; of what the
//! parsers read, two such characters become the one that was meant.

use std::borrow::Cow;

/// The private characters that stand for halves: the high halves, and then the low ones.
const MASKS: std::ops::Range<u32> = 0xe000..0xe800;
/// The first low half, counted from the first high one.
const LOW: u32 = 0x400;

/// `text` with masks in place of the halves that belong together. A text with private characters of its own stays as it
/// is.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    let has_halves = text.contains("\\ud") || text.contains("\\uD");
    if !has_halves || text.contains(is_mask) || has_escaped_masks(text) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        masked.push_str(&rest[..at]);
        rest = &rest[at..];
        // Behind an escape is the end of a character; behind another backslash may be the middle of one.
        if let Some((high, low)) = half(rest, 0).and_then(|high| Some((high, half(&rest[6..], LOW)?))) {
            masked.extend([format!("\\u{high:04x}"), format!("\\u{low:04x}")]);
            rest = &rest[12..];
        } else {
            // The character after a backslash begins no escape of its own.
            let end = rest.chars().take(2).map(char::len_utf8).sum();
            masked.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

/// The mask for the escaped half at the start of `text`: a low one for `from` [`LOW`], a high one for 0.
fn half(text: &str, from: u32) -> Option<u32> {
    let half = escape(text)?.checked_sub(0xd800)?;
    (from..from + LOW).contains(&half).then_some(MASKS.start + half)
}

/// The code of the escape `\uXXXX` at the start of `text`.
fn escape(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

fn is_mask(c: char) -> bool {
    MASKS.contains(&u32::from(c))
}

/// Returns true when `text` has the escape of a mask: in a scalar that was read, nothing took it for an escape.
pub(super) fn has_escaped_masks(text: &str) -> bool {
    text.match_indices("\\u").any(|(at, _)| escape(&text[at..]).is_some_and(|code| MASKS.contains(&code)))
}

/// A scalar of a masked text, with the characters that were meant.
pub(super) fn restored(read: &str) -> Cow<'_, str> {
    if !read.contains(is_mask) {
        return Cow::Borrowed(read);
    }
    let mut restored = String::with_capacity(read.len());
    let mut chars = read.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = chars.peek().and_then(|next| joined(c, *next));
        restored.push(meant.unwrap_or(c));
        if meant.is_some() {
            chars.next();
        }
    }
    Cow::Owned(restored)
}

fn joined(high: char, low: char) -> Option<char> {
    let half = |c: char| u32::from(c).checked_sub(MASKS.start).filter(|half| *half < 2 * LOW);
    let high = half(high).filter(|high| *high < LOW)?;
    char::from_u32(0x1_0000 + (high << 10) + half(low)?.checked_sub(LOW)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_that_belong_together_are_masked_in_the_same_width_and_restored() {
        let text = r#"{"a": "x\uD83C\udf89y\\\ud83d\ude00"}"#;
        let masked = masked(text);
        assert_eq!(masked, r#"{"a": "x\ue03c\ue789y\\\ue03d\ue600"}"#);
        assert_eq!(restored("x\u{e03c}\u{e789}y\\\u{e03d}\u{e600}"), "x🎉y\\😀");
    }

    #[test]
    fn text_without_such_halves_stays_as_it_is() {
        for text in [
            "\\ud83c \\udf8\u{202e}.",
            "\\ud83c\\udf8\u{202e}",
            "\\u\u{10ffff} \\ud83c",
            "\\ud83c \\",
            r"plain \u00e9",
            r"\ud83c alone",
            r"\udf89\ud83c",
            r"\\ud83c\udf89",
            r"\ud83c\\udf89",
            r"\ud83c \udf89",
            r"\ud83",
            r"\ud83g\udf89",
            r"\ud83c\udf89 beside \ue03c",
            "\\ud83c\\udf89 beside \u{e03c}",
            r"\ud83c\u+f89",
            "\\",
            r"\udé",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
