//! Texts with short SIDs: `AC01` stands for `AC000…01`, going in and coming out.

const PREFIXES: [&str; 5] = ["AC", "AD", "BU", "RI", "PN"];

/// `text` with every short SID written out.
pub(crate) fn long(text: &str) -> String {
    let mut text = text.to_owned();
    for prefix in PREFIXES {
        for n in 0..100 {
            text = text.replace(&format!("{prefix}{n:02}"), &format!("{prefix}{n:032}"));
        }
    }
    text
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
