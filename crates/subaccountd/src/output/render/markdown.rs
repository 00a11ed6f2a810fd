//! A plan for a comment on a pull request: first what cannot be undone, then the rest in tables, within the 65,536
//! characters that GitHub accepts.

use std::fmt::Write;

use subaccountd_core::{
    ActionKind, NotKnown,
    manifest::Diagnostic,
    report::{ActionView, HeldView, NotKnownView},
    text::{clip, count},
};

use super::{
    View, counts,
    groups::grouped,
    inline::{cell, inline},
    subject,
};

/// The most bytes of a comment, which bounds its characters as well.
const MAX_DOCUMENT: usize = 60_000;
/// The most bytes that the closes and the numbers they release take.
const MAX_RISK: usize = 30_000;
/// The bytes that are reserved for the ends of the parts and for the note on what was cut.
const RESERVE: usize = 1_000;
/// The number of rows above which a table is folded.
const LONG: usize = 12;
/// The most faults that are shown, and the most bytes they take.
const MAX_DIAGNOSTICS: usize = 20;
const MAX_DIAGNOSTICS_SIZE: usize = 12_000;
/// The longest text of one cell.
const MAX_CELL: usize = 600;

/// The content of `view` as markdown.
pub(crate) fn markdown(view: &View<'_>) -> String {
    let mut out = format!("### subaccountd: {}\n", counts(view.plan()));
    for words in view.part().iter().chain(&view.remarks) {
        let _ = write!(out, "\n{}\n", inline(&clip(words, MAX_CELL)));
    }
    risk(view, &mut out);
    faults(view, &mut out);
    let plan = grouped(view.plan());
    let actions: Vec<_> =
        plan.acting.iter().flat_map(|group| &group.actions).map(|one| row(view, one)).collect();
    let of_acting = plan.acting.iter().flat_map(|group| group.held.iter().copied());
    let of_waiting = plan.waiting.iter().flat_map(|group| group.held.iter().copied());
    let shared = plan.many.values().flatten().copied();
    let held: Vec<_> = of_acting.chain(of_waiting).chain(shared).map(|one| held_row(view, one)).collect();
    let mut cut = Vec::new();
    table(&mut out, &mut cut, "to do", ["action", "account", "number", "from", "note"], &actions);
    table(&mut out, &mut cut, "held", ["held", "account", "message", "remedy"], &held);
    let open: Vec<_> = view.plan().not_known.iter().map(|open| open_row(view, open)).collect();
    if !open.is_empty() {
        let _ = write!(out, "\n**Not known from this snapshot**: {}.\n", inline(NotKnown::REMEDY));
    }
    table(&mut out, &mut cut, "not known from this snapshot", ["not known", "of", "message"], &open);
    if !cut.is_empty() {
        let _ = write!(
            out,
            "\n**Cut to fit a comment**: {}. `subaccountd plan -o text` shows the whole plan, `--only SID` one account.\n",
            cut.join("; ")
        );
    }
    out
}

/// The closes and releases by name, as many as fit, and how many did not.
fn risk(view: &View<'_>, out: &mut String) {
    let Some(risk) = view.risk() else { return };
    let _ = write!(out, "\n> [!CAUTION]\n> **{risk}**\n>\n");
    let (mut left, mut missing, mut unnamed) = (MAX_RISK, 0, 0);
    for close in view.irreversible() {
        let account = inline(&clip(&view.named(&close.account), MAX_CELL));
        let is_close = close.kind == ActionKind::Close;
        let mut line = if is_close {
            format!("> - close {account}, releasing ")
        } else {
            format!("> - release of {account}: ")
        };
        let mut named = 0;
        for number in &close.at_risk {
            if line.len() + 40 > left {
                break;
            }
            let _ = write!(line, "{}`{number}`", if named == 0 { "" } else { ", " });
            named += 1;
        }
        if close.at_risk.is_empty() {
            line += "no number";
        }
        if line.len() + 40 > left {
            missing += usize::from(is_close);
            unnamed += close.at_risk.len();
            continue;
        }
        if named < close.at_risk.len() {
            let _ = write!(line, " and {} more", close.at_risk.len() - named);
        }
        left -= line.len() + 1;
        *out += &line;
        out.push('\n');
    }
    let (accounts, numbers) = (count(missing, "account"), count(unnamed, "number"));
    if missing > 0 {
        let _ = writeln!(out, "> - and {accounts} that do not fit here, releasing {numbers}");
    } else if unnamed > 0 {
        let _ = writeln!(out, "> - and releases of {numbers} that do not fit here");
    }
}

fn faults(view: &View<'_>, out: &mut String) {
    let faults = &view.report.desired_state.faults;
    if faults.is_empty() {
        return;
    }
    let count = count(faults.len(), "fault");
    let _ = write!(
        out,
        "\n> [!WARNING]\n> **The state has {count}.** A faulty part of the state counts as absent, and nothing is closed, released or created.\n"
    );
    *out += "\n| place | problem | fix |\n| --- | --- | --- |\n";
    let row = |fault: &Diagnostic| {
        let place = format!("{}:{}:{}", fault.file, fault.line, fault.column);
        line(&[place, fault.message.clone(), fault.help.clone()])
    };
    let mut used = 0;
    let fits = |row: &String| {
        used += row.len();
        used <= MAX_DIAGNOSTICS_SIZE
    };
    let rows: Vec<_> = faults.iter().take(MAX_DIAGNOSTICS).map(row).take_while(fits).collect();
    *out += &rows.concat();
    if rows.len() < faults.len() {
        let more = faults.len() - rows.len();
        let _ = write!(out, "\nand {more} more: `subaccountd validate` shows every one.\n");
    }
}

/// Adds a table of as many whole rows as fit, folded when it is long. The rows that did not fit are counted in `cut`.
fn table<const N: usize>(
    out: &mut String,
    cut: &mut Vec<String>,
    what: &str,
    head: [&str; N],
    rows: &[String],
) {
    if rows.is_empty() {
        return;
    }
    let mut text = String::new();
    let folded = rows.len() > LONG;
    if folded {
        let _ = write!(text, "\n<details><summary>{} {what}</summary>\n", rows.len());
    }
    let _ = write!(text, "\n| {} |\n|{}\n", head.join(" | "), " --- |".repeat(N));
    let room = MAX_DOCUMENT.saturating_sub(out.len() + text.len() + RESERVE);
    let mut used = 0;
    let fits = |row: &&String| {
        used += row.len();
        used <= room
    };
    let shown: Vec<_> = rows.iter().take_while(fits).map(String::as_str).collect();
    if shown.len() < rows.len() {
        cut.push(format!("{} of {} rows ({what})", rows.len() - shown.len(), rows.len()));
    }
    if shown.is_empty() {
        return;
    }
    *out += &text;
    *out += &shown.concat();
    if folded {
        *out += "\n</details>\n";
    }
}

fn row(view: &View<'_>, action: &ActionView) -> String {
    line(&[
        action.kind.to_string(),
        view.named(&action.account),
        action.number.map_or_else(String::new, |number| number.to_string()),
        action.from.map_or_else(String::new, |from| view.named(from)),
        calls(action)
            .into_iter()
            .chain(view.why(&action.account))
            .chain(action.note.clone())
            .collect::<Vec<_>>()
            .join("; "),
    ])
}

/// The number of calls that it ends, if it ends calls.
fn calls(action: &ActionView) -> Option<String> {
    action.count.map(|calls| count(calls, "call"))
}

fn held_row(view: &View<'_>, held: &HeldView) -> String {
    line(&[held.reason.to_string(), view.named(&held.account), held.message.clone(), held.remedy.clone()])
}

fn open_row(view: &View<'_>, open: &NotKnownView) -> String {
    line(&[open.kind.to_string(), subject(view, open), open.message.clone()])
}

fn line(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|text| cell(&clip(text, MAX_CELL))).collect();
    format!("| {} |\n", cells.join(" | "))
}
