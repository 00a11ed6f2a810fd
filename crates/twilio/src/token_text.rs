//! The text of an auth token: what is part of it, and what people paste with it.

/// The error of a text that is not only a token. Contains nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedToken {
    /// Quotes stand around the token, as in a shell or a `.env` file.
    #[error("has quotes around it: remove them")]
    Quoted,
    /// A name stands before the token, as in `TWILIO_AUTH_TOKEN=…`, followed by this character.
    #[error("begins with a name and `{0}`: leave only the value")]
    Named(char),
    /// White space is inside of the token, or more follows it.
    #[error("contains white space: remove it, and leave one token")]
    WhiteSpace,
    /// A template, a variable or stars stand in the place of the token.
    #[error("is a placeholder that was not filled in: give the token itself")]
    Placeholder,
    /// The token is inside of a JSON document.
    #[error("is JSON: leave only the value of the token")]
    Json,
    /// A SID stands before the token, as in `curl -u`.
    #[error("begins with a SID: leave only the token")]
    AfterSid,
    /// A SID stands in the place of the token.
    #[error("is a SID: set the auth token, which is beside the account SID in the Twilio Console")]
    Sid,
    /// A character that cannot be sent, or that no token has.
    #[error("contains a character that no token has: copy it again, and save the file as UTF-8")]
    Character,
}

/// The text without the white space and the byte order marks around it.
pub fn trimmed(text: &str) -> &str {
    // The zero-width space and the word joiner are no white space to Unicode.
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}'))
}

/// The token in `text`, which may be empty.
pub(crate) fn token(text: &str) -> Result<&str, MalformedToken> {
    const QUOTES: [char; 9] =
        ['"', '\'', '`', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{ab}'];
    let token = trimmed(text);
    let is_part = |c: char| c.is_ascii_graphic() && !QUOTES.contains(&c);
    if is_placeholder(token) {
        Err(MalformedToken::Placeholder)
    } else if token.starts_with(['{', '[']) {
        Err(MalformedToken::Json)
    } else if let Some(sid) = sid(token) {
        Err(sid)
    } else if let Some(separator) = name(token) {
        Err(MalformedToken::Named(separator))
    } else if token.starts_with(QUOTES) || token.ends_with(QUOTES) {
        Err(MalformedToken::Quoted)
    } else if token.contains(char::is_whitespace) {
        Err(MalformedToken::WhiteSpace)
    } else if !token.chars().all(is_part) {
        Err(MalformedToken::Character)
    } else {
        Ok(token)
    }
}

/// Returns true for `${TOKEN}`, `$(TOKEN)`, `{{ token }}`, `<token>` and `***`.
fn is_placeholder(token: &str) -> bool {
    let is_between = |start, end| token.starts_with(start) && token.ends_with(end);
    [("${", "}"), ("$(", ")"), ("{{", "}}"), ("<", ">")].iter().any(|(start, end)| is_between(*start, *end))
        || (!token.is_empty() && token.bytes().all(|byte| byte == b'*'))
}

/// The error of a token that is a SID, or follows one.
fn sid(token: &str) -> Option<MalformedToken> {
    let (sid, rest) = token.split_at_checked(34)?;
    let digits = ["AC", "SK"].iter().find_map(|prefix| sid.strip_prefix(prefix))?;
    let is_sid = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match rest.chars().next() {
        None if is_sid => Some(MalformedToken::Sid),
        Some(':') if is_sid => Some(MalformedToken::AfterSid),
        _ => None,
    }
}

/// The character between a name and its value, when a name stands before the token.
fn name(token: &str) -> Option<char> {
    let (name, separator) =
        token.find(['=', ':']).map(|at| (&token[..at], char::from(token.as_bytes()[at])))?;
    let words: Vec<_> = name.split_whitespace().collect();
    let ([word] | ["export" | "set" | "setx" | "ENV" | "-e" | "--env", word]) = words[..] else {
        return None;
    };
    let word = word.trim_start_matches(['$', '"', '\'']).trim_end_matches(['"', '\'']).to_ascii_lowercase();
    let is_name = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    let of_a_secret = ["token", "secret", "auth", "twilio", "password", "pass", "env"];
    (is_name && of_a_secret.iter().any(|part| word.contains(part))).then_some(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_tokens_are_part_of_them() {
        for text in ["0123456789abcdef0123456789abcdef", "a-main.token_of+tests/==", "x=", "a:b"] {
            assert_eq!(token(text), Ok(text));
        }
        assert_eq!(token(" \u{feff}\n"), Ok(""));
    }

    #[test]
    fn pasted_text_is_told_apart() {
        let sid = "AC0123456789abcdef0123456789abcdef";
        for (text, error) in [
            ("\"abc\"".to_owned(), MalformedToken::Quoted),
            ("abc'".to_owned(), MalformedToken::Quoted),
            ("TWILIO_AUTH_TOKEN=abc".to_owned(), MalformedToken::Named('=')),
            ("$env:TWILIO_AUTH_TOKEN = 'abc'".to_owned(), MalformedToken::Named(':')),
            ("set TWILIO_AUTH_TOKEN=abc".to_owned(), MalformedToken::Named('=')),
            ("token: abc".to_owned(), MalformedToken::Named(':')),
            ("abc def".to_owned(), MalformedToken::WhiteSpace),
            ("[\"abc\"]".to_owned(), MalformedToken::Json),
            ("${TWILIO_AUTH_TOKEN:-}".to_owned(), MalformedToken::Placeholder),
            ("{{ .Values.token }}".to_owned(), MalformedToken::Placeholder),
            ("<your token>".to_owned(), MalformedToken::Placeholder),
            ("***".to_owned(), MalformedToken::Placeholder),
            (sid.to_owned(), MalformedToken::Sid),
            (format!("{sid}:abc"), MalformedToken::AfterSid),
            ("abc\u{7f}".to_owned(), MalformedToken::Character),
            ("ab\"c".to_owned(), MalformedToken::Character),
        ] {
            assert_eq!(token(&text), Err(error), "{text}");
        }
    }
}
