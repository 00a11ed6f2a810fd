//! A state that can be read only once: standard input, and pipes.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use super::valid;
use crate::support::{Setup, bare, code, entry, fleet, output, state, stderr, stdout};

/// Runs `command` with `text` as its standard input.
async fn fed(mut command: Command, text: String) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    let write = std::thread::spawn(move || {
        // The program may end before it has read everything.
        let _ = to.write_all(text.as_bytes());
    });
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    write.join().unwrap();
    output
}

#[tokio::test]
async fn validate_reads_standard_input_and_pipes() {
    for path in ["-", "/dev/stdin"] {
        let checked = fed(bare(&["validate", path]), valid()).await;
        assert_eq!(stdout(&checked), "valid: 0 subaccounts, 0 numbers, 1 file\n", "{path}");
        let faulty = state("  - {sid: AC1, status: active}\n");
        let checked = fed(bare(&["validate", path]), faulty).await;
        assert_eq!(code(&checked), 1, "{path}");
        assert!(stdout(&checked).contains(&format!("--> {path}:5:11")), "{path}: {}", stdout(&checked));
    }
    let validate = bare(&["validate"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", "exec \"$0\" validate <(printf '%s' \"$STATE\")"]).arg(validate.get_program());
    let checked = output({
        shell.env("STATE", valid());
        shell
    })
    .await;
    assert_eq!(stdout(&checked), "valid: 0 subaccounts, 0 numbers, 1 file\n", "{}", stderr(&checked));
}

#[tokio::test]
async fn a_stream_is_bounded_like_a_file() {
    let checked = fed(bare(&["validate", "-"]), "# ".repeat(5 * 1024 * 1024)).await;
    assert_eq!(code(&checked), 1);
    assert!(stdout(&checked).contains("it is larger than 8 MiB"), "{}", stdout(&checked));
}

#[tokio::test]
async fn plan_and_apply_read_a_pipe_once() {
    let setup = Setup::new(fleet(2, 2), "").await;
    let text = state(&(entry(1, "suspended", "") + &entry(2, "active", "")));
    let planned = fed(setup.command(&["plan", "--desired", "-"]), text.clone()).await;
    assert_eq!(code(&planned), 0, "{}", stderr(&planned));
    assert!(stdout(&planned).contains("suspend"), "{}", stdout(&planned));
    setup.observed().await;
    let applied = fed(setup.command(&["apply", "--desired", "/dev/stdin"]), text).await;
    assert_eq!(code(&applied), 0, "{}{}", stdout(&applied), stderr(&applied));
    assert_eq!(setup.posts().len(), 1, "each look before the write saw the same state");
}

#[tokio::test]
async fn run_needs_a_file_or_a_folder_and_says_so() {
    let setup = Setup::new(fleet(1, 0), "").await;
    for path in ["-", "/dev/stdin"] {
        let run = fed(setup.command(&["run", "--desired", path]), valid()).await;
        assert_eq!(code(&run), 64, "{path}: {}", stderr(&run));
        let words = format!("{path} can be read only once: name a file or a folder");
        assert!(stderr(&run).contains(&words), "{path}: {}", stderr(&run));
    }
}
