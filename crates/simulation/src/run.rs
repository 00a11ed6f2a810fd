//! One soak of one seed.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use soak::{HIDDEN_NAMESAKE, Kind, MAIN, Outcome, Scale, Soak, TOKEN, daemon_args};
use tokio::task::LocalSet;
use tracing_subscriber::filter::LevelFilter;
use twilio_sim::{Sim, World};

use crate::{BEGIN, life::Simulated, onboard::onboard, watch::Log};

/// The entries of an onboarding among the soaks.
const ONBOARDED: usize = 20;

/// A soak to be made.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) accounts: usize,
    pub(crate) lasts: Duration,
    /// The steps that are left out.
    pub(crate) skips: BTreeSet<u32>,
    /// Show the log instead of searching it.
    pub(crate) shows_log: bool,
}

impl Run {
    /// Its kind: the usual one for 12 seeds of 16.
    fn kind(&self) -> Kind {
        match self.seed % 16 {
            3 | 11 => Kind::Quiet,
            5 => Kind::WithoutJournal,
            14 => Kind::Drift,
            _ => Kind::Usual,
        }
    }

    /// Makes it in a new folder. In a quiet one, nothing is closed or released that is not without any fault.
    pub(crate) fn make(&self, dir: &Path) -> Outcome {
        if self.seed % 256 == 33 {
            return onboard(self.seed, ONBOARDED, dir);
        }
        let kind = self.kind();
        let mut outcome = self.simulate(dir, kind);
        if kind == Kind::Quiet {
            let still = self.simulate(&dir.join("still"), Kind::Still);
            // With another fleet, other accounts are emptied and closed.
            if !outcome.counts.contains_key(HIDDEN_NAMESAKE) {
                outcome.violations.extend(outcome.lost_more_than(&still));
            }
            let same = if outcome.lost_the_same(&still) { "the same" } else { "less" };
            let what = format!("fleets without edits that lost {same} as without faults");
            *outcome.counts.entry(what).or_default() += 1;
        }
        outcome
    }

    fn simulate(&self, dir: &Path, kind: Kind) -> Outcome {
        std::fs::create_dir_all(dir).unwrap();
        fastrand::seed(self.seed);
        // Some live longer, so that more happens after a rest.
        let lasts = if self.seed % 16 == 9 { self.lasts * 4 } else { self.lasts };
        let scale = Scale { accounts: self.accounts, lasts, kind };
        let log = Log::default();
        let _log = (!self.shows_log).then(|| {
            let lines = tracing_subscriber::fmt().without_time().with_ansi(false);
            let lines = lines.with_max_level(LevelFilter::INFO).with_writer(log.clone());
            tracing::subscriber::set_default(lines.finish())
        });
        simulated(async {
            let begin = Timestamp::from_second(BEGIN).unwrap();
            subaccountd::simulation::set_clock(begin);
            let sim = Sim::in_process(World::builder(MAIN, TOKEN).build(), begin);
            let life = Simulated::new(dir, sim.clone(), daemon_args(self.seed, scale), self.seed, log);
            let soak = Soak::begin(self.seed, scale, sim.clone(), dir, life).without(self.skips.clone());
            let outcome = soak.to_the_end().await;
            sim.stop().await;
            outcome
        })
    }
}

/// Runs a future to its end on virtual time.
pub(crate) fn simulated<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let local = LocalSet::new();
    let outcome = local.block_on(&runtime, future);
    drop(local);
    drop(runtime);
    outcome
}

/// A folder in memory, where there is one.
pub(crate) fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { Path::new("/tmp") }
}

/// A new folder in memory, removed when it is dropped.
pub(crate) fn new_folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("simulation-").tempdir_in(memory()).unwrap()
}

/// The folder of a seed.
pub(crate) fn folder_of(seed: u64, kept: Option<&PathBuf>, dir: &Path) -> PathBuf {
    kept.map_or(dir, PathBuf::as_path).join(seed.to_string())
}
