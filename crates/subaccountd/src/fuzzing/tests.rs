//! The inputs of the fuzzing, in every build.

use std::{fs, path::Path};

use subaccountd_core::History;

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
fn inputs_of_states_pass() {
    replay("state", super::state, 5);
}

#[test]
fn inputs_of_journals_pass() {
    replay("journal", super::journal, 5);
}

#[test]
fn inputs_of_settings_pass() {
    replay("settings", super::settings, 5);
}

#[test]
fn inputs_of_snapshots_pass() {
    replay("snapshot", super::snapshot, 5);
}

#[test]
fn fleet_of_the_checks_has_an_action_of_every_kind() {
    let state = crate::desired::fuzzing::sources(crate::snapshot::fuzzing::STATE);
    let loaded = crate::desired::fuzzing::loaded(subaccountd_core::manifest::parse(&state));
    let actions = crate::snapshot::fuzzing::actions_for_the_fleet(&loaded);
    for kind in ["Reactivate", "Transfer", "Suspend", "Close"] {
        assert!(
            actions.iter().any(|action| action.starts_with(&format!("({kind},"))),
            "{kind}: {actions:#?}"
        );
    }
}

#[test]
fn journals_with_writes_facts_and_a_carried_history_are_read() {
    let main = crate::snapshot::scene::ac(0).parse().unwrap();
    for name in ["writes", "facts", "carried"] {
        let folder = tempfile::tempdir().unwrap();
        let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/journal").join(name);
        fs::copy(input, folder.path().join("journal.jsonl")).unwrap();
        let read = crate::journal::Journal::read_only(folder.path(), main);
        assert!(read.is_ok_and(|journal| *journal.history() != History::default().durable()), "{name}");
    }
}
