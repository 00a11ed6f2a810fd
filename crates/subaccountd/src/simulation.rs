//! The daemon without its process, for the simulation: the loop of passes, the journal, the client and the settings as they are,
//! on the clock of the runtime. No thread, no signal, no watcher and no socket.
//!
//! What this thread simulates is set before [`Daemon::start`]: the clock here, the way of requests by
//! [`subaccountd_twilio::simulation`].

use std::{
    cell::{Cell, RefCell},
    path::Path,
    sync::Arc,
};

use clap::Parser;
use jiff::{SignedDuration, Timestamp};
use subaccountd_core::{AccountSid, Report};
use tokio::time::Instant;

use crate::{
    cli::{Cli, Command},
    commands::run,
    daemon::{ReconcileLoop, shutdown::Shutdown, wake::Waker},
    http::server::AppState,
    journal::Journal,
};

thread_local! {
    /// The local clock: the time that it showed at an instant.
    static CLOCK: Cell<Option<(Timestamp, Instant)>> = const { Cell::new(None) };
    static WAKER: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

/// Sets the local clock of this thread. It goes on with the clock of the runtime.
pub fn set_clock(time: Timestamp) {
    CLOCK.set(Some((time, Instant::now())));
}

/// The local time, when this thread simulates.
pub(crate) fn local_time() -> Option<Timestamp> {
    let (time, since) = CLOCK.get()?;
    let elapsed = SignedDuration::try_from(since.elapsed()).ok()?;
    time.checked_add(elapsed).ok()
}

/// Keeps the waker of the daemon that is being started, in the place of a watcher; false when nothing is simulated.
pub(crate) fn keep_waker(waker: &Waker) -> bool {
    let simulated = CLOCK.get().is_some();
    if simulated {
        WAKER.set(Some(waker.clone()));
    }
    simulated
}

/// Folds the journal in `dir` as the commands that only read do.
///
/// # Errors
/// The reason for which it cannot be read.
pub fn read_journal(dir: &Path, main: &str) -> Result<(), String> {
    let main: AccountSid = main.parse().map_err(|error| format!("{error}"))?;
    Journal::read_only(dir, main).map(|_| ()).map_err(|error| error.to_string())
}

/// A daemon.
pub struct Daemon {
    passes: ReconcileLoop,
    handle: Handle,
}

/// The way to a running daemon. Dropping it does nothing to the daemon.
#[derive(Clone)]
pub struct Handle {
    shutdown: Shutdown,
    waker: Option<Waker>,
    shown: Arc<AppState>,
}

impl Daemon {
    /// Puts a daemon together as `subaccountd run` with `args` does.
    ///
    /// # Errors
    /// The reason for which it does not start.
    pub fn start(args: &[String]) -> Result<Self, String> {
        let line = ["subaccountd", "run"].into_iter().map(str::to_owned).chain(args.iter().cloned());
        let cli = Cli::try_parse_from(line).map_err(|error| error.to_string())?;
        let Command::Run { fleet, daemon, dry_run } = cli.command else {
            return Err("not the command `run`".to_owned());
        };
        let shutdown = Shutdown::new();
        let (passes, shown) = run::assemble(&fleet, &daemon, &dry_run, shutdown.clone())
            .map_err(|error| format!("{error:#}"))?;
        let handle = Handle { shutdown, waker: WAKER.take(), shown: Arc::new(shown) };
        Ok(Self { passes, handle })
    }

    /// The way to it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Makes passes until it is stopped. A crash drops this anywhere.
    pub async fn run(mut self) {
        self.passes.until_stopped().await;
    }
}

impl Handle {
    /// Tells the daemon to stop, as the first signal does.
    pub fn stop(&self) {
        self.shutdown.stopping.cancel();
    }

    /// Wakes it, as its watcher does when a file changed.
    pub fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }

    /// The report behind `/status`.
    pub fn report(&self) -> Option<Arc<Report>> {
        self.shown.report.borrow().clone()
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> String {
        String::from_utf8(self.shown.metrics.render().unwrap_or_default()).unwrap_or_default()
    }
}
