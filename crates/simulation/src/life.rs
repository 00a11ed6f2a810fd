//! The daemon without a process: it crashes at any await point, and its journal ends at any byte of what was not saved.

use std::{
    cell::{Cell, RefCell},
    fs,
    future::{pending, poll_fn},
    path::{Path, PathBuf},
    pin::pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use axum::body::Body;
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::Value;
use soak::{
    Life, MAIN, TOKEN, passes_of,
    small::{Hook, RequestMoment, Scripted, Tear},
};
use subaccountd::simulation::{Daemon, Handle, read_journal, set_clock};
use subaccountd_twilio::simulation::{Answering, NoAnswer, Responder, send_over};
use tokio::{task::JoinHandle, time::Instant};
use twilio_sim::Sim;

use crate::{
    BEGIN,
    watch::{Log, Watch},
};

/// The most polls that a daemon makes before it crashes somewhere.
const MAX_POLLS: u32 = 400;

/// The way of requests: it takes some time in each direction.
struct Wire {
    sim: Sim,
    rng: Mutex<Rng>,
    journal: PathBuf,
    /// The length of the journal when the last request arrived. Each save is synced before the daemon goes on, so this much
    /// was durable.
    saved: Arc<AtomicU64>,
    watch: Arc<Watch>,
    script: Arc<Script>,
}

/// The events at each request of a schedule.
#[derive(Default)]
struct Script {
    hook: Mutex<Option<Hook>>,
    /// The daemon is killed at its next poll.
    dies: AtomicBool,
}

impl Script {
    async fn moment(&self, moment: RequestMoment) {
        let goes_on = self.hook.lock().unwrap().as_mut().is_none_or(|hook| hook(moment));
        if !goes_on {
            self.dies.store(true, Ordering::Relaxed);
            tokio::task::yield_now().await;
            pending::<()>().await;
        }
    }
}

impl Responder for Wire {
    fn exchange(&self, request: http::Request<Vec<u8>>) -> Answering<'_> {
        Box::pin(async move {
            let (there, back) = {
                let mut rng = self.rng.lock().unwrap();
                (rng.u64(0..15), rng.u64(0..15))
            };
            self.watch.request(&request, &self.sim);
            tokio::time::sleep(Duration::from_millis(there)).await;
            self.saved.store(length(&self.journal), Ordering::Relaxed);
            let is_write = request.method() == http::Method::POST;
            if is_write {
                self.watch.write(&self.journal, request.uri().path().contains("/Calls/"));
            }
            let is_create = is_write && request.uri().path().ends_with("/Accounts.json");
            self.script.moment(RequestMoment::Arrives { is_write, is_create }).await;
            let answer = self.sim.exchange(request.map(Body::from)).await;
            self.script.moment(RequestMoment::Answered { is_create }).await;
            tokio::time::sleep(Duration::from_millis(back)).await;
            match answer {
                Ok((parts, bytes)) => Ok(http::Response::from_parts(parts, bytes.to_vec())),
                Err(twilio_sim::NoAnswer::Refused) => Err(NoAnswer::Refused),
                Err(twilio_sim::NoAnswer::Cut) => Err(NoAnswer::BrokeOff),
            }
        })
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// The end of a life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Stopped,
    Crashed,
}

struct Running {
    handle: Handle,
    task: JoinHandle<()>,
    end: Rc<Cell<Option<End>>>,
    /// The polls until it crashes; none while it does not.
    polls: Rc<Cell<Option<u32>>>,
    /// The polls so far.
    polled: Rc<Cell<u32>>,
}

/// A daemon that lives and dies on virtual time.
pub(crate) struct Simulated {
    journal: PathBuf,
    args: Vec<String>,
    began: Instant,
    watch: Arc<Watch>,
    /// The journal as a dry run found it, when one runs; empty when there was none.
    found: Option<Vec<u8>>,
    saved: Arc<AtomicU64>,
    running: Option<Running>,
    failed: RefCell<Option<String>>,
    passes: (u64, u64),
    script: Arc<Script>,
    /// The part of the journal that the next crash leaves; drawn when there is none.
    tear: Option<Tear>,
    /// The polls of the last life that ended.
    polled: u32,
}

impl Simulated {
    pub(crate) fn new(dir: &Path, sim: Sim, settings: Vec<String>, seed: u64, log: Log) -> Self {
        let token = dir.join("token");
        fs::write(&token, TOKEN).unwrap();
        let journal = dir.join("journal");
        let saved = Arc::default();
        let shown = |path: &Path| path.display().to_string();
        let mut args = vec![
            format!("--twilio-url={}", sim.url()),
            format!("--account-sid={MAIN}"),
            format!("--auth-token-file={}", shown(&token)),
            format!("--desired={}", shown(&dir.join("state"))),
        ];
        if !settings.iter().any(|setting| setting.starts_with("--journal-dir=")) {
            args.push(format!("--journal-dir={}", shown(&journal)));
        }
        args.extend(settings);
        let journal = journal.join("journal.jsonl");
        let rng = Mutex::new(Rng::with_seed(seed ^ 0x5eed));
        let watch = Arc::new(Watch::new(sim.clone(), log));
        let script = Arc::new(Script::default());
        let wire = Wire {
            sim,
            rng,
            journal: journal.clone(),
            saved: Arc::clone(&saved),
            watch: Arc::clone(&watch),
            script: Arc::clone(&script),
        };
        send_over(Some(Arc::new(wire)));
        Self {
            journal,
            args,
            began: Instant::now(),
            watch,
            found: None,
            saved,
            running: None,
            failed: RefCell::default(),
            passes: (0, 0),
            script,
            tear: None,
            polled: 0,
        }
    }

    /// The bytes of the journal that a crash leaves: all that was saved, and any part of the rest.
    fn torn(&self, rng: &mut Rng) -> Option<Vec<u8>> {
        let bytes = fs::read(&self.journal).ok()?;
        let saved = usize::try_from(self.saved.load(Ordering::Relaxed)).unwrap().min(bytes.len());
        let kept = match self.tear {
            Some(Tear::None) => bytes.len(),
            Some(Tear::Half) => usize::midpoint(saved, bytes.len()),
            Some(Tear::All) => saved,
            // Half of the time nothing is lost.
            None if rng.bool() => bytes.len(),
            None => rng.usize(saved..=bytes.len()),
        };
        Some(bytes[..kept].to_vec())
    }

    fn end(&mut self, handle: &Handle, torn: Option<Vec<u8>>) {
        self.watch.search("the metrics", &handle.metrics());
        self.watch.search_file("the journal", &self.journal);
        if let Some(found) = self.found.take() {
            if fs::read(&self.journal).unwrap_or_default() != found {
                self.watch.complain("I7: a dry run changed the journal".to_owned());
            }
        } else if let Some(torn) = torn {
            fs::write(&self.journal, torn).unwrap();
        }
        self.saved.store(length(&self.journal), Ordering::Relaxed);
        self.passes = (0, self.passes.0 + self.passes.1);
    }
}

impl Life for Simulated {
    fn start(&mut self, dry_run: bool) {
        let mut args = self.args.clone();
        if dry_run {
            args.push("--dry-run".to_owned());
            self.found = Some(fs::read(&self.journal).unwrap_or_default());
        }
        let daemon = match Daemon::start(&args) {
            Ok(daemon) => daemon,
            Err(error) => {
                *self.failed.borrow_mut() = Some(error);
                return;
            }
        };
        self.saved.store(length(&self.journal), Ordering::Relaxed);
        self.watch.starts(self.journal.exists().then_some(self.journal.as_path()));
        let handle = daemon.handle();
        let (end, polls) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(None::<u32>)));
        let polled = Rc::new(Cell::new(0));
        let task = tokio::task::spawn_local({
            let (end, polls, polled) = (Rc::clone(&end), Rc::clone(&polls), Rc::clone(&polled));
            let script = Arc::clone(&self.script);
            async move {
                let mut life = pin!(daemon.run());
                let ended = poll_fn(|context| {
                    polled.set(polled.get() + 1);
                    if script.dies.swap(false, Ordering::Relaxed) {
                        return Poll::Ready(End::Crashed);
                    }
                    match polls.get() {
                        Some(0) => return Poll::Ready(End::Crashed),
                        Some(left) => polls.set(Some(left - 1)),
                        None => {}
                    }
                    life.as_mut().poll(context).map(|()| End::Stopped)
                });
                end.set(Some(ended.await));
            }
        });
        self.running = Some(Running { handle, task, end, polls, polled });
    }

    fn death(&mut self) -> Option<String> {
        if let Some(failed) = self.failed.take() {
            return Some(format!("the daemon does not start: {failed}"));
        }
        let running = self.running.as_ref()?;
        let death = match running.end.get() {
            Some(End::Stopped) => "the daemon ended by itself",
            None if running.task.is_finished() => "the daemon panicked",
            Some(End::Crashed) | None => return None,
        };
        self.running = None;
        Some(death.to_owned())
    }

    fn is_running(&self) -> bool {
        self.running.is_some()
    }

    async fn kill(&mut self, rng: &mut Rng) {
        let Some(Running { task, handle, .. }) = self.running.take() else { return };
        let torn = self.torn(rng);
        task.abort();
        let _ = task.await;
        handle.stop();
        self.end(&handle, torn);
    }

    fn kill_somewhere(&mut self, rng: &mut Rng) -> bool {
        let Some(running) = &self.running else { return false };
        running.polls.set(Some(rng.u32(0..MAX_POLLS)));
        true
    }

    fn spare(&mut self) {
        if let Some(running) = &self.running {
            running.polls.set(None);
        }
    }

    fn was_killed(&mut self, rng: &mut Rng) -> bool {
        let crashed = self.running.as_ref().is_some_and(|running| running.end.get() == Some(End::Crashed));
        if crashed && let Some(running) = self.running.take() {
            self.passes.0 = passes_of(&running.handle.metrics());
            running.handle.stop();
            self.polled = running.polled.get();
            let torn = self.torn(rng);
            self.end(&running.handle, torn);
        }
        crashed
    }

    async fn terminate(&mut self, within: Duration) -> Option<String> {
        let Running { handle, task, .. } = self.running.take()?;
        handle.stop();
        let ended = tokio::time::timeout(within, task).await;
        self.end(&handle, None);
        match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("SIGTERM ended it with {error}")),
            Err(_) => Some(format!("SIGTERM did not end it within {within:?}")),
        }
    }

    async fn count_passes(&mut self) -> u64 {
        if let Some(running) = &self.running {
            let metrics = running.handle.metrics();
            self.passes.0 = passes_of(&metrics);
        }
        self.passes.0 + self.passes.1
    }

    async fn status(&self) -> Option<Value> {
        let report = self.running.as_ref()?.handle.report()?;
        let report = serde_json::to_value(&*report).ok()?;
        self.watch.search("the status", &report.to_string());
        Some(report)
    }

    fn read_journal(&self) -> Option<String> {
        let dir = self.journal.parent()?;
        read_journal(dir, MAIN).err().map(|error| format!("the journal does not fold: {error}"))
    }

    fn edited(&self) {
        if let Some(running) = &self.running {
            running.handle.wake();
        }
    }

    fn log(&self) -> String {
        "run the seed again with --log".to_owned()
    }

    fn is_simulated(&self) -> bool {
        true
    }

    fn journal(&self) -> PathBuf {
        self.journal.clone()
    }

    fn set_clock(&mut self, ahead: i64) {
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        set_clock(Timestamp::from_millisecond(BEGIN * 1_000 + elapsed + ahead).unwrap());
    }

    fn start_another(&self) -> Option<String> {
        let another = Daemon::start(&self.args);
        another.is_ok().then(|| "a second daemon started on the same journal".to_owned())
    }

    fn complaints(&mut self) -> Vec<String> {
        if let Some(running) = &self.running {
            self.watch.search("the metrics", &running.handle.metrics());
        }
        self.watch.search_file("the journal", &self.journal);
        self.watch.complaints(self.began.elapsed(), &self.journal)
    }
}

impl Scripted for Simulated {
    fn hook(&mut self, hook: Hook) {
        *self.script.hook.lock().unwrap() = Some(hook);
    }

    fn kill_at(&mut self, poll: u32, tear: Tear) {
        self.tear = Some(tear);
        if let Some(running) = &self.running {
            running.polls.set(Some(poll));
        }
    }

    fn polls(&self) -> u32 {
        self.running.as_ref().map_or(self.polled, |running| running.polled.get())
    }
}
