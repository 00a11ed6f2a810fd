//! Shutdown: the first signal drains, the second aborts, and nothing that hangs delays the end of the process.
//!
//! A thread of its own handles the signals and ends the process in time. It uses no file system, no lock and no stream:
//! other threads do that, and it does not wait for them.

use std::{future::pending, io, sync::mpsc, thread, time::Duration};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::output::progress;

/// The time within which the process ends once no write is in flight: less than the documented 5 s.
const GRACE: Duration = Duration::from_millis(4_500);
/// The longest time for the last message.
const MAX_LAST_WORDS: Duration = Duration::from_millis(200);
/// The stack of the thread that handles the signals.
const STACK_BYTES: usize = 256 * 1024;

/// The handles of a shutdown: the token that is cancelled, and the writes that are waited for.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    /// Cancelled by the first signal. No request begins afterwards.
    pub(crate) stopping: CancellationToken,
    /// The writes that are waited for.
    pub(crate) writes: InFlight,
}

/// The writes in flight.
#[derive(Debug, Clone)]
pub(crate) struct InFlight {
    count: watch::Sender<usize>,
    stopping: CancellationToken,
}

/// A write in flight, until it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct WriteInFlight(watch::Sender<usize>);

impl InFlight {
    fn new(stopping: CancellationToken) -> Self {
        Self { count: watch::Sender::new(0), stopping }
    }

    /// Begins a write, unless the process is stopping. The guard is dropped once the outcome is recorded.
    pub(crate) fn begin(&self) -> Option<WriteInFlight> {
        self.count.send_modify(|count| *count += 1);
        let write = WriteInFlight(self.count.clone());
        // Counted before the check: either the shutdown sees the write, or the write sees the shutdown.
        (!self.stopping.is_cancelled()).then_some(write)
    }

    fn count(&self) -> usize {
        *self.count.borrow()
    }

    async fn none(&self) {
        // This call holds the sender, so the channel cannot close.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for WriteInFlight {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Shutdown {
    /// A shutdown without signal handlers, for a command that a signal may end at once.
    pub(crate) fn new() -> Self {
        let stopping = CancellationToken::new();
        Self { writes: InFlight::new(stopping.clone()), stopping }
    }

    /// Listens for SIGTERM and SIGINT, and ends the process once `request_timeout` and 4.5 s are over.
    pub(crate) fn on_signals(request_timeout: Duration) -> io::Result<Self> {
        let shutdown = Self::new();
        // A runtime of its own: the threads of the main one may hang.
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _inside = runtime.enter();
            Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            }
        };
        let watched = shutdown.clone();
        thread::Builder::new().name("signals".to_owned()).stack_size(STACK_BYTES).spawn(move || {
            let end = runtime.block_on(watch(signals, &watched, request_timeout));
            end_now(end);
        })?;
        Ok(shutdown)
    }
}

/// The reason why the process ends though it has not drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    SecondSignal,
    /// The process did not end in time; the number of writes in flight.
    Overdue(usize),
}

trait NextSignal {
    async fn next(&mut self);
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl NextSignal for Signals {
    async fn next(&mut self) {
        let came = tokio::select! {
            came = self.terminate.recv() => came,
            came = self.interrupt.recv() => came,
        };
        if came.is_none() {
            pending::<()>().await;
        }
    }
}

async fn watch(mut signals: impl NextSignal, shutdown: &Shutdown, request_timeout: Duration) -> End {
    tokio::select! {
        () = signals.next() => {
            shutdown.stopping.cancel();
            say(|| info!("stopping: finishing the writes in flight; a second signal aborts"));
        }
        // A part of the process failed, and the process drains.
        () = shutdown.stopping.cancelled() => {}
    }
    tokio::select! {
        () = signals.next() => End::SecondSignal,
        () = overdue(&shutdown.writes, request_timeout) => End::Overdue(shutdown.writes.count()),
    }
}

/// Waits for the writes in flight, none of which takes longer than a request may, and then for the process to end.
async fn overdue(writes: &InFlight, request_timeout: Duration) {
    let _ = timeout(request_timeout, writes.none()).await;
    sleep(GRACE).await;
}

/// Ends the process at once: no destructor runs, and no stream is flushed.
fn end_now(end: End) -> ! {
    let said = say(move || {
        progress::clear();
        match end {
            End::SecondSignal => {
                warn!("aborted by a second signal: the outcome of writes in flight is unknown");
            }
            End::Overdue(0) => {
                warn!(
                    "aborted: the process did not end in time because a file or a stream does not respond; no write was in flight"
                );
            }
            End::Overdue(writes) => {
                warn!(
                    writes,
                    "aborted: the process did not end in time; the outcome of {writes} writes in flight is unknown"
                );
            }
        }
    });
    let _ = said.recv_timeout(MAX_LAST_WORDS);
    signal_hook::low_level::exit(1)
}

/// Runs `words` on a thread of its own, because standard error may block. The receiver is notified when it is done.
fn say(words: impl FnOnce() + Send + 'static) -> mpsc::Receiver<()> {
    let (done, said) = mpsc::channel();
    // Without a thread nothing is logged, and the receiver fails at once.
    let _ = thread::Builder::new().spawn(move || {
        words();
        let _ = done.send(());
    });
    said
}

#[cfg(test)]
mod tests {
    use tokio::{
        sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        task::JoinHandle,
        time::Instant,
    };

    use super::*;

    const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

    impl NextSignal for UnboundedReceiver<()> {
        async fn next(&mut self) {
            if self.recv().await.is_none() {
                pending::<()>().await;
            }
        }
    }

    fn watched() -> (UnboundedSender<()>, Shutdown, JoinHandle<(End, Duration)>) {
        let (send, signals) = unbounded_channel();
        let shutdown = Shutdown::new();
        let watched = shutdown.clone();
        let watch = tokio::spawn(async move {
            let begin = Instant::now();
            (watch(signals, &watched, REQUEST_TIMEOUT).await, begin.elapsed())
        });
        (send, shutdown, watch)
    }

    async fn ended(watch: JoinHandle<(End, Duration)>) -> (End, Duration) {
        timeout(Duration::from_hours(1), watch).await.unwrap().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_comes_within_5_s_when_nothing_is_in_flight() {
        let (signal, shutdown, watch) = watched();
        signal.send(()).unwrap();
        shutdown.stopping.cancelled().await;
        assert_eq!(ended(watch).await, (End::Overdue(0), GRACE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_in_flight_gets_the_time_that_a_request_may_take_and_no_more() {
        let (signal, shutdown, watch) = watched();
        let _write = shutdown.writes.begin().unwrap();
        signal.send(()).unwrap();
        assert_eq!(ended(watch).await, (End::Overdue(1), REQUEST_TIMEOUT + GRACE));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_is_cut_short_once_the_last_write_ended() {
        let (signal, shutdown, watch) = watched();
        let (first, last) = (shutdown.writes.begin().unwrap(), shutdown.writes.begin().unwrap());
        signal.send(()).unwrap();
        sleep(Duration::from_secs(6)).await;
        drop(first);
        sleep(Duration::from_secs(6)).await;
        drop(last);
        assert_eq!(ended(watch).await, (End::Overdue(0), Duration::from_secs(12) + GRACE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_aborts_at_once() {
        let (signal, shutdown, watch) = watched();
        let _write = shutdown.writes.begin().unwrap();
        signal.send(()).unwrap();
        signal.send(()).unwrap();
        assert_eq!(ended(watch).await, (End::SecondSignal, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_drains_without_a_signal_ends_in_time_too() {
        let (_signal, shutdown, watch) = watched();
        shutdown.stopping.cancel();
        assert_eq!(ended(watch).await, (End::Overdue(0), GRACE));
    }

    #[test]
    fn no_write_begins_once_the_process_is_stopping() {
        let shutdown = Shutdown::new();
        let write = shutdown.writes.begin();
        assert!(write.is_some());
        shutdown.stopping.cancel();
        assert!(shutdown.writes.begin().is_none());
        assert_eq!(shutdown.writes.count(), 1, "the refused one does not count");
        drop(write);
        assert_eq!(shutdown.writes.count(), 0);
    }
}
