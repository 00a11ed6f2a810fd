//! The daemon: when passes begin, and what is shown of them.

mod change_budget;
pub(crate) mod metrics;
pub(crate) mod pass_history;
mod pass_log;
mod pause;
mod reconcile_loop;
pub(crate) mod shutdown;
mod state_view;
pub(crate) mod wake;
pub(crate) mod watch;

pub(crate) use reconcile_loop::{Outputs, ReconcileLoop, Snapshots};
