//! The ports around a write: the record of intents and outcomes, the precondition that may still say no, and a stopwatch.

use std::{future::Future, time::Duration};

use crate::{Action, Outcome, Planned, Skip};

/// Keeps intents and outcomes.
pub trait Record: Sync {
    /// Makes the intent durable and gives its id.
    ///
    /// # Errors
    /// The reason for which it could not be made durable: then the write does not happen.
    fn intent(&self, planned: &Planned) -> impl Future<Output = Result<u64, String>> + Send;

    /// Keeps how the write `id` ended.
    fn outcome(&self, id: u64, planned: &Planned, outcome: &Outcome) -> impl Future<Output = ()> + Send;

    /// Keeps that a write was skipped before its intent.
    fn skipped(&self, planned: &Planned, skip: &Skip) -> impl Future<Output = ()> + Send;
}

/// The precondition of a write: the desired state still asks for it, and the process is not stopping.
pub trait Precondition: Sync {
    /// Reads the desired state and compares what it says of the targets of `action` with what was planned on.
    ///
    /// # Errors
    /// The reason for which the write must not begin.
    fn check(&self, action: &Action) -> impl Future<Output = Result<(), Skip>> + Send;

    /// Returns true when the process is stopping: then nothing begins.
    fn is_stopping(&self) -> bool;
}

/// A monotonic clock, which only measures how old a proof is.
pub trait Stopwatch: Sync {
    /// The time since some fixed moment.
    fn elapsed(&self) -> Duration;
}
