//! Execution: an approved plan in, outcomes out, stage by stage.
//!
//! One function makes every write, and nothing waits between its proof and its request: it takes its place in flight, reads
//! its proof, makes the intent durable, and sends one request. A write whose proof is too old is skipped; the next pass
//! proves it again. Closes are made one at a time. The calls of an account are ended under one intent, each on a fresh proof:
//! see `calls`. The reads are in `looks`. A failure only affects writes that depend on it, unless every other
//! request would fail as well.

mod calls;
mod looks;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};

use crate::{
    AccountSid, Action, ApprovedPlan, LiveStatus, Observed, Outcome, Planned, Skip, SkipCause, Status,
    record::{Precondition, Record, Stopwatch},
    remote::{Apply, RemoteError, Sent, WriteSlot},
};

/// The longest time from the last read of a proof to the start of the request.
pub const MAX_LAST_LOOK: Duration = Duration::from_secs(5);
/// The longest time from the first read of a proof to the start of the request.
pub const MAX_FIRST_LOOK: Duration = Duration::from_secs(10);
/// The longest time from the last check of these ages to the start of the request: reading the auth token and connecting
/// take up to 2.5 s, and a read of the desired state is shared for 0.25 s.
const MAX_TO_BEGIN: Duration = Duration::from_secs(3);

/// An action and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// The action as it was planned.
    pub planned: Planned,
    /// Its outcome.
    pub outcome: Outcome,
}

/// The result of executing a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Execution {
    /// Every action of the plan.
    pub executed: Vec<Executed>,
    /// The error that aborted the pass.
    pub stopped: Option<RemoteError>,
}

impl Execution {
    /// Returns true when any action ended in an outcome that `which` accepts.
    pub fn any(&self, which: impl Fn(&Outcome) -> bool) -> bool {
        self.executed.iter().any(|executed| which(&executed.outcome))
    }

    /// `observed`, after the writes that were done.
    pub fn after(&self, mut observed: Observed) -> Observed {
        let (mut moves, mut configured) = (BTreeMap::new(), BTreeMap::new());
        for Executed { planned, outcome } in &self.executed {
            let Outcome::Done(receipt) = outcome else { continue };
            let status = match &planned.action {
                Action::Transfer(transfer) => {
                    moves.insert(transfer.phone, transfer.to);
                    configured.insert(transfer.phone, (&transfer.settings, receipt.settings.as_deref()));
                    continue;
                }
                Action::Configure(configure) => {
                    configured.insert(configure.phone, (&configure.settings, receipt.settings.as_deref()));
                    continue;
                }
                Action::Create(_) => {
                    receipt.account.iter().for_each(|account| observed.set_account(account.clone()));
                    continue;
                }
                Action::EndCalls(end) => {
                    // The next pass lists what is left.
                    observed.set_calls(end.account.sid, None);
                    continue;
                }
                Action::Release(release) => {
                    observed.remove_number(release.account.sid, release.phone);
                    continue;
                }
                Action::Reactivate(_) => Status::Active,
                Action::Suspend(_) => Status::Suspended,
                Action::Close(_) => Status::Closed,
            };
            let known = || observed.account(planned.action.account().sid()?).cloned();
            let shown = receipt.account.clone().or_else(known);
            if let Some(mut account) = shown {
                account.status = LiveStatus::Known(status);
                observed.set_account(account);
            }
        }
        observed.move_numbers(&moves);
        observed.change_settings(&configured);
        observed
    }
}

/// The ports of an execution.
#[derive(Debug)]
pub struct Ports<'a, A, R, P, S> {
    /// Makes the writes, and the reads right before them.
    pub apply: &'a A,
    /// Records intents and outcomes.
    pub record: &'a R,
    /// Reads the desired state right before a write.
    pub precondition: &'a P,
    /// Measures the age of a proof.
    pub stopwatch: &'a S,
    /// The most writes at the same time.
    pub in_flight: usize,
}

/// The state of one execution.
#[derive(Debug, Default)]
struct Progress {
    /// The error that stops the execution, because every other request would fail as well.
    stopped: Mutex<Option<RemoteError>>,
    /// The accounts whose reactivation was not done.
    inactive: BTreeSet<AccountSid>,
    /// The accounts with a transfer that was not done, and its reason.
    waiting: BTreeMap<AccountSid, String>,
}

impl Progress {
    fn stop(&self, error: RemoteError) {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn check(&self, action: &Action) -> Result<(), Skip> {
        if let Some(error) = &*self.stopped.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(Skip::new(SkipCause::PassAborted, format!("the pass was aborted: {error}")));
        }
        match action {
            Action::Transfer(transfer) if self.inactive.contains(&transfer.to) => Err(Skip::new(
                SkipCause::Dependency,
                format!("the receiving account {} was not reactivated", transfer.to),
            )),
            Action::Configure(configure) if self.inactive.contains(&configure.account) => Err(Skip::new(
                SkipCause::Dependency,
                format!("the account {} was not reactivated", configure.account),
            )),
            Action::Suspend(account) => match self.waiting.get(account) {
                Some(why) => Err(Skip::new(SkipCause::Dependency, why.clone())),
                None => Ok(()),
            },
            Action::Reactivate(_)
            | Action::Create(_)
            | Action::Transfer(_)
            | Action::Configure(_)
            | Action::EndCalls(_)
            | Action::Release(_)
            | Action::Close(_) => Ok(()),
        }
    }

    /// Records the outcomes of a stage, for the writes that depend on it.
    fn note(&mut self, executed: &[Executed]) {
        for Executed { planned, outcome } in executed {
            if matches!(outcome, Outcome::Done(_)) {
                continue;
            }
            match &planned.action {
                Action::Reactivate(account) => {
                    self.inactive.insert(*account);
                }
                Action::Transfer(transfer) => {
                    for account in [transfer.from, transfer.to] {
                        let why = format!(
                            "{account} waits for the transfer of {}, which was not done: {}",
                            transfer.phone,
                            outcome.message()
                        );
                        self.waiting.entry(account).or_insert(why);
                    }
                }
                Action::Create(_)
                | Action::Suspend(_)
                | Action::Configure(_)
                | Action::EndCalls(_)
                | Action::Release(_)
                | Action::Close(_) => {}
            }
        }
    }
}

/// Executes `approved`.
pub async fn execute<A: Apply, R: Record, P: Precondition, S: Stopwatch>(
    approved: ApprovedPlan,
    ports: &Ports<'_, A, R, P, S>,
) -> Execution {
    let [first, transfers, suspends, afterwards, closes] = approved.into_stages();
    let in_flight = ports.in_flight.max(1);
    let mut progress = Progress::default();
    let mut executed = Vec::new();
    let stages = [
        (first, in_flight),
        (transfers, in_flight),
        (suspends, in_flight),
        (afterwards, in_flight),
        (closes, 1),
    ];
    for (actions, in_flight) in stages {
        let done = stage(ports, actions, &progress, in_flight).await;
        progress.note(&done);
        executed.extend(done);
    }
    Execution { executed, stopped: progress.stopped.into_inner().unwrap_or_default() }
}

async fn stage<A: Apply, R: Record, P: Precondition, S: Stopwatch>(
    ports: &Ports<'_, A, R, P, S>,
    stage: Vec<Planned>,
    progress: &Progress,
    in_flight: usize,
) -> Vec<Executed> {
    let one = |planned: Planned| async {
        let outcome = match write(ports, &planned, progress).await {
            Ok(outcome) => outcome,
            Err(skip) => {
                ports.record.skipped(&planned, &skip).await;
                Outcome::Skipped(skip)
            }
        };
        Executed { planned, outcome }
    };
    stream::iter(stage).map(one).buffer_unordered(in_flight).collect().await
}

/// Makes one write: place in flight, check of the desired state, for a close a read of numbers and account, for a release a
/// read of number and account, for the end of calls a read of the account, durable intent, one request, or one for each call. Only this function and `calls` send writes.
async fn write<A: Apply, R: Record, P: Precondition, S: Stopwatch>(
    ports: &Ports<'_, A, R, P, S>,
    planned: &Planned,
    progress: &Progress,
) -> Result<Outcome, Skip> {
    let action = &planned.action;
    progress.check(action)?;
    let mut place = ports.apply.place().await?;
    progress.check(action)?;
    let mut proof = Proof { first: ports.stopwatch.elapsed(), last: ports.stopwatch.elapsed() };
    ports.precondition.check(planned).await?;
    match action {
        Action::Close(close) => looks::before_close(&mut place, close, progress).await?,
        Action::Release(release) => looks::before_release(&mut place, release, progress).await?,
        Action::EndCalls(end) => {
            looks::at_account(&mut place, &end.account, "the end of its calls", progress).await?;
        }
        Action::Reactivate(_)
        | Action::Create(_)
        | Action::Transfer(_)
        | Action::Suspend(_)
        | Action::Configure(_) => {}
    }
    if looks::are_needed(action) {
        proof.last = ports.stopwatch.elapsed();
    }
    if looks::cannot_be_undone(action) {
        // The looks took time, and the state may have changed.
        ports.precondition.check(planned).await?;
    }
    proof.check_age(ports.stopwatch.elapsed())?;
    ports.precondition.may_begin()?;
    let id = ports.record.intent(planned).await.map_err(|why| {
        Skip::new(SkipCause::NotRecorded, format!("the intent could not be recorded: {why}"))
    })?;
    // Making the intent durable took time as well.
    let still = proof.check_age(ports.stopwatch.elapsed()).and_then(|()| ports.precondition.may_begin());
    let sent = match (still, action) {
        (Ok(()), Action::EndCalls(end)) => {
            calls::end_calls(ports, &mut place, planned, end, progress, proof).await
        }
        (
            Ok(()),
            Action::Reactivate(_)
            | Action::Create(_)
            | Action::Transfer(_)
            | Action::Suspend(_)
            | Action::Configure(_)
            | Action::Release(_)
            | Action::Close(_),
        ) => place.send(action).await,
        (Err(skip), _) => Sent::from(Outcome::Skipped(skip)),
    };
    drop(place);
    ports.record.outcome(id, planned, &sent.outcome).await;
    if let Some(error) = sent.stop {
        progress.stop(error);
    }
    Ok(sent.outcome)
}

/// The times of the reads that prove a write.
struct Proof {
    /// The start of the first read.
    first: Duration,
    /// The end of the last read.
    last: Duration,
}

impl Proof {
    /// Refuses a proof that would be too old when the request starts.
    fn check_age(&self, now: Duration) -> Result<(), Skip> {
        let too_old = now.saturating_sub(self.last) > MAX_LAST_LOOK.saturating_sub(MAX_TO_BEGIN)
            || now.saturating_sub(self.first) > MAX_FIRST_LOOK.saturating_sub(MAX_TO_BEGIN);
        if !too_old {
            return Ok(());
        }
        let took = now.saturating_sub(self.first).as_secs_f64();
        Err(Skip::new(SkipCause::ProofTooOld, format!("the proof is too old: reading it took {took:.1} s")))
    }
}
