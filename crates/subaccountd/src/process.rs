//! The process itself: what it holds is not dumped, what it makes is not readable by everybody, and what ends it says so.

use std::{
    panic,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, set_dumpable_behavior, umask},
};
use signal_hook::consts::signal::{SIGALRM, SIGIO, SIGPROF, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXFSZ};
use tracing::error;

use crate::output::standard_error;

/// The longest time for the message of a panic, and for the last messages of a command that may write.
const MAX_LAST_WORDS: Duration = Duration::from_secs(1);

/// The signals that mean nothing here, and end a process that has no handler for them. SIGXFSZ comes with a write beyond
/// `ulimit -f`; with a handler that write fails, as on a full disk.
const WITHOUT_MEANING: [i32; 7] = [SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGXFSZ];

/// Prepares the process, before it reads a secret and before another thread starts.
pub(crate) fn harden() {
    // A core file, and a debugger of the same user, would have the token. A kernel that refuses has neither.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    for signal in WITHOUT_MEANING {
        let _ = signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)));
    }
    panic::set_hook(Box::new(|panic| {
        error!("{panic}: this is a defect of subaccountd; please report it");
        standard_error::drain_within(MAX_LAST_WORDS);
    }));
}

/// Prepares a process that may write to Twilio: nothing it does depends on who reads its messages, and what it makes is
/// readable by its owner and group at most.
pub(crate) fn begin_to_write() {
    standard_error::wait_at_most(MAX_LAST_WORDS);
    let others = umask(Mode::empty());
    umask(others | Mode::RWXO);
}
