//! The corpus of broken states: the output for each, and the rules for every fault.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proptest::{prelude::*, sample::Index};
use subaccountd_core::manifest::{DiagnosticCode, Source, parse};

use super::{render, rules::check_faults};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
const EXAMPLE: &[u8] = include_bytes!("../../../../../config/desired-state.example.yaml");

/// The states of the corpus, by name: a file, or a folder of files that are one state.
fn states() -> Vec<(String, Vec<Source>)> {
    let mut states: Vec<_> = children(Path::new(CORPUS)).into_iter().map(|path| state(&path)).collect();
    states.retain(|(name, _)| name != "snapshots");
    states
}

fn state(path: &Path) -> (String, Vec<Source>) {
    let mut sources = Vec::new();
    add(path, &mut sources);
    (path.file_stem().unwrap().to_str().unwrap().to_owned(), sources)
}

fn add(path: &Path, sources: &mut Vec<Source>) {
    if path.is_dir() {
        for child in children(path) {
            add(&child, sources);
        }
    } else {
        let name = path.strip_prefix(CORPUS).unwrap().display().to_string();
        sources.push(Source { name, content: Ok(fs::read(path).unwrap()) });
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let mut children: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    children.sort();
    children
}

#[test]
fn each_broken_state_is_shown_as_its_snapshot_says() {
    let states = states();
    assert!(states.len() >= 80, "{}", states.len());
    for (name, sources) in &states {
        let faults = parse(sources).faults;
        // The last of very many faults has their number.
        let shown = if faults.len() <= 1000 { render(&faults, false) } else { render(&faults[999..], false) };
        insta::with_settings!({
            snapshot_path => format!("{CORPUS}/snapshots"), prepend_module_to_snapshot => false, omit_expression => true
        }, { insta::assert_snapshot!(name.as_str(), shown) });
    }
    let kept: BTreeSet<_> = children(&Path::new(CORPUS).join("snapshots"))
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(kept, states.into_iter().map(|(name, _)| name).collect(), "snapshots that no state has");
}

#[test]
fn every_fault_of_the_corpus_has_a_place_a_code_and_a_help() {
    let mut seen = BTreeSet::new();
    for (name, sources) in states() {
        let faults = check_faults(&sources).faults;
        assert!(!faults.is_empty(), "{name}");
        seen.extend(faults.iter().map(|fault| fault.code));
    }
    // The corpus cannot hold a file that the system refuses to read.
    let unseen: Vec<_> = DiagnosticCode::ALL.iter().filter(|code| !seen.contains(code)).collect();
    assert_eq!(unseen, [&DiagnosticCode::UnreadableFile]);
}

/// A careless edit of a file, by a person or a tool.
#[derive(Debug, Clone)]
enum Edit {
    Flip(Index, u8),
    Delete(Index, usize),
    Truncate(Index),
    RepeatLine(Index),
    SwapLines(Index, Index),
    Indent(Index, usize),
    Insert(Index, usize),
    Splice(Index, Index, Index, usize),
}

/// Texts with a meaning in YAML, or similar to such texts.
const SPECIALS: &[&str] = &[
    ":",
    ": ",
    "- ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    ",",
    "#",
    " #",
    "&a ",
    "*a",
    "!",
    "!!str ",
    "|",
    ">",
    "|\n",
    "? ",
    "%",
    "@",
    "`",
    "---\n",
    "...\n",
    "<<: ",
    "<<<<<<< HEAD\n",
    "{{ x }}",
    "${X}",
    "~",
    "null",
    "true",
    "0x1f",
    "0b1",
    "1e3",
    ".inf",
    "+15105550101",
    "\u{feff}",
    "\u{a0}",
    "\u{2028}",
    "\u{85}",
    "\u{0}",
    "\u{1b}",
    "\u{202e}",
    "“",
    "👩‍👩‍👧",
    "株",
    "\u{308}",
    "  ",
    "\n\n",
    "\\",
    "\"\\x00\"",
    "[[[[",
    "}}}}",
    "%YAML 1.2\n",
    "sid: ",
    "x-",
];

fn change() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Flip(at, byte)),
        2 => (at(), 1..40_usize).prop_map(|(at, length)| Edit::Delete(at, length)),
        1 => at().prop_map(Edit::Truncate),
        2 => at().prop_map(Edit::RepeatLine),
        1 => (at(), at()).prop_map(|(one, other)| Edit::SwapLines(one, other)),
        2 => (at(), 0..6_usize).prop_map(|(line, spaces)| Edit::Indent(line, spaces)),
        6 => (at(), 0..SPECIALS.len()).prop_map(|(at, special)| Edit::Insert(at, special)),
        2 => (at(), at(), at(), 1..200_usize).prop_map(|(at, file, from, length)| Edit::Splice(at, file, from, length)),
    ]
}

fn changed(mut bytes: Vec<u8>, change: &Edit, others: &[Vec<u8>]) -> Vec<u8> {
    let at = |index: &Index| index.index(bytes.len() + 1);
    let lines = || bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    match change {
        Edit::Flip(index, mask) => {
            let at = at(index);
            bytes.get_mut(at..).unwrap_or_default().iter_mut().take(1).for_each(|byte| *byte ^= mask);
        }
        Edit::Delete(index, length) => {
            let from = at(index);
            bytes.drain(from..(from + length).min(bytes.len()));
        }
        Edit::Truncate(index) => bytes.truncate(at(index)),
        Edit::RepeatLine(index) => {
            let mut lines = lines();
            if !lines.is_empty() {
                let at = index.index(lines.len());
                lines.insert(at, lines[at].clone());
            }
            return lines.concat();
        }
        Edit::SwapLines(one, other) => {
            let mut lines = lines();
            if !lines.is_empty() {
                let (one, other) = (one.index(lines.len()), other.index(lines.len()));
                lines.swap(one, other);
            }
            return lines.concat();
        }
        Edit::Indent(index, spaces) => {
            let mut lines = lines();
            if !lines.is_empty() {
                let at = index.index(lines.len());
                let line = &mut lines[at];
                let text = line.iter().position(|b| *b != b' ').unwrap_or(line.len());
                line.splice(..text, std::iter::repeat_n(b' ', *spaces));
            }
            return lines.concat();
        }
        Edit::Insert(index, special) => {
            let at = at(index);
            bytes.splice(at..at, SPECIALS[*special].bytes());
        }
        Edit::Splice(index, file, from, length) => {
            let (at, other) = (at(index), file.get(others));
            let from = from.index(other.len() + 1);
            bytes.splice(at..at, other[from..(from + length).min(other.len())].to_vec());
        }
    }
    bytes
}

/// `FUZZ_CASES=200000 cargo test -p subaccountd corpus` tries more than the build does.
fn cases() -> u32 {
    std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_states_have_faults_with_a_place_a_code_and_a_help(
        first in any::<Index>(), changes in prop::collection::vec(change(), 1..6)
    ) {
        let files = FILES.with(Clone::clone);
        let bytes = changes.iter().fold(first.get(&files).clone(), |bytes, change| changed(bytes, change, &files));
        let _ = check_faults(&[Source { name: "state.yaml".to_owned(), content: Ok(bytes) }]);
    }
}

thread_local! {
    static FILES: std::rc::Rc<Vec<Vec<u8>>> = std::rc::Rc::new({
        let corpus = states().into_iter().flat_map(|(_, sources)| sources);
        let corpus = corpus.map(|source| source.content.unwrap());
        // Thousands of faults are slow in a build that is not optimized.
        let corpus = corpus.filter(|bytes| bytes.len() < 4_000 || cases() > 10_000);
        // As often the example, which has no fault.
        corpus.flat_map(|bytes| [bytes, EXAMPLE.to_vec()]).collect()
    });
}
