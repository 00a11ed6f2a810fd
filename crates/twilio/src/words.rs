//! Words that came from outside, made fit to be shown: bounded, and without characters that steer a terminal or a
//! log.

/// The longest account of a cause.
pub(crate) const MAX_CAUSE: usize = 300;

/// At most `most` characters of `words`; each character that is not for the eye becomes a space.
pub(crate) fn sanitize(words: &str, most: usize) -> String {
    words.chars().take(most).map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// Control characters, line and paragraph separators, zero-width and direction marks.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bounded_by_characters() {
        assert_eq!(sanitize("Zürich", 3), "Zür");
        assert_eq!(sanitize("", 3), "");
    }

    #[test]
    fn what_steers_a_terminal_becomes_a_space() {
        assert_eq!(sanitize("a\u{1b}[31mb\r\nc\u{202e}d\u{0}", 99), "a [31mb  c d ");
    }
}
