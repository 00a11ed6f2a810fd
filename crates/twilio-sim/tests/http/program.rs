//! The program: its address, its flags, and its end by a signal.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use crate::client::{ACCOUNTS, TOKEN, ac};

/// A running program, which is always killed at the end.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(args: &[&str]) -> (Program, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_twilio-sim"))
        .args(["--listen", "127.0.0.1:0"])
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Program(child), line)
}

/// The address in the first line of the program.
fn address(line: &str) -> &str {
    line.split_once("http://").unwrap().1.split_once(' ').unwrap().0
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_world_file_is_served_until_the_program_is_terminated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.yaml");
    let world = format!(
        "main: {{sid: {}, authToken: {TOKEN}, friendlyName: main}}\naccounts:\n  - {{sid: {}, friendlyName: acme}}\n",
        ac(0),
        ac(1)
    );
    std::fs::write(&file, world).unwrap();
    let (mut program, line) = start(&["--world", file.to_str().unwrap()]);
    assert!(line.ends_with(&format!("as {}: 1 subaccounts, 0 numbers\n", ac(0))), "{line}");
    assert!(get(address(&line), ACCOUNTS).starts_with("HTTP/1.1 401 "));
    assert!(get(address(&line), "/_sim/world").contains("acme"));
    let sent = Command::new("kill").args(["-TERM", &program.0.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(program.0.wait().unwrap().code(), Some(0));
}

#[test]
fn flags_set_switches_and_faults() {
    let (_program, line) = start(&[
        "--accounts",
        "2",
        "--numbers",
        "3",
        "--switch",
        "retryAfter=7",
        "--fault",
        r#"{"path": "Accounts", "fault": {"kind": "status", "http": 429, "code": 20429}}"#,
        "--omit-date",
        "--clock-offset",
        "-60",
    ]);
    assert!(line.ends_with("2 subaccounts, 3 numbers\n"), "{line}");
    let answer = get(address(&line), ACCOUNTS);
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("retry-after: 7\r\n"), "{answer}");
    assert!(!answer.contains("\ndate:"), "{answer}");
    assert!(get(address(&line), "/_sim/faults").contains("\"clockOffsetSeconds\":-60"));
}

#[test]
fn a_faulty_world_file_or_flag_ends_the_program_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.yaml");
    std::fs::write(&file, "main: {sid: AC1, friendlyName: main}\n").unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["--world", file.to_str().unwrap()], "world.yaml:1: `AC1` is not a valid SID"),
        (&["--world", "/nowhere.yaml"], "/nowhere.yaml cannot be read"),
        (&["--accounts", "1", "--switch", "noSid=maybe"], "unknown variant `maybe`"),
        (&["--accounts", "1", "--fault", "{}"], "missing field `fault`"),
    ];
    for (args, words) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_twilio-sim")).args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(words), "{args:?}: {said}");
    }
}
