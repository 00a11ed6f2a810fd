//! Text for people: sanitized strings, bounded lists, counts and durations.
//!
//! Every string from outside goes through [`sanitize`] before it is shown. [`is_plain`] is the only table of characters.

use std::{error::Error, fmt::Display};

use jiff::SignedDuration;

const MAX_LISTED: usize = 10;

/// Returns true when `c` has no special effect in YAML, on a terminal or for the reader: it is no control character, no
/// line break, not invisible, and does not change the direction of the text.
pub fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'..='\u{ffff}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text without characters that control a terminal or a log, change the direction of the text, or are invisible. Each
/// is replaced by one character, so that columns keep their positions; tabs stay.
pub fn sanitize(text: &str) -> String {
    text.chars().map(|c| if is_plain(c) || c == '\t' { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// The sanitized text, or its first `max` characters and an ellipsis.
pub fn sanitize_to(text: &str, max: usize) -> String {
    sanitize(&clip(text, max))
}

/// The text, or its first `max` characters and an ellipsis.
pub fn clip(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The character with its code point, and its script when that is known: `а` (U+0430, Cyrillic).
pub fn code_point(c: char) -> String {
    let script = match c {
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => ", Greek",
        '\u{400}'..='\u{52f}' => ", Cyrillic",
        '\u{530}'..='\u{58f}' => ", Armenian",
        '\u{13a0}'..='\u{13ff}' | '\u{ab70}'..='\u{abbf}' => ", Cherokee",
        '\u{ff01}'..='\u{ff5e}' => ", full-width",
        '\u{1d400}'..='\u{1d7ff}' => ", mathematical",
        '\u{300}'..='\u{36f}' => ", a combining mark",
        '\n' => ", a line break",
        ' ' => ", a space",
        _ => "",
    };
    let code = u32::from(c);
    if is_plain(c) && !c.is_whitespace() && script != ", a combining mark" {
        format!("`{c}` (U+{code:04X}{script})")
    } else {
        format!("U+{code:04X}{script}")
    }
}

/// The first character in which `state` and `live` differ, when that is hard to see; `None` when it is plain.
pub fn hidden_difference(state: &str, live: &str) -> Option<String> {
    let (mut ours, mut theirs) = (state.chars(), live.chars());
    let mut pairs = (1_usize..).map(|position| (position, ours.next(), theirs.next()));
    let (position, ours, theirs) = pairs.find(|(_, ours, theirs)| ours != theirs || ours.is_none())?;
    if ours == theirs {
        return None;
    }
    let is_seen = |c: Option<char>| c.is_none_or(|c| c.is_ascii_graphic() && !LOOK_ALIKE.contains(c));
    if is_seen(ours) && is_seen(theirs) {
        return None;
    }
    let name = |c: Option<char>| c.map_or_else(|| "the end".to_owned(), code_point);
    Some(format!(
        "they differ first at character {position}: {} in the state, {} at Twilio",
        name(ours),
        name(theirs)
    ))
}

/// The ASCII characters that many fonts show alike.
const LOOK_ALIKE: &str = "Il1|O0";

/// The first ten of `items`, and the number of the others.
pub fn first_of<T: Display>(items: &[T]) -> String {
    let shown = items.iter().take(MAX_LISTED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(MAX_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A number with a comma after each thousand: `12,345`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 account`, `1,234 accounts`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A duration in one unit: `90 s`, `5 min`, `47 h`, `3 days`. The sign is omitted.
pub fn rough(duration: SignedDuration) -> String {
    match duration.as_secs().unsigned_abs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// The innermost cause of an error, sanitized: the outer causes repeat it, and contain URLs.
pub fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    sanitize(&cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitized_text_has_no_control_characters_and_keeps_its_columns() {
        assert_eq!(
            sanitize("a\u{1b}[31mb\r\nc\u{202e}d\u{0}\te"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}c\u{fffd}d\u{fffd}\te"
        );
        assert_eq!(sanitize("Müller 日本 👍"), "Müller 日本 👍");
        for hidden in
            ['\u{ad}', '\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{202e}', '\u{2060}']
        {
            assert!(!is_plain(hidden), "{hidden:?}");
        }
        for hidden in
            ['\u{2069}', '\u{206f}', '\u{feff}', '\u{fff9}', '\u{fffe}', '\u{e0041}', '\n', '\t', '\u{85}']
        {
            assert!(!is_plain(hidden), "{hidden:?}");
        }
    }

    #[test]
    fn names_that_look_alike_are_told_apart_by_code_point() {
        for (state, live, difference) in [
            (
                "\u{430}cme",
                "acme",
                Some("character 1: `\u{430}` (U+0430, Cyrillic) in the state, `a` (U+0061) at Twilio"),
            ),
            ("acme", "acme\u{200b}", Some("character 5: the end in the state, U+200B at Twilio")),
            ("acme\n", "acme", Some("character 5: U+000A, a line break in the state, the end at Twilio")),
            ("acme ", "acme", Some("character 5: U+0020, a space in the state, the end at Twilio")),
            (
                "e\u{301}t\u{e9}",
                "\u{e9}t\u{e9}",
                Some("character 1: `e` (U+0065) in the state, `\u{e9}` (U+00E9) at Twilio"),
            ),
            ("a\u{301}", "a", Some("character 2: U+0301, a combining mark in the state, the end at Twilio")),
            ("b1ll", "bill", Some("character 2: `1` (U+0031) in the state, `i` (U+0069) at Twilio")),
            ("acme", "globex", None),
            ("acme", "acme2", None),
            ("acme", "acme", None),
        ] {
            let expected = difference.map(|difference| format!("they differ first at {difference}"));
            assert_eq!(hidden_difference(state, live), expected);
        }
    }

    #[test]
    fn text_is_clipped_by_characters() {
        assert_eq!(clip("Zürich", 6), "Zürich");
        assert_eq!(clip("Zürich", 2), "Zü…");
        assert_eq!(clip("", 0), "");
    }

    #[test]
    fn list_ends_with_the_number_of_omitted_items() {
        assert_eq!(first_of::<u8>(&[]), "");
        assert_eq!(first_of(&[1; 10]), "1, 1, 1, 1, 1, 1, 1, 1, 1, 1");
        assert_eq!(first_of(&[1; 13]), "1, 1, 1, 1, 1, 1, 1, 1, 1, 1 and 3 more");
    }

    #[test]
    fn counts_have_their_noun_and_their_commas() {
        assert_eq!(
            [0, 1, 999, 1_000, 1_234_567].map(|n| count(n, "account")),
            ["0 accounts", "1 account", "999 accounts", "1,000 accounts", "1,234,567 accounts"]
        );
    }

    #[test]
    fn durations_are_shown_in_one_unit() {
        for (seconds, words) in [
            (0, "0 s"),
            (-119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(rough(SignedDuration::from_secs(seconds)), words);
        }
    }
}
