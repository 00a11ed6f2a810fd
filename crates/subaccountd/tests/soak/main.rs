//! A soak of the real binary on its real journal, in real time.
//!
//! As a test it lasts 20 s; `make soak` makes it longer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod process;

use std::time::Duration;

use process::Process;
use soak::{Kind, MAIN, Scale, Soak, TOKEN, daemon_args};
use twilio_sim::{Sim, World};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().filter(|text| !text.is_empty()).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daemon_breaks_no_invariant_whatever_happens() {
    let (seed, lasts) = (number("SOAK_SEED", 7), Duration::from_secs(number("SOAK_SECONDS", 20)));
    let scale = Scale { accounts: 20, lasts, kind: Kind::Usual };
    let dir = tempfile::Builder::new().prefix("soak-").tempdir().unwrap();
    eprintln!("seed {seed}, {lasts:?}, in {}", dir.path().display());
    let sim = Sim::start(World::builder(MAIN, TOKEN).build()).await.unwrap();
    let process = Process::new(dir.path().to_owned(), sim.clone(), daemon_args(seed, scale));
    let outcome = Soak::begin(seed, scale, sim, dir.path(), process).to_the_end().await;
    for (what, count) in &outcome.counts {
        eprintln!("{what}: {count}");
    }
    eprintln!("violations: {}", outcome.violations.len());
    if !outcome.violations.is_empty() {
        eprintln!("kept: {}", dir.keep().display());
    }
    assert!(outcome.violations.is_empty(), "{}", outcome.violations.join("\n"));
}
