//! A soak: the real binary on its real journal against the simulator, with kills, faults, lags, clock steps, people and edits
//! of the state all the time, and a judge that checks every write against the invariants.
//!
//! Everything is drawn from one seed. As a test it lasts 20 s; `make soak` makes it longer.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells its counts"
)]

mod budget;
mod chaos;
mod edits;
mod judge;
mod process;
mod state;

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use chaos::Chaos;
use edits::Editor;
use fastrand::Rng;
use judge::Judge;
use process::Process;
use serde_json::Value;
use state::{Folder, Word};
use tokio::time::sleep;
use twilio_sim::{AccountStatus, Sim, World};

pub(crate) const MAIN: &str = "AC00000000000000000000000000000000";
pub(crate) const TOKEN: &str = "a-main-token-that-nobody-may-see";
/// The number of accounts that are open at a time.
const ACCOUNTS: usize = 20;
/// The duration of a stormy and of a calm phase.
const WEATHER: Duration = Duration::from_secs(15);
/// The longest time to converge once all faults have ended.
const CONVERGES: Duration = Duration::from_secs(150);

/// The limits, for the daemon and for the judge.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) close_after: Duration,
    pub(crate) window: Duration,
    pub(crate) limits: BTreeMap<&'static str, usize>,
}

impl Rules {
    /// Every other seed has a window of a minute, the others one that is longer than the soak; every fourth has limits so low
    /// that they decide.
    fn new(seed: u64, lasts: Duration) -> Self {
        let short = seed.is_multiple_of(2);
        let of = |n: u64| {
            let n = if seed.is_multiple_of(4) { n.div_ceil(2) } else { n };
            let whole = (n * lasts.as_secs() / 90).max(n);
            usize::try_from(if short { n } else { whole }).unwrap()
        };
        Self {
            close_after: Duration::from_secs(5),
            window: Duration::from_secs(if short { 60 } else { 24 * 3600 }),
            limits: [("suspend", 10), ("reactivate", 5), ("transfer", 12), ("close", 7), ("release", 14)]
                .map(|(kind, n)| (kind, of(n)))
                .into(),
        }
    }

    fn args(&self) -> Vec<String> {
        let mut args = vec![
            format!("--close-after={}s", self.close_after.as_secs()),
            format!("--budget-window={}s", self.window.as_secs()),
            "--interval=500ms".into(),
            "--request-timeout=2s".into(),
        ];
        for (flag, kind) in [
            ("suspends", "suspend"),
            ("reactivations", "reactivate"),
            ("transfers", "transfer"),
            ("closes", "close"),
            ("released-numbers", "release"),
        ] {
            args.push(format!("--max-{flag}={}", self.limits[kind]));
        }
        args
    }
}

struct Soak {
    rng: Rng,
    chaos: Chaos,
    editor: Editor,
    process: Process,
    judge: Judge,
    starts_at: Option<Instant>,
    kills_at: Option<Instant>,
    /// The delay of a kill after the next write arrived.
    kills_on_write: Option<(u64, Duration)>,
}

impl Soak {
    async fn begin(seed: u64, lasts: Duration, dir: PathBuf) -> Self {
        let rules = Rules::new(seed, lasts);
        let judge = Judge::new(rules.clone());
        let sim = Sim::start(World::builder(MAIN, TOKEN).build()).await.unwrap();
        let seeing = judge.clone();
        sim.observe_writes(move |seen, world| seeing.see(seen, world));
        fs::create_dir_all(dir.join("state")).unwrap();
        let folder = Folder(dir.join("state"));
        let process = Process::new(dir, sim.url(), rules.args());
        let mut soak = Self {
            rng: Rng::with_seed(seed),
            chaos: Chaos::new(sim.clone(), judge.clone()),
            editor: Editor::new(sim, judge.clone(), folder),
            process,
            judge,
            starts_at: None,
            kills_at: None,
            kills_on_write: None,
        };
        for _ in 0..ACCOUNTS {
            let sid = soak.chaos.open_account(&mut soak.rng);
            soak.editor.list(&sid, &mut soak.rng);
        }
        soak.editor.save();
        soak.process.start();
        soak
    }

    fn violation(&self, what: &str) {
        self.judge.book().violation(what);
    }

    fn count(&self, what: &str) {
        self.judge.book().tally.count(what);
    }

    /// Makes one step, of a few hundred milliseconds at most.
    async fn step(&mut self, calm: bool) {
        sleep(Duration::from_millis(self.rng.u64(10..160))).await;
        self.chaos.tick().await;
        self.editor.tick(&mut self.rng);
        self.life().await;
        self.market();
        match self.rng.u8(0..100) {
            0..46 => self.editor.edit(&mut self.rng, calm),
            46..60 if !calm => self.chaos.fault(&mut self.rng),
            60..62 => self.chaos.fault(&mut self.rng),
            62..65 => self.chaos.change_lag(&mut self.rng),
            65..67 => self.chaos.change_darkness(&mut self.rng),
            67 if !calm => self.chaos.step_the_clock(&mut self.rng),
            68..70 if !calm => self.chaos.refuse_connections(&mut self.rng).await,
            70..78 if !calm => self.chaos.people(&mut self.rng),
            78..80 => self.chaos.people(&mut self.rng),
            80..82 => self.kill_soon(),
            82..92 if !calm => self.editor.contradict(&mut self.rng),
            _ => {}
        }
    }

    /// Opens accounts as others are closed.
    fn market(&mut self) {
        if self.chaos.live().len() < ACCOUNTS {
            self.chaos.open_account(&mut self.rng);
            self.count("accounts opened");
        }
        self.chaos.forget_closed();
        if self.rng.u8(0..5) == 0 {
            let live = self.chaos.live();
            let unlisted = live.into_iter().find(|sid| !self.editor.state.entries.contains_key(sid));
            if let Some(sid) = unlisted.filter(|_| self.rng.bool()) {
                self.editor.list(&sid, &mut self.rng);
                self.editor.save();
            }
        }
    }

    fn kill_soon(&mut self) {
        if self.kills_at.is_none() && self.kills_on_write.is_none() && self.process.is_running() {
            let after = Duration::from_millis(self.rng.u64(0..80));
            if self.rng.bool() {
                self.kills_on_write = Some((self.judge.book().arrivals, after));
            } else {
                self.kills_at = Some(Instant::now() + after);
            }
        }
    }

    /// Kills and starts the daemon when that is due.
    async fn life(&mut self) {
        if let Some(death) = self.process.death() {
            self.violation(&death);
            self.starts_at = Some(Instant::now());
        }
        let arrivals = self.judge.book().arrivals;
        if let Some((seen, after)) = self.kills_on_write
            && arrivals > seen
        {
            self.kills_on_write = None;
            self.kills_at = Some(Instant::now() + after);
        }
        // A daemon that writes nothing is killed as well: it trusts no clock for an hour after one that jumped.
        if self.kills_on_write.is_some() && self.rng.u8(0..60) == 0 {
            self.kills_on_write = None;
            self.kills_at = Some(Instant::now());
        }
        if self.kills_at.take_if(|at| *at <= Instant::now()).is_some() && self.process.is_running() {
            self.process.count_passes().await;
            if self.rng.u8(0..5) == 0 {
                self.count("kills: SIGTERM");
                // The request time-out and 5 s, and the delay of a busy machine.
                if let Some(what) = self.process.terminate(Duration::from_secs(9)).await {
                    self.violation(&what);
                }
            } else {
                self.count("kills: SIGKILL");
                self.process.kill();
                self.judge.book().killed();
            }
            let away = if self.rng.u8(0..6) == 0 { self.rng.u64(2_000..9_000) } else { self.rng.u64(0..600) };
            self.starts_at = Some(Instant::now() + Duration::from_millis(away));
            if self.rng.u8(0..5) == 0
                && let Some(what) = self.process.read_journal()
            {
                self.violation(&what);
            }
        }
        if self.starts_at.take_if(|at| *at <= Instant::now()).is_some() {
            self.process.start();
        }
    }

    /// Ends all faults, and waits until everything is in sync or held with a reason.
    async fn converge(&mut self) {
        self.chaos.end().await;
        self.editor.heal();
        if !self.process.is_running() {
            self.process.start();
        }
        let begin = Instant::now();
        let mut left = "nothing was observed".to_owned();
        let mut passes = std::collections::BTreeSet::new();
        while begin.elapsed() < CONVERGES {
            sleep(Duration::from_millis(300)).await;
            if let Some(death) = self.process.death() {
                return self.violation(&death);
            }
            let Some(status) = self.process.status().await else { continue };
            passes.insert(status["lastPass"]["startedAt"].to_string());
            if passes.len() < 4 {
                continue;
            }
            left = self.left(&status);
            if left.is_empty() {
                self.process.count_passes().await;
                let took = begin.elapsed().as_secs_f64();
                eprintln!("converged after {took:.1} s, held: {:?}", reasons(&status));
                return;
            }
        }
        self.violation(&format!(
            "no convergence within {CONVERGES:?}: {left}: {}",
            self.process.log().display()
        ));
    }

    /// The first object that is neither in sync nor held.
    fn left(&self, status: &Value) -> String {
        let plan = &status["plan"];
        if status["lastPass"]["result"] != "success" || plan["actions"] != Value::Array(Vec::new()) {
            return format!("{} {}", status["lastPass"], plan["actions"]);
        }
        let held =
            |key: &str, what: &str| plan["held"].as_array().unwrap().iter().any(|held| held[key] == *what);
        if let Some(rest) = plan["held"].as_array().unwrap().iter().find(|held| is_over_soon(held, status)) {
            return rest["message"].to_string();
        }
        let world = self.chaos.sim.world();
        for (sid, entry) in &self.editor.state.entries {
            let wanted = match entry.word {
                Word::Active => AccountStatus::Active,
                Word::Suspended => AccountStatus::Suspended,
                Word::Closed => AccountStatus::Closed,
            };
            let is = world.account(sid).map(|account| account.status);
            if is.is_some_and(|is| is != wanted) && !held("account", sid) {
                return format!("{sid} is {is:?}, wanted {wanted:?}, and is not held");
            }
            for phone in &entry.numbers {
                let owner = world.owner_of(phone).map(twilio_sim::AccountSid::as_str);
                if owner != Some(sid) && !held("number", phone) {
                    return format!("{phone} is in {owner:?}, wanted in {sid}, and is not held");
                }
            }
        }
        String::new()
    }
}

/// Returns true when an account rests for a minute at most: after a date by a wrong clock it may rest for days.
fn is_over_soon(held: &Value, status: &Value) -> bool {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let message = held["message"].as_str().unwrap_or_default();
    let due = message.split("is closed at ").nth(1).and_then(|rest| time(rest.split(' ').next()?));
    let now = status["lastPass"]["finishedAt"].as_str().and_then(time);
    due.zip(now).is_some_and(|(due, now)| due.duration_since(now) < jiff::SignedDuration::from_mins(1))
}

fn reasons(status: &Value) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    for held in status["plan"]["held"].as_array().into_iter().flatten() {
        *reasons.entry(held["reason"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    reasons
}

fn report(soak: &Soak, passes: u64) -> Vec<String> {
    let book = soak.judge.book();
    eprintln!("passes counted before kills: {passes}");
    for (kind, posts) in &book.tally.posts {
        eprintln!("POSTs, {kind}: {posts}");
    }
    for (age, posts) in &book.tally.ages {
        eprintln!("POSTs, {age}: {posts}");
    }
    for (what, count) in &book.tally.other {
        eprintln!("{what}: {count}");
    }
    eprintln!("violations: {}", book.tally.violations.len());
    book.tally.violations.clone()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().filter(|text| !text.is_empty()).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daemon_breaks_no_invariant_whatever_happens() {
    let (seed, lasts) = (number("SOAK_SEED", 7), Duration::from_secs(number("SOAK_SECONDS", 20)));
    let dir = tempfile::Builder::new().prefix("soak-").tempdir().unwrap();
    eprintln!("seed {seed}, {lasts:?}, in {}", dir.path().display());
    let mut soak = Soak::begin(seed, lasts, dir.path().to_owned()).await;
    let begin = Instant::now();
    while begin.elapsed() < lasts {
        let calm = (begin.elapsed().as_secs() / WEATHER.as_secs()) % 2 == 1;
        soak.step(calm).await;
    }
    soak.converge().await;
    if let Some(what) = soak.process.read_journal() {
        soak.violation(&what);
    }
    soak.judge.book().check_ages();
    let passes = soak.process.count_passes().await;
    let violations = report(&soak, passes);
    if !violations.is_empty() {
        eprintln!("kept: {}", dir.keep().display());
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}
