//! Every rule of the format: the fault, its location and its effect. A snapshot shows the faults as a person reads them,
//! followed by the remaining state.

mod codes;
mod documents;
mod doubt;
mod gates;
mod keys;
mod number_terms;
mod pin;
mod times;
mod twice;
mod values;
mod write;
mod yaml;

use std::fmt::Write;

use subaccountd_core::{
    AccountSid, Desired, DesiredStatus, Pause,
    manifest::{Diagnostic, Excerpt, Related, Source, parse},
};

use crate::support::text::{dedent, long, short};

/// The faults of documents whose head is right, and what is left; the text begins on line 4.
fn body(text: &str) -> String {
    let head = "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {sid: AC00}\n";
    whole(&format!("{head}{}", dedent(text)))
}

/// The faults of one file, and what is left.
fn whole(text: &str) -> String {
    files(&[("state.yaml", text)])
}

/// The faults of several files, and what is left.
fn files(files: &[(&str, &str)]) -> String {
    let source = |(name, text): &(&str, &str)| Source {
        name: (*name).to_owned(),
        content: Ok(long(&dedent(text)).into_bytes()),
    };
    sources(&files.iter().map(source).collect::<Vec<_>>())
}

fn sources(sources: &[Source]) -> String {
    let reading = parse(sources);
    assert_eq!(reading.desired.faulty(), !reading.faults.is_empty());
    let mut shown: String = reading.faults.iter().map(fault).collect();
    shown.push_str("left:\n");
    left(&reading.desired, &mut shown);
    short(&shown)
}

/// The place, what is marked there, the code, the problem and its fix; the other place; the replacement.
fn fault(fault: &Diagnostic) -> String {
    let Diagnostic { file, line, column, message, help, code, width, excerpt, replacement, related } = fault;
    let marked = marked(excerpt.as_ref(), *column, *width);
    let mut out = format!("{file}:{line}:{column} `{marked}`\n  {code} {message}\n  = {help}\n");
    if let Some(Related { file, line, column, width, label, excerpt, between: _ }) = related.as_deref() {
        let marked = self::marked(excerpt.as_ref(), *column, *width);
        writeln!(out, "  & {file}:{line}:{column} `{marked}` {label}").unwrap();
    }
    if let Some(replacement) = replacement {
        writeln!(out, "  > {replacement}").unwrap();
    }
    out
}

fn marked(excerpt: Option<&Excerpt>, column: usize, width: usize) -> String {
    let Some(Excerpt { text, skipped, .. }) = excerpt else { return String::new() };
    text.chars().skip(column - 1 - skipped).take(width).collect()
}

fn left(desired: &Desired, out: &mut String) {
    match desired.pause() {
        None => {}
        Some(Pause::Frozen(freeze)) => writeln!(out, "  {freeze}").unwrap(),
        Some(Pause::Declared) => out.push_str("  paused\n"),
        Some(Pause::Unreadable { file }) => writeln!(out, "  counts as paused: {file}").unwrap(),
    }
    match desired.main() {
        Ok(main) => writeln!(out, "  main {} {:?}", main.sid, main.numbers.keys()).unwrap(),
        Err(why) => writeln!(out, "  no main: {why}").unwrap(),
    }
    for entry in desired.accounts() {
        write!(out, "  {} {}", entry.sid, entry.desired_status.status()).unwrap();
        if let DesiredStatus::Closed(terms) = &entry.desired_status {
            write!(out, " release {:?}", terms.release).unwrap();
        }
        write!(out, " {:?}{}", entry.numbers.keys(), if entry.paused { " paused" } else { "" }).unwrap();
        for number in entry.release.keys() {
            write!(out, " releasing {number}").unwrap();
        }
        out.push('\n');
    }
    for n in 0..10 {
        let sid: AccountSid = format!("AC{n:032}").parse().unwrap();
        if desired.frozen().any(|frozen| frozen == sid) {
            writeln!(out, "  frozen {sid}").unwrap();
        }
    }
    if desired.doubt().unnamed {
        out.push_str("  frozen what is not listed\n");
    }
}
