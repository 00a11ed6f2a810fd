//! Executing: an approved plan in, outcomes out, stage by stage.
//!
//! Each write is asked for at the gate, made durable as an intent, made, and its outcome kept. A close reads the account
//! and its numbers afresh first, and is not made when anything differs from what was planned. Closes are made one at
//! a time. A failure stops nothing but what depends on it, unless nothing else could fare better.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use futures_util::{StreamExt, stream};

use crate::{
    AccountSid, Action, ApprovedPlan, Close, LiveStatus, Observed, Planned, Status,
    record::{Gate, Record},
    remote::{Apply, Lost, Observe, Receipt, Refusal, RemoteError, Written},
};

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Verified done.
    Done(Receipt),
    /// Twilio refused it.
    Refused(Refusal),
    /// Nobody knows.
    Unknown(Lost),
    /// It was not made, or never processed, for this reason.
    Skipped(String),
}

impl Outcome {
    /// The word in metrics and logs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Refused(_) => "refused",
            Self::Unknown(_) => "unknown",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// An action and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// What was planned.
    pub planned: Planned,
    /// What became of it.
    pub outcome: Outcome,
}

/// What executing gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Execution {
    /// Every action of the plan.
    pub executed: Vec<Executed>,
    /// What stopped the pass.
    pub stopped: Option<RemoteError>,
}

impl Execution {
    /// Whether any action ended so.
    pub fn any(&self, which: impl Fn(&Outcome) -> bool) -> bool {
        self.executed.iter().any(|executed| which(&executed.outcome))
    }

    /// `observed` as it stands after what was done.
    pub fn after(&self, mut observed: Observed) -> Observed {
        let mut moves = BTreeMap::new();
        for Executed { planned, outcome } in &self.executed {
            let Outcome::Done(receipt) = outcome else { continue };
            let status = match &planned.action {
                Action::Transfer(transfer) => {
                    moves.insert(transfer.phone, transfer.to);
                    continue;
                }
                Action::Reactivate(_) => Status::Active,
                Action::Suspend(_) => Status::Suspended,
                Action::Close(_) => Status::Closed,
            };
            let shown =
                receipt.account.clone().or_else(|| observed.account(planned.action.account()).cloned());
            if let Some(mut account) = shown {
                account.status = LiveStatus::Known(status);
                observed.set_account(account);
            }
        }
        observed.move_numbers(&moves);
        observed
    }
}

/// What executing works with.
#[derive(Debug)]
pub struct Crew<'a, O, A, R, G> {
    /// Reads afresh before a close.
    pub observe: &'a O,
    /// Writes.
    pub apply: &'a A,
    /// Keeps intents and outcomes.
    pub record: &'a R,
    /// May still say no.
    pub gate: &'a G,
    /// How many writes may be under way at once.
    pub in_flight: usize,
}

/// Executes `approved`.
pub async fn execute<O: Observe, A: Apply, R: Record, G: Gate>(
    approved: ApprovedPlan,
    crew: &Crew<'_, O, A, R, G>,
) -> Execution {
    let [first, transfers, suspends, closes] = approved.into_stages();
    let stopped = Mutex::new(None);
    let in_flight = crew.in_flight.max(1);
    let mut executed = stage(crew, first, &BTreeSet::new(), &stopped, in_flight).await;
    let dark: BTreeSet<_> = executed
        .iter()
        .filter(|done| failed_to_reactivate(done))
        .map(|e| e.planned.action.account())
        .collect();
    executed.extend(stage(crew, transfers, &dark, &stopped, in_flight).await);
    executed.extend(stage(crew, suspends, &dark, &stopped, in_flight).await);
    executed.extend(stage(crew, closes, &dark, &stopped, 1).await);
    Execution { executed, stopped: stopped.into_inner().unwrap_or_default() }
}

fn failed_to_reactivate(executed: &Executed) -> bool {
    matches!(executed.planned.action, Action::Reactivate(_)) && !matches!(executed.outcome, Outcome::Done(_))
}

async fn stage<O: Observe, A: Apply, R: Record, G: Gate>(
    crew: &Crew<'_, O, A, R, G>,
    stage: Vec<Planned>,
    dark: &BTreeSet<AccountSid>,
    stopped: &Mutex<Option<RemoteError>>,
    in_flight: usize,
) -> Vec<Executed> {
    let one = |planned: Planned| async {
        let outcome = match may_begin(crew, &planned.action, dark, stopped).await {
            Ok(()) => write(crew, &planned, stopped).await,
            Err(why) => Outcome::Skipped(why),
        };
        Executed { planned, outcome }
    };
    stream::iter(stage).map(one).buffer_unordered(in_flight).collect().await
}

async fn may_begin<O: Observe, A: Apply, R: Record, G: Gate>(
    crew: &Crew<'_, O, A, R, G>,
    action: &Action,
    dark: &BTreeSet<AccountSid>,
    stopped: &Mutex<Option<RemoteError>>,
) -> Result<(), String> {
    if let Some(error) = stopped.lock().ok().and_then(|stopped| stopped.clone()) {
        return Err(format!("the pass was stopped: {error}"));
    }
    if let Action::Transfer(transfer) = action
        && dark.contains(&transfer.to)
    {
        return Err(format!("the receiving account {} was not reactivated", transfer.to));
    }
    crew.gate.open(action).await?;
    if let Action::Close(close) = action {
        second_look(crew.observe, close, stopped).await?;
        // Reading took its time: the state must still be the same.
        crew.gate.open(action).await?;
    }
    Ok(())
}

/// The second look before a close: the account and its numbers, read afresh, are as they were planned on.
async fn second_look(
    observe: &impl Observe,
    close: &Close,
    stopped: &Mutex<Option<RemoteError>>,
) -> Result<(), String> {
    let sid = close.account.sid;
    let failed = |error: RemoteError| {
        let why = format!("not closed: reading {sid} again failed: {error}");
        if error.stops_the_pass() {
            stop(stopped, error);
        }
        why
    };
    let account = observe.account(sid).await.map_err(failed)?;
    if account != close.account {
        return Err(format!("not closed: {sid} changed since it was planned"));
    }
    let numbers = observe.numbers(sid).await.map_err(failed)?;
    let same = numbers.len() == close.listed.len()
        && numbers.iter().all(|number| close.listed.get(&number.sid) == Some(&number.phone));
    if same { Ok(()) } else { Err(format!("not closed: the numbers of {sid} changed since it was planned")) }
}

/// Keeps the first error after which nothing else would fare better.
fn stop(stopped: &Mutex<Option<RemoteError>>, error: RemoteError) {
    if let Ok(mut stopped) = stopped.lock() {
        stopped.get_or_insert(error);
    }
}

async fn write<O: Observe, A: Apply, R: Record, G: Gate>(
    crew: &Crew<'_, O, A, R, G>,
    planned: &Planned,
    stopped: &Mutex<Option<RemoteError>>,
) -> Outcome {
    let id = match crew.record.intent(planned).await {
        Ok(id) => id,
        Err(why) => return Outcome::Skipped(format!("the intent could not be recorded: {why}")),
    };
    let outcome = match crew.apply.apply(&planned.action).await {
        Written::Done(receipt) => Outcome::Done(receipt),
        Written::Refused(refusal) => Outcome::Refused(refusal),
        Written::Unknown(lost) => Outcome::Unknown(lost),
        Written::NotProcessed(why) => Outcome::Skipped(why),
        Written::Stop(error) => {
            let why = format!("the pass was stopped: {error}");
            stop(stopped, error);
            Outcome::Skipped(why)
        }
    };
    crew.record.outcome(id, planned, &outcome).await;
    outcome
}
