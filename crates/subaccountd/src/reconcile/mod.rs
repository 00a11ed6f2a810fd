//! One pass: the desired state, the observation of Twilio, the plan, its execution and the report.

pub(crate) mod list_pauses;
pub(crate) mod observing;
pub(crate) mod precondition;
pub(crate) mod recorder;
pub(crate) mod writer;

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{
    AccountSid, ApprovedPlan, Guardrails, History, KeptLists, Now, Observed, Outcome, PlanError, SkipCause,
    events::{end_of_pass, events_during_pass},
    execute::{self, Execution, execute},
    guard,
    history::{Event, held_events},
    pass::Pass as CorePass,
    record::Stopwatch,
    remote::{ErrorKind, Observe, RemoteError},
    report::{DesiredState, Findings, Mode, NotObserved, PassError, PassResult, PassSummary, Report},
};
use subaccountd_twilio::Client;
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    clock,
    desired::{LoadedState, StateReader},
    journal::Journal,
    reconcile::{
        list_pauses::ListPauses,
        observing::{Observer, probe_failing},
        precondition::StatePrecondition,
        recorder::Recorder,
        writer::Writer,
    },
    version::VERSION,
};

/// The shortest time between two reads of the state during a pass.
const MIN_ATTENTION: Duration = Duration::from_millis(200);

/// Everything that a pass needs.
pub(crate) struct Reconciler {
    pub(crate) state: StateReader,
    pub(crate) account_sid: AccountSid,
    pub(crate) guardrails: Guardrails,
    pub(crate) in_flight: usize,
    pub(crate) client: Client,
    pub(crate) journal: Journal,
    /// A dry run has none.
    pub(crate) writer: Option<Writer>,
    pub(crate) lists: ListPauses,
    /// The number lists for the next pass; `None` when each pass reads all that it needs.
    pub(crate) kept: Mutex<Option<KeptLists>>,
    /// Notified when number lists that failed can be read again.
    pub(crate) recovered: Arc<Notify>,
    /// The number of requests that the client has made, over all passes.
    pub(crate) requests: Arc<AtomicU64>,
    /// No new write begins once it is cancelled, and reading stops.
    pub(crate) stopping: CancellationToken,
}

/// A pass that ended.
pub(crate) struct Pass {
    pub(crate) report: Report,
    /// The fleet as it stands after its writes; `None` when it could not be observed.
    pub(crate) observation: Option<Observation>,
    /// The time at which the oldest number list of the observation was read; `None` without an observation or a list.
    pub(crate) oldest_list: Option<Timestamp>,
    /// True when at least one write was not skipped; then the next pass follows at once.
    pub(crate) did_something: bool,
    /// True when a write was skipped because the state changed meanwhile, or could not be read.
    pub(crate) state_changed: bool,
    /// True when the credentials are accepted; `None` when that is not known.
    pub(crate) credentials_valid: Option<bool>,
}

impl Pass {
    /// Returns true when a planned action was skipped.
    pub(crate) fn skipped(&self) -> bool {
        self.ended(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    /// The wait that Twilio asked for when it did not accept a write: `None` when it accepted all, zero when it asked for
    /// none.
    pub(crate) fn backpressure(&self) -> Option<Duration> {
        let skips = self.report.executed.iter().filter_map(|executed| match &executed.outcome {
            Outcome::Skipped(skip) if skip.cause.is_backpressure() => Some(skip),
            Outcome::Done(_)
            | Outcome::Refused(_)
            | Outcome::Ignored(_)
            | Outcome::Unknown(_)
            | Outcome::Skipped(_) => None,
        });
        skips.map(|skip| skip.retry_after.map_or(Duration::ZERO, SignedDuration::unsigned_abs)).max()
    }

    fn ended(&self, which: impl Fn(&Outcome) -> bool) -> bool {
        self.report.executed.iter().any(|executed| which(&executed.outcome))
    }
}

/// The reason for which a pass was aborted.
struct Aborted {
    error: PassError,
    credentials_valid: Option<bool>,
}

impl From<RemoteError> for Aborted {
    fn from(error: RemoteError) -> Self {
        let credentials_valid = (error.kind == ErrorKind::Credentials).then_some(false);
        Self { error: error.into(), credentials_valid }
    }
}

impl From<PlanError> for Aborted {
    fn from(why: PlanError) -> Self {
        Self { error: why.to_string().into(), credentials_valid: None }
    }
}

/// The fleet as a pass left it, and the history that goes with it.
pub(crate) struct Observation {
    pub(crate) now: Now,
    pub(crate) observed: Observed,
    pub(crate) history: Arc<History>,
}

/// A pass that was planned.
struct Planned<'a> {
    pass: CorePass<'a>,
    approved: ApprovedPlan,
}

/// Measures the age of a proof.
struct Monotonic(Mutex<Measured>);

/// A measurement so far.
struct Measured {
    elapsed: Duration,
    at: Instant,
    local: Timestamp,
}

impl Monotonic {
    fn new() -> Self {
        let (elapsed, at, local) = (Duration::ZERO, Instant::now(), clock::now());
        Self(Mutex::new(Measured { elapsed, at, local }))
    }
}

impl Stopwatch for Monotonic {
    fn elapsed(&self) -> Duration {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, local) = (Instant::now(), clock::now());
        // A monotonic clock stops while the machine sleeps, and the wall clock may be set back: the larger step counts.
        let by_ours = Duration::try_from(local.duration_since(last.local)).unwrap_or_default();
        let elapsed = last.elapsed.saturating_add(at.duration_since(last.at).max(by_ours));
        *last = Measured { elapsed, at, local };
        elapsed
    }
}

impl Reconciler {
    /// The mode: `Enforce` when it writes, else `DryRun`.
    pub(crate) const fn mode(&self) -> Mode {
        if self.writer.is_some() { Mode::Enforce } else { Mode::DryRun }
    }

    /// The report before the first pass has ended.
    pub(crate) fn before_the_first_pass(&self, loaded: &LoadedState) -> Report {
        let history = self.journal.history();
        let resolved = loaded.reading.desired.resolved(|name| history.created(name));
        let desired = Err(NotObserved { desired: &resolved, main_account: self.account_sid });
        Report::new(VERSION, self.mode(), shown(loaded), PassSummary::default(), desired, Vec::new(), None)
    }

    /// Makes a pass over `loaded`.
    pub(crate) async fn pass(&self, loaded: &LoadedState, previous: Option<&Report>) -> Pass {
        let started_at = clock::now();
        let requests_before = self.requests.load(Ordering::Relaxed);
        let stopped = Aborted { error: "stopped by a signal".to_owned().into(), credentials_valid: None };
        let planned = tokio::select! {
            biased;
            () = self.stopping.cancelled() => Err(stopped),
            planned = self.attentively(loaded, Box::pin(self.plan(loaded))) => planned,
        };
        let (planned, mut aborted) = match planned {
            Ok(planned) => (Some(planned), None),
            Err(aborted) => (None, Some(aborted)),
        };
        let (mut execution, mut state_changed) = (Execution::default(), false);
        if let (Some(planned), Some(writer)) = (&planned, &self.writer) {
            let executing = self.execute(loaded, planned, writer);
            (execution, state_changed) = self.attentively(loaded, Box::pin(executing)).await;
            aborted = execution.stopped.take().map(Aborted::from);
        }
        let went_wrong = execution.any(|outcome| {
            matches!(outcome, Outcome::Refused(_) | Outcome::Ignored(_) | Outcome::Unknown(_))
        });
        let unrecorded = execution.executed.iter().find_map(|executed| match &executed.outcome {
            Outcome::Skipped(skip) if skip.cause == SkipCause::NotRecorded => Some(skip.message.clone()),
            _ => None,
        });
        let ok = aborted.is_none() && !went_wrong && unrecorded.is_none();
        let summary = PassSummary {
            result: Some(if ok { PassResult::Success } else { PassResult::Failed }),
            started_at: Some(started_at),
            finished_at: Some(clock::now()),
            requests: self.requests.load(Ordering::Relaxed) - requests_before,
            error: aborted.as_ref().map(|aborted| aborted.error.clone()).or(unrecorded.map(PassError::from)),
            aborted: aborted.is_some(),
        };
        let did_something = execution.any(|outcome| !matches!(outcome, Outcome::Skipped(_)));
        let credentials_valid = aborted.as_ref().map_or(Some(true), |aborted| aborted.credentials_valid);
        self.attend();
        let oldest_list = planned.as_ref().and_then(|planned| planned.pass.oldest_list());
        let (mut report, observation) = if let Some(planned) = planned {
            let (report, observation) = self.report(loaded, planned, execution, summary, previous);
            (report, Some(observation))
        } else {
            let history = self.journal.history();
            let resolved = loaded.reading.desired.resolved(|name| history.created(name));
            let desired = Err(NotObserved { desired: &resolved, main_account: self.account_sid });
            let executed = execution.executed;
            (Report::new(VERSION, self.mode(), shown(loaded), summary, desired, executed, previous), None)
        };
        report.journal_error = self.journal.failure();
        Pass { report, observation, oldest_list, did_something, state_changed, credentials_valid }
    }

    /// Waits for `work`, and reads the state at each interval meanwhile: a close that is withdrawn during a long pass is
    /// withdrawn, even if it is decided again before the next one.
    async fn attentively<T>(&self, loaded: &LoadedState, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.attend_to_closes(loaded) => match never {},
        }
    }

    async fn attend_to_closes(&self, loaded: &LoadedState) -> Infallible {
        let policy = &self.guardrails.policy;
        let interval = Duration::try_from(policy.interval).unwrap_or_default().max(MIN_ATTENTION);
        let mut known = loaded.clone();
        loop {
            sleep(interval).await;
            // A state that cannot be read is reported by the next pass.
            let Ok(read) = self.state.read_stable(Some(&known)).await else { continue };
            let (desired, now) = (&read.reading.desired, self.journal.now());
            let facts = events_during_pass(&self.journal.history(), desired, policy, now);
            self.journal.take_in(facts);
            known = read;
        }
    }

    /// Records that the state was read until now: a long pass is not a gap.
    fn attend(&self) {
        let now = self.journal.now();
        let facts = end_of_pass(&self.journal.history(), &self.guardrails.policy, now);
        self.journal.take_in(facts);
    }

    /// Observes what the plan needs, and plans.
    async fn plan<'a>(&'a self, loaded: &'a LoadedState) -> Result<Planned<'a>, Aborted> {
        let desired = &loaded.reading.desired;
        let (mut pass, facts) = CorePass::begin(
            desired,
            &self.guardrails,
            self.account_sid,
            &self.journal.history(),
            self.journal.now(),
        );
        // The desired state counts even while Twilio cannot be observed.
        self.journal.take_in(facts);
        // A state that cannot be planned for makes no request.
        pass.check_state()?;
        let list = self.client.accounts().await?;
        // The list was answered, so the credentials are accepted, unless a later error says otherwise.
        let accepted = |aborted: Aborted| {
            let credentials_valid = aborted.credentials_valid.or(Some(true));
            Aborted { credentials_valid, ..aborted }
        };
        let now = self.journal.tell_date(list.date);
        self.journal.begin(now, self.guardrails.policy.window);
        pass.see_accounts(list, now).map_err(|why| accepted(why.into()))?;
        if let Some(kept) = self.kept().clone() {
            pass.use_kept(kept);
        }
        let observer = Observer { client: &self.client, pauses: &self.lists, in_flight: self.in_flight };
        observer.observe(&mut pass, &self.journal.history()).await.map_err(|error| accepted(error.into()))?;
        // The history is not held while it changes: it would be copied.
        let facts = pass.facts(&self.journal.history(), self.journal.now());
        for fact in &facts {
            if let Event::AccountAttributed { id, account } = fact {
                info!(journal.id = id, account.sid = %account, "account found that a create without an answer made");
            }
        }
        self.journal.take_in(facts);
        let approved = pass.plan(&self.journal.history()).map_err(|why| accepted(why.into()))?;
        Ok(Planned { pass, approved })
    }

    fn kept(&self) -> MutexGuard<'_, Option<KeptLists>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Retries the failing number lists after their pauses, beside the passes.
    pub(crate) fn probe_lists(&self) -> JoinHandle<()> {
        let (client, lists) = (self.client.clone(), self.lists.clone());
        tokio::spawn(probe_failing(client, lists, self.in_flight, self.recovered.clone()))
    }

    async fn execute(
        &self,
        loaded: &LoadedState,
        planned: &Planned<'_>,
        writer: &Writer,
    ) -> (Execution, bool) {
        let desired = planned.pass.desired();
        let precondition =
            StatePrecondition::new(&self.state, &self.stopping, loaded, desired, &self.journal);
        let ports = execute::Ports {
            apply: writer,
            record: &Recorder { journal: &self.journal, loaded, desired },
            precondition: &precondition,
            stopwatch: &Monotonic::new(),
            in_flight: self.in_flight,
        };
        let execution = Box::pin(execute(planned.approved.clone(), &ports)).await;
        (execution, precondition.saw_a_change())
    }

    fn report(
        &self,
        loaded: &LoadedState,
        planned: Planned<'_>,
        execution: Execution,
        summary: PassSummary,
        previous: Option<&Report>,
    ) -> (Report, Observation) {
        let Planned { mut pass, approved } = planned;
        let history = self.journal.history();
        if let Some(kept) = pass.keep(&approved, &history) {
            *self.kept() = Some(kept);
        }
        let remaining = pass.remaining(&execution, &history).unwrap_or(approved);
        let (desired, observed, now) = pass.into_parts();
        // The history is not held while it changes: it would be copied.
        drop(history);
        let held_at = summary.finished_at.unwrap_or_else(clock::now);
        self.journal.take_in(held_events(&self.journal.history(), remaining.plan(), held_at));
        let history = self.journal.history();
        let plan = remaining.plan();
        let budgets = guard::budgets(plan, &self.guardrails.limits, &history, now);
        let found =
            Findings { desired: &desired, observed: &observed, plan, history: &history, budgets, now };
        let executed = execution.executed;
        let report = Report::new(VERSION, self.mode(), shown(loaded), summary, Ok(found), executed, previous);
        (report, Observation { now, observed, history })
    }
}

/// The state as reports show it.
pub(crate) fn shown(loaded: &LoadedState) -> DesiredState {
    DesiredState {
        valid: loaded.reading.faults.is_empty(),
        paused: loaded.reading.desired.paused_by_itself(),
        frozen: loaded.reading.desired.freeze().cloned(),
        sha256: loaded.sha256.clone(),
        revision: loaded.revision.clone(),
        loaded_at: loaded.loaded_at,
        faults: loaded.reading.faults.clone(),
        fault_count: loaded.reading.fault_count,
    }
}
