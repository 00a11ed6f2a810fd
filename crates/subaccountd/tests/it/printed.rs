//! Words from outside in everything that is printed: no CI runner finds a command in them.

use std::{fs, process::Output};

use twilio_sim::{AccountStatus, WorldBuilder};

use crate::support::{Setup, ac, code, entry, phone, state, stderr, stdout, world};

/// Names that runners of GitHub, Gitea, Azure and TeamCity obey.
const NAMES: [&str; 4] =
    ["##[stop-commands]x", "a ##vso[task.setvariable variable=x]y", "##teamcity[x]", "::add-mask::x"];

/// A reason of which every wrapped line begins with a command.
fn reason() -> String {
    "::stop-commands::now ".repeat(40) + "##[error]x"
}

fn hostile_world() -> WorldBuilder {
    let accounts = NAMES
        .iter()
        .enumerate()
        .fold(world(), |world, (n, name)| world.account(&ac(n as u64 + 1), name, AccountStatus::Active));
    accounts.number(&format!("PN{:032x}", 1), &phone(1), &ac(1))
}

/// Each account with its hostile name and reason: to suspend, held, in sync, and to close.
fn hostile_state() -> String {
    let entry = |n: usize, words: &str| {
        let (name, reason) = (NAMES[n - 1], reason());
        format!(
            "  - sid: {}\n    friendlyName: {}\n    reason: {}\n    labels: {{x: \"##[l]\"}}\n{words}",
            ac(n as u64),
            serde_json::to_string(name).unwrap(),
            serde_json::to_string(&reason).unwrap(),
        )
    };
    let confirm = serde_json::to_string(NAMES[3]).unwrap();
    state(
        &[
            entry(1, "    status: suspended\n"),
            entry(2, "    status: suspended\n    paused: true\n"),
            entry(3, &format!("    status: active\n    numbers: [\"{}\"]\n", phone(9))),
            entry(4, &format!("    status: closed\n    close: {{confirm: {confirm}}}\n")),
        ]
        .concat(),
    )
}

/// The lines of `text` that a runner obeys.
fn obeyed(text: &str) -> Vec<&str> {
    let is_marked = |line: &str| {
        line.match_indices('[')
            .any(|(at, _)| line[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric()).ends_with("##"))
    };
    text.split(['\n', '\r', '\u{85}', '\u{2028}'])
        .filter(|line| line.trim_start().starts_with("::") || is_marked(line))
        .collect()
}

fn all(output: &Output) -> String {
    stdout(output) + &stderr(output)
}

#[test]
fn test_notices_what_is_obeyed() {
    for line in ["::x", " \t::x::", "a ##[x]", "##vso[x]", "###[x]", "a\r::x", "a\u{85}::x"] {
        assert_eq!(obeyed(line).len(), 1, "{line}");
    }
    assert_eq!(obeyed("a ::x::\n# #[x]\n## x [y]"), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_prints_a_command_of_a_ci_runner() {
    let setup = Setup::new(hostile_world(), &hostile_state()).await;
    setup.observed().await;
    let (first, number) = (ac(1), phone(1));
    for args in [
        ["plan"].as_slice(),
        &["plan", "-o", "json"],
        &["plan", "-o", "markdown"],
        &["plan", "--color", "always"],
        &["plan", "--only", &first],
        &["explain", &first],
        &["explain", &ac(4)],
        &["explain", &number],
        &["import", "--check-names"],
        &["import"],
        &["snapshot"],
        &["apply", "--log-format", "text", "--log", "debug"],
        &["apply", "--log-format", "json"],
        &["journal"],
        &["journal", "-o", "json"],
        &["validate", setup.state_path().to_str().unwrap()],
    ] {
        let output = setup.run(args).await;
        assert!([0, 3].contains(&code(&output)), "{args:?}: {}", stderr(&output));
        let text = all(&output);
        assert_eq!(obeyed(&text), Vec::<&str>::new(), "{args:?}");
    }
    // What is hostile was there.
    let plan = stdout(&setup.run(&["plan"]).await);
    assert!(
        plan.contains("#\u{fffd}vso[task.setvariable variable=x]y")
            && plan.contains("\u{fffd}:stop-commands::"),
        "{plan}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_log_of_a_daemon_have_no_command_of_a_ci_runner() {
    for format in ["text", "json"] {
        let setup = Setup::new(hostile_world(), &hostile_state()).await;
        setup.observed().await;
        let daemon = setup.daemon(&["--log-format", format, "--interval", "1s"]).await;
        daemon.first_pass().await;
        for output in ["text", "wide", "json"] {
            let status = setup.run(&["status", "--url", daemon.url(), "-o", output]).await;
            assert_eq!(code(&status), 0);
            assert_eq!(obeyed(&all(&status)), Vec::<&str>::new(), "{output}");
        }
        let log = daemon.log();
        assert!(log.contains("stop-commands"), "{log}");
        assert_eq!(obeyed(&log), Vec::<&str>::new(), "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_and_wrong_usage_are_no_commands_of_a_ci_runner() {
    let setup = Setup::new(world(), &state("  []\n")).await;
    let folder = setup.dir.path().join("state");
    fs::create_dir(&folder).unwrap();
    let text = format!("{}::stop-commands::x: 1\n\"##[group]x\": 1\n", state("  []\n"));
    fs::write(folder.join("::add-mask::x.yaml"), text).unwrap();
    let folder = folder.to_str().unwrap();
    for args in [
        ["validate", folder].as_slice(),
        &["validate", "-o", "json", folder],
        &["validate", "\n::stop-commands::x"],
    ] {
        let output = setup.run(args).await;
        assert_eq!(code(&output), 1);
        assert_eq!(obeyed(&all(&output)), Vec::<&str>::new(), "{args:?}");
    }
    // Annotations are commands, and have no others in them.
    let annotations = stdout(&setup.run(&["validate", "-o", "github", folder]).await);
    assert!(!annotations.is_empty());
    assert!(obeyed(&annotations).iter().all(|line| line.starts_with("::error file=")), "{annotations}");
    assert!(!annotations.contains("##["), "{annotations}");
    for (args, exit) in [
        (["plan", "--only", "\n::stop-commands::x"].as_slice(), 64),
        (&["\n::stop-commands::x"], 64),
        (&["explain", "##[x]"], 1),
    ] {
        let output = setup.run(args).await;
        assert_eq!(code(&output), exit, "{args:?}");
        assert_eq!(obeyed(&all(&output)), Vec::<&str>::new(), "{args:?}");
    }
}

/// A terminal obeys U+009B as it does an escape, and turns text around at U+202E.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_printed_acts_on_a_terminal() {
    let name = "a\u{9b}31m\u{202e}b\u{3164}\u{2028}::x\u{7f}";
    let world = world().account(&ac(1), name, AccountStatus::Active);
    let escaped: String =
        name.chars().fold(String::new(), |all, c| all + &format!("\\u{:04x}", u32::from(c)));
    let entry = format!(
        "  - {{sid: {}, status: suspended, reason: \"{escaped}\", labels: {{x: \"{escaped}\"}}}}\n",
        ac(1)
    );
    let setup = Setup::new(world, &state(&entry)).await;
    setup.observed().await;
    for args in [
        ["plan"].as_slice(),
        &["plan", "-o", "json"],
        &["plan", "-o", "markdown"],
        &["explain", &ac(1)],
        &["import", "--check-names"],
        &["snapshot"],
        &["apply", "--log-format", "text", "--log", "debug"],
        &["apply", "--log-format", "json", "--log", "debug"],
        &["journal"],
        &["journal", "-o", "json"],
    ] {
        let ended = setup.run(args).await;
        assert_eq!(code(&ended), 0, "{args:?}: {}", stderr(&ended));
        let text = all(&ended);
        let acts: Vec<char> =
            text.chars().filter(|c| !subaccountd_core::text::is_plain(*c) && *c != '\n').collect();
        assert_eq!(acts, Vec::<char>::new(), "{args:?}: {text}");
        assert_eq!(obeyed(&text), Vec::<&str>::new(), "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_names_keep_their_meaning() {
    let setup = Setup::new(hostile_world(), &state("  []\n")).await;
    let imported = stdout(&setup.run(&["import", "--check-names"]).await);
    setup.write(&imported);
    let plan = setup.run(&["plan"]).await;
    assert_eq!(code(&plan), 0, "{}", all(&plan));
    assert!(stdout(&plan).contains("Nothing to do"), "{}", stdout(&plan));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_data_in_a_comment() {
    let hostile = [
        (
            "@octo/admins fixes #1 GH-12 https://example.com",
            "`@octo/admins` fixes `#1` `GH-12` `https://example.com`",
        ),
        ("@octo owner/repo#7 octo@0123456", "`@octo` `owner/repo#7` `octo@0123456`"),
        ("deadbeef 0123456 OPS-12", "`deadbeef` `0123456` `OPS-12`"),
        ("!12 %3 ~label &5 $9", "`!12` `%3` `~label` `&5` `$9`"),
        ("www.example.com <b>x</b> [y](z)", "`www.example.com` `<b>x</b>` `[y](z`)"),
    ];
    let accounts = || (1..).zip(hostile);
    let world =
        accounts().fold(world(), |world, (n, (name, _))| world.account(&ac(n), name, AccountStatus::Active));
    let entries = accounts().fold(String::new(), |all, (n, _)| all + &entry(n, "suspended", ""));
    let setup = Setup::new(world, &state(&entries)).await;
    let text = stdout(&setup.run(&["plan", "-o", "markdown", "--max-suspends", "100%"]).await);
    for (n, (_, shown)) in accounts() {
        assert!(text.contains(&format!("`{}`", ac(n))) && text.contains(&format!("({shown})")), "{text}");
    }
}
