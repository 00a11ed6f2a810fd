//! Texts that cost a parser much more than they are long. Each once took minutes, or gigabytes.

use std::{fs, process::Command};

use super::{folder, valid, validate};
use crate::support::{Setup, ac, code, entry, fleet, output, state, stdout, world};

const MIB: usize = 1024 * 1024;
/// The largest file, with room for a few lines.
const LARGEST: usize = 8 * MIB - 1024;

/// `command` with an address space of 640 MiB: the program, its threads and 256 MiB. What needs more is aborted.
fn bounded(command: &Command) -> Command {
    let mut bounded = Command::new("sh");
    bounded.args(["-c", "ulimit -v 655360 && exec \"$@\"", "sh"]);
    bounded.arg(command.get_program()).args(command.get_args()).env_clear();
    if let Some(folder) = command.get_current_dir() {
        bounded.current_dir(folder);
    }
    bounded
}

/// The output of `validate` for this text.
async fn fault(text: &str) -> String {
    let dir = folder(&[("desired.yaml", text)]);
    let checked = output(bounded(&validate(dir.path(), &["desired.yaml"]))).await;
    assert_eq!(checked.status.code(), Some(1), "{:?}", String::from_utf8_lossy(&checked.stderr));
    assert!(checked.stdout.len() < 16_000, "{} bytes", checked.stdout.len());
    stdout(&checked)
}

#[tokio::test]
async fn eight_mebibytes_of_levels_are_a_fault() {
    for level in ["[", "{a: ", "- ", "? ", "[a, ", "- - - ? "] {
        let shown = fault(&level.repeat(LARGEST / level.len())).await;
        assert!(shown.contains("error[SD007]: invalid YAML: nested too deeply"), "{level}: {shown}");
    }
    let lines = (0..4_000).map(|level| " ".repeat(level) + "a:\n").collect::<String>();
    let shown = fault(&lines).await;
    assert!(shown.contains("nested too deeply: more than 128 levels"), "{shown}");
}

#[tokio::test]
async fn aliases_count_with_what_they_repeat() {
    let text = format!("{}x-a: &a \"{}\"\nx-b:\n{}", valid(), "y".repeat(4 * MIB), "  - *a\n".repeat(2_000));
    let shown = fault(&text).await;
    assert!(shown.contains("error[SD007]: invalid YAML: the state has more than 64 MiB"), "{shown}");
    let list = |n: usize| format!("x-{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(9));
    let lists = (1..20).map(list).collect::<Vec<_>>().concat();
    let shown = fault(&format!("{}x-0: &a0 [x]\n{lists}", valid())).await;
    assert!(shown.contains("more than 750,000 values after aliases are expanded"), "{shown}");
    let shown = fault(&format!("{}x-a: &a {{b: [*a]}}\n", valid())).await;
    assert!(shown.contains("this alias is inside its own anchor"), "{shown}");
    let one = "  - *a\n".repeat(40);
    let text = format!("{}x-a: &a \"{}\"\nx-b:\n{one}", valid(), "y".repeat(MIB));
    let dir = folder(&[("one.yaml", &text), ("two.yaml", &text.replace("mainAccount", "x-main"))]);
    let checked = output(validate(dir.path(), &["."])).await;
    assert!(stdout(&checked).contains("more than 64 MiB after aliases"), "together: {}", stdout(&checked));
    let checked = output(validate(dir.path(), &["one.yaml"])).await;
    assert_eq!(code(&checked), 0, "alone: {}", stdout(&checked));
}

#[tokio::test]
async fn text_that_one_parser_reads_ahead_or_reads_twice_is_a_fault() {
    for (text, wanted) in [
        (format!("a:\n [{}", ",".repeat(LARGEST)), "a collection in brackets is too large"),
        (format!("a:\n [{}", "a,".repeat(LARGEST / 2)), "a collection in brackets is too large"),
        ("%TAG !a! tag:example.com,2026:\n".repeat(LARGEST / 31), "more than 100 lines that begin with `%`"),
        (format!("{}# \u{85}x-a: {}", valid(), "[".repeat(LARGEST)), "nested too deeply"),
        (format!("{}# \u{2028}x-a: {}", valid(), "{b: ".repeat(LARGEST / 4)), "nested too deeply"),
        // One parser takes the second document for a part of the block text.
        (format!("--- |\n---\n{}", "[\"]\", ".repeat(60_000)), "the document is not a mapping"),
        (format!("{}--- >\n\r--- {}", valid(), "{\"}\": ".repeat(60_000)), "the document is not a mapping"),
        (format!("{}# {}", valid(), "[".repeat(LARGEST)), "more than 1000 brackets are not closed"),
        (format!("{}x-a: \"{}\"", valid(), "{".repeat(100_000)), "more than 1000 brackets are not closed"),
        (format!("{}x-a: {}", valid(), "\0".repeat(MIB)), "control character"),
    ] {
        let shown = fault(&text).await;
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
}

#[tokio::test]
async fn the_files_of_a_state_have_a_bound_together() {
    let dir = folder(&[("a.yaml", &valid())]);
    for n in 10..70 {
        fs::File::create(dir.path().join(format!("{n}.yaml"))).unwrap().set_len(8 * MIB as u64).unwrap();
    }
    let checked = output(bounded(&validate(dir.path(), &["."]))).await;
    assert_eq!(code(&checked), 1);
    let beyond = stdout(&checked).matches("the files of the state have more than 64 MiB together").count();
    assert_eq!(beyond, 53, "eight of them fit: {}", stdout(&checked));
}

#[tokio::test]
async fn a_daemon_survives_a_hostile_state_and_changes_nothing_meanwhile() {
    let suspended = state(&entry(1, "suspended", ""));
    let setup = Setup::new(fleet(1, 0), &(suspended.clone() + "x-a: " + &"[".repeat(LARGEST))).await;
    let daemon = setup.daemon(&["--interval", "1h"]).await;
    daemon.first_pass().await;
    assert_eq!(daemon.get("/livez").await.0, 200);
    let status = daemon.status().await;
    assert!(
        status["desiredState"]["faults"][0]["message"].as_str().unwrap().contains("nested too deeply"),
        "{status}"
    );
    assert_eq!(setup.posts(), Vec::<String>::new());
    setup.write(&suspended);
    daemon.settled().await;
    assert_eq!(setup.posts().len(), 1);
}

#[tokio::test]
async fn json_with_escaped_surrogate_pairs_is_read_as_its_characters() {
    let json = |name: &str| {
        format!(
            r#"{{"apiVersion": "subaccountd/v1", "kind": "DesiredState", "mainAccount": {{"sid": "{}"}},
               "subaccounts": [{{"sid": "{}", "status": "active", "friendlyName": "{name}"}}]}}"#,
            ac(0),
            ac(1)
        )
    };
    let world = world().account(&ac(1), "\u{1f389} \u{1f600}", twilio_sim::AccountStatus::Active);
    let setup = Setup::new(world, &json(r"\ud83c\uDF89 \uD83D\ude00")).await;
    let planned = setup.run(&["plan"]).await;
    assert_eq!(code(&planned), 0, "the name is the live one: {}", stdout(&planned));
    for (name, wanted) in [
        (r"\ud83c", "escape of half a character"),
        (r"\udf89\ud83c", "escape of half a character"),
        (r"\ud83c\udf89\ud83c", "escape of half a character"),
    ] {
        let dir = folder(&[("desired.yaml", &json(name))]);
        let checked = output(validate(dir.path(), &["desired.yaml"])).await;
        assert!(stdout(&checked).contains(wanted), "{name}: {}", stdout(&checked));
    }
    // Outside of double quotes they are letters; and then none of the file is an escape.
    let plain = format!("{}x-note: '\\ud83c\\udf89'\n", valid());
    let dir = folder(&[("desired.yaml", &plain)]);
    assert_eq!(code(&output(validate(dir.path(), &["desired.yaml"])).await), 0);
}
