//! The daemon: the schedule of passes, and the data that the endpoints show of them.

mod change_budget;
mod freeze_watch;
pub(crate) mod metrics;
mod notify;
pub(crate) mod pass_history;
mod pass_log;
mod pause;
mod reconcile_loop;
pub(crate) mod service_manager;
pub(crate) mod shutdown;
mod state_view;
mod troubles;
pub(crate) mod wake;
pub(crate) mod watch;

pub(crate) use notify::Notifier;
pub(crate) use reconcile_loop::{Outputs, ReconcileLoop, Snapshots};
