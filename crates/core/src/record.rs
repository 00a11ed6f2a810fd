//! The ports around a write: the record of intents and outcomes, the precondition, and a stopwatch.

use std::{future::Future, time::Duration};

use crate::{Outcome, Planned, Skip};

/// Records intents and outcomes.
pub trait Record: Sync {
    /// Makes the intent durable, and returns its id.
    ///
    /// # Errors
    /// The reason why it could not be made durable. Then the write is not sent.
    fn intent(&self, planned: &Planned) -> impl Future<Output = Result<u64, String>> + Send;

    /// Records the outcome of the write `id`.
    fn outcome(&self, id: u64, planned: &Planned, outcome: &Outcome) -> impl Future<Output = ()> + Send;

    /// Records that a write was skipped before its intent.
    fn skipped(&self, planned: &Planned, skip: &Skip) -> impl Future<Output = ()> + Send;
}

/// The precondition of a write: the desired state still contains it, and the process is neither
/// stopping nor frozen.
pub trait Precondition: Sync {
    /// Reads the desired state, and compares its statements about the targets of `planned` with those of the plan. No window
    /// of it may have begun meanwhile.
    ///
    /// # Errors
    /// The reason why the write must not begin.
    fn check(&self, planned: &Planned) -> impl Future<Output = Result<(), Skip>> + Send;

    /// Checks what can stop every write at any time: a signal, and a freeze. It is called last, right before the request.
    ///
    /// # Errors
    /// The reason why no write may begin.
    fn may_begin(&self) -> Result<(), Skip>;
}

/// A monotonic clock, which only measures the age of a proof.
pub trait Stopwatch: Sync {
    /// The time since a fixed moment.
    fn elapsed(&self) -> Duration;
}
