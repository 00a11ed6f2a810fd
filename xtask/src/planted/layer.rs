//! A layer: programs that are red when they notice a planted bug.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;

use super::{
    build::{Program, build},
    copy::Copy,
    patch::Patch,
};

/// The longest time without a line of output: a planted bug may make a test hang, which is noticed as well.
const MAX_SILENCE: Duration = Duration::from_mins(10);

/// The folders of the crates that a release is built from.
const PRODUCT: &[&str] = &["core", "twilio", "subaccountd"];
const SIMULATION: &[&str] = &["build", "--profile", "simulation", "-p", "simulation"];
/// The layers, from cheap to dear. A layer more is a line more.
pub(crate) const LAYERS: [Layer; 6] = [
    Layer::of_tests("core", &["core"], &["test", "--no-run", "-p", "subaccountd-core"]),
    Layer::of_tests("twilio", &["core", "twilio"], &["test", "--no-run", "-p", "subaccountd-twilio"]),
    Layer::of_tests("daemon", PRODUCT, &["test", "--no-run", "-p", "subaccountd", "--lib", "--test", "it"]),
    Layer::of_seeds("simulation", SIMULATION, &[], 1),
    Layer::of_fleets("exploration", SIMULATION, &["explore"]),
    // What needs several steps in their order hardly comes up in the 12 s of the other.
    Layer::of_seeds("long", SIMULATION, &["--seconds=90"], 25),
];

/// Programs of one kind.
#[derive(Debug)]
pub(crate) struct Layer {
    /// The name, on the command line and in the table.
    pub(crate) name: &'static str,
    /// The folders of the crates that its programs contain: it cannot notice a bug in another one.
    crates: &'static [&'static str],
    /// The arguments of cargo that build the programs.
    builds: &'static [&'static str],
    /// The arguments of the programs.
    args: &'static [&'static str],
    tries: Tries,
}

/// The things that the programs of a layer try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tries {
    Tests,
    /// One seed of so many that are asked for.
    Seeds(u64),
    /// Every schedule of small fleets.
    Fleets,
}

/// The result of one layer.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It noticed nothing.
    Green { took: Duration },
    /// It noticed: by these tests, or at this seed.
    Red { took: Duration, by: Vec<String> },
}

impl Verdict {
    /// The result in one line.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Green { took } => format!("green after {:.0} s", took.as_secs_f64()),
            Self::Red { took, by } => format!("RED after {:.0} s: {}", took.as_secs_f64(), by.join(", ")),
        }
    }
}

impl Layer {
    const fn of_tests(
        name: &'static str,
        crates: &'static [&'static str],
        builds: &'static [&'static str],
    ) -> Self {
        Self { name, crates, builds, args: &[], tries: Tries::Tests }
    }

    /// A layer whose programs try one seed after the other, and print `seed N: …` for each violation.
    const fn of_seeds(
        name: &'static str,
        builds: &'static [&'static str],
        args: &'static [&'static str],
        one_seed_of: u64,
    ) -> Self {
        Self { name, crates: PRODUCT, builds, args, tries: Tries::Seeds(one_seed_of) }
    }

    /// A layer whose programs try one small fleet after the other, and print `fleet N: …` for each violation.
    const fn of_fleets(
        name: &'static str,
        builds: &'static [&'static str],
        args: &'static [&'static str],
    ) -> Self {
        Self { name, crates: PRODUCT, builds, args, tries: Tries::Fleets }
    }

    /// Returns true when a program of it contains a file that `patch` changes.
    pub(crate) fn contains(&self, patch: &Patch) -> bool {
        patch.crates().any(|changed| self.crates.contains(&changed))
    }

    /// Builds the programs.
    ///
    /// # Errors
    /// They do not compile.
    pub(crate) fn build(&self, copy: &Copy) -> anyhow::Result<Vec<Program>> {
        let programs = build(copy, self.builds)?;
        ensure!(!programs.is_empty(), "the layer `{}` has no program", self.name);
        Ok(programs)
    }

    /// Builds the programs and runs all of them, with `first` to the first test that fails; of seeds always to the first.
    ///
    /// # Errors
    /// They do not compile, or do not start.
    pub(crate) fn run(&self, copy: &Copy, seeds: u64, first: bool) -> anyhow::Result<Verdict> {
        let programs = self.build(copy)?;
        let begin = Instant::now();
        let mut by = Vec::new();
        for program in &programs {
            let mut command = Command::new(&program.executable);
            command.args(self.args).current_dir(&program.package);
            command.env("CARGO_MANIFEST_DIR", &program.package);
            if let Tries::Seeds(of) = self.tries {
                command.arg(format!("--seeds={}", seeds.div_ceil(of)));
            }
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
            by.append(&mut self.watch(command.spawn()?, first)?);
            if first && !by.is_empty() {
                break;
            }
        }
        let took = begin.elapsed();
        Ok(if by.is_empty() { Verdict::Green { took } } else { Verdict::Red { took, by } })
    }

    /// Reads the output of `child` to its end, or to its first violation (with `first`, or failure); gives what it noticed.
    fn watch(&self, mut child: Child, first: bool) -> anyhow::Result<Vec<String>> {
        let (line, lines) = mpsc::channel();
        let stdout = child.stdout.take();
        thread::spawn(move || {
            let read = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
            read.map_while(Result::ok).try_for_each(|text| line.send(text))
        });
        let mut by = Vec::new();
        loop {
            match lines.recv_timeout(MAX_SILENCE) {
                Ok(text) => by.extend(self.noticed(&text)),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => by.push("silence".to_owned()),
            }
            if by.iter().any(|by| first || by == "silence" || self.tries != Tries::Tests) {
                child.kill()?;
                break;
            }
        }
        let ended = child.wait()?;
        if by.is_empty() && !ended.success() {
            by.push(ended.to_string());
        }
        Ok(by)
    }

    /// The test that failed, or the seed or the fleet with a violation, by one line of output.
    fn noticed(&self, line: &str) -> Option<String> {
        let what = match self.tries {
            Tries::Tests => {
                return line.strip_prefix("test ")?.strip_suffix(" ... FAILED").map(str::to_owned);
            }
            Tries::Seeds(_) => "seed",
            Tries::Fleets => "fleet",
        };
        let (which, why) = line.strip_prefix(what)?.strip_prefix(' ')?.split_once(": ")?;
        Some(format!("{what} {which} ({})", why.chars().take(120).collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_is_asked_about_a_patch_only_when_it_contains_what_is_changed() {
        let of = |name: &str| LAYERS.iter().find(|layer| layer.name == name).unwrap();
        for patch in Patch::all().unwrap() {
            assert!(of("daemon").contains(&patch), "{}", patch.name);
            let in_core = patch.files().all(|file| file.starts_with("crates/core/"));
            assert!(of("core").contains(&patch) || !in_core, "{}", patch.name);
            let in_daemon = patch.files().all(|file| file.starts_with("crates/subaccountd/"));
            assert!(!(in_daemon && of("twilio").contains(&patch)), "{}", patch.name);
        }
    }

    #[test]
    fn failed_tests_and_seeds_with_a_violation_are_noticed() {
        let [tests, .., seeds] = &LAYERS;
        assert_eq!(tests.noticed("test plan::a ... FAILED").as_deref(), Some("plan::a"));
        assert_eq!(tests.noticed("test plan::a ... ok"), None);
        assert_eq!(tests.noticed("seed 7: I1: closed"), None);
        assert_eq!(seeds.noticed("seed 7: at 3.1s: I1").as_deref(), Some("seed 7 (at 3.1s: I1)"));
        assert_eq!(seeds.noticed("seeds with a violation: 0"), None);
        let fleets = LAYERS.iter().find(|layer| layer.tries == Tries::Fleets).unwrap();
        assert_eq!(fleets.noticed("fleet 3: SmallFleet").as_deref(), Some("fleet 3 (SmallFleet)"));
    }
}
