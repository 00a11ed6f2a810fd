//! The inputs of the fuzzing, in every build.

use std::{fs, path::Path};

fn replay(target: &str, check: fn(&[u8]), at_least: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!((at_least..=40).contains(&inputs.len()), "{target}: {} inputs", inputs.len());
    for input in inputs {
        // The name of the input, when the check fails.
        println!("{}", input.display());
        check(&fs::read(&input).unwrap());
    }
}

#[test]
fn inputs_of_account_lists_pass() {
    replay("accounts", super::accounts, 10);
}

#[test]
fn inputs_of_number_lists_pass() {
    replay("numbers", super::numbers, 10);
}

#[test]
fn inputs_of_errors_pass() {
    replay("errors", super::errors, 10);
}

#[test]
fn urls_that_are_set_pass() {
    for url in [
        "https://api.twilio.com",
        "http://127.0.0.1:4010",
        "https://user:hunter2@api.twilio.com",
        "http://x",
        "",
    ] {
        super::origin(url);
    }
}
