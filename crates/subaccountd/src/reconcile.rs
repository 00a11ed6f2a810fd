//! One pass: read the state, observe, plan, approve, execute, report.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use subaccountd_core::{
    AccountSid, ApprovedPlan, History, Now, Observed,
    execute::{Crew, Execution, Outcome, execute},
    guard, heed,
    history::Event,
    notice,
    plan::check_main_account,
    reads,
    remote::{AccountList, ErrorKind, Observe, RemoteError},
    report::{DesiredState, Findings, Mode, PassResult, PassSummary, Report},
};
use subaccountd_twilio::Client;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    gate::{Counted, Interruptible, StateGate},
    journal::Journal,
    observing::read_lists,
    recorder::{Recorder, tell},
    rulebook::Rulebook,
    shutdown::InFlight,
    state::{LoadedState, StateReader},
    wake::Wake,
};

/// The version of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What passes are made with.
pub(crate) struct Reconciler {
    pub(crate) state: StateReader,
    pub(crate) account_sid: AccountSid,
    pub(crate) rules: Rulebook,
    pub(crate) in_flight: usize,
    pub(crate) mode: Mode,
    pub(crate) client: Client,
    pub(crate) journal: Journal,
    /// How many requests the client has made, over all passes.
    pub(crate) requests: Arc<AtomicU64>,
    /// No new write begins once it is cancelled, and reading stops.
    pub(crate) stopping: CancellationToken,
    /// The writes that the end of the process waits for.
    pub(crate) writes: InFlight,
}

/// A pass that ended.
pub(crate) struct Pass {
    pub(crate) report: Report,
    /// What it saw, as it stands after its writes; `None` when it could not observe.
    pub(crate) sight: Option<Sight>,
    /// Whether anything was written; then the next pass follows at once.
    pub(crate) did_something: bool,
    /// Whether a write was skipped because the state changed meanwhile.
    pub(crate) state_changed: bool,
    /// Whether it came to its end.
    pub(crate) completed: bool,
    /// Whether the credentials are accepted, when that is known.
    pub(crate) credentials_valid: Option<bool>,
}

impl Pass {
    /// Whether a write ended so that nobody knows its outcome.
    pub(crate) fn left_unknown(&self) -> bool {
        self.ended(|outcome| matches!(outcome, Outcome::Unknown(_)))
    }

    /// Whether a planned action was not made.
    pub(crate) fn skipped(&self) -> bool {
        self.ended(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    fn ended(&self, which: impl Fn(&Outcome) -> bool) -> bool {
        self.report.executed.iter().any(|executed| which(&executed.outcome))
    }
}

/// Why a pass did not come to its end.
struct Broken {
    message: String,
    credentials_valid: Option<bool>,
}

impl From<RemoteError> for Broken {
    fn from(error: RemoteError) -> Self {
        let credentials_valid = (error.kind == ErrorKind::Credentials).then_some(false);
        Self { message: error.to_string(), credentials_valid }
    }
}

impl From<subaccountd_core::Unplannable> for Broken {
    fn from(why: subaccountd_core::Unplannable) -> Self {
        Self { message: why.to_string(), credentials_valid: None }
    }
}

/// The fleet as a pass left it, and the history that goes with it.
pub(crate) struct Sight {
    pub(crate) now: Now,
    pub(crate) observed: Observed,
    pub(crate) history: Arc<History>,
}

/// What was seen and what is to be done about it.
struct Look {
    now: Now,
    observed: Observed,
    approved: ApprovedPlan,
}

impl Reconciler {
    /// What can be shown before the first pass has ended.
    pub(crate) fn before_the_first_pass(&self, loaded: &LoadedState) -> Report {
        let desired = Err(&loaded.reading.desired);
        Report::new(VERSION, self.mode, shown(loaded), PassSummary::default(), desired, Vec::new(), None)
    }

    /// Makes a pass over `loaded`. `wake` tells that the state may have changed meanwhile.
    pub(crate) async fn pass(&self, loaded: &LoadedState, wake: &Wake, previous: Option<&Report>) -> Pass {
        let started_at = clock::now();
        let requests_before = self.requests.load(Ordering::Relaxed);
        let look = tokio::select! {
            look = self.look(loaded) => look,
            () = self.stopping.cancelled() => Err(Broken { message: "stopped by a signal".to_owned(), credentials_valid: None }),
        };
        let (look, mut broken) = match look {
            Ok(look) => (Some(look), None),
            Err(broken) => (None, Some(broken)),
        };
        let (mut execution, mut state_changed) = (Execution::default(), false);
        if let Some(look) = &look
            && self.mode == Mode::Enforce
        {
            (execution, state_changed) = self.execute(loaded, look.approved.clone(), wake).await;
            broken = execution.stopped.take().map(Broken::from);
        }
        let went_wrong =
            execution.any(|outcome| matches!(outcome, Outcome::Refused(_) | Outcome::Unknown(_)));
        let summary = PassSummary {
            result: Some(if broken.is_none() && !went_wrong {
                PassResult::Success
            } else {
                PassResult::Failed
            }),
            started_at: Some(started_at),
            finished_at: Some(clock::now()),
            requests: self.requests.load(Ordering::Relaxed) - requests_before,
            error: broken.as_ref().map(|broken| broken.message.clone()),
        };
        let did_something = execution.any(|outcome| !matches!(outcome, Outcome::Skipped(_)));
        let credentials_valid = broken.as_ref().map_or(Some(true), |broken| broken.credentials_valid);
        let completed = broken.is_none();
        let (report, sight) = if let Some(look) = look {
            let (report, sight) = self.report(loaded, look, execution, summary, previous);
            (report, Some(sight))
        } else {
            let desired = Err(&loaded.reading.desired);
            let executed = execution.executed;
            (Report::new(VERSION, self.mode, shown(loaded), summary, desired, executed, previous), None)
        };
        Pass { report, sight, did_something, state_changed, completed, credentials_valid }
    }

    /// Observes what the plan needs, and plans.
    async fn look(&self, loaded: &LoadedState) -> Result<Look, Broken> {
        let list = self.list_accounts(loaded).await?;
        // The list was answered, so whatever breaks from here on, the credentials were accepted; unless it says so.
        self.look_at(loaded, list).await.map_err(|broken| {
            let credentials_valid = broken.credentials_valid.or(Some(true));
            Broken { credentials_valid, ..broken }
        })
    }

    async fn list_accounts(&self, loaded: &LoadedState) -> Result<AccountList, Broken> {
        let desired = &loaded.reading.desired;
        // What cannot be planned is not asked for.
        let main = desired.main().map_err(|why| subaccountd_core::Unplannable(why.to_owned()))?;
        if main.sid != self.account_sid {
            let message = format!(
                "the state is for the main account {}, but the credentials are those of {}",
                main.sid, self.account_sid
            );
            return Err(Broken { message, credentials_valid: None });
        }
        // Its words count also while Twilio cannot be observed.
        self.journal.take_in(heed(&self.journal.history(), desired));
        Ok(self.client.accounts().await?)
    }

    async fn look_at(&self, loaded: &LoadedState, list: AccountList) -> Result<Look, Broken> {
        let desired = &loaded.reading.desired;
        let now = Now { local: clock::now(), twilio: list.date };
        self.journal.begin(now, self.rules.policy.window);
        let mut observed = Observed::new(self.account_sid, list.accounts);
        check_main_account(desired, &observed)?;
        let first = reads::first_lists(desired, &observed, &self.journal.history());
        read_lists(&self.client, self.in_flight, &mut observed, first).await?;
        self.search(loaded, &mut observed, now).await?;
        self.journal.take_in(notice(&self.journal.history(), desired, &observed, now));
        let history = self.journal.history();
        let approved = self.rules.approved(desired, &observed, &history, now)?;
        Ok(Look { now, observed, approved })
    }

    /// Looks for missing numbers in all other lists, when such a search is due.
    async fn search(
        &self,
        loaded: &LoadedState,
        observed: &mut Observed,
        now: Now,
    ) -> Result<(), RemoteError> {
        let desired = &loaded.reading.desired;
        let further = reads::further_lists(desired, observed, &self.journal.history(), &loaded.sha256, now);
        if further.is_empty() {
            return Ok(());
        }
        read_lists(&self.client, self.in_flight, observed, further).await?;
        let found = reads::missing(desired, observed, &self.journal.history()).is_empty();
        self.journal.take_in(vec![Event::Searched { at: now.best(), state: loaded.sha256.clone(), found }]);
        Ok(())
    }

    async fn execute(&self, loaded: &LoadedState, approved: ApprovedPlan, wake: &Wake) -> (Execution, bool) {
        let recorder = Recorder { journal: &self.journal, loaded };
        let gate = StateGate::new(self, loaded, wake.clone());
        let crew = Crew {
            observe: &Interruptible(self),
            apply: &Counted(self),
            record: &recorder,
            gate: &gate,
            in_flight: self.in_flight,
        };
        let execution = execute(approved, &crew).await;
        for executed in &execution.executed {
            if let Outcome::Skipped(_) = executed.outcome {
                tell(loaded, &executed.planned, &executed.outcome);
            }
        }
        (execution, gate.saw_a_change())
    }

    fn report(
        &self,
        loaded: &LoadedState,
        look: Look,
        execution: Execution,
        summary: PassSummary,
        previous: Option<&Report>,
    ) -> (Report, Sight) {
        let desired = &loaded.reading.desired;
        let Look { now, observed, approved } = look;
        let history = self.journal.history();
        let observed = execution.after(observed);
        let remaining = self.rules.approved(desired, &observed, &history, now).unwrap_or(approved);
        let budgets = guard::budgets(remaining.plan(), &self.rules.limits, &history, now);
        let found = Findings { desired, observed: &observed, plan: remaining.plan(), budgets };
        let executed = execution.executed;
        let report = Report::new(VERSION, self.mode, shown(loaded), summary, Ok(found), executed, previous);
        (report, Sight { now, observed, history })
    }
}

/// The state as reports show it.
pub(crate) fn shown(loaded: &LoadedState) -> DesiredState {
    DesiredState {
        valid: loaded.reading.faults.is_empty(),
        sha256: loaded.sha256.clone(),
        revision: loaded.revision.clone(),
        loaded_at: loaded.loaded_at,
        faults: loaded.reading.faults.clone(),
    }
}
