//! The onboarding of many accounts by entries without a SID, from one seed.

use std::{path::Path, process::ExitCode, time::Instant};

use clap::Args;
use jiff::Timestamp;
use soak::{
    MAIN, Outcome, TOKEN,
    onboarding::{Onboarding, daemon_args},
};
use twilio_sim::{Sim, World};

use crate::{
    BEGIN,
    life::Simulated,
    run::{new_folder, simulated},
    watch::Log,
};

/// Creates the accounts of many entries under the limit, while everything goes wrong, and counts them
#[derive(Debug, Args)]
pub(crate) struct Onboard {
    /// The number of entries without a SID
    #[arg(long, default_value_t = 1_000)]
    entries: usize,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The number of seeds
    #[arg(long, default_value_t = 1)]
    seeds: u64,
}

impl Onboard {
    pub(crate) fn run(&self) -> ExitCode {
        let (begin, mut all) = (Instant::now(), Outcome::default());
        for seed in self.seed..self.seed + self.seeds.max(1) {
            let outcome = onboard(seed, self.entries, new_folder().path());
            for what in &outcome.violations {
                println!("seed {seed}: {what}");
            }
            all.add(outcome);
        }
        for (what, count) in &all.counts {
            println!("{count:>9}  {what}");
        }
        println!("{} entries in {:.1} s", self.entries, begin.elapsed().as_secs_f64());
        println!("violations: {}", all.violations.len());
        if all.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// One onboarding, in a folder.
pub(crate) fn onboard(seed: u64, entries: usize, dir: &Path) -> Outcome {
    std::fs::create_dir_all(dir).unwrap();
    fastrand::seed(seed);
    simulated(async {
        let begin = Timestamp::from_second(BEGIN).unwrap();
        subaccountd::simulation::set_clock(begin);
        let sim = Sim::in_process(World::builder(MAIN, TOKEN).build(), begin);
        let life = Simulated::new(dir, sim.clone(), daemon_args(), seed, Log::default());
        let outcome = Onboarding::begin(seed, entries, sim.clone(), dir, life).to_the_end().await;
        sim.stop().await;
        outcome
    })
}
