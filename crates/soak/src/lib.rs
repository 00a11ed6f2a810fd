//! A soak: a daemon on its journal against the simulator, with kills, faults, lags, clock steps, people and edits of the state
//! all the time, and a judge that holds every write against the invariants.
//!
//! Everything is drawn from one seed. The daemon is a [`Life`]: a process in real time, or one without a process on virtual time.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells its counts"
)]

mod budget;
mod chaos;
mod edits;
mod judge;
mod rules;
pub mod secrets;
mod state;

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use chaos::Chaos;
use edits::Editor;
use fastrand::Rng;
use judge::Judge;
use rules::Rules;
use serde_json::Value;
use state::{Folder, Word};
use tokio::time::{Instant, sleep};
use twilio_sim::{AccountStatus, Sim};

/// The main account.
pub const MAIN: &str = "AC00000000000000000000000000000000";
/// Its auth token.
pub const TOKEN: &str = "a-main-token-that-is-never-shown";
/// The duration of a storm and of a calm.
const WEATHER: Duration = Duration::from_secs(15);
/// The longest time to converge once all faults have ended.
const CONVERGES: Duration = Duration::from_secs(150);

/// A daemon that is killed and started again on the same journal.
pub trait Life {
    /// Starts it.
    fn start(&mut self);
    /// The reason for which it ended by itself, once.
    fn death(&mut self) -> Option<String>;
    /// True while it runs.
    fn is_running(&self) -> bool;
    /// Kills it at once.
    fn kill(&mut self, rng: &mut Rng) -> impl Future<Output = ()>;
    /// Kills it at a moment of its own choice, when it can; [`Life::was_killed`] says when it did.
    fn kill_somewhere(&mut self, rng: &mut Rng) -> bool;
    /// Does not kill itself any more.
    fn spare(&mut self);
    /// True once after it was killed at a moment of its own choice.
    fn was_killed(&mut self, rng: &mut Rng) -> bool;
    /// Ends it as an init system does; what went wrong.
    fn terminate(&mut self, within: Duration) -> impl Future<Output = Option<String>>;
    /// Counts the passes so far.
    fn count_passes(&mut self) -> impl Future<Output = u64>;
    /// The document of `/status`.
    fn status(&self) -> impl Future<Output = Option<Value>>;
    /// Reads the journal as a person does; what went wrong.
    fn read_journal(&self) -> Option<String>;
    /// A file of the state changed.
    fn edited(&self);
    /// The place of its log.
    fn log(&self) -> String;
}

/// The size of a soak.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The number of accounts that are open at a time.
    pub accounts: usize,
    /// The time for which it goes on, before the faults end.
    pub lasts: Duration,
}

/// The settings of the daemon with which the soak of `seed` judges it.
pub fn daemon_args(seed: u64, lasts: Duration) -> Vec<String> {
    Rules::new(seed, lasts).args()
}

/// A soak.
pub struct Soak<L> {
    rng: Rng,
    scale: Scale,
    chaos: Chaos,
    editor: Editor,
    process: L,
    judge: Judge,
    starts_at: Option<Instant>,
    kills_at: Option<Instant>,
    /// Kill it so long after the next write arrived.
    kills_on_write: Option<(u64, Duration)>,
    /// It will be killed at a moment of its own choice.
    kills_itself: bool,
}

impl<L: Life> Soak<L> {
    /// Begins a soak of the empty world of `sim` with the state in a new folder `state` of `dir`.
    ///
    /// # Panics
    /// The machine refuses the folder.
    pub fn begin(seed: u64, scale: Scale, sim: Sim, dir: &Path, process: L) -> Self {
        let judge = Judge::new(Rules::new(seed, scale.lasts));
        let seeing = judge.clone();
        sim.observe_writes(move |seen, world| seeing.see(seen, world));
        fs::create_dir_all(dir.join("state")).unwrap();
        let folder = Folder(dir.join("state"));
        let mut soak = Self {
            rng: Rng::with_seed(seed),
            scale,
            chaos: Chaos::new(sim.clone(), judge.clone()),
            editor: Editor::new(sim, judge.clone(), folder),
            process,
            judge,
            starts_at: None,
            kills_at: None,
            kills_on_write: None,
            kills_itself: false,
        };
        for _ in 0..scale.accounts {
            let sid = soak.chaos.open_account(&mut soak.rng);
            soak.editor.list(&sid, &mut soak.rng);
        }
        soak.editor.save();
        soak.process.start();
        soak
    }

    /// Goes through storms and calms, then ends all faults and waits for the daemon to converge. Gives the counts.
    pub async fn to_the_end(mut self) -> Outcome {
        let begin = Instant::now();
        while begin.elapsed() < self.scale.lasts {
            let calm = (begin.elapsed().as_secs() / WEATHER.as_secs()) % 2 == 1;
            self.step(calm).await;
        }
        self.converge().await;
        if let Some(what) = self.process.read_journal() {
            self.violation(&what);
        }
        self.judge.book().check_ages();
        let passes = self.process.count_passes().await;
        Outcome::of(&self.judge.book().tally, passes)
    }

    fn violation(&self, what: &str) {
        self.judge.book().violation(what);
    }

    fn count(&self, what: &str) {
        self.judge.book().tally.count(what);
    }

    /// One step of a few hundred milliseconds at most.
    async fn step(&mut self, calm: bool) {
        sleep(Duration::from_millis(self.rng.u64(10..160))).await;
        self.chaos.tick().await;
        let saved = self.judge.book().versions.len();
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
        if self.judge.book().versions.len() > saved {
            self.process.edited();
        }
    }

    /// New customers come as others are closed.
    fn market(&mut self) {
        if self.chaos.live().len() < self.scale.accounts {
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
        if self.kills_at.is_none()
            && self.kills_on_write.is_none()
            && !self.kills_itself
            && self.process.is_running()
        {
            let after = Duration::from_millis(self.rng.u64(0..80));
            if self.rng.bool() && self.process.kill_somewhere(&mut self.rng) {
                self.kills_itself = true;
                return;
            }
            if self.rng.bool() {
                self.kills_on_write = Some((self.judge.book().arrivals, after));
            } else {
                self.kills_at = Some(Instant::now() + after);
            }
        }
    }

    /// Kills and starts the daemon when it is time to.
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
                // The request time-out and 5 s, and what a busy machine adds.
                if let Some(what) = self.process.terminate(Duration::from_secs(9)).await {
                    self.violation(&what);
                }
            } else {
                self.count("kills: SIGKILL");
                self.process.kill(&mut self.rng).await;
                self.judge.book().killed();
            }
            self.is_away();
        }
        if self.kills_itself && self.process.was_killed(&mut self.rng) {
            self.kills_itself = false;
            self.count("kills: anywhere");
            self.judge.book().killed();
            self.is_away();
        }
        if self.starts_at.take_if(|at| *at <= Instant::now()).is_some() {
            self.process.start();
        }
    }

    /// Some time passes before it is started again.
    fn is_away(&mut self) {
        let away = if self.rng.u8(0..6) == 0 { self.rng.u64(2_000..9_000) } else { self.rng.u64(0..600) };
        self.starts_at = Some(Instant::now() + Duration::from_millis(away));
        if self.rng.u8(0..5) == 0
            && let Some(what) = self.process.read_journal()
        {
            self.violation(&what);
        }
    }

    /// Ends all faults, and waits until everything is as the state says or held with a reason.
    async fn converge(&mut self) {
        self.chaos.end().await;
        self.editor.heal();
        self.process.spare();
        if self.process.was_killed(&mut self.rng) {
            self.judge.book().killed();
        }
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
                let mut book = self.judge.book();
                book.tally.count(format!("converged within {:.0} s", (took / 10.0).ceil() * 10.0));
                for (reason, count) in reasons(&status) {
                    *book.tally.other.entry(format!("held in the end: {reason}")).or_default() += count;
                }
                return;
            }
        }
        self.violation(&format!("no convergence within {CONVERGES:?}: {left}: {}", self.process.log()));
    }

    /// What is neither as the state says nor held.
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
        if status["desiredState"]["valid"] == false {
            return format!("the state has faults: {}", status["desiredState"]["faults"]);
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

/// Whether an account rests for a minute at most: what was dated by a clock that was wrong may rest for days.
fn is_over_soon(held: &Value, status: &Value) -> bool {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let message = held["message"].as_str().unwrap_or_default();
    let due = message.split("is closed at ").nth(1).and_then(|rest| time(rest.split(' ').next()?));
    let now = status["lastPass"]["finishedAt"].as_str().and_then(time);
    due.zip(now).is_some_and(|(due, now)| due.duration_since(now) < jiff::SignedDuration::from_mins(1))
}

fn reasons(status: &Value) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for held in status["plan"]["held"].as_array().into_iter().flatten() {
        *reasons.entry(held["reason"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    reasons
}

/// The counts of a soak.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Everything that was counted, by its name.
    pub counts: BTreeMap<String, u64>,
    /// What broke an invariant, in words.
    pub violations: Vec<String>,
}

impl Outcome {
    fn of(tally: &judge::Tally, passes: u64) -> Self {
        let posts = tally.posts.iter().map(|(kind, count)| (format!("POSTs, {kind}"), *count));
        let ages = tally.ages.iter().map(|(age, count)| (format!("POSTs, {age}"), *count));
        let other = tally.other.iter().map(|(what, count)| (what.clone(), *count));
        let passes = ("passes".to_owned(), passes);
        Self {
            counts: posts.chain(ages).chain(other).chain([passes]).collect(),
            violations: tally.violations.clone(),
        }
    }

    /// Adds the counts of another soak.
    pub fn add(&mut self, other: Self) {
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.violations.extend(other.violations);
    }
}

/// The passes that ended, by the metrics that a daemon shows.
pub fn passes_of(metrics: &str) -> u64 {
    let of = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
    let lines = metrics.lines().filter(|line| line.starts_with("subaccountd_passes_total{"));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
    let passes = lines.filter_map(of).sum::<f64>() as u64;
    passes
}
