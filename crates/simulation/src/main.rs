//! The simulation: soaks of the daemon without a process, on virtual time, one for each seed.
//!
//! A seed gives everything: the fleet, the edits, the faults, the crashes, and the moment of each.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints what it saw, and a failure of the machine ends it"
)]

mod explore;
mod life;
mod lists;
mod onboard;
mod run;
mod shrink;
mod watch;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};
use explore::Explore;
use onboard::Onboard;
use run::{Run, folder_of, new_folder};
use soak::Outcome;

/// A simulation allocates more than it computes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The time at which every simulation begins: 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600;

/// What a soak of many seeds must cover: one that closes nothing proves nothing about closes.
const COVERED: [&str; 14] = [
    "close that took effect",
    "configure that took effect",
    "create that took effect",
    "emergency calls with a family",
    "endCalls that took effect",
    "entries without a SID whose account was found again",
    "kills: anywhere",
    "lost journals",
    "numbers released",
    "people: accounts created with the name of an entry",
    "POSTs of a transfer with settings",
    "reactivate that took effect",
    "suspend that took effect",
    "transfer that took effect",
];
/// So many seeds are many.
const MANY: u64 = 300;

/// Breaks a daemon in every way that one seed after the other gives, and judges each of its writes.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
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
    /// Stop at the first violation
    #[arg(long)]
    stop_at_first: bool,
    /// Leave out all steps of the first seed that a violation does not need, and tell what happened
    #[arg(long)]
    shrink: bool,
    /// Show the log of the daemon, for one seed
    #[arg(long)]
    log: bool,
    /// Keep the state, the journal, the token and the story of each seed, below this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Explore(Explore),
    Onboard(Onboard),
}

impl Args {
    fn run(&self, seed: u64) -> Run {
        Run {
            seed,
            accounts: self.accounts,
            lasts: Duration::from_secs(self.seconds),
            skips: BTreeSet::new(),
            shows_log: self.log,
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.command {
        Some(Command::Explore(explore)) => return explore.run(),
        Some(Command::Onboard(onboard)) => return onboard.run(),
        None => {}
    }
    if args.log {
        tracing_subscriber::fmt().with_writer(std::io::stderr).without_time().init();
    }
    if args.seeds == 0 {
        println!("no seed, no proof: give --seeds 1 or more");
        return ExitCode::FAILURE;
    }
    if args.shrink {
        return told(&args);
    }
    let begin = Instant::now();
    let (all, mut failed, made) = all_seeds(&args);
    let took = begin.elapsed().as_secs_f64();
    if !args.log
        && !args.stop_at_first
        && let Some(difference) = replayed(&args.run(args.seed))
    {
        println!("seed {}: {difference}", args.seed);
        failed.insert(args.seed);
    }
    for (what, count) in &all.counts {
        println!("{count:>9}  {what}");
    }
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let rate = made as f64 / took;
    println!("{made} seeds in {took:.1} s: {rate:.1} a second");
    for seed in &failed {
        println!("what happened: cargo run --profile simulation -p simulation -- --seed {seed} --shrink");
    }
    println!("seeds with a violation: {}", failed.len());
    let is_not_covered = |what: &&&str| !all.counts.contains_key(**what);
    let missing: Vec<_> = COVERED.iter().filter(|_| made >= MANY).filter(is_not_covered).collect();
    if !missing.is_empty() {
        println!("not covered: {missing:?}");
    }
    if failed.is_empty() && missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Makes the soaks of all seeds: the sum of their counts, the seeds with a violation, and the number of soaks.
fn all_seeds(args: &Args) -> (Outcome, BTreeSet<u64>, u64) {
    let (next, end) = (AtomicU64::new(args.seed), args.seed + args.seeds);
    let (stops, made) = (AtomicBool::new(false), AtomicU64::new(0));
    let (all, failed) = (Mutex::new(Outcome::default()), Mutex::new(BTreeSet::new()));
    std::thread::scope(|threads| {
        for _ in 0..args.threads.max(1) {
            threads.spawn(|| {
                let dir = new_folder();
                while !stops.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let folder = folder_of(seed, args.keep.as_ref(), dir.path());
                    let outcome = args.run(seed).make(&folder);
                    if args.keep.is_none() {
                        std::fs::remove_dir_all(folder).unwrap();
                    } else {
                        std::fs::write(folder.join("story"), outcome.story.join("\n")).unwrap();
                    }
                    if !outcome.violations.is_empty() {
                        println!("seed {seed}: {}", outcome.violations.join("\n  "));
                        failed.lock().unwrap().insert(seed);
                        stops.fetch_or(args.stop_at_first, Ordering::Relaxed);
                    }
                    made.fetch_add(1, Ordering::Relaxed);
                    all.lock().unwrap().add(outcome);
                }
            });
        }
    });
    (all.into_inner().unwrap(), failed.into_inner().unwrap(), made.into_inner())
}

/// Shrinks the first seed, and tells what happens in the steps that are left.
fn told(args: &Args) -> ExitCode {
    let Some((run, outcome)) = shrink::shrink(&args.run(args.seed)) else {
        println!("seed {} breaks no invariant", args.seed);
        return ExitCode::SUCCESS;
    };
    let left = shrink::steps_left(&run, outcome.steps);
    println!("seed {}, {} of {} steps: {left:?}", args.seed, left.len(), outcome.steps);
    for line in &outcome.story {
        println!("{line}");
    }
    println!("{}", outcome.violations.join("\n"));
    ExitCode::FAILURE
}

/// The difference between two simulations of one seed, which must not be one.
fn replayed(run: &Run) -> Option<String> {
    let dir = new_folder();
    let [first, second] = ["1", "2"].map(|name| run.make(&dir.path().join(name)));
    let differs = first.counts.iter().find(|(what, count)| second.counts.get(*what) != Some(*count));
    differs.map(|(what, count)| {
        format!("two runs of one seed differ: {what}: {count} and {:?}", second.counts.get(what))
    })
}
