//! The ports around a write: the record of intents and outcomes, and the gate that may still say no.

use std::future::Future;

use crate::{Action, Planned, execute::Outcome};

/// Keeps intents and outcomes.
pub trait Record: Sync {
    /// Makes the intent durable and gives its id.
    ///
    /// # Errors
    /// When it could not be made durable: then the write does not happen.
    fn intent(&self, planned: &Planned) -> impl Future<Output = Result<u64, String>> + Send;

    /// Keeps how the write `id` ended.
    fn outcome(&self, id: u64, planned: &Planned, outcome: &Outcome) -> impl Future<Output = ()> + Send;
}

/// Says right before a write whether it is still wanted.
pub trait Gate: Sync {
    /// Whether `action` may begin now. Before a close the state is read again and must be the same bytes.
    ///
    /// # Errors
    /// Why not: the state changed, or the process is to stop.
    fn open(&self, action: &Action) -> impl Future<Output = Result<(), String>> + Send;
}
