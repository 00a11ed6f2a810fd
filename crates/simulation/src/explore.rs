//! The exploration: every small fleet, and every schedule of one or two steps in it, one after the other.

use std::{
    collections::BTreeMap,
    path::Path,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use clap::{Args, ValueEnum};
use fastrand::Rng;
use jiff::Timestamp;
use soak::{
    MAIN, TOKEN,
    small::{self, SmallFleet, Step, Told},
};
use twilio_sim::{Behavior, NamedSettings, Sim, TransferEffect, World};

use crate::{
    BEGIN,
    life::Simulated,
    run::{new_folder, simulated},
    watch::Log,
};

/// Runs every schedule of small fleets, and judges each write
#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// The number of accounts
    #[arg(long, default_value_t = 1)]
    accounts: usize,
    /// The number of phone numbers
    #[arg(long, default_value_t = 1)]
    numbers: usize,
    /// The number of steps in a schedule: 0, 1, or 2 of the strongest
    #[arg(long, default_value_t = 1)]
    steps: u8,
    /// The effect of a transfer on the settings that it names, and on the others: kept, half of them, or lost
    #[arg(long, value_enum, default_value_t)]
    settings: Settings,
    /// Explore only every so many-th fleet; its first one is --first
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// The first fleet
    #[arg(long, default_value_t = 0)]
    first: usize,
    /// Run only so many of the schedules of each fleet, drawn by its number
    #[arg(long)]
    sample: Option<usize>,
    /// The number of threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Stop at the first violation
    #[arg(long)]
    stop_at_first: bool,
}

/// The effect of a transfer on the settings of a number.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Settings {
    #[default]
    Kept,
    Half,
    Lost,
}

impl Settings {
    fn set(self, switches: &mut Behavior) {
        (switches.transfer_settings, switches.webhooks) = match self {
            Self::Kept => (NamedSettings::Honored, TransferEffect::Kept),
            Self::Half => (NamedSettings::Half, TransferEffect::Half),
            Self::Lost => (NamedSettings::Ignored, TransferEffect::Cleared),
        };
    }
}

/// The counts of an exploration.
#[derive(Default)]
struct Counts {
    schedules: BTreeMap<String, u64>,
    effects: BTreeMap<String, u64>,
    violations: u64,
}

impl Explore {
    pub(crate) fn run(&self) -> ExitCode {
        let all = SmallFleet::all(self.accounts, self.numbers);
        let fleets: Vec<_> = all.iter().enumerate().skip(self.first).step_by(self.every.max(1)).collect();
        let begin = Instant::now();
        let (next, stops, counts) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::default());
        std::thread::scope(|threads| {
            for _ in 0..self.threads.max(1) {
                threads.spawn(|| {
                    let dir = new_folder();
                    while !stops.load(Ordering::Relaxed)
                        && let Some(&(index, fleet)) = fleets.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        Exploration {
                            index,
                            fleet,
                            dir: dir.path(),
                            counts: &counts,
                            stops: &stops,
                            asked: self,
                        }
                        .explore();
                    }
                });
            }
        });
        let counts = counts.into_inner().unwrap();
        for (what, count) in &counts.effects {
            println!("{count:>9}  {what}");
        }
        println!("schedules:");
        for (what, count) in &counts.schedules {
            println!("{count:>9}  {what}");
        }
        let schedules: u64 = counts.schedules.values().sum();
        println!(
            "{} of {} fleets of {} accounts and {} numbers, {schedules} schedules in {:.1} s",
            fleets.len(),
            all.len(),
            self.accounts,
            self.numbers,
            begin.elapsed().as_secs_f64()
        );
        println!("schedules with a violation: {}", counts.violations);
        if counts.violations == 0 && schedules > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The exploration of one fleet.
struct Exploration<'a> {
    index: usize,
    fleet: &'a SmallFleet,
    dir: &'a Path,
    counts: &'a Mutex<Counts>,
    stops: &'a AtomicBool,
    asked: &'a Explore,
}

impl Exploration<'_> {
    fn explore(&self) {
        let base = self.schedule(&[], None);
        if self.asked.steps == 0 {
            return;
        }
        let is_pairs = self.asked.steps > 1;
        let mut rng = Rng::with_seed(u64::try_from(self.index).unwrap());
        for first in self.drawn(base.steps(self.fleet, is_pairs), &mut rng) {
            let told = self.schedule(&[first], Some(&base));
            if !is_pairs {
                continue;
            }
            // What comes before the first step was the second one of another schedule.
            let later = told.steps(self.fleet, true).into_iter().filter(|second| is_later(first, *second));
            for second in self.drawn(later.collect(), &mut rng) {
                self.schedule(&[first, second], Some(&base));
            }
        }
    }

    fn drawn(&self, mut steps: Vec<Step>, rng: &mut Rng) -> Vec<Step> {
        if let Some(sample) = self.asked.sample {
            rng.shuffle(&mut steps);
            steps.truncate(sample);
        }
        steps
    }

    /// Runs one schedule. Without an edit or a change by others, nothing is closed or released that is not without any step.
    fn schedule(&self, steps: &[Step], base: Option<&Told>) -> Told {
        if self.stops.load(Ordering::Relaxed) {
            return Told::default();
        }
        let mut told = run(self.fleet, steps, self.asked.settings, self.dir);
        let is_from_outside = steps.iter().any(|step| step.is_from_outside());
        let base = base.filter(|_| !is_from_outside);
        let more = base.and_then(|base| told.outcome.lost_more_than(&base.outcome));
        told.outcome.violations.extend(more);
        let less = base.is_some_and(|base| !told.outcome.lost_the_same(&base.outcome));
        let mut counts = self.counts.lock().unwrap();
        let kinds: Vec<_> = steps.iter().map(|step| step.kind()).collect();
        let kind = if kinds.len() > 1 { "two steps".to_owned() } else { kinds.concat() };
        let kind = if kind.is_empty() { "no step".to_owned() } else { kind };
        *counts.schedules.entry(kind).or_default() += 1;
        if less {
            *counts.effects.entry("schedules that lost less than without faults".to_owned()).or_default() +=
                1;
        }
        for (what, count) in &told.outcome.counts {
            if ["that took effect", "released", "kills", "no list ever showed"]
                .iter()
                .any(|part| what.contains(part))
            {
                *counts.effects.entry(what.clone()).or_default() += count;
            }
        }
        if !told.outcome.violations.is_empty() {
            counts.violations += 1;
            println!("fleet {}: {:?}\n  steps: {steps:?}", self.index, self.fleet);
            for line in told.outcome.story.iter().filter(|_| counts.violations < 4) {
                println!("    {line}");
            }
            println!("  {}", told.outcome.violations.join("\n  "));
            self.stops.fetch_or(self.asked.stop_at_first, Ordering::Relaxed);
        }
        told
    }
}

/// Returns true when the second step of a pair comes at the same request as the first or later.
fn is_later(first: Step, second: Step) -> bool {
    match (first, second) {
        (Step::Request(one, _), Step::Request(other, _)) => other >= one && first != second,
        (Step::Request(..), Step::Poll(..)) => true,
        (Step::Poll(..), _) => false,
    }
}

fn run(fleet: &SmallFleet, steps: &[Step], settings: Settings, dir: &Path) -> Told {
    let dir = dir.join("fleet");
    std::fs::create_dir_all(&dir).unwrap();
    fastrand::seed(1);
    let told = simulated(async {
        let begin = Timestamp::from_second(BEGIN).unwrap();
        subaccountd::simulation::set_clock(begin);
        let sim = Sim::in_process(World::builder(MAIN, TOKEN).build(), begin);
        settings.set(sim.world().switches_mut());
        let life = Simulated::new(&dir, sim.clone(), small::daemon_args(), 1, Log::default());
        let told = small::run(fleet, steps, sim.clone(), &dir, life).await;
        sim.stop().await;
        told
    });
    std::fs::remove_dir_all(&dir).unwrap();
    told
}
