//! The markdown as a forge renders it: names, reasons and messages from outside stay data.

use comrak::{
    Arena, Options,
    nodes::{AstNode, NodeValue},
    parse_document,
};
use proptest::prelude::*;
use subaccountd_core::text::sanitize;

use super::{
    markdown,
    tests::{entry, view},
};
use crate::snapshot::scene::{Replay, ac};

/// Everything that a forge may act on.
const HOSTILE: [&str; 62] = [
    "@octo/admins",
    "@octo",
    "(@octo)",
    "a@b.example",
    "mailto:a@b.example",
    "xmpp:a@b.example",
    "#1",
    "fixes",
    "closes:",
    "GH-12",
    "gh-12",
    "GL-12",
    "OPS-12",
    "owner/repo#1",
    "owner/repo!1",
    "owner/repo@deadbeef",
    "octo@deadbeef",
    "deadbeef",
    "DEADBEEF",
    "0123456",
    "15105550101",
    "0123456789abcdef0123456789abcdef01234567",
    "GHSA-cfgh-jmpq-rvwx",
    "CVE-2026-12345",
    "http://example.com",
    "https://github.com/octo/repo/issues/1",
    "HTTPS://EXAMPLE.COM",
    "ftp://example.com",
    "www.example.com",
    "WWW.example.com.",
    ":tada:",
    ":+1:",
    "$x$",
    "$`x`$",
    "$$x$$",
    "[^1]",
    "[^1]:",
    "[x](http://example.com)",
    "![x](http://example.com/x.png)",
    "[x][y]",
    "[[wiki]]",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "</details>",
    "<https://example.com>",
    "&#64;octo",
    "&commat;octo",
    "\\@octo",
    "\\#1",
    "*x*",
    "__x__",
    "~~x~~",
    "~label",
    "%1",
    "!12",
    "&3",
    "`",
    "``",
    "|",
    "\\|",
    "\\",
    "- [ ]",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(HOSTILE.as_slice()).prop_map(str::to_owned),
        1 => "[a-z0-9]{1,8}",
        1 => "\\PC{0,6}",
        1 => "[`|\\\\]{1,5}",
    ];
    let gap =
        prop::sample::select(["", " ", "\n", "\r\n", "\t", "\u{a0}", "\u{2028}", "(", ")", "-"].as_slice());
    prop::collection::vec((piece, gap), 1..8)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, gap)| piece + gap).collect())
}

/// A plan with a close, a held account and a fault, whose names, reasons and labels are `words`.
fn document(words: &str) -> String {
    let quoted = serde_json::to_string(words).unwrap();
    let closed =
        format!("status: closed, close: {{confirm: {quoted}}}, reason: {quoted}, labels: {{x: {quoted}}}");
    let held = format!("status: suspended, friendlyName: {quoted}, reason: {quoted}");
    let mut played = Replay::new(&(entry(1, &closed) + &entry(2, &held)))
        .setting("close-after", "0s")
        .setting("max-closes", "5")
        .account(1, words, "suspended", &[])
        .account(2, "another", "active", &[])
        .play();
    // A message of Twilio's, with what people put there.
    for held in &mut played.report.plan.held {
        held.message = format!("Twilio refused it: {words}");
    }
    markdown(&view(&played))
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.autolink = true;
    extension.table = true;
    extension.strikethrough = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.inline_footnotes = true;
    extension.description_lists = true;
    extension.math_dollars = true;
    extension.math_code = true;
    extension.alerts = true;
    extension.superscript = true;
    extension.subscript = true;
    extension.underline = true;
    extension.spoiler = true;
    extension.wikilinks_title_after_pipe = true;
    options.parse.relaxed_autolinks = true;
    options.parse.relaxed_tasklist_matching = true;
    options
}

/// The effects that `text` has as markdown, and in the rendered text outside of code.
fn effects(text: &str) -> Vec<String> {
    let arena = Arena::new();
    let mut effects = Vec::new();
    for node in parse_document(&arena, text, &options()).descendants() {
        match &node.data.borrow().value {
            NodeValue::Text(words) => effects.extend(reference(words)),
            NodeValue::HtmlBlock(block) => {
                let own = |line: &str| {
                    line.is_empty() || line == "</details>" || line.starts_with("<details><summary>")
                };
                effects.extend((!block.literal.lines().all(own)).then(|| block.literal.clone()));
            }
            NodeValue::Document
            | NodeValue::Heading(_)
            | NodeValue::Paragraph
            | NodeValue::SoftBreak
            | NodeValue::Code(_)
            | NodeValue::Strong
            | NodeValue::Alert(_)
            | NodeValue::List(_)
            | NodeValue::Item(_)
            | NodeValue::Table(_)
            | NodeValue::TableRow(_)
            | NodeValue::TableCell => {}
            other => effects.push(format!("{other:?}")),
        }
    }
    effects
}

/// The first mention, reference or autolink in a text outside of code.
fn reference(text: &str) -> Option<String> {
    let is_hash = |word: &str| word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_key =
        |word: &str| word.split_once('-').is_some_and(|(_, n)| n.starts_with(|c: char| c.is_ascii_digit()));
    let words = || text.split(|c: char| !c.is_alphanumeric() && c != '-');
    let has_sign = text.contains(|c| "@#$~&<>[]{}^\\/|=+*_%".contains(c));
    // Between two colons.
    let between = text.split(':').skip(1).take(text.matches(':').count().saturating_sub(1));
    let has_emoji = between.into_iter().any(|word| !word.is_empty() && !word.contains(' '));
    (has_sign
        || has_emoji
        || text.to_lowercase().contains("www.")
        || words().any(|word| is_key(word) || word.split('-').any(is_hash)))
    .then(|| text.to_owned())
}

/// The shown text of each row and list item, without white space.
fn shown<'a>(node: &'a AstNode<'a>) -> String {
    let text = |node: &'a AstNode<'a>| match &node.data.borrow().value {
        NodeValue::Text(words) => words.to_string(),
        NodeValue::Code(code) => code.literal.clone(),
        _ => String::new(),
    };
    tight(&node.descendants().map(text).collect::<String>())
}

fn tight(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Returns true when `cell` contains `name`. A pair of back-ticks in a name is taken for the beginning and the end of code.
fn is_in(cell: &str, name: &str) -> bool {
    cell.replace('`', "").contains(&name.replace('`', ""))
}

/// The cells of the table rows that are no heads.
fn cells(text: &str) -> Vec<Vec<String>> {
    let arena = Arena::new();
    let root = parse_document(&arena, text, &options());
    root.descendants()
        .filter(|node| matches!(node.data.borrow().value, NodeValue::TableRow(false)))
        .map(|row| row.children().map(shown).collect())
        .collect()
}

#[test]
fn parser_notices_what_has_an_effect() {
    for text in [
        "@octo",
        "#1",
        "GH-12",
        "deadbeef",
        "http://example.com",
        "www.example.com",
        "a@b.example",
        ":tada:",
        "$x$",
        "x[^1]\n\n[^1]: y",
        "<b>",
        "![x](y)",
        "[x](y)",
        "- [ ] x",
        "*x*",
        "~~x~~",
    ] {
        assert!(!effects(text).is_empty(), "{text}");
    }
    assert_eq!(effects("a `@octo` and `GH-12`: nothing"), Vec::<String>::new());
}

#[test]
fn each_hostile_word_is_data_in_a_comment() {
    for word in HOSTILE {
        let text = document(&format!("fixes {word} now"));
        assert_eq!(effects(&text), Vec::<String>::new(), "{word}: {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_name_is_data_in_a_comment(words in hostile()) {
        let text = document(&words);
        prop_assert_eq!(effects(&text), Vec::<String>::new(), "{}", text);
        let name = tight(&sanitize(&words));
        // The name stands whole in its own cell.
        let rows = cells(&text);
        prop_assert!(!rows.is_empty());
        for row in rows.iter().filter(|row| row[1].starts_with("AC")) {
            let cell = if row[0] == "close" { &row[1] } else { &row[2] };
            prop_assert!(is_in(cell, &name), "{row:?}");
        }
    }
}

#[test]
fn words_of_the_product_are_readable() {
    let text = document("acme GmbH");
    assert!(text.contains("(acme GmbH)"), "{text}");
    assert!(text.contains(&format!("`{}`", ac(1))), "{text}");
}
