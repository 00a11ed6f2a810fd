//! A soak: a daemon on its journal against the simulator, with kills, faults, lags, clock errors, people and edits of the state
//! all the time, and a judge that holds every write against the invariants.
//!
//! Everything is drawn from one seed. The daemon is a [`Life`]: a process in real time, or one without a process on virtual time.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells its counts"
)]

mod ask;
mod budget;
mod chaos;
mod converge;
mod edits;
mod journal;
mod judge;
mod kills;
mod knowledge;
mod life;
mod names;
pub mod onboarding;
mod outcome;
mod rules;
pub mod secrets;
pub mod small;
mod state;
mod tally;
mod versions;

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use chaos::Chaos;
use edits::Editor;
use fastrand::Rng;
use journal::Backup;
use judge::Judge;
use kills::Kills;
use rules::Rules;
use state::Folder;
use tokio::time::{Instant, sleep};
use twilio_sim::Sim;

pub use judge::HIDDEN_NAMESAKE;
pub use life::Life;
pub use outcome::{Outcome, passes_of};

/// The main account.
pub const MAIN: &str = "AC00000000000000000000000000000000";
/// Its auth token.
pub const TOKEN: &str = "a-main-token-that-is-never-shown";
/// The duration of a storm and of a calm.
const WEATHER: Duration = Duration::from_secs(15);

/// The kind of a soak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Everything happens.
    Usual,
    /// The daemon keeps its history in memory only.
    WithoutJournal,
    /// The clocks run too fast or too slow.
    Drift,
    /// No edits after the begin; there are faults and kills only.
    Quiet,
    /// No edits after the begin, and no faults: what a [`Kind::Quiet`] soak of the same seed must come to.
    Still,
}

/// The size of a soak.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The number of accounts that are open at a time.
    pub accounts: usize,
    /// The time for which it goes on, before the faults end.
    pub lasts: Duration,
    /// Its kind.
    pub kind: Kind,
}

/// The settings of the daemon with which the soak of `seed` judges it.
pub fn daemon_args(seed: u64, scale: Scale) -> Vec<String> {
    Rules::new(seed, scale).args()
}

/// A soak.
pub struct Soak<L> {
    seed: u64,
    rng: Rng,
    scale: Scale,
    chaos: Chaos,
    editor: Editor,
    process: L,
    judge: Judge,
    kills: Kills,
    /// The daemon that runs now makes no write.
    is_dry_run: bool,
    clock_until: Option<Instant>,
    /// The milliseconds by which the clock of the daemon's machine drifts at each step.
    drift: i64,
    drifted: i64,
    backup: Option<Backup>,
    skips: BTreeSet<u32>,
}

impl<L: Life> Soak<L> {
    /// Begins a soak of the empty world of `sim` with the state in a new folder `state` of `dir`.
    ///
    /// # Panics
    /// The machine refuses the folder.
    pub fn begin(seed: u64, scale: Scale, sim: Sim, dir: &Path, process: L) -> Self {
        let judge = Judge::new(Rules::new(seed, scale));
        judge.observe(&sim);
        fs::create_dir_all(dir.join("state")).unwrap();
        let folder = Folder(dir.join("state"));
        let mut rng = Rng::with_seed(seed);
        let drift = if scale.kind == Kind::Drift { [-8, -3, 3, 8][rng.usize(0..4)] } else { 0 };
        let mut soak = Self {
            seed,
            rng,
            scale,
            chaos: Chaos::new(sim.clone(), judge.clone()),
            editor: Editor::new(sim, judge.clone(), folder),
            process,
            judge,
            kills: Kills::default(),
            is_dry_run: false,
            clock_until: None,
            drift,
            drifted: 0,
            backup: None,
            skips: BTreeSet::new(),
        };
        for _ in 0..scale.accounts {
            let sid = soak.chaos.open_account(&mut soak.rng);
            soak.editor.list(&sid, &mut soak.rng);
        }
        if soak.is_undisturbed() {
            for _ in 0..30 {
                soak.chaos.people(&mut soak.rng);
                soak.editor.edit(&mut soak.rng, true);
            }
            soak.editor.heal();
        }
        soak.editor.save();
        soak.start(false);
        soak
    }

    /// Leaves steps out: only time passes in them.
    #[must_use]
    pub fn without(self, skips: BTreeSet<u32>) -> Self {
        Self { skips, ..self }
    }

    /// Goes through storms and calms, then ends all faults and waits for the daemon to converge. Gives the counts.
    pub async fn to_the_end(mut self) -> Outcome {
        let (begin, mut steps) = (Instant::now(), 0);
        while begin.elapsed() < self.scale.lasts {
            let calm = (begin.elapsed().as_secs() / WEATHER.as_secs()) % 2 == 1;
            self.rng = Rng::with_seed(self.seed.rotate_left(20) ^ u64::from(steps));
            self.step(calm, self.skips.contains(&steps)).await;
            steps += 1;
        }
        self.converge().await;
        if self.keeps_a_journal()
            && let Some(what) = self.process.read_journal()
        {
            self.violation(&what);
        }
        self.judge.book().check_ages();
        let passes = self.process.count_passes().await;
        for what in self.process.complaints() {
            self.violation(&what);
        }
        let outcome = Outcome::of(&self.judge.book().tally, passes);
        Outcome { steps, fleet: self.chaos.fleet(), ..outcome }
    }

    fn violation(&self, what: &str) {
        self.judge.book().violation(what);
    }

    fn count(&self, what: &str) {
        self.judge.book().tally.count(what);
    }

    fn is_undisturbed(&self) -> bool {
        matches!(self.scale.kind, Kind::Quiet | Kind::Still)
    }

    fn keeps_a_journal(&self) -> bool {
        self.scale.kind != Kind::WithoutJournal
    }

    /// One step of a few hundred milliseconds at most. In one that is skipped, only what is due happens.
    async fn step(&mut self, calm: bool, skipped: bool) {
        sleep(Duration::from_millis(self.rng.u64(10..160))).await;
        self.chaos.tick().await;
        self.tick_the_clock();
        let saved = self.judge.book().versions.len();
        if !self.is_undisturbed() {
            self.editor.tick(&mut self.rng);
        }
        self.live().await;
        let action = self.rng.u8(0..100);
        match self.scale.kind {
            _ if skipped => {}
            Kind::Usual | Kind::WithoutJournal | Kind::Drift => {
                self.market();
                self.disturb(action, calm).await;
            }
            Kind::Quiet => self.trouble(action, calm).await,
            Kind::Still => {}
        }
        if self.judge.book().versions.len() > saved {
            self.process.edited();
        }
    }

    /// Everything that people, other tools and the machine do.
    async fn disturb(&mut self, action: u8, calm: bool) {
        match action {
            0..40 => self.editor.edit(&mut self.rng, calm),
            40..70 | 80..83 => self.trouble(action, calm).await,
            70..78 if !calm => self.chaos.people(&mut self.rng),
            78..80 => self.chaos.people(&mut self.rng),
            83..92 if !calm => self.editor.contradict(&mut self.rng),
            92..94 if self.process.is_simulated() => self.handle_the_journal(),
            94 if self.process.is_simulated() && self.keeps_a_journal() && !self.is_dry_run => {
                self.start_another();
            }
            _ => {}
        }
    }

    /// The faults of Twilio, of the network, and of the machine.
    async fn trouble(&mut self, action: u8, calm: bool) {
        match action {
            40..58 if !calm => self.chaos.fault(&mut self.rng),
            58..62 => self.chaos.fault(&mut self.rng),
            62 | 63 => self.chaos.change_lag(&mut self.rng),
            64 => self.chaos.change_habits(&mut self.rng),
            65..67 if !self.is_undisturbed() => self.chaos.change_darkness(&mut self.rng),
            67 if !calm && !self.is_undisturbed() => self.step_a_clock(),
            68..70 if !calm => self.chaos.refuse_connections(&mut self.rng).await,
            80..83 => self.kill_soon(),
            _ => {}
        }
    }

    /// One of the clocks jumps: Twilio's, or the one of the daemon's machine. When both are wrong at a restart, nothing tells it.
    fn step_a_clock(&mut self) {
        if self.clock_until.is_some() || self.chaos.clock_is_wrong() || self.scale.kind == Kind::Drift {
            return;
        }
        if !self.process.is_simulated() || self.rng.bool() {
            return self.chaos.step_the_clock(&mut self.rng);
        }
        let hours = if self.rng.bool() { 26 } else { -26 };
        self.process.set_clock(hours * 3_600_000);
        self.clock_until = Some(Instant::now() + Duration::from_millis(self.rng.u64(500..6_000)));
        self.count("clock steps of the machine");
    }

    fn tick_the_clock(&mut self) {
        if self.clock_until.take_if(|until| *until <= Instant::now()).is_some() {
            self.process.set_clock(0);
        }
        if self.drift != 0 {
            // A clock that is a second off is set right, and drifts again.
            self.drifted = if self.drifted.abs() >= 1_000 { 0 } else { self.drifted + self.drift };
            self.process.set_clock(self.drifted);
        }
    }

    fn end_clock_faults(&mut self) {
        (self.clock_until, self.drift) = (None, 0);
        self.process.set_clock(0);
    }

    fn start_another(&self) {
        if self.process.is_running() {
            self.count("second daemons on one journal");
            if let Some(what) = self.process.start_another() {
                self.violation(&what);
            }
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
            // An account that an entry without a SID means is listed a second time only rarely.
            let twice = self.rng.u8(0..16) == 0;
            let is_unlisted = |sid: &String| {
                let (entries, book) = (&self.editor.state.entries, self.judge.book());
                let is_meant = book.names.name_of(sid).is_some_and(|name| entries.contains_key(name));
                !entries.contains_key(sid) && (twice || !is_meant)
            };
            let unlisted = live.into_iter().find(is_unlisted);
            if let Some(sid) = unlisted.filter(|_| self.rng.bool()) {
                self.editor.list(&sid, &mut self.rng);
                self.editor.save();
            }
        }
    }
}
