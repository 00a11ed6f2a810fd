//! Text on the page: external text, sanitized, and times relative to now.

use std::fmt;
use subaccountd_core::text::{rough, sanitize_to};

use askama::filters::HtmlSafe;
use jiff::{SignedDuration, Timestamp};

/// The longest external text that is shown, in characters.
const MAX_SHOWN: usize = 400;

/// `text` without control characters, shortened to a readable length. The template escapes it.
pub(super) fn clean(text: &str) -> String {
    sanitize_to(text, MAX_SHOWN)
}

/// A message, whose text between back-ticks is shown as code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message(String);

impl Message {
    /// The message `text`, cleaned.
    pub(super) fn new(text: &str) -> Self {
        Self(clean(text))
    }

    /// The parts in their order, each with true when it is code. The template escapes them.
    pub(super) fn parts(&self) -> Vec<(bool, &str)> {
        // A back-tick without its partner is a character like any other.
        let pairs = self.0.matches('`').count() / 2;
        let parts = self.0.splitn(2 * pairs + 1, '`').enumerate();
        parts.map(|(at, part)| (at % 2 == 1, part)).filter(|(_, part)| !part.is_empty()).collect()
    }
}

/// A time, shown with its distance from now.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    at: Timestamp,
    now: Timestamp,
}

impl When {
    pub(super) const fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now }
    }

    /// The time alone.
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

/// The output has no external text.
impl HtmlSafe for When {}

struct Plain(Timestamp);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{0:.0}\">{0:.0}</time>", self.0)
    }
}

impl HtmlSafe for Plain {}

/// The time that has passed, in one unit.
fn ago(passed: SignedDuration) -> String {
    match passed.as_secs() {
        ..-59 => format!("in {}", rough(passed)),
        -59..5 => "just now".to_owned(),
        5.. => format!("{} ago", rough(passed)),
    }
}

/// A duration as in `0.4 s` or `2 min 5 s`.
pub(super) fn took(duration: SignedDuration) -> String {
    match duration.as_secs() {
        ..60 => format!("{:.1} s", duration.as_secs_f64().max(0.0)),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_sanitized_and_clipped() {
        assert_eq!(clean("a\u{1b}[1m\n\u{202e}b\0"), "a\u{fffd}[1m\u{fffd}\u{fffd}b\u{fffd}");
        assert_eq!(clean(&"ä".repeat(401)), format!("{}…", "ä".repeat(400)));
        assert_eq!(clean("“quoted” 日本"), "“quoted” 日本");
    }

    #[test]
    fn text_between_back_ticks_is_code() {
        let parts = |text: &str| -> Vec<(bool, String)> {
            Message::new(text).parts().into_iter().map(|(code, part)| (code, part.to_owned())).collect()
        };
        let of = |parts: &[(bool, &str)]| -> Vec<(bool, String)> {
            parts.iter().map(|(code, part)| (*code, (*part).to_owned())).collect()
        };
        assert_eq!(parts("set `a: b` now"), of(&[(false, "set "), (true, "a: b"), (false, " now")]));
        assert_eq!(parts("`a` or `b"), of(&[(true, "a"), (false, " or `b")]));
        assert_eq!(parts("no code"), of(&[(false, "no code")]));
        assert_eq!(parts(""), of(&[]));
    }

    #[test]
    fn times_are_shown_in_one_unit() {
        for (seconds, words) in [
            (-120, "in 2 min"),
            (-3, "just now"),
            (4, "just now"),
            (59, "59 s ago"),
            (125, "2 min ago"),
            (7_200, "2 h ago"),
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
}
