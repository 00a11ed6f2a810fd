//! The daemon: when passes begin, and what is shown of them.

mod change_budget;
mod pass_log;
mod pause;
mod reconcile_loop;
mod state_view;

pub(crate) use reconcile_loop::{Outputs, ReconcileLoop, Snapshots};
