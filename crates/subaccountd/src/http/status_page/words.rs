//! Words on the page: what comes from outside, made harmless, and times as people say them.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::{SignedDuration, Timestamp};

use crate::output::diagnostics::printable;

/// The longest words from outside that are shown.
const MAX_SHOWN: usize = 400;

/// `text` without characters that steer, and no longer than can be read. The template escapes it.
pub(super) fn clean(text: &str) -> String {
    let steers = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown: String =
        printable(text).chars().take(MAX_SHOWN).map(|c| if steers(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A moment, shown with how long ago it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    at: Timestamp,
    now: Timestamp,
}

impl When {
    pub(super) const fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now }
    }

    /// Without how long ago.
    pub(super) fn plain(self) -> impl HtmlSafe {
        Plain(self.at)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, ago) = (self.at, ago(self.now.duration_since(self.at)));
        write!(
            f,
            "<time datetime=\"{at:.0}\"><span class=\"ago\">{ago}</span> <span class=\"at\">{at:.0}</span></time>"
        )
    }
}

/// Digits and letters of ours only.
impl HtmlSafe for When {}

struct Plain(Timestamp);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{0:.0}\">{0:.0}</time>", self.0)
    }
}

impl HtmlSafe for Plain {}

/// The time that has passed, in words and in one unit.
fn ago(passed: SignedDuration) -> String {
    let seconds = passed.as_secs();
    match seconds {
        ..-59 => format!("in {} min", -seconds / 60),
        -59..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// A duration as in `0.4 s` or `2 min 5 s`.
pub(super) fn took(duration: SignedDuration) -> String {
    match duration.as_secs() {
        ..60 => format!("{:.1} s", duration.as_secs_f64().max(0.0)),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// `1 account`, `1,234 accounts`.
pub(super) fn count(n: usize, one: &str) -> String {
    format!("{} {one}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// `12,345`.
pub(super) fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_replaced_and_what_is_long_is_cut() {
        assert_eq!(clean("a\u{1b}[1m\n\u{202e}b\0"), "a\u{fffd}[1m\u{fffd}\u{fffd}b\u{fffd}");
        assert_eq!(clean(&"ä".repeat(401)), format!("{}…", "ä".repeat(400)));
        assert_eq!(clean("“quoted” 日本"), "“quoted” 日本");
    }

    #[test]
    fn times_are_said_in_one_unit() {
        for (seconds, words) in [
            (-120, "in 2 min"),
            (-3, "just now"),
            (4, "just now"),
            (59, "59 s ago"),
            (61, "1 min ago"),
            (3600, "1 h ago"),
            (172_799, "47 h ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(SignedDuration::from_secs(seconds)), words);
        }
        let at = Timestamp::from_second(0).unwrap();
        let shown = When::new(at, Timestamp::from_second(90).unwrap()).to_string();
        assert!(shown.starts_with("<time datetime=\"1970-01-01T00:00:00Z\">"), "{shown}");
        assert_eq!(took(SignedDuration::from_millis(1_250)), "1.2 s");
        assert_eq!(took(SignedDuration::from_secs(125)), "2 min 5 s");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([count(1, "account"), count(2, "account")], ["1 account", "2 accounts"]);
    }
}
