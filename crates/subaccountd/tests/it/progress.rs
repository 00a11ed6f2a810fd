//! Progress on a real terminal: `script` gives the command a terminal, and `vt100` shows its content.

use std::{
    fs,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use twilio_sim::{Fault, Operation};

use crate::support::{Setup, ac, code, entry, eventually, fleet, output, phone, state, stderr};

/// A command on a terminal of its own, standard output apart, killed when dropped.
struct OnTerminal {
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
}

impl OnTerminal {
    /// Starts `words` under `script`, with `term` as the kind of terminal.
    fn start(setup: &Setup, words: &str, term: &str) -> Self {
        let binary = env!("CARGO_BIN_EXE_subaccountd");
        let out = setup.dir.path().join(".out");
        let line = format!("exec {binary} {words} >{}", out.display());
        let environment = setup.command(&[]);
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-f", "-c", &line, "/dev/null"]).env_clear();
        script.envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.env("TERM", term).env("SHELL", "/bin/sh");
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let written = Arc::new(Mutex::new(Vec::new()));
        let mut out = child.stdout.take().unwrap();
        let kept = written.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(read @ 1..) = out.read(&mut buffer) {
                kept.lock().unwrap().extend(&buffer[..read]);
            }
        });
        Self { child, written }
    }

    /// Every byte that was written to the terminal.
    fn written(&self) -> Vec<u8> {
        self.written.lock().unwrap().clone()
    }

    /// The content of the terminal now.
    fn screen(&self) -> vt100::Parser {
        let mut screen = vt100::Parser::default();
        screen.process(&self.written());
        screen
    }

    fn text(&self) -> String {
        self.screen().screen().contents()
    }

    async fn shows(&self, words: &str) {
        eventually(words, async || self.text().contains(words)).await;
    }

    /// Presses a key.
    fn press(&mut self, key: u8) {
        self.child.stdin.as_mut().unwrap().write_all(&[key]).unwrap();
    }

    /// Waits for the end, and returns the exit code, as a shell does for a signal.
    async fn ended(&mut self) -> i32 {
        let mut status = None;
        eventually("the command ends", async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap().code().unwrap()
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CTRL_C: u8 = 3;

/// A fleet in sync, at a Twilio that takes `ms` for each request.
async fn slow(ms: u64) -> Setup {
    let setup = Setup::new(fleet(2, 1), &state(&entry(1, "active", &claim(1)))).await;
    setup.sim.inject(Fault::latency(ms));
    setup
}

fn claim(n: u64) -> String {
    format!(", numbers: ['{}']", phone(n))
}

#[tokio::test]
async fn a_slow_read_is_counted_below_the_log_and_gone_before_the_result() {
    let setup = slow(1300).await;
    setup.sim.inject(Fault::status(403, 20403).on(Operation::ListNumbers).account(&ac(1)));
    let mut plan = OnTerminal::start(&setup, "plan", "xterm");
    plan.shows("reading the fleet: 1 request, 00:01").await;
    plan.shows("number lists unreadable").await;
    assert_eq!(plan.ended().await, 3);
    let screen = plan.text();
    assert!(!screen.contains("reading the fleet"), "{screen}");
    assert_eq!(screen.matches("WARN").count(), 1, "{screen}");
    assert!(fs::read_to_string(setup.dir.path().join(".out")).unwrap().contains("Unreadable"));
}

#[tokio::test]
async fn ctrl_c_leaves_a_clean_terminal_and_ends_by_the_signal() {
    let setup = slow(60_000).await;
    let mut plan = OnTerminal::start(&setup, "plan", "xterm");
    plan.shows("reading the fleet: 0 requests, 00:01").await;
    plan.press(CTRL_C);
    assert_eq!(plan.ended().await, 130);
    let terminal = plan.screen();
    assert_eq!(terminal.screen().contents(), "");
    assert_eq!(terminal.screen().cursor_position(), (0, 0));
    assert!(!terminal.screen().hide_cursor());
}

#[tokio::test]
async fn ctrl_c_stops_an_apply_with_an_error_and_without_a_trace_of_the_line() {
    let setup = slow(60_000).await;
    let mut apply = OnTerminal::start(&setup, "apply", "xterm");
    apply.shows("reconciling the fleet: 0 requests, 00:01").await;
    apply.press(CTRL_C);
    assert_eq!(apply.ended().await, 1);
    let screen = apply.text();
    assert!(screen.contains("stopped by a signal") && !screen.contains("reconciling the fleet"), "{screen}");
}

#[tokio::test]
async fn nothing_is_shown_for_a_quick_read_nor_on_a_terminal_that_cannot_clear_a_line() {
    let quick = slow(0).await;
    let mut plan = OnTerminal::start(&quick, "plan", "xterm");
    assert_eq!(plan.ended().await, 0);
    let slow = slow(1300).await;
    let mut dumb = OnTerminal::start(&slow, "plan", "dumb");
    assert_eq!(dumb.ended().await, 0);
    assert_eq!((plan.written(), dumb.written()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn nothing_is_shown_in_a_pipe() {
    let setup = slow(1300).await;
    let mut command = setup.command(&["plan"]);
    command.env("TERM", "xterm");
    let plan = output(command).await;
    assert_eq!((code(&plan), stderr(&plan)), (0, String::new()));
}
