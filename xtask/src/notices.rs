//! Checks that the notices of other works name every crate that the program links, and no other.

use std::{collections::BTreeSet, fs, process::Command};

use crate::root;

const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// The crates of others that the program links on either target, as `name version`.
fn linked() -> BTreeSet<String> {
    let mut crates = BTreeSet::new();
    for target in TARGETS {
        let output = Command::new(env!("CARGO"))
            .args("tree --package subaccountd --edges normal --prefix none --locked --offline".split(' '))
            .args(["--format", "{p}", "--target", target])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            // `name v1.2.3`, and `name v1.2.3 (/path)` for a crate of this repository.
            let words: Vec<_> = line.split_whitespace().collect();
            if let [name, version, rest @ ..] = words.as_slice()
                && !rest.iter().any(|word| word.starts_with("(/"))
            {
                crates.insert(format!("{name} {}", version.trim_start_matches('v')));
            }
        }
    }
    crates
}

/// The strings of one array of a TOML file.
fn strings(file: &str, key: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let (_, rest) = text.split_once(&format!("\n{key} = [")).unwrap();
    let (array, _) = rest.split_once(']').unwrap();
    array.split('"').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

#[test]
fn notices_name_every_crate_that_the_program_links() {
    let text = fs::read_to_string(root().join("THIRD-PARTY-NOTICES.txt")).unwrap();
    let version = |word: &str| word.starts_with(|first: char| first.is_ascii_digit());
    let entry = |line: &str| {
        let entry = line.strip_prefix("- ")?;
        let mut words = entry.split(' ').skip(1);
        (words.next().is_some_and(version) && words.next().is_none()).then(|| entry.to_owned())
    };
    let named: BTreeSet<String> = text.lines().filter_map(entry).collect();
    let linked = linked();
    assert!(linked.len() > 100, "{linked:?}");
    let missing: Vec<_> = linked.difference(&named).collect();
    let stale: Vec<_> = named.difference(&linked).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "THIRD-PARTY-NOTICES.txt lacks {missing:?} and has {stale:?}; run `make notices`"
    );
}

#[test]
fn notices_accept_the_licences_that_cargo_deny_allows() {
    assert_eq!(strings("deploy/notices/about.toml", "accepted"), strings("deny.toml", "allow"));
}
