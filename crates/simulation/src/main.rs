//! The simulation: soaks of the daemon without a process, on virtual time, one for each seed.
//!
//! A seed gives everything: the fleet, the edits, the faults, the crashes, and the moment of each.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints what it saw, and a failure of the machine ends it"
)]

mod life;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use jiff::Timestamp;
use life::Simulated;
use soak::{MAIN, Outcome, Scale, Soak, TOKEN, daemon_args};
use tokio::task::LocalSet;
use twilio_sim::{Sim, World};

/// The time at which every simulation begins: 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600;

/// Breaks a daemon in every way that one seed after the other gives, and judges each of its writes.
#[derive(Debug, Parser)]
struct Args {
    /// The first seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The number of seeds
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The number of accounts that are open at a time
    #[arg(long, default_value_t = 5)]
    accounts: usize,
    /// The simulated seconds before the faults end
    #[arg(long, default_value_t = 12)]
    seconds: u64,
    /// The number of threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Show the log of the daemon, for one seed
    #[arg(long)]
    log: bool,
    /// Keep the state, the journal and the token of each seed, below this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.log {
        tracing_subscriber::fmt().with_writer(std::io::stderr).without_time().init();
    }
    if args.seeds == 0 {
        println!("no seed, no proof: give --seeds 1 or more");
        return ExitCode::FAILURE;
    }
    let scale = Scale { accounts: args.accounts, lasts: Duration::from_secs(args.seconds) };
    let (next, end) = (AtomicU64::new(args.seed), args.seed + args.seeds);
    let begin = Instant::now();
    let (all, failed) = (Mutex::new(Outcome::default()), Mutex::new(BTreeSet::new()));
    std::thread::scope(|threads| {
        for _ in 0..args.threads.max(1) {
            threads.spawn(|| {
                let dir = tempfile::Builder::new().prefix("simulation-").tempdir_in(memory()).unwrap();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let dir = args.keep.as_deref().unwrap_or(dir.path()).join(seed.to_string());
                    let outcome = simulate(seed, scale, &dir);
                    if args.keep.is_none() {
                        std::fs::remove_dir_all(dir).unwrap();
                    }
                    if !outcome.violations.is_empty() {
                        println!("seed {seed}: {}", outcome.violations.join("\n  "));
                        failed.lock().unwrap().insert(seed);
                    }
                    all.lock().unwrap().add(outcome);
                }
            });
        }
    });
    let took = begin.elapsed().as_secs_f64();
    let mut failed = failed.into_inner().unwrap();
    if !args.log
        && let Some(difference) = replayed(args.seed, scale)
    {
        println!("seed {}: {difference}", args.seed);
        failed.insert(args.seed);
    }
    for (what, count) in &all.lock().unwrap().counts {
        println!("{count:>9}  {what}");
    }
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let rate = args.seeds as f64 / took;
    println!("{} seeds in {took:.1} s: {rate:.1} a second", args.seeds);
    for seed in &failed {
        println!("again: cargo run --profile simulation -p simulation -- --seed {seed} --log");
    }
    println!("seeds with a violation: {}", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The difference between two simulations of one seed, which must not be one.
fn replayed(seed: u64, scale: Scale) -> Option<String> {
    let dir = tempfile::Builder::new().prefix("simulation-").tempdir_in(memory()).unwrap();
    let [first, second] = ["1", "2"].map(|run| simulate(seed, scale, &dir.path().join(run)));
    let differs = first.counts.iter().find(|(what, count)| second.counts.get(*what) != Some(*count));
    differs.map(|(what, count)| {
        format!("two runs of one seed differ: {what}: {count} and {:?}", second.counts.get(what))
    })
}

/// A folder in memory, where there is one.
fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { Path::new("/tmp") }
}

fn simulate(seed: u64, scale: Scale, dir: &Path) -> Outcome {
    std::fs::create_dir_all(dir).unwrap();
    fastrand::seed(seed);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let local = LocalSet::new();
    let outcome = local.block_on(&runtime, async {
        let begin = Timestamp::from_second(BEGIN).unwrap();
        subaccountd::simulation::set_clock(begin);
        let sim = Sim::in_process(World::builder(MAIN, TOKEN).build(), begin);
        let life = Simulated::new(dir, sim.clone(), daemon_args(seed, scale.lasts), seed);
        let outcome = Soak::begin(seed, scale, sim.clone(), dir, life).to_the_end().await;
        sim.stop().await;
        outcome
    });
    drop(local);
    drop(runtime);
    outcome
}
