//! Schedules of small fleets: what happens at which request, or at which poll the daemon is killed, one after the other.

mod event;
mod fleet;
mod stage;

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use fastrand::Rng;
use tokio::time::{Instant, sleep};
use twilio_sim::Sim;

pub use event::{Edit, Event};
pub use fleet::SmallFleet;
use stage::Stage;

use crate::{
    Life, Outcome,
    chaos::Chaos,
    converge::{Patience, left_to_do},
    edits::Editor,
    judge::Judge,
    rules::Rules,
    state::Folder,
};

/// The longest time to converge: a create whose outcome is unknown is watched for 15 minutes.
const CONVERGES: Duration = Duration::from_mins(35);
/// The time until a daemon that was killed is started again.
const AWAY: Duration = Duration::from_millis(200);

/// The bytes of a journal that a kill leaves, of those that were written since the last request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tear {
    /// All of them.
    None,
    /// Half of them.
    Half,
    /// None of them.
    All,
}

/// A place in a schedule, and the event there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Something happens at the request with this number, counted from the start.
    Request(usize, Event),
    /// The daemon is killed at the poll with this number, counted from its first start.
    Poll(u32, Tear),
}

impl Step {
    /// Returns true when it is an edit of the state or a change by others, so that another end may be right.
    pub fn is_from_outside(self) -> bool {
        match self {
            Self::Request(_, event) => event.is_from_outside(),
            Self::Poll(..) => false,
        }
    }

    /// The name of its kind, for a count.
    pub fn kind(self) -> String {
        match self {
            Self::Request(_, Event::Fault(name)) => format!("fault: {name}"),
            Self::Request(_, event) => {
                let name = format!("{event:?}");
                name.split('(').next().unwrap_or_default().to_owned()
            }
            Self::Poll(_, tear) => format!("kill at a poll, tear {tear:?}"),
        }
    }
}

/// A moment of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestMoment {
    /// It arrives.
    Arrives {
        /// True for a POST.
        is_write: bool,
        /// True for a POST that creates an account.
        is_create: bool,
    },
    /// Its answer leaves.
    Answered {
        /// True for a POST that creates an account.
        is_create: bool,
    },
}

/// Is called at both moments of every request; false when the daemon is killed at that moment.
pub type Hook = Box<dyn FnMut(RequestMoment) -> bool + Send>;

/// A [`Life`] whose every request and every poll is known.
pub trait Scripted: Life {
    /// Calls `hook` for every request from now on.
    fn hook(&mut self, hook: Hook);
    /// Kills it at a poll.
    fn kill_at(&mut self, poll: u32, tear: Tear);
    /// The polls of its first life so far.
    fn polls(&self) -> u32;
}

/// The settings of the daemon of a small fleet.
pub fn daemon_args() -> Vec<String> {
    Rules::small().args()
}

/// The result of a schedule.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The counts, the violations and the fleet in the end.
    pub outcome: Outcome,
    /// Every request in order: true for a POST.
    pub requests: Vec<bool>,
    /// The polls of the first life of the daemon.
    pub polls: u32,
}

impl Told {
    /// Everything that can happen in a schedule that came to this: at each request, and at each poll. Only the strongest events,
    /// and no polls, for pairs.
    pub fn steps(&self, fleet: &SmallFleet, strongest: bool) -> Vec<Step> {
        let choice = if strongest { Event::strongest } else { Event::all };
        let events = |is_write| choice(fleet.accounts.len(), fleet.numbers.len(), is_write);
        let requests = self.requests.iter().enumerate();
        let requests = requests.flat_map(|(at, &is_write)| {
            let events = events(is_write).into_iter().filter(|event| fleet.allows(*event));
            events.map(move |event| Step::Request(at, event)).collect::<Vec<_>>()
        });
        let tears = if strongest { &[][..] } else { &[Tear::None, Tear::Half, Tear::All][..] };
        let polls = (0..self.polls).flat_map(|poll| tears.iter().map(move |tear| Step::Poll(poll, *tear)));
        requests.chain(polls).collect()
    }
}

/// Runs one schedule of a fleet to its end.
///
/// # Panics
/// The machine refuses the folder.
pub async fn run<L: Scripted>(
    fleet: &SmallFleet,
    steps: &[Step],
    sim: Sim,
    dir: &Path,
    mut process: L,
) -> Told {
    let judge = Judge::new(Rules::small());
    judge.observe(&sim);
    fs::create_dir_all(dir.join("state")).unwrap();
    let folder = Folder(dir.join("state"));
    let chaos = Chaos::new(sim.clone(), judge.clone());
    let stage = Stage::new(fleet, chaos, Editor::new(sim, judge.clone(), folder));
    let stage = Arc::new(Mutex::new(stage));
    let requests = Arc::new(Mutex::new(Vec::new()));
    process.hook(hook(steps.to_vec(), Arc::clone(&stage), Arc::clone(&requests)));
    judge.book().starts(false);
    process.start(false);
    for step in steps {
        if let Step::Poll(poll, tear) = step {
            process.kill_at(*poll, *tear);
        }
    }
    let polls = until_converged(&stage, &judge, &mut process).await;
    if let Some(what) = process.read_journal() {
        judge.book().violation(&what);
    }
    for what in process.complaints() {
        judge.book().violation(&what);
    }
    let outcome = Outcome::of(&judge.book().tally, 0);
    let outcome = Outcome { fleet: stage.lock().unwrap().chaos.fleet(), ..outcome };
    let requests = requests.lock().unwrap().clone();
    Told { outcome, requests, polls }
}

/// Makes the events of a schedule happen.
fn hook(steps: Vec<Step>, stage: Arc<Mutex<Stage>>, requests: Arc<Mutex<Vec<bool>>>) -> Hook {
    let mut answered = None;
    Box::new(move |moment| {
        let mut stage = stage.lock().unwrap();
        let RequestMoment::Arrives { is_write, .. } = moment else {
            stage.set_lag(0);
            return answered.take().is_none();
        };
        let mut requests = requests.lock().unwrap();
        let now = requests.len();
        requests.push(is_write);
        let here = steps.iter().filter_map(|step| match step {
            Step::Request(at, event) if *at == now => Some(*event),
            Step::Request(..) | Step::Poll(..) => None,
        });
        let mut goes = true;
        for event in here {
            match event {
                Event::KillBefore => goes = false,
                Event::KillAfter => answered = Some(()),
                event => event.strike(&mut stage),
            }
        }
        goes
    })
}

/// Lives until the fleet is as the state says, or everything left is held. Gives the polls of the first life.
async fn until_converged<L: Scripted>(stage: &Mutex<Stage>, judge: &Judge, process: &mut L) -> u32 {
    let (begin, mut rng) = (Instant::now(), Rng::with_seed(1));
    let (mut versions, mut polls, mut starts_at) = (judge.book().versions.len(), None, None);
    let mut passes = std::collections::BTreeSet::new();
    let mut left = "nothing was observed".to_owned();
    while begin.elapsed() < CONVERGES {
        sleep(Duration::from_millis(100)).await;
        stage.lock().unwrap().tick();
        let now = judge.book().versions.len();
        if std::mem::replace(&mut versions, now) != now {
            process.edited();
            passes.clear();
        }
        if process.was_killed(&mut rng) {
            polls.get_or_insert(process.polls());
            judge.book().killed();
            judge.book().tally.count("kills");
            starts_at = Some(Instant::now() + AWAY);
            passes.clear();
        } else if let Some(death) = process.death() {
            judge.book().violation(&death);
            break;
        }
        if starts_at.take_if(|at| *at <= Instant::now()).is_some() {
            judge.book().starts(false);
            process.start(false);
        }
        let Some(status) = process.status().await else { continue };
        if !passes.insert(status["lastPass"]["startedAt"].to_string()) || passes.len() < 3 {
            continue;
        }
        let stage = stage.lock().unwrap();
        if stage.repair_at.is_some() {
            continue;
        }
        let world = stage.chaos.sim.world();
        left = left_to_do(&status, &stage.editor.state, &world, &judge.book().names, Patience::Long);
        drop(world);
        if left.is_empty() {
            return polls.unwrap_or_else(|| process.polls());
        }
    }
    judge.book().violation(&format!("I6: no convergence: {left}"));
    polls.unwrap_or_else(|| process.polls())
}
