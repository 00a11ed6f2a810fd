//! Standard error and standard output that are full, closed or not read.

use std::{
    fs::{self, File, OpenOptions},
    io::{PipeReader, PipeWriter, Read as _, Write as _, pipe},
    os::unix::{fs::MetadataExt, process::CommandExt},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use twilio_sim::{AccountStatus, Fault, Operation};

use crate::support::{Daemon, Setup, ac, code, entry, eventually, fleet, output, state, stderr};

/// The capacity of a pipe, unless it is changed.
const PIPE_BYTES: usize = 64 * 1024;
/// The time within which SIGTERM ends the process, and what a busy machine may add.
const PROMISED: Duration = Duration::from_secs(6);

/// A pipe that takes nothing more.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(&vec![b'.'; PIPE_BYTES]).unwrap();
    (reader, writer)
}

/// `n` entries, each with one fault: a SID that is not valid, and this much longer than it says.
fn faulty_entries(n: usize, longer: usize) -> String {
    let sids = (0..n).map(|n| format!("x{n}{}", "y".repeat(longer)));
    sids.fold(String::new(), |all, sid| all + "  - {sid: " + &sid + ", status: active}\n")
}

/// A daemon whose log goes to `stderr`, once it listens.
async fn logging_to(setup: &Setup, stderr: impl Into<Stdio>) -> (Child, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut run = setup.command(&["run", "--interval", "200ms", "--log", "debug"]);
    run.env("SUBACCOUNTD_LISTEN", port.to_string()).env("SUBACCOUNTD_STATUS_LISTEN", port.to_string());
    let daemon = run.stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    let url = format!("http://{port}");
    let http = http();
    eventually("ready", async || {
        let answer = http.get(format!("{url}/readyz")).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    (daemon, url)
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

/// The dropped lines, by the metric of the daemon.
async fn dropped(url: &str) -> u64 {
    let text = http().get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("subaccountd_log_lines_dropped_total "));
    line.unwrap().parse().unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

async fn exit_code(child: &mut Child) -> Option<i32> {
    let mut status = None;
    eventually("the process ends", async || {
        status = child.try_wait().unwrap();
        status.is_some()
    })
    .await;
    status.unwrap().code()
}

/// Suspends account 1 by an edit, then ends the daemon, which must do both as if its log were read.
async fn works_and_ends(setup: &Setup, daemon: &mut Child) {
    setup.write(&state(&entry(1, "suspended", "")));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    let begin = Instant::now();
    signal(daemon, "TERM");
    assert_eq!(exit_code(daemon).await, Some(0));
    assert!(begin.elapsed() < PROMISED, "{:?}", begin.elapsed());
    let journal = fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap();
    assert!(journal.contains(r#""result":"done""#), "{journal}");
}

#[tokio::test]
async fn log_whose_reader_went_away_ends_nothing_and_is_counted() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (reader, writer) = pipe().unwrap();
    let (mut daemon, url) = logging_to(&setup, writer).await;
    drop(reader);
    eventually("lines are dropped", async || dropped(&url).await > 0).await;
    works_and_ends(&setup, &mut daemon).await;
}

#[tokio::test]
async fn log_on_a_full_disk_ends_nothing_and_is_counted() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (mut daemon, url) = logging_to(&setup, full).await;
    eventually("lines are dropped", async || dropped(&url).await > 0).await;
    works_and_ends(&setup, &mut daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_that_nobody_reads_stops_no_pass_and_is_told_when_it_is_read_again() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let (mut reader, writer) = full_pipe();
    let (mut daemon, url) = logging_to(&setup, writer).await;
    // More than waits to be written.
    let faults = faulty_entries(2_000, 40);
    eventually("lines are dropped", async || {
        setup.write(&format!("{}# {}\n", state(&faults), fastrand::u64(..)));
        tokio::time::sleep(Duration::from_millis(300)).await;
        setup.write(&state(&entry(1, "active", "")));
        tokio::time::sleep(Duration::from_millis(300)).await;
        dropped(&url).await > 0
    })
    .await;
    works_and_ends_late(&setup, &mut reader).await;
    signal(&daemon, "TERM");
    assert_eq!(exit_code(&mut daemon).await, Some(0));
}

/// Suspends account 1, then reads the log to the line that tells of the lost ones.
async fn works_and_ends_late(setup: &Setup, reader: &mut PipeReader) {
    setup.write(&state(&entry(1, "suspended", "")));
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    let (mut log, mut chunk) = (Vec::new(), vec![0; PIPE_BYTES]);
    while !String::from_utf8_lossy(&log).contains("log lines were lost") {
        let read = reader.read(&mut chunk).unwrap();
        log.extend(&chunk[..read]);
    }
}

#[tokio::test]
async fn apply_writes_and_records_though_nobody_reads_what_it_says() {
    for full in [false, true] {
        let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
        let (reader, writer) = if full { full_pipe() } else { pipe().unwrap() };
        let kept = full.then_some(reader);
        let mut apply = setup.command(&["apply", "--log", "debug"]);
        let out = File::options().write(true).open("/dev/full").unwrap();
        let mut apply = apply.stdout(out).stderr(writer).spawn().unwrap();
        assert_eq!(exit_code(&mut apply).await, Some(0), "full: {full}");
        assert_eq!(setup.status_of(1), AccountStatus::Suspended);
        let journal = fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap();
        assert!(journal.contains(r#""event":"outcome""#), "{journal}");
        drop(kept);
    }
}

#[tokio::test]
async fn apply_whose_result_is_not_read_leaves_the_journal_to_others() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let (mut reader, writer) = full_pipe();
    let mut apply = setup.command(&["apply"]).stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    eventually("suspended", async || setup.status_of(1) == AccountStatus::Suspended).await;
    eventually("another has the journal", async || code(&setup.run(&["apply"]).await) == 0).await;
    assert!(apply.try_wait().unwrap().is_none(), "it waits for its reader");
    // The command has the only writer left.
    std::thread::spawn(move || reader.read_to_end(&mut Vec::new()));
    assert_eq!(exit_code(&mut apply).await, Some(0));
}

/// `args` of the binary, whose files may have `kib` KiB.
fn limited(setup: &Setup, kib: u32, args: &[&str]) -> Command {
    let command = setup.command(args);
    let binary = command.get_program().to_str().unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("ulimit -f {kib}; exec {binary} {}", args.join(" "))]).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[tokio::test]
async fn log_at_the_largest_size_of_a_file_ends_nothing() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let log = File::create(setup.dir.path().join(".log")).unwrap();
    let args = ["apply", "--log", "debug", "--journal-dir", "none"];
    let mut apply =
        limited(&setup, 1, &args).stdout(Stdio::null()).stderr(log.try_clone().unwrap()).spawn().unwrap();
    assert_eq!(exit_code(&mut apply).await, Some(0));
    assert_eq!((log.metadata().unwrap().len(), setup.status_of(1)), (1024, AccountStatus::Suspended));
}

#[tokio::test]
async fn journal_at_the_largest_size_of_a_file_stops_the_writes_alone() {
    let entries: String = (1..=30).map(|n| entry(n, "suspended", "")).collect();
    let setup = Setup::new(fleet(30, 0), &state(&entries)).await;
    let output = output(limited(&setup, 8, &["apply", "--max-suspends", "100%"])).await;
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("File too large"), "{}", stderr(&output));
    let journal = fs::read_to_string(setup.journal_dir().join("journal.jsonl")).unwrap();
    let intents = journal.matches(r#""event":"intent""#).count();
    assert!(setup.posts().len() <= intents && intents < 30, "{:?}: {journal}", setup.posts());
}

#[tokio::test(flavor = "multi_thread")]
async fn result_that_cannot_be_written_is_a_failure_of_other_commands() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    for args in [
        &["plan"][..],
        &["schema"],
        &["import"],
        &["snapshot"],
        &["explain", &ac(1)],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
    ] {
        let mut command = setup.command(args);
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(exit_code(&mut child).await, Some(1), "{args:?}: {said}");
        assert!(said.contains("standard output cannot be written: No space left on device"), "{said}");
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut child = setup.command(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((exit_code(&mut child).await, said.as_str()), (Some(1), ""), "{args:?}");
    }
}

#[tokio::test]
async fn diagnostic_that_cannot_be_written_changes_no_exit_code() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ", nonsense: 1"))).await;
    for (args, expected) in [(&["plan"][..], 1), (&["plan", "--nonsense"], 64), (&["validate"], 64)] {
        for gone in [true, false] {
            let (reader, writer) = pipe().unwrap();
            drop(reader);
            let mut command = setup.command(args);
            if gone {
                command.stderr(writer);
            } else {
                command.stderr(File::options().write(true).open("/dev/full").unwrap());
            }
            let mut child = command.stdout(Stdio::null()).spawn().unwrap();
            assert_eq!(exit_code(&mut child).await, Some(expected), "{args:?}");
        }
    }
}

/// A core file would hold the token, and so would the memory that another process of the same user reads.
#[tokio::test]
async fn process_is_not_dumpable() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let binary = setup.dir.path().join(".subaccountd");
    fs::copy(env!("CARGO_BIN_EXE_subaccountd"), &binary).unwrap();
    let environment = setup.command(&[]);
    let mut run = Command::new(&binary);
    run.args(["run", "--journal-dir", "none"]).env_clear();
    run.envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let me = fs::metadata("/proc/self").unwrap().uid();
    // The memory of a process that can be dumped belongs to its user, and otherwise to root.
    let user = if me == 0 { 65_534 } else { me };
    if me == 0 {
        fs::set_permissions(setup.dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        run.uid(user);
    }
    let mut other = Command::new("sleep");
    other.arg("60");
    if me == 0 {
        other.uid(user);
    }
    let mut other = other.spawn().unwrap();
    let owner = |pid: u32| fs::metadata(format!("/proc/{pid}/mem")).unwrap().uid();
    assert_eq!(owner(other.id()), user, "the other process can be dumped");
    other.kill().unwrap();
    other.wait().unwrap();
    let daemon = Daemon::start(run, &setup.dir.path().join(".log")).await;
    assert_eq!(owner(daemon.pid()), 0);
}

#[tokio::test]
async fn files_of_a_daemon_are_readable_by_their_owner_and_group_only() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "suspended", ""))).await;
    let binary = env!("CARGO_BIN_EXE_subaccountd");
    let environment = setup.command(&[]);
    let mut apply = Command::new("sh");
    apply.args(["-c", &format!("umask 0; exec {binary} apply")]).env_clear();
    apply.envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(code(&output(apply).await), 0);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&setup.journal_dir()), 0o750);
    assert_eq!(mode(&setup.journal_dir().join("journal.jsonl")), 0o640);
    let snapshot = setup.dir.path().join(".snapshot.json");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask 0; exec {binary} snapshot --out {}", snapshot.display())]);
    command.env_clear().envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(code(&output(command).await), 0);
    assert_eq!(mode(&snapshot), 0o600);
}

/// Files that are made without a mode of their own, such as those of a library.
#[tokio::test]
async fn umask_of_a_daemon_lets_others_read_nothing() {
    let setup = Setup::new(fleet(1, 0), &state(&entry(1, "active", ""))).await;
    let daemon = setup.daemon(&[]).await;
    daemon.first_pass().await;
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:")).unwrap().trim();
    assert!(umask.ends_with('7'), "{umask}");
}

/// A slow reader of one command waits for all of it: nothing is lost but by a daemon.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_command_wait_for_their_reader() {
    let faults = faulty_entries(600, 200);
    let setup = Setup::new(fleet(1, 0), &state(&faults)).await;
    setup.sim.inject(Fault::latency(1).on(Operation::ListAccounts));
    let mut plan = setup.command(&["plan"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut said = String::new();
    plan.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.len() > PIPE_BYTES, "{} bytes", said.len());
    assert_eq!(said.matches("error[SD").count(), 600);
    assert_eq!(exit_code(&mut plan).await, Some(1));
}
