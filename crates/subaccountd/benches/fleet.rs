//! Reaction, throughput, memory and size of the release binary, against a simulated Twilio with latency.
//!
//! It prints figures and sets no limit: machines are noisy, and a slow run is not a defect.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and panics when it cannot continue"
)]

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::time::sleep;
use twilio_sim::{Fault, Sim, World};

const ACCOUNTS: u64 = 1_000;
const NUMBERS: u64 = 5_000;
const LATENCY_MS: u64 = 50;
const IN_FLIGHT: u64 = 16;
const SAVES: u32 = 11;
const MIB: f64 = 1024.0 * 1024.0;

#[tokio::main]
async fn main() {
    let binary = Path::new(env!("CARGO_BIN_EXE_subaccountd"));
    println!("release binary: {:.1} MiB (aim: 12 or less)", fs::metadata(binary).unwrap().len() as f64 / MIB);
    idle_and_reaction().await;
    full_pass().await;
}

fn ac(n: u64) -> String {
    format!("AC{n:032x}")
}

/// Every account active, for `reason`; every number claimed by its owner.
fn state(sim: &Sim, reason: &str) -> String {
    let world = sim.world();
    let mut state = format!(
        "apiVersion: subaccountd/v1\nkind: DesiredState\nmainAccount: {{sid: {}}}\nsubaccounts:\n",
        ac(0)
    );
    for account in world.accounts().filter(|account| !world.is_main(&account.sid)) {
        let numbers: Vec<_> =
            world.numbers_of(&account.sid).map(|n| format!("\"{}\"", n.phone_number)).collect();
        writeln!(
            state,
            "  - {{sid: {}, status: active, reason: {reason}, numbers: [{}]}}",
            &*account.sid,
            numbers.join(", ")
        )
        .unwrap();
    }
    state
}

fn start(sim: &Sim, dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_subaccountd"))
        .args([
            "run",
            "--interval",
            "1h",
            "--listen",
            "127.0.0.1:0",
            "--status-listen",
            "127.0.0.1:0",
            "--log",
            "warn",
        ])
        .args(["--max-in-flight", &IN_FLIGHT.to_string()])
        .env("SUBACCOUNTD_TWILIO_URL", sim.url())
        .env("SUBACCOUNTD_DESIRED", dir.join("desired.yaml"))
        .env("SUBACCOUNTD_JOURNAL_DIR", dir.join(".journal"))
        .env("TWILIO_ACCOUNT_SID", ac(0))
        .env("TWILIO_AUTH_TOKEN", "demo-token")
        // As the image sets them.
        .env("MALLOC_ARENA_MAX", "1")
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// A value of `/proc/PID/status` in MiB.
fn memory(child: &Child, key: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// User and system time so far.
fn cpu(child: &Child) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        sleep(Duration::from_micros(500)).await;
    }
}

/// Waits until no request came for a while.
async fn quiet(sim: &Sim, at_least: usize) {
    loop {
        until(|| sim.requests().len() >= at_least).await;
        let seen = sim.requests().len();
        sleep(Duration::from_millis(500)).await;
        if sim.requests().len() == seen {
            return;
        }
    }
}

async fn idle_and_reaction() {
    let sim = Sim::start(World::generated(10, 0)).await.unwrap();
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("desired.yaml");
    fs::write(&file, state(&sim, "begin")).unwrap();
    let mut daemon = start(&sim, dir.path());
    quiet(&sim, 1).await;
    println!("idle memory: {:.1} MiB resident", memory(&daemon, "VmRSS"));
    let mut reactions = Vec::new();
    for save in 0..SAVES {
        let text = state(&sim, &format!("save {save}"));
        sim.clear_requests();
        let saved = Instant::now();
        fs::write(&file, text).unwrap();
        until(|| !sim.requests().is_empty()).await;
        reactions.push(saved.elapsed());
        quiet(&sim, 1).await;
    }
    reactions.sort();
    println!(
        "a save to the first request at Twilio: median {:?}, worst of {SAVES} {:?} (aim: 250 ms or less)",
        reactions[reactions.len() / 2],
        reactions[reactions.len() - 1]
    );
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

async fn full_pass() {
    let sim = Sim::start(World::generated(ACCOUNTS, NUMBERS)).await.unwrap();
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("desired.yaml");
    fs::write(&file, state(&sim, "begin")).unwrap();
    let mut daemon = start(&sim, dir.path());
    let expected = usize::try_from(ACCOUNTS).unwrap();
    quiet(&sim, expected).await;
    sim.inject(Fault::latency(LATENCY_MS));
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    let mut requests = 0;
    for pass in 0..5 {
        sim.clear_requests();
        let before = cpu(&daemon);
        fs::write(&file, state(&sim, &format!("pass {pass}"))).unwrap();
        until(|| !sim.requests().is_empty()).await;
        let begin = Instant::now();
        // The account list takes two pages, then come the number lists; a request is logged when it arrives.
        until(|| sim.requests().len() > expected + 1 && sim.requests().iter().all(|r| r.status.is_some()))
            .await;
        walls.push(begin.elapsed());
        sleep(Duration::from_millis(300)).await;
        cpus.push(cpu(&daemon).saturating_sub(before));
        requests = sim.requests().len();
    }
    walls.sort();
    cpus.sort();
    let ideal = Duration::from_millis(LATENCY_MS) * u32::try_from(requests).unwrap()
        / u32::try_from(IN_FLIGHT).unwrap();
    let wall = walls[walls.len() / 2];
    println!(
        "a pass over {ACCOUNTS} accounts and {NUMBERS} numbers at {LATENCY_MS} ms, {IN_FLIGHT} in flight: {requests} requests, \
         median {wall:.2?}, {:.2} x of requests x latency / in flight (aim: 1.15 or less)",
        wall.as_secs_f64() / ideal.as_secs_f64()
    );
    println!(
        "its CPU: median {:?}; peak memory: {:.1} MiB (aim: 16 or less)",
        cpus[cpus.len() / 2],
        memory(&daemon, "VmHWM")
    );
    println!("the most requests in flight that were seen: {}", sim.max_in_flight());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}
