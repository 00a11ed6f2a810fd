//! The daemon as a soak sees it.

use std::path::PathBuf;

use fastrand::Rng;
use serde_json::Value;
use std::time::Duration;

/// A daemon that is killed and started again on the same journal.
pub trait Life {
    /// Starts it. A `dry_run` is asked for only when it [is simulated](Life::is_simulated).
    fn start(&mut self, dry_run: bool);
    /// The reason for which it ended by itself, once.
    fn death(&mut self) -> Option<String>;
    /// True while it runs.
    fn is_running(&self) -> bool;
    /// Kills it at once.
    fn kill(&mut self, rng: &mut Rng) -> impl Future<Output = ()>;
    /// Kills it at a moment of its own choice, when it can; [`Life::was_killed`] says when it did.
    fn kill_somewhere(&mut self, rng: &mut Rng) -> bool;
    /// Does not kill itself any more.
    fn spare(&mut self);
    /// True once after it was killed at a moment of its own choice.
    fn was_killed(&mut self, rng: &mut Rng) -> bool;
    /// Ends it as an init system does; what went wrong.
    fn terminate(&mut self, within: Duration) -> impl Future<Output = Option<String>>;
    /// Counts the passes so far.
    fn count_passes(&mut self) -> impl Future<Output = u64>;
    /// The document of `/status`.
    fn status(&self) -> impl Future<Output = Option<Value>>;
    /// Reads the journal as a person does; what went wrong.
    fn read_journal(&self) -> Option<String>;
    /// A file of the state changed.
    fn edited(&self);
    /// The place of its log.
    fn log(&self) -> String;

    /// True when it lives on virtual time: then the rest can be asked for as well.
    fn is_simulated(&self) -> bool {
        false
    }
    /// The file of its journal.
    fn journal(&self) -> PathBuf {
        PathBuf::new()
    }
    /// Sets the clock of its machine, in milliseconds ahead of the true time.
    fn set_clock(&mut self, _ahead: i64) {}
    /// Starts another daemon on the same journal, which must be refused; what went wrong.
    fn start_another(&self) -> Option<String> {
        None
    }
    /// Everything seen so far that must not be: a secret that is shown, credentials on their way to another host, a dry run that
    /// wrote, too many requests.
    fn complaints(&mut self) -> Vec<String> {
        Vec::new()
    }
}
