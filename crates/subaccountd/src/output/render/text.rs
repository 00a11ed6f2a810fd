//! A plan for a terminal: counts, what cannot be undone, then account by account.

use std::{fmt::Write, io};

use subaccountd_core::{
    ActionKind, NotKnown, Reason,
    report::{ActionView, HeldView},
    text::{count, sanitize},
};
use textwrap::{Options, WordSplitter};

use super::{
    View, counts,
    groups::{Group, grouped},
    lost, subject,
};
use crate::output::terminal;

/// The indentation of words that belong to a line.
const INDENT: &str = "              ";
/// A space at which no line is broken.
const FIXED: &str = "\u{a0}";
/// The most shown items of a reason that many share.
const SHOWN: usize = 5;
/// The most shown decisions that the snapshot leaves open.
const SHOWN_OPEN: usize = 20;

/// The look of text: colours where the terminal shows them, and the width of a line where words allow it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(super) colour: bool,
    pub(super) width: usize,
}

impl Style {
    /// Text without a terminal.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) const PLAIN: Self = Self { colour: false, width: terminal::DEFAULT_WIDTH };

    /// Text on standard output.
    pub(crate) fn of_stdout() -> Self {
        Self { colour: terminal::colour(&io::stdout()), width: terminal::width() }
    }

    fn with(self, code: &str, words: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{words}\u{1b}[0m") } else { words.to_owned() }
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

    /// `words`, sanitized, in bold lines.
    pub(crate) fn heading(self, words: &str) -> String {
        self.wrapped("", "", words).lines().map(|line| self.bold(line) + "\n").collect()
    }

    /// `words`, sanitized, in lines that begin with `indent` after the first, which begins with `first`. Text between
    /// back-ticks stays on one line, so that it can be copied.
    pub(crate) fn wrapped(self, first: &str, indent: &str, words: &str) -> String {
        if words.is_empty() {
            return format!("{}\n", first.trim_end());
        }
        let options = Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(indent)
            .word_splitter(WordSplitter::NoHyphenation)
            .break_words(false);
        let whole =
            |(at, part): (usize, &str)| if at % 2 == 1 { part.replace(' ', FIXED) } else { part.to_owned() };
        let words: Vec<_> = sanitize(words).split('`').enumerate().map(whole).collect();
        textwrap::fill(&words.join("`"), options).replace(FIXED, " ") + "\n"
    }
}

/// The content of `view` as text.
pub(crate) fn text(view: &View<'_>, style: Style) -> String {
    let mut out = style.heading(&counts(view.plan()));
    for words in view.part().iter().chain(&view.remarks) {
        out += &style.wrapped("", "", words);
    }
    banner(view, style, &mut out);
    let plan = grouped(view.plan());
    if !plan.acting.is_empty() {
        out += &("\n".to_owned() + &style.heading("To do, in the order of execution"));
    }
    for group in &plan.acting {
        account(view, group, style, &mut out);
    }
    if !(plan.waiting.is_empty() && plan.many.is_empty()) {
        out += &("\n".to_owned() + &style.heading("Held, for accounts without planned actions"));
    }
    for (reason, held) in &plan.many {
        shared(view, *reason, held, style, &mut out);
    }
    for group in &plan.waiting {
        account(view, group, style, &mut out);
    }
    not_known(view, style, &mut out);
    out
}

/// Shows what the snapshot leaves open, with one remedy for all of it.
fn not_known(view: &View<'_>, style: Style, out: &mut String) {
    let open = &view.plan().not_known;
    if open.is_empty() {
        return;
    }
    *out += &("\n".to_owned() + &style.heading("Not known from this snapshot"));
    for one in open.iter().take(SHOWN_OPEN) {
        *out +=
            &style.wrapped("  ", "    ", &format!("{} {}: {}", one.kind, subject(view, one), one.message));
    }
    if open.len() > SHOWN_OPEN {
        let words = format!("and {} more: `-o json` lists all", open.len() - SHOWN_OPEN);
        *out += &style.wrapped("  ", "  ", &words);
    }
    *out += &style.wrapped("  fix: ", "  ", NotKnown::REMEDY);
}

fn banner(view: &View<'_>, style: Style, out: &mut String) {
    let Some(risk) = view.risk() else { return };
    let mut lines = style.wrapped("!!! ", "!!! ", &risk);
    for action in view.irreversible() {
        let (account, numbers) = (view.named(&action.account), lost(action));
        let words = if action.kind == ActionKind::Release {
            format!("release {numbers} of {account}")
        } else {
            format!("close {account}, releasing {numbers}")
        };
        lines += &style.wrapped("!!!   ", "!!!       ", &words);
    }
    out.push('\n');
    for line in lines.lines() {
        let _ = writeln!(out, "{}", style.red(line));
    }
}

fn account(view: &View<'_>, group: &Group<'_>, style: Style, out: &mut String) {
    *out += &("\n".to_owned() + &style.heading(&view.named(group.account)));
    if let Some(why) = view.why(group.account) {
        *out += &style.wrapped("  reason      ", INDENT, &why);
    }
    for one in &group.actions {
        action(view, one, style, out);
    }
    for held in &group.held {
        let number = held.number.map_or_else(String::new, |number| format!(" {number}"));
        let _ = writeln!(out, "  {}        {}{number}: {}", style.yellow("held"), held.kind, held.reason);
        words(held, INDENT, style, out);
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
        (ActionKind::EndCalls, ..) => count(action.count.unwrap_or_default(), "call"),
        (_, Some(number), None) => number.to_string(),
        (_, None, _) => String::new(),
    };
    let is_final = matches!(action.kind, ActionKind::Close | ActionKind::Release);
    let painted = if is_final { style.red(kind) } else { style.bold(kind) };
    let lines = style.wrapped(&format!("  {kind:<12}"), INDENT, &what);
    let _ = writeln!(out, "{}", lines.trim_end().replacen(kind, &painted, 1));
    if let Some(note) = &action.note {
        *out += &style.wrapped(&format!("{INDENT}note: "), INDENT, note);
    }
}

fn words(held: &HeldView, indent: &str, style: Style, out: &mut String) {
    *out += &style.wrapped(indent, indent, &held.message);
    *out += &style.wrapped(&format!("{indent}fix: "), indent, &held.remedy);
}

/// Items that share a reason; a common message or remedy is shown once.
fn shared(view: &View<'_>, reason: Reason, held: &[&HeldView], style: Style, out: &mut String) {
    let _ = writeln!(out, "\n{}: {}", style.yellow(reason.as_str()), count(held.len(), "item"));
    let Some(first) = held.first() else { return };
    let same_message = held.iter().all(|one| one.message == first.message);
    let same_remedy = held.iter().all(|one| one.remedy == first.remedy);
    if same_message {
        *out += &style.wrapped("  ", "  ", &first.message);
    }
    if same_remedy {
        *out += &style.wrapped("  fix: ", "  ", &first.remedy);
    }
    for one in held.iter().take(SHOWN) {
        let number = one.number.map_or_else(String::new, |number| format!("{number} for "));
        *out += &style.wrapped("  ", "    ", &format!("{} {number}{}", one.kind, view.named(&one.account)));
        if !same_message {
            *out += &style.wrapped("    ", "    ", &one.message);
        }
        if !same_remedy {
            *out += &style.wrapped("    fix: ", "    ", &one.remedy);
        }
    }
    if held.len() > SHOWN {
        let more = held.len() - SHOWN;
        let words = format!("and {more} more: `-o json` lists all, `--only SID` shows one account");
        *out += &style.wrapped("  ", "  ", &words);
    }
}
