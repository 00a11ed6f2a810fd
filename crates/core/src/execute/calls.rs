//! The ends of the calls of one account: one place, one intent, and one request for each call.
//!
//! No request begins on an old proof: when the proof is too old for the next call, the state and the account are read again. A
//! call that could not be ended hides no other; the next pass lists what is left.

use std::time::Duration;

use super::{Ports, Progress, Proof, looks::at_account};
use crate::{
    Action, EndCalls, Outcome, Planned, Receipt, Skip,
    record::{Precondition, Record, Stopwatch},
    remote::{Apply, Sent, WriteSlot},
};

/// The longest time for the calls of one account in one pass; the next pass lists what is left.
const MAX_TIME: Duration = Duration::from_mins(1);

/// The results of the requests so far.
#[derive(Default)]
struct Results {
    /// The number of calls that are over.
    over: usize,
    /// The receipt of the last one.
    receipt: Receipt,
    /// The first outcome that is unknown.
    unknown: Option<Outcome>,
    /// The first refusal.
    refused: Option<Outcome>,
}

impl Results {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Done(receipt) => {
                self.over += 1;
                self.receipt = receipt;
            }
            Outcome::Unknown(_) => drop(self.unknown.get_or_insert(outcome)),
            Outcome::Refused(_) | Outcome::Ignored(_) | Outcome::Skipped(_) => {
                self.refused.get_or_insert(outcome);
            }
        }
    }

    /// The outcome of the action: what is unknown comes first, then what was refused. `skip` ended it before its last call,
    /// and only counts when nothing was sent.
    fn into_outcome(self, skip: Option<Skip>) -> Outcome {
        let Self { over, receipt, unknown, refused } = self;
        match (unknown.or(refused), skip) {
            (Some(failure), _) => failure,
            (None, Some(skip)) if over == 0 => Outcome::Skipped(skip),
            (None, _) => Outcome::Done(Receipt { calls: Some(over), ..receipt }),
        }
    }
}

/// Ends the calls of `end`, one after another; `proof` is that of the first one.
pub(super) async fn end_calls<A: Apply, R: Record, P: Precondition, S: Stopwatch>(
    ports: &Ports<'_, A, R, P, S>,
    place: &mut A::Place<'_>,
    planned: &Planned,
    end: &EndCalls,
    progress: &Progress,
    mut proof: Proof,
) -> Sent {
    let began = ports.stopwatch.elapsed();
    let mut results = Results::default();
    for call in &end.calls {
        if ports.stopwatch.elapsed().saturating_sub(began) > MAX_TIME {
            break;
        }
        match still_proven(ports, place, planned, end, progress, &proof).await {
            Ok(None) => {}
            Ok(Some(renewed)) => proof = renewed,
            Err(skip) => return results.into_outcome(Some(skip)).into(),
        }
        let one = Action::EndCalls(EndCalls { account: end.account.clone(), calls: vec![*call] });
        let Sent { outcome, stop } = place.send(&one).await;
        match outcome {
            // Twilio would accept no other one either.
            Outcome::Skipped(skip) => return Sent { outcome: results.into_outcome(Some(skip)), stop },
            outcome => results.add(outcome),
        }
        if stop.is_some() {
            return Sent { outcome: results.into_outcome(None), stop };
        }
    }
    results.into_outcome(None).into()
}

/// Checks that the next request may begin; returns the renewed proof when the one before is too old.
async fn still_proven<A: Apply, R: Record, P: Precondition, S: Stopwatch>(
    ports: &Ports<'_, A, R, P, S>,
    place: &mut A::Place<'_>,
    planned: &Planned,
    end: &EndCalls,
    progress: &Progress,
    proof: &Proof,
) -> Result<Option<Proof>, Skip> {
    ports.precondition.may_begin()?;
    if proof.check_age(ports.stopwatch.elapsed()).is_ok() {
        return Ok(None);
    }
    let first = ports.stopwatch.elapsed();
    ports.precondition.check(planned).await?;
    at_account(place, &end.account, "the end of its calls", progress).await?;
    let renewed = Proof { first, last: ports.stopwatch.elapsed() };
    renewed.check_age(ports.stopwatch.elapsed())?;
    ports.precondition.may_begin()?;
    Ok(Some(renewed))
}
