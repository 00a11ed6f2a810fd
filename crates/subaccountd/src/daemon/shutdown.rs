//! Signals: the first of SIGTERM, SIGINT and SIGQUIT drains, a later one aborts, and nothing that hangs delays the end of
//! the process. SIGHUP reloads, or drains as well.
//!
//! A thread of its own handles the signals and ends the process in time. It uses no file system and no stream: other
//! threads do that, and it does not wait for them.

use std::{future::pending, io, sync::Arc, thread, time::Duration};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::output::standard_error;

/// The time within which the process ends once no write is in flight: less than the documented 5 s.
const GRACE: Duration = Duration::from_millis(4_500);
/// The longest time for the last message.
const MAX_LAST_WORDS: Duration = Duration::from_millis(200);
/// The time after the first signal in which a further one is the same: wrappers and terminals send them in pairs.
const SAME_SIGNAL: Duration = Duration::from_secs(1);
/// The stack of the thread that handles the signals.
const STACK_BYTES: usize = 256 * 1024;

/// The effects of signals: the token that is cancelled, the writes that are waited for, and the notice to reload.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    /// Cancelled by the first signal that ends the process. No request begins afterwards.
    pub(crate) stopping: CancellationToken,
    /// The writes that are waited for.
    pub(crate) writes: InFlight,
    /// Notified by SIGHUP, in a daemon.
    pub(crate) reload: Arc<Notify>,
}

/// The effect of SIGHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnHangup {
    /// It notifies [`Shutdown::reload`].
    Reload,
    /// It drains, as SIGTERM does.
    Drain,
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
        Self { writes: InFlight::new(stopping.clone()), stopping, reload: Arc::default() }
    }

    /// Listens for signals, and ends the process once `request_timeout` and 4.5 s are over.
    pub(crate) fn on_signals(request_timeout: Duration, on_hangup: OnHangup) -> io::Result<Self> {
        let shutdown = Self::new();
        // A runtime of its own: the threads of the main one may hang.
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _inside = runtime.enter();
            Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                quit: signal(SignalKind::quit())?,
                hangup: signal(SignalKind::hangup())?,
                reload: (on_hangup == OnHangup::Reload).then(|| shutdown.reload.clone()),
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

/// The signals that end the process.
trait NextSignal {
    async fn next(&mut self);
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    /// Without it SIGHUP ends the process.
    reload: Option<Arc<Notify>>,
}

impl NextSignal for Signals {
    async fn next(&mut self) {
        loop {
            let came = tokio::select! {
                came = self.terminate.recv() => came,
                came = self.interrupt.recv() => came,
                came = self.quit.recv() => came,
                came = self.hangup.recv() => match &self.reload {
                    Some(reload) => {
                        reload.notify_one();
                        continue;
                    }
                    None => came,
                },
            };
            if came.is_some() {
                return;
            }
            pending::<()>().await;
        }
    }
}

async fn watch(mut signals: impl NextSignal, shutdown: &Shutdown, request_timeout: Duration) -> End {
    let mut first = None;
    tokio::select! {
        () = signals.next() => {
            first = Some(Instant::now());
            shutdown.stopping.cancel();
            info!("stopping: finishing the writes in flight; another signal after 1 s aborts");
        }
        // A part of the process failed, and the process drains.
        () = shutdown.stopping.cancelled() => {}
    }
    tokio::select! {
        () = second(&mut signals, first) => End::SecondSignal,
        () = overdue(&shutdown.writes, request_timeout) => End::Overdue(shutdown.writes.count()),
    }
}

/// Waits for a signal that is not the same as the one at `first`.
async fn second(signals: &mut impl NextSignal, first: Option<Instant>) {
    let is_same = || first.is_some_and(|first| first.elapsed() < SAME_SIGNAL);
    signals.next().await;
    while is_same() {
        signals.next().await;
    }
}

/// Waits for the writes in flight, none of which takes longer than a request may, and then for the process to end.
async fn overdue(writes: &InFlight, request_timeout: Duration) {
    let _ = timeout(request_timeout, writes.none()).await;
    sleep(GRACE).await;
}

/// Ends the process at once: no destructor runs, and no stream is flushed.
fn end_now(end: End) -> ! {
    standard_error::show_progress(None);
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
    standard_error::drain_within(MAX_LAST_WORDS);
    signal_hook::low_level::exit(1)
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
    async fn second_signal_aborts_at_once_unless_it_is_the_same() {
        let (signal, shutdown, watch) = watched();
        let _write = shutdown.writes.begin().unwrap();
        for ms in [0, 4, 900, 100] {
            sleep(Duration::from_millis(ms)).await;
            signal.send(()).unwrap();
        }
        assert_eq!(ended(watch).await, (End::SecondSignal, Duration::from_millis(1_004)));
    }

    #[tokio::test(start_paused = true)]
    async fn first_signal_aborts_a_process_that_drains_already() {
        let (signal, shutdown, watch) = watched();
        let _write = shutdown.writes.begin().unwrap();
        shutdown.stopping.cancel();
        sleep(Duration::from_millis(10)).await;
        signal.send(()).unwrap();
        assert_eq!(ended(watch).await, (End::SecondSignal, Duration::from_millis(10)));
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
