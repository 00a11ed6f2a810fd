//! Completions.

use std::{fs, process::Command};

use crate::support::{bare, code, output, stdout};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

#[tokio::test]
async fn every_shell_completes_the_commands_that_help_shows_and_no_other() {
    let help = stdout(&output(bare(&["--help"])).await);
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // Continued descriptions are indented further.
    let is_command = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names: Vec<_> =
        commands.lines().filter(is_command).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(names.contains(&"plan") && names.contains(&"completions"), "{names:?}");
    for shell in SHELLS {
        let made = output(bare(&["completions", shell])).await;
        assert_eq!(code(&made), 0, "{shell}");
        let script = stdout(&made);
        for name in &names {
            assert!(script.contains(name), "{shell}: {name}");
        }
        assert!(!script.contains("Write the manual pages"), "{shell}");
    }
    assert_eq!(code(&output(bare(&["completions", "cmd"])).await), 64);
}

#[tokio::test]
async fn bash_completes_a_command_and_its_flags() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("subaccountd.bash");
    fs::write(&script, stdout(&output(bare(&["completions", "bash"])).await)).unwrap();
    for (words, completed) in
        [("subaccountd val", "validate"), ("subaccountd plan --detail", "--detailed-exitcode")]
    {
        let last = words.split(' ').next_back().unwrap();
        let line = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _subaccountd subaccountd {last} ''; echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-c", &line]);
        assert_eq!(stdout(&output(bash).await).trim(), completed, "{words}");
    }
}
