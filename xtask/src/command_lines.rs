//! Checks that every command line that the documents show is a valid one.

use std::{fs, path::PathBuf};

use clap::error::ErrorKind;

use crate::root;

/// Every Markdown file below the root that people read.
fn documents() -> Vec<PathBuf> {
    let root = root();
    let folders = ["", "docs", "docs/guide/src", "deploy/kubernetes"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files
}

/// The command lines of a text: in blocks of a shell, and between back-ticks.
fn command_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, part) in text.split("```").enumerate() {
        let begins = |line: &&str| line.starts_with("subaccountd ");
        if number % 2 == 0 {
            // A span may go on in the next line, but not beyond its paragraph.
            for paragraph in part.split("\n\n") {
                let spans = paragraph.split('`').skip(1).step_by(2);
                lines.extend(spans.filter(begins).map(|span| span.replace('\n', " ")));
            }
        } else if let Some(script) = part.strip_prefix("sh\n") {
            lines.extend(script.lines().map(str::trim).filter(begins).map(ToOwned::to_owned));
        }
    }
    lines
}

/// The words of a command line, up to where the shell takes over; `None` for a form such as `plan [--only SID]`.
fn words(line: &str) -> Option<Vec<String>> {
    let mut line = line.to_owned();
    while let Some((before, rest)) = line.split_once("$(") {
        // The output of a command in it counts as one word.
        line = format!("{before}0123456{}", rest.split_once(')').unwrap().1);
    }
    let ends = |word: &&str| !matches!(*word, "#" | "|" | "&" | "&&" | ";") && !word.contains('>');
    let words: Vec<_> = line.split_whitespace().take_while(ends).map(|word| word.replace('"', "")).collect();
    let is_form = |word: &String| {
        word.contains(['[', '…', '|'])
            || (word.len() > 1 && word.bytes().all(|letter| letter.is_ascii_uppercase()))
    };
    (!words.iter().any(is_form)).then_some(words)
}

#[test]
fn every_command_line_of_the_documents_is_valid() {
    let mut seen = 0;
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for words in command_lines(&text).iter().filter_map(|line| words(line)) {
            match subaccountd::command().try_get_matches_from(&words) {
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {}
                // The name of a command in a sentence.
                Err(error) if error.kind() == ErrorKind::MissingRequiredArgument && words.len() == 2 => {}
                Err(error) => panic!("{}: {}: {error}", path.display(), words.join(" ")),
            }
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn invalid_command_line_is_found() {
    let lines = command_lines(
        "`subaccountd plan --onyl x`\n```sh\nsubaccountd paln | less\n```\n```text\nsubaccountd no\n```\n",
    );
    assert_eq!(lines, ["subaccountd plan --onyl x", "subaccountd paln | less"]);
    for line in lines {
        assert!(subaccountd::command().try_get_matches_from(words(&line).unwrap()).is_err(), "{line}");
    }
}
