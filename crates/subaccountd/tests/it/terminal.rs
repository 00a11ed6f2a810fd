//! Output on terminals of different widths and kinds, and without one. `script` gives a command a terminal.

use std::process::{Command, Output, Stdio};

use crate::support::{Setup, code, entry, fleet, output, state, stderr, stdout};

/// Runs `words` on a terminal of `columns`, with further variables, and returns what the terminal got.
async fn on_terminal(setup: &Setup, words: &str, columns: u16, variables: &[(&str, &str)]) -> String {
    let environment = setup.command(&[]);
    let binary = environment.get_program().to_str().unwrap();
    let line = format!("stty rows 24 cols {columns}; exec {binary} {words}");
    let mut script = Command::new("script");
    script.args(["-q", "-e", "-f", "-c", &line, "/dev/null"]).env_clear();
    script.envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("SHELL", "/bin/sh").env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    script.envs(variables.iter().copied());
    let ended = output(script).await;
    assert!([0, 3, 64].contains(&code(&ended)), "{}", stdout(&ended));
    stdout(&ended).replace("\r\n", "\n")
}

/// A fleet with something to do, and something to hold for a long reason.
async fn setup() -> Setup {
    let reason = ", reason: \"the invoices of the last three months are unpaid, and nobody answers any letter that we write\"";
    let entries = entry(1, "suspended", reason) + &entry(2, "suspended", &format!("{reason}, paused: true"));
    let setup = Setup::new(fleet(2, 0), &state(&entries)).await;
    setup.observed().await;
    setup
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_as_wide_as_the_terminal() {
    let setup = setup().await;
    let dumb = [("TERM", "dumb")];
    for (words, narrow, wide) in [("plan", 60, 130), ("explain AC00000000000000000000000000000001", 84, 130)]
    {
        let (narrow_text, wide_text) =
            (on_terminal(&setup, words, narrow, &dumb).await, on_terminal(&setup, words, wide, &dumb).await);
        assert!(widest(&narrow_text) <= usize::from(narrow), "{narrow_text}");
        assert!((101..=usize::from(wide)).contains(&widest(&wide_text)), "{wide_text}");
        // A terminal that is too narrow for words gets 40 columns: only a SID does not fit.
        let tiny = on_terminal(&setup, words, 12, &dumb).await;
        assert!(tiny.lines().any(|line| (30..=40).contains(&line.chars().count())), "{tiny}");
        let piped = stdout(&setup.run(&words.split(' ').collect::<Vec<_>>()).await);
        assert!((80..=100).contains(&widest(&piped)), "{piped}");
        let unwrapped = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(unwrapped(&narrow_text), unwrapped(&piped));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_follow_the_terminal_and_the_choice() {
    let setup = setup().await;
    for (words, variables, coloured) in [
        ("plan", [("TERM", "xterm")].as_slice(), true),
        ("plan", &[("TERM", "dumb")], false),
        ("plan", &[("TERM", "dumb"), ("CI", "1")], false),
        ("plan", &[("TERM", "xterm"), ("NO_COLOR", "1")], false),
        ("plan", &[("TERM", "xterm"), ("NO_COLOR", "")], true),
        ("plan", &[("TERM", "xterm"), ("CLICOLOR", "0")], false),
        ("plan --color never", &[("TERM", "xterm")], false),
        ("plan --color always", &[("TERM", "dumb"), ("NO_COLOR", "1")], true),
        ("plan", &[("TERM", "xterm"), ("SUBACCOUNTD_COLOR", "never")], false),
        ("plan --color always", &[("TERM", "dumb"), ("SUBACCOUNTD_COLOR", "never")], true),
        ("explain AC00000000000000000000000000000001", &[("TERM", "dumb")], false),
        ("apply --dry-run", &[("TERM", "dumb")], false),
        ("plan --nonsense", &[("TERM", "xterm")], true),
        ("plan --nonsense --color never", &[("TERM", "xterm")], false),
        ("plan --nonsense", &[("TERM", "xterm"), ("SUBACCOUNTD_COLOR", "never")], false),
        ("plan --nonsense", &[("TERM", "dumb"), ("CI", "1")], false),
        ("plan --color=always --nonsense", &[("TERM", "dumb"), ("SUBACCOUNTD_COLOR", "never")], true),
        ("plan --help", &[("TERM", "xterm")], true),
        ("plan --help --color never", &[("TERM", "xterm")], false),
        ("--color always --help", &[("TERM", "dumb")], true),
    ] {
        let text = on_terminal(&setup, words, 100, variables).await;
        assert_eq!(text.contains("\u{1b}["), coloured, "{words} {variables:?}: {text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_colours_come_only_by_choice() {
    let setup = setup().await;
    let log = ["--log-format", "text", "--log", "debug"];
    let run = async |args: &[&str], variables: &[(&str, &str)]| -> Output {
        let mut command = setup.command(&[args, &log].concat());
        command.envs(variables.iter().copied());
        output(command).await
    };
    let colours = |ended: &Output| (stdout(ended).contains("\u{1b}["), stderr(ended).contains("\u{1b}["));
    let args = ["apply", "--dry-run"];
    for (more, variables, coloured) in [
        ([].as_slice(), [].as_slice(), false),
        (&["--color", "always"], &[], true),
        (&[], &[("CLICOLOR_FORCE", "1")], true),
        (&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[], &[("SUBACCOUNTD_COLOR", "always")], true),
    ] {
        let ended = run(&[&args, more].concat(), variables).await;
        assert!(stderr(&ended).contains("DEBUG"), "there is a log: {}", stderr(&ended));
        assert_eq!(colours(&ended), (coloured, coloured), "{more:?} {variables:?}: {}", stderr(&ended));
    }
    assert_eq!(code(&run(&["plan", "--color", "sometimes"], &[]).await), 64);
}
