//! Writes that take effect after their answer was lost.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{http::inbound::Inbound, shared::Shared};

/// Performs a write later, on the world of that time. A simulator that stops does not perform it.
pub(crate) fn perform_later(shared: &Arc<Shared>, inbound: &Inbound, after: Duration) {
    if !inbound.is_write() {
        return;
    }
    shared.late_writes.fetch_add(1, Ordering::SeqCst);
    let (shared, inbound) = (Arc::clone(shared), inbound.clone());
    shared.tasks.clone().spawn(async move {
        tokio::select! {
            biased;
            () = shared.stopping.cancelled() => {}
            () = tokio::time::sleep(after) => {
                let now = shared.now();
                // The answer is lost, so the result is not needed.
                let _ = shared.perform(&mut shared.world(), &inbound, now);
            }
        }
        shared.late_writes.fetch_sub(1, Ordering::SeqCst);
    });
}
