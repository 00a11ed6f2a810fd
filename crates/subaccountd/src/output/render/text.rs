//! A plan for a terminal: counts, what cannot be undone, then account by account.

use std::fmt::Write;

use subaccountd_core::{
    ActionKind, Reason,
    report::{ActionView, HeldView},
    text::sanitize,
};
use textwrap::{Options, WordSplitter};

use super::{
    View, counts,
    groups::{Group, grouped},
    lost,
};

/// The width of a line where words allow it.
const WIDTH: usize = 100;
/// The indentation of words that belong to a line.
const INDENT: &str = "              ";
/// A space at which no line is broken.
const FIXED: &str = "\u{a0}";
/// The most shown items of a reason that many share.
const SHOWN: usize = 5;

/// Colours, where the terminal shows them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style(pub(crate) bool);

impl Style {
    fn with(self, code: &str, words: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{words}\u{1b}[0m") } else { words.to_owned() }
    }

    pub(crate) fn bold(self, words: &str) -> String {
        self.with("1", words)
    }

    pub(crate) fn red(self, words: &str) -> String {
        self.with("1;31", words)
    }

    pub(crate) fn yellow(self, words: &str) -> String {
        self.with("33", words)
    }
}

/// `words`, sanitized, in lines that begin with `indent` after the first, which begins with `first`. Text between
/// back-ticks stays on one line, so that it can be copied.
pub(crate) fn wrapped(first: &str, indent: &str, words: &str) -> String {
    if words.is_empty() {
        return format!("{}\n", first.trim_end());
    }
    let options = Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(indent)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    let whole =
        |(at, part): (usize, &str)| if at % 2 == 1 { part.replace(' ', FIXED) } else { part.to_owned() };
    let words: Vec<_> = sanitize(words).split('`').enumerate().map(whole).collect();
    textwrap::fill(&words.join("`"), options).replace(FIXED, " ") + "\n"
}

/// The content of `view` as text; with colour when the terminal shows it.
pub(crate) fn text(view: &View<'_>, colour: bool) -> String {
    let style = Style(colour);
    let mut out = format!("{}\n", style.bold(&counts(view.plan())));
    for words in view.part().iter().chain(&view.remarks) {
        out += &wrapped("", "", words);
    }
    banner(view, style, &mut out);
    let plan = grouped(view.plan());
    if !plan.acting.is_empty() {
        let _ = writeln!(out, "\n{}", style.bold("To do, in the order of execution"));
    }
    for group in &plan.acting {
        account(view, group, style, &mut out);
    }
    if !(plan.waiting.is_empty() && plan.many.is_empty()) {
        let _ = writeln!(out, "\n{}", style.bold("Held, for accounts without planned actions"));
    }
    for (reason, held) in &plan.many {
        shared(view, *reason, held, style, &mut out);
    }
    for group in &plan.waiting {
        account(view, group, style, &mut out);
    }
    out
}

fn banner(view: &View<'_>, style: Style, out: &mut String) {
    let Some(risk) = view.risk() else { return };
    let mut lines = wrapped("!!! ", "!!! ", &risk);
    for close in view.closes() {
        let words = format!("close {}, releasing {}", view.named(close.account), lost(close));
        lines += &wrapped("!!!   ", "!!!       ", &words);
    }
    out.push('\n');
    for line in lines.lines() {
        let _ = writeln!(out, "{}", style.red(line));
    }
}

fn account(view: &View<'_>, group: &Group<'_>, style: Style, out: &mut String) {
    let _ = writeln!(out, "\n{}", style.bold(&sanitize(&view.named(group.account))));
    if let Some(why) = view.why(group.account) {
        *out += &wrapped("  reason      ", INDENT, &why);
    }
    for one in &group.actions {
        action(view, one, style, out);
    }
    for held in &group.held {
        let number = held.number.map_or_else(String::new, |number| format!(" {number}"));
        let _ = writeln!(out, "  {}        {}{number}: {}", style.yellow("held"), held.kind, held.reason);
        words(held, INDENT, out);
    }
}

fn action(view: &View<'_>, action: &ActionView, style: Style, out: &mut String) {
    let kind = action.kind.as_str();
    let what = match (action.kind, action.number, action.from) {
        (ActionKind::Close, ..) => {
            // The banner names them.
            let numbers = match action.at_risk.len() {
                0 => "no number".to_owned(),
                1 => "1 number".to_owned(),
                n => format!("{n} numbers"),
            };
            format!("for good, releasing {numbers}")
        }
        (_, Some(number), Some(from)) => format!("{number} from {}", view.named(from)),
        (ActionKind::Reactivate | ActionKind::Transfer | ActionKind::Suspend, ..) => String::new(),
    };
    let painted = if action.kind == ActionKind::Close { style.red(kind) } else { style.bold(kind) };
    let lines = wrapped(&format!("  {kind:<12}"), INDENT, &what);
    let _ = writeln!(out, "{}", lines.trim_end().replacen(kind, &painted, 1));
    if let Some(note) = &action.note {
        *out += &wrapped(&format!("{INDENT}note: "), INDENT, note);
    }
}

fn words(held: &HeldView, indent: &str, out: &mut String) {
    *out += &wrapped(indent, indent, &held.message);
    *out += &wrapped(&format!("{indent}fix: "), indent, &held.remedy);
}

/// Items that share a reason; a common message or remedy is shown once.
fn shared(view: &View<'_>, reason: Reason, held: &[&HeldView], style: Style, out: &mut String) {
    let _ = writeln!(out, "\n{}: {} items", style.yellow(reason.as_str()), held.len());
    let Some(first) = held.first() else { return };
    let same_message = held.iter().all(|one| one.message == first.message);
    let same_remedy = held.iter().all(|one| one.remedy == first.remedy);
    if same_message {
        *out += &wrapped("  ", "  ", &first.message);
    }
    if same_remedy {
        *out += &wrapped("  fix: ", "  ", &first.remedy);
    }
    for one in held.iter().take(SHOWN) {
        let number = one.number.map_or_else(String::new, |number| format!("{number} for "));
        *out += &wrapped("  ", "    ", &format!("{} {number}{}", one.kind, view.named(one.account)));
        if !same_message {
            *out += &wrapped("    ", "    ", &one.message);
        }
        if !same_remedy {
            *out += &wrapped("    fix: ", "    ", &one.remedy);
        }
    }
    if held.len() > SHOWN {
        let more = held.len() - SHOWN;
        let _ = writeln!(out, "  and {more} more: `-o json` lists all, `--only SID` shows one account");
    }
}
