//! Printed text, in which CI runners find no command.
//!
//! A runner obeys lines in the log of a job: GitHub, Gitea and Forgejo `::name::` after leading blanks and `##[name]` anywhere,
//! Azure `##vso[name]`, TeamCity `##teamcity[name]`. All of them are disarmed, in every form of output, because a name or a
//! reason may be a command. Sections of GitLab and groups of Buildkite only fold the log; the control characters of the former
//! are removed from every text from outside.

use std::borrow::Cow;

use subaccountd_core::text::is_plain;

/// Text that is ready to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Printed(String);

impl Printed {
    /// Text for people, also Markdown and YAML.
    pub(crate) fn text(text: &str) -> Self {
        Self(without_commands(text).into_owned())
    }

    /// JSON, which keeps its meaning.
    pub(crate) fn json(json: &str) -> Self {
        Self(json_without_commands(json).into_owned())
    }

    /// Commands of our own, one in each line.
    pub(crate) fn commands(lines: &str) -> Self {
        Self(without_marks(lines, "\u{fffd}").into_owned())
    }

    /// Text of the program itself, without any from outside.
    pub(crate) fn own(text: String) -> Self {
        Self(text)
    }

    /// The bytes to print.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The line or lines of a log, as text or as JSON.
pub(crate) fn log_without_commands(lines: &[u8]) -> Cow<'_, [u8]> {
    let is_changed = |byte: &u8| matches!(byte, b'#' | 0x7f..);
    let may_have_one = lines.iter().any(is_changed) || lines.windows(2).any(|two| two == b"::");
    let Some(text) = std::str::from_utf8(lines).ok().filter(|_| may_have_one) else { return lines.into() };
    let disarmed = if text.starts_with('{') {
        json_without_commands(text)
    } else {
        let text = without_commands(text);
        if text.contains(acts) { text.replace(acts, "\u{fffd}").into() } else { text }
    };
    match disarmed {
        Cow::Borrowed(_) => lines.into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

/// Returns true for a character behind the plain ones of ASCII that acts on a terminal or on its reader.
fn acts(c: char) -> bool {
    c > '~' && !is_plain(c)
}

/// `json` with escapes in the place of commands, and of characters that act on a terminal or on its reader.
fn json_without_commands(json: &str) -> Cow<'_, str> {
    // Only in a string are there two of them, and such characters.
    let json = without_marks(json, "\\u0023");
    if !json.contains(acts) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if acts(c) {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// `text` with a replacement character in each command. Columns keep their positions.
fn without_commands(text: &str) -> Cow<'_, str> {
    let text = without_marks(text, "\u{fffd}");
    let begins: Vec<usize> = line_starts(&text).filter(|at| text[*at..].starts_with("::")).collect();
    if begins.is_empty() {
        return text;
    }
    let mut text = text.into_owned();
    for at in begins.into_iter().rev() {
        text.replace_range(at..=at, "\u{fffd}");
    }
    text.into()
}

/// The beginning of each line, behind its blanks and colours.
fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    let mut from = 0;
    // Runners differ in what ends a line.
    text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']).map(move |line| {
        let begin = from;
        from += line.len() + text[from + line.len()..].chars().next().map_or(0, char::len_utf8);
        begin + line.len() - without_start(line).len()
    })
}

fn without_start(line: &str) -> &str {
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let Some(colour) = rest.strip_prefix("\u{1b}[") else { return rest };
        let Some((codes, after)) = colour.split_once('m') else { return rest };
        if !codes.bytes().all(|b| b.is_ascii_digit() || b == b';') {
            return rest;
        }
        rest = after;
    }
}

/// `text` without `##[` and `##word[`: the second sign of each is replaced by `instead`.
fn without_marks<'a>(text: &'a str, instead: &str) -> Cow<'a, str> {
    let mut out = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices('[') {
        let word =
            text[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if word.ends_with("##") {
            out += &text[done..word.len() - 1];
            out += instead;
            done = word.len();
        }
    }
    if done == 0 { text.into() } else { (out + &text[done..]).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        without_commands(text).into_owned()
    }

    #[test]
    fn commands_are_disarmed_wherever_a_runner_finds_them() {
        for (before, after) in [
            ("::add-mask::x", "\u{fffd}:add-mask::x"),
            ("a\n  \t::x::y\nb", "a\n  \t\u{fffd}:x::y\nb"),
            ("a\r::x::\r\n::y::", "a\r\u{fffd}:x::\r\n\u{fffd}:y::"),
            ("a\u{85}::x\u{2028}::y", "a\u{85}\u{fffd}:x\u{2028}\u{fffd}:y"),
            ("\u{a0}\u{3000}::x", "\u{a0}\u{3000}\u{fffd}:x"),
            ("\u{1b}[1;31m ::x\u{1b}[0m", "\u{1b}[1;31m \u{fffd}:x\u{1b}[0m"),
            ("a ##[stop-commands]x", "a #\u{fffd}[stop-commands]x"),
            ("##vso[task.x]##teamcity[y]###[z]", "#\u{fffd}vso[task.x]#\u{fffd}teamcity[y]##\u{fffd}[z]"),
            ("##[##[", "#\u{fffd}[#\u{fffd}["),
        ] {
            assert_eq!(text(before), after, "{before:?}");
            assert_eq!(text(after), after, "a second time changes nothing");
            assert_eq!(text(before).chars().count(), before.chars().count(), "columns stay");
        }
    }

    #[test]
    fn other_text_is_left_alone() {
        for plain in
            ["a ::x::", "echo ::x", ":x::", "### subaccountd: 1 [x]", "## [x]", "#[x]", "", "\n\n", "a::b"]
        {
            assert!(matches!(without_commands(plain), Cow::Borrowed(_)), "{plain:?}");
        }
    }

    #[test]
    fn json_means_the_same() {
        let names = [
            "##[stop-commands]x",
            "##vso[a]##[b]",
            "\\##[c]",
            "::x",
            "\u{9b}31m\u{7f}",
            "\u{202e}é\u{e0041}",
        ];
        let json = serde_json::to_string(&names).unwrap();
        let printed = Printed::json(&json);
        assert_eq!(serde_json::from_slice::<Vec<String>>(printed.as_bytes()).unwrap(), names);
        let printed = String::from_utf8(printed.as_bytes().to_vec()).unwrap();
        assert!(!printed.contains("##") && printed.contains('é'), "{printed}");
        assert!(printed.chars().all(is_plain), "{printed:?}");
    }

    #[test]
    fn log_is_disarmed_in_both_formats() {
        assert_eq!(*log_without_commands(b"{\"name\":\"##[x]\"}\n"), *b"{\"name\":\"#\\u0023[x]\"}\n");
        assert_eq!(
            *log_without_commands(b"now WARN ##[x]\n::y\n"),
            *"now WARN #\u{fffd}[x]\n\u{fffd}:y\n".as_bytes()
        );
        assert_eq!(
            *log_without_commands("now WARN é\u{202e}\n".as_bytes()),
            *"now WARN é\u{fffd}\n".as_bytes()
        );
        assert!(matches!(log_without_commands(b"now WARN a::b #1\n"), Cow::Borrowed(_)));
    }
}
