//! Onboarding: entries without a SID, batch after batch under the limit, while creates are lost, late and refused, lists show
//! new accounts late, and the daemon is killed at every boundary of a create. In the end each entry has exactly one account.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use fastrand::Rng;
use tokio::time::{Instant, sleep};
use twilio_sim::{Fault, FaultKind, Operation, Sim};

use crate::{
    Outcome,
    chaos::Chaos,
    converge::{Patience, left_to_do},
    edits::{Editor, value},
    judge::Judge,
    rules::Rules,
    small::{RequestMoment, Scripted},
    state::{Entry, FILES, Folder, Word},
};

/// The entries of a batch: exactly what the limit allows in one window.
pub(crate) const BATCH: usize = 25;
/// The window of the limit.
pub(crate) const WINDOW: Duration = Duration::from_hours(1);
/// The time between two looks at the daemon.
const TICK: Duration = Duration::from_secs(2);
/// The longest time until a batch is there: three creates that are each lost and watched, under lists that lag.
const BATCH_TAKES: Duration = Duration::from_hours(3);
/// The time for which the fleet is watched in the end.
const WATCHED: Duration = Duration::from_mins(20);
/// The longest lag of a list, and the longest delay of a create: together they are shorter than the time in which a lost create
/// is watched.
const MAX_LAG_MS: u64 = 9 * 60_000;
const MAX_DELAY_MS: u64 = 5 * 60_000;

/// What happens to a create.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Trouble {
    None,
    KillBefore,
    KillAfter,
    Lost,
    LostAfter,
    Late,
    ErrorBefore,
    ErrorAfter,
    NotFoundAfter,
    Busy,
    Junk,
    Stall,
}

impl Trouble {
    const ALL: [Self; 12] = [
        Self::None,
        Self::KillBefore,
        Self::KillAfter,
        Self::Lost,
        Self::LostAfter,
        Self::Late,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::NotFoundAfter,
        Self::Busy,
        Self::Junk,
        Self::Stall,
    ];

    /// The fault of Twilio or of the network; kills are the daemon's business.
    fn fault(self, rng: &mut Rng) -> Option<Fault> {
        Some(match self {
            Self::None | Self::KillBefore | Self::KillAfter => return None,
            Self::Lost => Fault::reset(),
            Self::LostAfter => Fault::reset_after(),
            Self::Late => Fault::late(rng.u64(100..MAX_DELAY_MS)),
            Self::ErrorBefore => Fault::status(503, 20503),
            Self::ErrorAfter => Fault::status_after(500, 20500),
            Self::NotFoundAfter => Fault::status_after(404, 20404),
            Self::Busy => Fault::status(429, 20429).retry_after(3),
            Self::Junk => Fault::new(FaultKind::Junk),
            Self::Stall => Fault::new(FaultKind::Stall),
        })
    }
}

/// The troubles that were made, and a kill that is due.
#[derive(Default)]
struct Made {
    counts: BTreeMap<String, u64>,
    creates: usize,
    kills_after: bool,
}

/// The settings of the daemon.
pub fn daemon_args() -> Vec<String> {
    Rules::onboarding().args()
}

/// An onboarding of `entries` accounts.
pub struct Onboarding<L> {
    entries: usize,
    rng: Rng,
    chaos: Chaos,
    editor: Editor,
    judge: Judge,
    process: L,
    made: Arc<Mutex<Made>>,
    starts_at: Option<Instant>,
}

impl<L: Scripted> Onboarding<L> {
    /// Begins one in the empty world of `sim`, with the state in a new folder `state` of `dir`.
    ///
    /// # Panics
    /// The machine refuses the folder.
    pub fn begin(seed: u64, entries: usize, sim: Sim, dir: &Path, mut process: L) -> Self {
        let judge = Judge::new(Rules::onboarding());
        judge.observe(&sim);
        sim.world().switches_mut().max_subaccounts = entries;
        fs::create_dir_all(dir.join("state")).unwrap();
        let editor = Editor::new(sim.clone(), judge.clone(), Folder(dir.join("state")));
        let made = Arc::new(Mutex::new(Made::default()));
        process.hook(hook(seed, sim.clone(), Arc::clone(&made)));
        let chaos = Chaos::new(sim, judge.clone());
        let rng = Rng::with_seed(seed);
        Self { entries, rng, chaos, editor, judge, process, made, starts_at: None }
    }

    /// Adds batch after batch, and watches the fleet in the end. Gives the counts.
    ///
    /// # Panics
    /// The daemon panicked.
    pub async fn to_the_end(mut self) -> Outcome {
        self.editor.save();
        self.start();
        let mut entries = 0;
        while entries < self.entries && self.judge.book().tally.violations.is_empty() {
            let batch = BATCH.min(self.entries - entries);
            self.add(entries, batch);
            entries += batch;
            self.converge().await;
            // What was spent falls out of the window.
            self.pass(WINDOW).await;
        }
        self.rest().await;
        if let Some(what) = self.process.read_journal() {
            self.violation(&what);
        }
        let passes = self.process.count_passes().await;
        for what in self.process.complaints() {
            self.violation(&what);
        }
        let mut outcome = Outcome::of(&self.judge.book().tally, passes);
        outcome.counts.extend(self.made.lock().unwrap().counts.clone());
        outcome
    }

    fn violation(&self, what: &str) {
        self.judge.book().violation(what);
    }

    fn start(&mut self) {
        self.judge.book().starts(false);
        self.process.start(false);
    }

    /// Adds entries: some are suspended, some claim a number of the main account and name its settings.
    fn add(&mut self, from: usize, batch: usize) {
        for n in from..from + batch {
            let word = if n % 5 == 4 { Word::Suspended } else { Word::Active };
            let mut entry = Entry::new(word, n % FILES);
            if n % 5 == 1 {
                entry.numbers.insert(self.chaos.buy_number(crate::MAIN));
                entry.defaults.insert("VoiceUrl".to_owned(), value("VoiceUrl", &mut self.rng));
            }
            self.editor.state.entries.insert(format!("customer {n}"), entry);
        }
        let lag = |rng: &mut Rng| [0, rng.u64(0..60_000), rng.u64(0..MAX_LAG_MS)][rng.usize(0..3)];
        {
            let mut world = self.chaos.sim.world();
            let switches = world.switches_mut();
            switches.account_list_lag_ms = lag(&mut self.rng);
            switches.new_account_list_lag_ms = lag(&mut self.rng);
            switches.new_account_fetch_lag_ms = lag(&mut self.rng);
        }
        self.editor.save();
        self.process.edited();
        self.kill_somewhere();
    }

    fn kill_somewhere(&mut self) {
        if self.rng.bool() {
            self.process.kill_somewhere(&mut self.rng);
        }
    }

    /// Lets time pass; a daemon that was killed is started again.
    async fn pass(&mut self, time: Duration) {
        let begin = Instant::now();
        while begin.elapsed() < time {
            sleep(TICK).await;
            if self.process.was_killed(&mut self.rng) {
                self.judge.book().killed();
                self.judge.book().tally.count("kills");
                self.starts_at = Some(Instant::now() + Duration::from_secs(self.rng.u64(0..90)));
            } else if let Some(death) = self.process.death() {
                return self.violation(&death);
            }
            if self.starts_at.take_if(|at| *at <= Instant::now()).is_some() {
                self.start();
                self.kill_somewhere();
            }
        }
    }

    /// Waits until every entry has its account, and everything is as the state says.
    async fn converge(&mut self) {
        let begin = Instant::now();
        let mut left = "nothing was observed".to_owned();
        let mut passes = BTreeSet::new();
        while begin.elapsed() < BATCH_TAKES {
            self.pass(Duration::from_mins(5)).await;
            let Some(status) = self.process.status().await else { continue };
            passes.insert(status["lastPass"]["startedAt"].to_string());
            let world = self.chaos.sim.world();
            let (state, book) = (&self.editor.state, self.judge.book());
            left = left_to_do(&status, state, &world, &book.names, Patience::Long);
            drop(book);
            let held = status["plan"]["held"].as_array().is_none_or(|held| !held.is_empty());
            if passes.len() > 2 && left.is_empty() && !held {
                let mut book = self.judge.book();
                book.tally.count("batches");
                let accounts = world.accounts().count() - 1;
                let entries = self.editor.state.entries.len();
                if accounts != entries {
                    book.violation(&format!("I13: {accounts} accounts for {entries} entries"));
                }
                return;
            }
            if held {
                left = status["plan"]["held"].to_string();
            }
        }
        self.violation(&format!("I6: a batch is not there after {BATCH_TAKES:?}: {left:.2000}"));
    }

    /// A fleet at rest is asked for its lists alone.
    async fn rest(&mut self) {
        self.process.spare();
        self.pass(WATCHED).await;
        let sim = self.chaos.sim.clone();
        sim.clear_requests();
        self.pass(WATCHED).await;
        let requests = sim.requests();
        let is_list = |asked: Option<Operation>| {
            matches!(asked, Some(Operation::ListAccounts | Operation::ListNumbers))
        };
        if let Some(request) = requests.iter().find(|request| !is_list(request.operation)) {
            self.violation(&format!("I5: {:?} of a fleet at rest: {}", request.operation, request.path));
        }
        let count = |of| requests.iter().filter(|request| request.operation == Some(of)).count();
        let lists = count(Operation::ListAccounts).try_into().unwrap();
        self.made.lock().unwrap().counts.insert("account lists of the fleet at rest".to_owned(), lists);
        if lists == 0 {
            self.violation("I6: a fleet at rest is not observed");
        }
    }
}

/// Troubles each create: each trouble comes in turn, and every second create has none.
fn hook(seed: u64, sim: Sim, made: Arc<Mutex<Made>>) -> crate::small::Hook {
    let mut rng = Rng::with_seed(seed ^ 0x00c4_ea7e);
    Box::new(move |moment| {
        let mut made = made.lock().unwrap();
        match moment {
            RequestMoment::Arrives { is_create: false, .. } => true,
            RequestMoment::Arrives { is_create: true, .. } => {
                let trouble = match made.creates % 2 {
                    0 => Trouble::ALL[(made.creates / 2 + rng.usize(0..2)) % Trouble::ALL.len()],
                    _ => Trouble::None,
                };
                made.creates += 1;
                *made.counts.entry(format!("creates with trouble: {trouble:?}")).or_default() += 1;
                if let Some(fault) = trouble.fault(&mut rng) {
                    sim.inject(fault.times(1).on(Operation::CreateAccount));
                }
                made.kills_after |= trouble == Trouble::KillAfter;
                trouble != Trouble::KillBefore
            }
            RequestMoment::Answered { is_create } => !(is_create && std::mem::take(&mut made.kills_after)),
        }
    })
}
